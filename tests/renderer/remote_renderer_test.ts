import { assert, assertEquals, assertThrows } from "@std/assert";
import { LATER } from "../../src/protocol/outcome.ts";
import { Reasons } from "../../src/protocol/reasons.ts";
import { CommandType, type TransferFromHost3d, type TransferToHost3d } from "../../src/protocol/wire.gen.ts";
import { RemoteRenderer } from "../../src/renderer/remote/remote_renderer.ts";
import { RendererServer, type RendererServerOptions } from "../../src/renderer/remote/renderer_server.ts";
import { NO_FENCE, NO_RING, type Renderer } from "../../src/renderer/renderer.ts";
import { FIRST_CAPSET_ID } from "../support/renderer/capsets.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { makeRendererHost, segmentList, type TestRendererHost } from "../support/renderer/renderer_host.ts";
import * as stream from "../support/renderer/stream.ts";
import { create3d } from "./renderer_contract.ts";

const HEADER = { flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };
const RECT = { x: 0, y: 0, width: 4, height: 2 };
const MIN_RING_BYTES = 65536;

/** Both sides on one thread; neither works before it is told to. */
interface Sides<R extends Renderer> {
  host: TestRendererHost;
  remote: RemoteRenderer;
  server: RendererServer;
  renderer: R;
  /** Hands a context a stream. */
  submit(commands: readonly number[][], slot?: number, ringIndex?: number): unknown;
  /** Lets the renderer's side work, and the device's side hear of it. */
  step(): void;
}

async function connect<R extends Renderer>(
  renderer: R,
  options: RendererServerOptions = {},
  limitBytes?: number,
): Promise<Sides<R>> {
  const host = await makeRendererHost(limitBytes, true);
  const server = await RendererServer.create(host.memory, renderer, options);
  const remote = new RemoteRenderer(server.connection);
  remote.start(host);
  const room = host.heap.allocate(1024 * 1024);
  return {
    host,
    remote,
    server,
    renderer,
    submit(commands, slot = NO_FENCE, ringIndex = NO_RING) {
      const bytes = stream.streamBytes(...commands);
      host.guest.bytes.set(bytes, room);
      const outcome = remote.submit(1, room, bytes.length, ringIndex, slot);
      host.guest.bytes.fill(0xee, room, room + bytes.length); // the renderer's during the call alone
      return outcome;
    },
    step() {
      while (server.serve());
      remote.poll();
    },
  };
}

/** With context 1. */
async function start(options?: RendererServerOptions, limitBytes?: number): Promise<Sides<ReferenceRenderer>> {
  const sides = await connect(new ReferenceRenderer(), options, limitBytes);
  sides.remote.createContext(1, FIRST_CAPSET_ID, "");
  sides.step();
  sides.remote.createContext(1, FIRST_CAPSET_ID, "");
  sides.host.resumes = 0;
  return sides;
}

/** Makes texture `resourceId` of 4x2 pixels, attached to context 1. */
function makeTexture({ remote, step }: Sides<ReferenceRenderer>, resourceId: number): void {
  remote.createResource(create3d({ resourceId }));
  step();
  assertEquals(remote.createResource(create3d({ resourceId })), undefined);
  remote.attachResource(1, resourceId);
}

/** `sizeBytes` bytes of guest memory, and where they are. */
function makePages({ host }: Sides<Renderer>, sizeBytes: number) {
  const address = host.heap.allocate(sizeBytes);
  return { address, pages: segmentList(host, [{ address, sizeBytes }]) };
}

function toHost(resourceId: number, fields: Partial<TransferToHost3d> = {}): TransferToHost3d {
  const box = { x: 0, y: 0, z: 0, w: 4, h: 2, d: 1 };
  const whole = { ...HEADER, resourceId, level: 0, box, offset: 0, stride: 0, layerStride: 0 };
  return { type: CommandType.TransferToHost3d, ...whole, ...fields };
}

function fromHost(resourceId: number, fields: Partial<TransferFromHost3d> = {}): TransferFromHost3d {
  return { ...toHost(resourceId), type: CommandType.TransferFromHost3d, ...fields };
}

/** A command that does nothing, so often that it has so many bytes. */
function longStream(sizeBytes: number): number[][] {
  return new Array(sizeBytes / 8).fill(stream.delay(0));
}

Deno.test("RemoteRenderer answers a question LATER once, and resumes the device when the answer is there", async () => {
  const { host, remote, server, renderer } = await connect(new ReferenceRenderer());
  assertEquals(remote.createContext(7, FIRST_CAPSET_ID, "naïve ☃"), LATER);
  assertEquals([remote.createContext(7, FIRST_CAPSET_ID, "naïve ☃"), renderer.contextCount], [LATER, 0]);
  server.serve();
  assertEquals([host.resumes, renderer.context(7)!.debugName], [0, "naïve ☃"]);
  remote.poll();
  assertEquals([host.resumes, remote.createContext(7, FIRST_CAPSET_ID, "naïve ☃")], [1, undefined]);
  assertEquals(renderer.contextCount, 1);
});

Deno.test("H9: a reset voids a question that was asked, one that was answered, and what was told before", async () => {
  for (const isAnswered of [false, true]) {
    const sides = await start();
    const { host, remote, renderer, submit, step } = sides;
    submit([stream.makeBuffer(1, 4096)], 11);
    remote.createResource(create3d({ width: 64, height: 64 }));
    if (isAnswered) step();

    remote.reset();

    assertEquals(host.account.usedBytes, 0); // at once: the renderer has not heard of it
    host.fences.length = 0;
    assertEquals(remote.createResource(create3d({})), LATER);
    step();
    assertEquals(remote.createResource(create3d({})), undefined);
    assertEquals([renderer.contextCount, renderer.resourceCount, host.fences], [0, 1, []]);
    assertEquals(host.account.usedBytes, 32);
  }
});

Deno.test("H9: a fence and a loss that were reported before a reset are not heard after it", async () => {
  const { host, remote, server, submit } = await start();
  submit([stream.lose()], 1);
  remote.fence(2);
  server.serve();
  remote.reset();
  remote.poll();
  assertEquals([host.fences, host.lost], [[], []]);
});

Deno.test("A stream that comes too late for its context, which is lost, has its fence refused, and no other", async () => {
  const { host, remote, renderer, submit, step } = await start();
  remote.createContext(2, FIRST_CAPSET_ID, "");
  step();
  remote.createContext(2, FIRST_CAPSET_ID, "");
  remote.submit(2, 0, 0, NO_RING, NO_FENCE);
  submit([stream.lose()], 1, 0);
  submit([], 2);
  submit([], 3, 0);
  assertEquals(host.lost, []);
  step();
  assertEquals([host.lost, host.fences, host.refused, remote.fenceCount], [[1], [1], [2, 3], 0]);
  assertEquals(renderer.contextCount, 2);
});

Deno.test("A channel that was full rings when there is room, though nothing else is to be said", async () => {
  const { remote, server, submit } = await start({ ringBytes: MIN_RING_BYTES });
  while (submit(longStream(4096)) === undefined);
  assertEquals(remote.wait(0), false);
  server.serve();
  assertEquals(remote.wait(0), true);
});

Deno.test("H9: the renderer is at rest once it has heard of a reset, which it rings for, or is no more", async () => {
  const { remote, server, renderer, submit } = await start();
  submit([stream.makeBuffer(1, 4096)]);
  assertEquals(remote.isAtRest, true);

  remote.reset();

  assertEquals([remote.isAtRest, remote.wait(0)], [false, false]);
  server.serve();
  assertEquals([remote.isAtRest, remote.wait(0), renderer.contextCount], [true, true, 0]);
  remote.reset();
  remote.lose();
  assertEquals(remote.isAtRest, true);
});

Deno.test("H9: a reset while the renderer has answered LATER is not held up", async () => {
  const sides = await connect(new ReferenceRenderer({ answersLater: "byHand" }));
  const { host, remote, renderer, step } = sides;
  remote.createContext(1, FIRST_CAPSET_ID, "");
  step();
  assert(renderer.isWaiting);
  remote.reset();
  remote.createResource(create3d({}));
  step();
  assertEquals(host.resumes, 0);
  renderer.answerLater();
  step();
  assertEquals([host.resumes, remote.createResource(create3d({})), renderer.contextCount], [1, undefined, 0]);
});

Deno.test("H14: a flood of streams meets LATER, takes no more memory, and goes on when there is room", async () => {
  const { host, remote, submit, step } = await start({ ringBytes: MIN_RING_BYTES });
  const before = [host.heap.usedBytes, host.memory.buffer.byteLength];
  let accepted = 0;
  while (submit(longStream(4096), accepted + 1) === undefined) accepted++;
  for (let again = 0; again < 1000; again++) assertEquals(submit(longStream(4096), 99), LATER);
  assert(accepted > 8 && accepted < 16);
  assertEquals([host.heap.usedBytes, host.memory.buffer.byteLength], before);
  assertEquals(host.resumes, 0);

  step();

  assertEquals([host.resumes, host.fences], [1, Array.from({ length: accepted }, (_, index) => index + 1)]);
  assertEquals(submit(longStream(4096)), undefined);
  assertEquals(remote.isFull(), false);
});

Deno.test("A channel that is full of what cannot wait says so, and what comes next has room still", async () => {
  const { host, remote, renderer, step } = await start({ ringBytes: MIN_RING_BYTES });
  let told = 0;
  while (!remote.isFull()) remote.destroyContext(100 + ++told);
  remote.destroyContext(1);
  remote.fence(5);

  step();

  assertEquals([host.resumes, host.fences, renderer.contextCount, remote.isFull()], [1, [5], 0, false]);
});

/** Says so much that may not wait that the channel cannot hold it: no device does. */
function overrun(remote: RemoteRenderer): void {
  for (let id = 1; id < MIN_RING_BYTES; id++) remote.destroyContext(100 + id);
}

Deno.test("A call that finds the channel full against the rules loses all contexts, until the device is reset", async () => {
  const { host, remote, server, renderer, submit, step } = await start({ ringBytes: MIN_RING_BYTES });
  submit([stream.delay(stream.UNTIL_RELEASED)], 4);
  step();

  overrun(remote);

  assertEquals([submit([]), remote.createResource(create3d({}))], [Reasons.rendererGone, Reasons.rendererGone]);
  while (server.serve());
  assertEquals(remote.wait(0), true);
  remote.poll();
  assertEquals([host.lost, host.fences, host.resumes, remote.isClosed, server.isClosed], [[1], [4], 1, false, false]);
  remote.fence(5);
  assertEquals([host.fences, remote.fenceCount, remote.isFull()], [[4, 5], 0, false]);

  remote.reset();
  assertEquals(remote.createContext(1, FIRST_CAPSET_ID, ""), LATER);
  step();
  assertEquals([remote.createContext(1, FIRST_CAPSET_ID, ""), submit([], 6), renderer.contextCount], [
    undefined,
    undefined,
    1,
  ]);
  step();
  assertEquals([host.fences, host.account.usedBytes], [[4, 5, 6], 0]);
});

Deno.test("A reset is all that a channel needs which overran within it", async () => {
  const { host, remote, step } = await start({ ringBytes: MIN_RING_BYTES });
  overrun(remote);
  remote.reset();
  step();
  assertEquals([host.lost, remote.createContext(1, FIRST_CAPSET_ID, "")], [[], LATER]);
});

Deno.test("Staged bytes stay the renderer's when the channel has overrun, until it has done with them", async () => {
  for (const isAnswered of [false, true]) {
    const sides = await start({ ringBytes: MIN_RING_BYTES });
    const { host, remote, server, step } = sides;
    makeTexture(sides, 5);
    const { pages } = makePages(sides, 32);
    step();
    const usedBytes = host.heap.usedBytes;
    remote.transferFromHost(fromHost(5), pages);
    if (isAnswered) server.serve();
    overrun(remote);

    remote.poll();

    assertEquals(host.heap.usedBytes === usedBytes, isAnswered);
    step();
    assertEquals([host.heap.usedBytes, remote.transferFromHost(fromHost(5), pages)], [usedBytes, Reasons.rendererGone]);
  }
});

Deno.test("H19: resources that are not the renderer's take no room of the channel, however many are attached", async () => {
  const { remote, step } = await start({ ringBytes: MIN_RING_BYTES });

  for (let id = 1; id < MIN_RING_BYTES; id++) {
    remote.attachResource(1, 1000 + id);
    remote.detachResource(1, 1000 + id);
  }

  assertEquals(remote.isFull(), false);
  step();
  assertEquals(remote.isClosed, false);
});

Deno.test("H14: a stream that is longer than the channel crosses one at a time, in the guest's account", async () => {
  const { host, submit, step } = await start({ ringBytes: MIN_RING_BYTES }, 300_000);
  const commands = [...longStream(200_000), stream.makeBuffer(1, 4096)];
  const usedBytes = host.heap.usedBytes;

  assertEquals(submit(commands, 1), undefined);
  assertEquals(submit(commands, 2), LATER);
  assertEquals(submit([stream.makeBuffer(2, 4096)], 3), undefined); // a short one finds its place
  step();
  assertEquals([host.fences, host.resumes], [[1, 3], 1]);
  assertEquals([host.heap.usedBytes, host.account.usedBytes], [usedBytes, 8192]);
  assertEquals(submit(longStream(300_000)), Reasons.hostMemoryFull);
});

Deno.test("H9: staged bytes that a reset overtakes are given back when the renderer's side has passed over them", async () => {
  const { host, remote, submit, step } = await start({ ringBytes: MIN_RING_BYTES });
  const usedBytes = host.heap.usedBytes;
  submit(longStream(200_000), 1);
  remote.reset();
  assertEquals(host.heap.usedBytes, usedBytes + 200_000);
  step();
  assertEquals([host.heap.usedBytes, host.account.usedBytes, host.fences], [usedBytes, 0, []]);
});

Deno.test("S13: transferToHost takes its bytes along: the pages may change right after it was asked", async () => {
  const sides = await start();
  const { host, remote, renderer, step } = sides;
  makeTexture(sides, 5);
  const { address, pages } = makePages(sides, 4096);
  host.guest.bytes.fill(7, address, address + 32);

  assertEquals(remote.transferToHost(toHost(5), pages), LATER);
  host.guest.bytes.fill(9, address, address + 32);
  step();

  assertEquals(remote.transferToHost(toHost(5), pages), undefined);
  const picture = { address: 0, strideBytes: 0, texture: undefined };
  renderer.readPicture(5, RECT, picture);
  assertEquals(host.guest.bytes.slice(picture.address, picture.address + 32), new Uint8Array(32).fill(7));
});

Deno.test("transferToHost waits for the renderer once: what lies in a box that it let pass goes without", async () => {
  const sides = await start();
  const { host, remote, step } = sides;
  makeTexture(sides, 5);
  const { pages } = makePages(sides, 64);
  const box = { x: 1, y: 1, z: 0, w: 3, h: 1, d: 1 };
  remote.transferToHost(toHost(5), pages);
  step();
  assertEquals(remote.transferToHost(toHost(5), pages), undefined);

  assertEquals(remote.transferToHost(toHost(5), pages), undefined);
  assertEquals(remote.transferToHost(toHost(5, { box }), pages), undefined);
  remote.fence(1);
  step();
  assertEquals(host.fences, [1]);
  const refused = [{ offset: 33 }, { stride: 15 }, { level: 1 }, { box: { ...box, w: 4 } }];
  for (const fields of refused) {
    assertEquals(remote.transferToHost(toHost(5, fields), pages), LATER);
    step();
    assert(typeof remote.transferToHost(toHost(5, fields), pages) === "object", JSON.stringify(fields));
  }
});

Deno.test("S13: transferFromHost leaves the bytes between the rows alone, which the guest writes meanwhile", async () => {
  const sides = await start();
  const { host, remote, submit, step } = sides;
  makeTexture(sides, 5);
  const { address, pages } = makePages(sides, 96);
  const { bytes } = host.guest;
  bytes.fill(1, address, address + 96);
  submit([stream.fillRect(5, { x: 0, y: 0, width: 4, height: 2 }, 0x01050505)]);

  assertEquals(remote.transferFromHost(fromHost(5, { offset: 8, stride: 40 }), pages), LATER);
  step();
  bytes.fill(2, address + 24, address + 48);
  assertEquals(remote.transferFromHost(fromHost(5, { offset: 8, stride: 40 }), pages), undefined);

  const pixels = [5, 5, 5, 1, 5, 5, 5, 1, 5, 5, 5, 1, 5, 5, 5, 1];
  const expected = [...new Array(8).fill(1), ...pixels, ...new Array(24).fill(2), ...pixels, ...new Array(32).fill(1)];
  assertEquals([...bytes.subarray(address, address + 96)], expected);
});

Deno.test("transferFromHost in flight at a reset writes nothing into the pages, and its staged bytes come back", async () => {
  for (const isAnswered of [false, true]) {
    const sides = await start();
    const { host, remote, submit, step } = sides;
    makeTexture(sides, 5);
    const { address, pages } = makePages(sides, 32);
    submit([stream.fillRect(5, { x: 0, y: 0, width: 4, height: 2 }, 0x05050505)]);
    const usedBytes = host.heap.usedBytes;
    remote.transferFromHost(fromHost(5), pages);
    if (isAnswered) step();
    remote.reset();
    step();
    assertEquals([host.heap.usedBytes, host.account.usedBytes], [usedBytes, 0]);
    assertEquals(host.guest.bytes.slice(address, address + 32), new Uint8Array(32));
  }
});

Deno.test("A picture stays as it is until the device's next call", async () => {
  const sides = await start();
  const { host, remote, server, submit, step } = sides;
  makeTexture(sides, 5);
  const picture = { address: 0, strideBytes: 0, texture: "old" as unknown };
  assertEquals(remote.readPicture(5, RECT, picture), LATER);
  submit([stream.fillRect(5, { x: 0, y: 0, width: 4, height: 2 }, 0x77)]); // from the other queue
  step();
  assertEquals(remote.readPicture(5, RECT, picture), undefined);
  assertEquals([picture.strideBytes, picture.texture], [16, undefined]);
  server.serve();
  const { words } = host.guest;
  assertEquals(words[picture.address / 4], 0);
  step();
  step();
  assertEquals(words[picture.address / 4], 0x77);
});

Deno.test("A picture that nobody asks for again holds nothing up once its resource has ended", async () => {
  for (const isAnswered of [false, true]) {
    const sides = await start();
    const { host, remote, step } = sides;
    makeTexture(sides, 5);
    remote.readPicture(5, RECT, { address: 0, strideBytes: 0, texture: undefined });
    if (isAnswered) step();
    remote.destroyResource(5);
    remote.fence(1);
    step();
    step();
    assertEquals(host.fences, [1]);
  }
});

Deno.test("More fences than completions that wait end in order, once the device's side looks", async () => {
  const { host, remote, server } = await start();
  const slots = Array.from({ length: 5000 }, (_, index) => index + 1);
  for (const slot of slots) remote.fence(slot);
  while (server.serve());
  for (let round = 0; round < 6; round++) {
    remote.poll();
    server.serve();
  }
  assertEquals([host.fences, remote.fenceCount], [slots, 0]);
});

Deno.test("serve gives the event loop a turn after 1024 requests", async () => {
  const { host, remote, server } = await start();
  for (let slot = 1; slot <= 1500; slot++) remote.fence(slot);
  assertEquals(server.serve(), true);
  remote.poll();
  assertEquals([host.fences.length, server.serve()], [1024, false]);
});

Deno.test("H9: what a renderer was told of foreign resources stays until it has heard of a reset, or is no more", async () => {
  for (const isGone of [false, true]) {
    const { host, remote, server, step } = await start();
    const before = [host.heap.usedBytes, host.account.usedBytes];
    host.foreign.set(9, { sizeBytes: 64, read: () => false });
    host.places.set(9, host.heap.allocate(64));
    remote.attachResource(1, 9);
    step();

    remote.reset();
    remote.poll();
    assert(host.account.usedBytes > 0);
    if (isGone) server.close();
    else server.serve();
    remote.poll();

    assertEquals([host.heap.usedBytes - 64, host.account.usedBytes], before);
  }
});

Deno.test("A lost or destroyed context takes the slots of its rings along, which nobody reports", async () => {
  for (const end of [stream.lose(), undefined]) {
    const { remote, submit, step } = await start();
    submit([stream.delay(stream.UNTIL_RELEASED)], 1, 0);
    submit([], 2, 0);
    step();
    assertEquals(remote.fenceCount, 2);
    if (end !== undefined) submit([end], 3, 1);
    else remote.destroyContext(1);
    step();
    assertEquals(remote.fenceCount, 0);
  }
});

Deno.test("What the renderer throws ends it: the device loses all contexts and waits for nothing", async () => {
  const { host, remote, server, renderer, submit } = await start();
  submit([stream.delay(stream.UNTIL_RELEASED)], 4);
  server.serve();
  renderer.destroyResource = () => {
    throw new Error("out of order");
  };
  remote.destroyResource(3);
  assertThrows(() => server.serve(), Error, "out of order");
  remote.poll();
  assertEquals([host.lost, host.fences, host.resumes, server.isClosed], [[1], [4], 1, true]);
  assertEquals(renderer.contextCount, 0); // nothing of it goes on
  assertEquals([submit([]), remote.createResource(create3d({}))], [Reasons.rendererGone, Reasons.rendererGone]);
  remote.fence(8);
  assertEquals(host.fences, [4, 8]);
});

Deno.test("A server that is closed gives the guest's account back", async () => {
  const { host, remote, server, submit, step } = await start();
  submit([stream.makeBuffer(1, 4096)]);
  step();
  assertEquals(host.account.usedBytes, 4096);
  server.close();
  remote.poll();
  assertEquals([host.account.usedBytes, host.lost, remote.isClosed], [0, [1], true]);
});

Deno.test("Both sides count in one account", async () => {
  const { host, submit, step } = await start({}, 8192);
  assert(host.account.reserve(4096));
  submit([stream.makeBuffer(1, 4096)]);
  step();
  assertEquals([host.account.usedBytes, host.account.reserve(1)], [8192, false]);
  submit([stream.makeBuffer(2, 4)]);
  step();
  assertEquals(host.lost, [1]);
});

Deno.test("RemoteRenderer.start and RendererServer.create throw TypeError for a memory that is not shared", async () => {
  const host = await makeRendererHost();
  const shared = await makeRendererHost(undefined, true);
  const { connection } = await RendererServer.create(shared.memory, new ReferenceRenderer());
  assertThrows(() => new RemoteRenderer(connection).start(host), TypeError, "must be shared");
  const refused = await RendererServer.create(host.memory, new ReferenceRenderer()).catch((error) => error);
  assert(refused instanceof TypeError);
  const odd = await RendererServer.create(shared.memory, new ReferenceRenderer(), { ringBytes: 100_000 })
    .catch((error) => error);
  assertEquals(odd.message, "Cannot serve a renderer: ringBytes must be a power of two >= 65536, got 100000");
});
