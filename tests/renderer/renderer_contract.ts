import { assertEquals } from "@std/assert";
import type { Arena } from "../../src/memory/host_heap.ts";
import { Reasons } from "../../src/protocol/reasons.ts";
import { CommandType, Format, MapInfo, type ResourceCreate3d } from "../../src/protocol/wire.gen.ts";
import { NO_FENCE, NO_RING, type Renderer } from "../../src/renderer/renderer.ts";
import { FIRST_CAPSET_ID, SECOND_CAPSET_ID } from "../support/renderer/capsets.ts";
import type { ReferenceRenderer, ReferenceRendererOptions } from "../support/renderer/reference_renderer.ts";
import { segmentList, type TestRendererHost } from "../support/renderer/renderer_host.ts";
import { Target } from "../support/renderer/resources.ts";
import * as stream from "../support/renderer/stream.ts";

const HEADER = { flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };
const BOX = { x: 0, y: 0, z: 0, w: 4, h: 2, d: 1 };

/** A renderer as a device has it, which is the reference renderer or leads to it. */
export interface Way {
  host: TestRendererHost;
  renderer: Renderer;
  reference: ReferenceRenderer;
  /** Lets the ways between the two work, if there are any. */
  step(): void;
}

/** A renderer with its host and the two contexts 1 and 2. */
export interface Fixture extends Way {
  /** Hands a context a stream. */
  submit(contextId: number, commands: readonly number[][], ringIndex?: number, slot?: number): unknown;
  /** A word of a blob. */
  blobWord(resourceId: number, offset: number): number;
  /** Ends a DELAY. */
  release(contextId: number, ringIndex: number): boolean;
  /** Bytes that device and renderer have allocated. */
  heapBytes(): number;
}

/** Begins with a way to a renderer that nobody has used. */
export function makeFixture(way: Way, options: ReferenceRendererOptions = {}): Fixture {
  const { host, renderer, reference, step } = way;
  const room = host.heap.allocate(65536);
  const heaps = new Set([host.heap, reference.host.guest.heap as Arena]);
  if (options.answersLater === undefined) {
    for (const id of [1, 2]) renderer.createContext(id, FIRST_CAPSET_ID, "test");
  }
  return {
    ...way,
    submit(contextId, commands, ringIndex = NO_RING, slot = NO_FENCE) {
      const bytes = stream.streamBytes(...commands);
      host.guest.bytes.set(bytes, room);
      const outcome = renderer.submit(contextId, room, bytes.length, ringIndex, slot);
      host.guest.bytes.fill(0xee, room, room + bytes.length); // the renderer's during the call alone
      return outcome;
    },
    blobWord: (resourceId, offset) => host.guest.words[(renderer.blobAddress(resourceId) + offset) / 4]!,
    release(contextId, ringIndex) {
      const isReleased = reference.release(contextId, ringIndex);
      step();
      return isReleased;
    },
    heapBytes: () => [...heaps].reduce((sum, { usedBytes }) => sum + usedBytes, 0),
  };
}

/** A 3D resource, 1 when `fields` does not say another. */
export function create3d(fields: Partial<ResourceCreate3d>): ResourceCreate3d {
  const size = { width: 4, height: 2, depth: 1, arraySize: 1, lastLevel: 0, nrSamples: 0 };
  const kind = { target: 2, format: Format.B8G8R8A8Unorm, bind: 0, resourceFlags: 0 };
  return { type: CommandType.ResourceCreate3d, ...HEADER, resourceId: 1, ...kind, ...size, ...fields };
}

/** Makes blob `resourceId` of 4096 bytes in context 1 and attaches it there. */
export function makeBlob({ renderer, submit }: Fixture, resourceId: number): void {
  submit(1, [stream.makeBuffer(resourceId, 4096)]);
  renderer.createBlob(1, resourceId, 0, resourceId, 4096);
  renderer.attachResource(1, resourceId);
}

/** What the reference renderer does, wherever it lives: `makeWay` says how a device gets at it. */
export function testReferenceRenderer(
  place: string,
  makeWay: (options: ReferenceRendererOptions, limitBytes?: number) => Promise<Way>,
): void {
  const test = (name: string, run: () => Promise<void>) => Deno.test(`${place}: ${name}`, run);
  const start = async (options: ReferenceRendererOptions = {}, limitBytes?: number) =>
    makeFixture(await makeWay(options, limitBytes), options);

  test("readCapset writes the rule of the reference sets", async () => {
    const { renderer } = await start();
    const data = new Uint8Array(160);
    renderer.readCapset(SECOND_CAPSET_ID, 2, data);
    assertEquals([...new Uint32Array(data.buffer).subarray(0, 3)], [2, 5, 8]);
  });

  test("S11: MAKE_OBJECT allocates and createBlob does not; the object is used once", async () => {
    const fixture = await start();
    const { host, renderer, submit, heapBytes } = fixture;
    const before = heapBytes();

    assertEquals(renderer.createBlob(1, 7, 0, 5, 4096), Reasons.blobIdUnknown);
    submit(1, [stream.makeBuffer(7, 4096)]);
    assertEquals([host.account.usedBytes, heapBytes() - before], [4096, 4096]);
    assertEquals(renderer.createBlob(1, 7, 0, 5, 4096), undefined);
    assertEquals([host.account.usedBytes, heapBytes() - before], [4096, 4096]);
    assertEquals(renderer.createBlob(1, 7, 0, 6, 4096), Reasons.blobIdUnknown);
    renderer.destroyResource(5);
    assertEquals([host.account.usedBytes, heapBytes() - before], [0, 0]);
  });

  test("S10: createBlob finds an object under the context's id and all 64 bits of the blob id", async () => {
    const { renderer, submit } = await start();
    submit(1, [stream.makeBuffer(7, 4096), stream.makeBuffer(2 ** 32 + 7, 8192)]);

    assertEquals(renderer.createBlob(2, 7, 0, 5, 4096), Reasons.blobIdUnknown);
    assertEquals(renderer.createBlob(1, 7, 2, 5, 4096), Reasons.blobIdUnknown);
    assertEquals(renderer.createBlob(1, 7, 0, 5, 4097), Reasons.blobIdUnknown);
    assertEquals(renderer.createBlob(1, 7, 1, 5, 8192), undefined);
  });

  const losing = [
    { what: "an unknown opcode", commands: [[stream.commandHead(9)]] },
    { what: "a length that is not the command's", commands: [[stream.commandHead(stream.Opcode.Delay, 3), 0, 0]] },
    { what: "a head of length 0", commands: [[stream.Opcode.Lose]] },
    { what: "a resource that is not attached", commands: [stream.fill(6, 0, 4, 1)] },
    { what: "a resource that does not exist", commands: [stream.fill(77, 0, 4, 1)] },
    { what: "a range that ends behind the resource", commands: [stream.fill(5, 4092, 8, 1)] },
    { what: "a range whose end wraps 32 bits", commands: [stream.fill(5, 0xfffffffc, 8, 1)] },
    { what: "an offset that is no multiple of 4", commands: [stream.fill(5, 2, 4, 1)] },
    {
      what: "a COPY behind the source",
      commands: [stream.copy({ resourceId: 5, offset: 0 }, { resourceId: 5, offset: 4093 }, 4)],
    },
    {
      what: "a COPY from a resource that is not attached",
      commands: [stream.copy({ resourceId: 5, offset: 0 }, { resourceId: 6, offset: 0 }, 4)],
    },
    {
      what: "a COPY behind the target",
      commands: [stream.copy({ resourceId: 5, offset: 4093 }, { resourceId: 5, offset: 0 }, 4)],
    },
    { what: "a FILL_RECT of a buffer", commands: [stream.fillRect(5, { x: 0, y: 0, width: 1, height: 1 }, 1)] },
    { what: "an object of no bytes", commands: [stream.makeBuffer(3, 0)] },
    { what: "an object of 4 GiB", commands: [stream.makeBuffer(3, 0xffffffff)] },
    { what: "an image whose size wraps 32 bits", commands: [stream.makeImage(3, 0x8000, 0x8001)] },
    { what: "a blob id in use", commands: [stream.makeBuffer(3, 4), stream.makeBuffer(3, 4)] },
    { what: "LOSE", commands: [stream.lose()] },
  ];
  for (const { what, commands } of losing) {
    test(`${what} loses the context, and nothing after it is done`, async () => {
      const fixture = await start();
      const { host, renderer, submit, blobWord } = fixture;
      makeBlob(fixture, 5);
      makeBlob(fixture, 6);
      renderer.detachResource(1, 6);

      submit(1, [...commands, stream.fill(5, 0, 4096, 0x77)], 0, 11);

      assertEquals(host.lost, [1]);
      assertEquals([blobWord(5, 0), blobWord(5, 4092)], [0, 0]);
      assertEquals(submit(1, []), Reasons.contextLost);
      renderer.reset();
      assertEquals(host.account.usedBytes, 0);
    });
  }

  test("a command that ends behind the stream loses the context, whatever stood there before", async () => {
    const fixture = await start();
    const { host, submit, blobWord } = fixture;
    makeBlob(fixture, 5);
    submit(1, [stream.delay(0), stream.delay(0), stream.fill(5, 0, 4, 1)]);

    submit(1, [stream.delay(0), stream.delay(0), stream.fill(5, 4, 4, 2).slice(0, 4)]);

    assertEquals([host.lost, blobWord(5, 0), blobWord(5, 4)], [[1], 1, 0]);
  });

  test("A DELAY holds up its ring, and no other ring, context or the shared timeline", async () => {
    const fixture = await start();
    const { host, renderer, submit, blobWord, release } = fixture;
    makeBlob(fixture, 5);
    renderer.attachResource(2, 5);

    submit(1, [stream.delay(stream.UNTIL_RELEASED), stream.fill(5, 0, 4, 1)], 3, 101);
    submit(1, [stream.fill(5, 4, 4, 2)], 3, 102);
    submit(1, [stream.fill(5, 8, 4, 3)], 4, 103);
    submit(2, [stream.fill(5, 12, 4, 4)], 3, 104);
    submit(1, [stream.fill(5, 16, 4, 5)], NO_RING, 105);
    renderer.fence(106);

    assertEquals(host.fences, [103, 104, 105, 106]);
    assertEquals([0, 4, 8, 12, 16].map((at) => blobWord(5, at)), [0, 0, 3, 4, 5]);
    assertEquals(release(1, 3), true);
    assertEquals(host.fences, [103, 104, 105, 106, 101, 102]);
    assertEquals([0, 4].map((at) => blobWord(5, at)), [1, 2]);
    assertEquals(release(1, 3), false);
  });

  test("A DELAY of milliseconds ends by itself, and each one in a stream holds it up again", async () => {
    const { host, submit } = await start();
    const done = Promise.withResolvers<void>();
    host.fenceDone = (slot) => {
      host.fences.push(slot);
      done.resolve();
    };

    submit(1, [stream.delay(0), stream.delay(1), stream.makeBuffer(1, 4), stream.delay(1)], 0, 1);
    assertEquals([host.fences, host.account.usedBytes], [[], 0]);

    await done.promise;
    assertEquals([host.fences, host.account.usedBytes], [[1], 4096]);
  });

  test("A DELAY without a ring holds up the fences of other commands, until its context ends", async () => {
    const { host, renderer, submit } = await start();
    submit(1, [stream.delay(stream.UNTIL_RELEASED), stream.makeBuffer(1, 4)], NO_RING, 1);
    renderer.fence(2);
    submit(2, [stream.makeBuffer(1, 4)], NO_RING, 3);
    assertEquals(host.fences, []);

    renderer.destroyContext(1);

    assertEquals(host.fences, [1, 2, 3]);
    assertEquals(host.account.usedBytes, 4096); // that of context 2
  });

  test("A fence's end that brings the next command does not overtake", async () => {
    const { host, submit, release } = await start();
    host.fenceDone = (slot) => {
      host.fences.push(slot);
      if (slot === 1) submit(1, [], 0, 3);
    };
    submit(1, [stream.delay(stream.UNTIL_RELEASED)], 0, 1);
    submit(1, [], 0, 2);

    release(1, 0);

    assertEquals(host.fences, [1, 2, 3]);
  });

  test("A context that is lost behind a DELAY drops what its rings hold up, and its shared work is passed over", async () => {
    const { host, submit, release } = await start();
    submit(1, [stream.delay(stream.UNTIL_RELEASED), stream.lose()], 0, 1);
    submit(1, [stream.makeBuffer(1, 4)], 0, 2);
    submit(1, [stream.delay(stream.UNTIL_RELEASED), stream.makeBuffer(2, 4)], NO_RING, 3);

    release(1, 0);
    assertEquals([host.lost, host.fences], [[1], []]);
    release(1, NO_RING);

    assertEquals([host.fences, host.account.usedBytes], [[3], 0]);
  });

  test("H9: what is held up passes over a resource that was destroyed meanwhile", async () => {
    const fixture = await start();
    const { host, renderer, submit, release } = fixture;
    makeBlob(fixture, 5);
    submit(1, [stream.delay(stream.UNTIL_RELEASED), stream.fill(5, 0, 4, 1), stream.makeBuffer(6, 4)], 0, 1);
    renderer.destroyResource(5);

    release(1, 0);

    assertEquals([host.fences, host.lost, host.account.usedBytes], [[1], [], 4096]);
  });

  test("S13: transfers reach every level and layer of a 2D array", async () => {
    const { host, renderer } = await start();
    renderer.createResource(
      create3d({ target: Target.Texture2dArray, width: 4, height: 2, arraySize: 3, lastLevel: 2 }),
    );
    assertEquals(host.account.usedBytes, (8 + 2 + 1) * 3 * 4);
    const sizeBytes = 4096;
    const pages = segmentList(host, [{ address: host.heap.allocate(sizeBytes), sizeBytes }]);
    const address = host.guest.words[pages.segments / 4 + 1]!;
    const transfer = { ...HEADER, resourceId: 1, offset: 0, stride: 0, layerStride: 0 };
    const levels = [
      { level: 0, box: { ...BOX, d: 3 } },
      { level: 1, box: { ...BOX, w: 2, h: 1, d: 3 } },
      { level: 2, box: { ...BOX, w: 1, h: 1, d: 3 } },
    ];

    for (const { level, box } of levels) {
      host.guest.bytes.fill(level + 1, address, address + 4 * box.w * box.h * box.d);
      const toHost = { ...transfer, type: CommandType.TransferToHost3d, level, box };
      assertEquals(renderer.transferToHost(toHost, pages), undefined);
    }
    for (const { level, box } of levels) {
      const bytes = 4 * box.w * box.h * box.d;
      host.guest.bytes.fill(0, address, address + sizeBytes);
      const fromHost = { ...transfer, type: CommandType.TransferFromHost3d, level, box };
      assertEquals(renderer.transferFromHost(fromHost, pages), undefined);
      const expected = new Uint8Array(sizeBytes).fill(level + 1, 0, bytes);
      assertEquals(host.guest.bytes.slice(address, address + sizeBytes), expected);
    }
    const behind = { ...transfer, type: CommandType.TransferToHost3d, level: 3, box: { ...BOX, w: 1, h: 1 } };
    assertEquals(renderer.transferToHost(behind, pages), Reasons.boxOutsideResource);
  });

  const refused = [
    { what: "a format that is none of the eight", fields: { format: 64 }, reason: Reasons.resource3dUnknown },
    { what: "a target that it does not know", fields: { target: 3 }, reason: Reasons.resource3dUnknown },
    { what: "a texture of no width", fields: { width: 0 }, reason: Reasons.resource3dUnknown },
    { what: "a 2D texture of two layers", fields: { arraySize: 2 }, reason: Reasons.resource3dUnknown },
    { what: "levels without end", fields: { lastLevel: 0xffffffff }, reason: Reasons.resource3dUnknown },
    { what: "a buffer of two rows", fields: { target: 0, height: 2 }, reason: Reasons.resource3dUnknown },
    { what: "a size that wraps 32 bits", fields: { width: 0x8001, height: 0x8000 }, reason: Reasons.hostMemoryFull },
    {
      what: "a size that wraps 64 bits",
      fields: { target: Target.Texture2dArray, width: 0xffffffff, height: 0xffffffff, arraySize: 0xffffffff },
      reason: Reasons.hostMemoryFull,
    },
  ];
  for (const { what, fields, reason } of refused) {
    test(`H5: createResource refuses ${what}, and takes nothing`, async () => {
      const { host, renderer, heapBytes } = await start();
      const before = heapBytes();
      assertEquals(renderer.createResource(create3d(fields)), reason);
      assertEquals([host.account.usedBytes, heapBytes()], [0, before]);
    });
  }

  test("S14: an image blob that is shorter than its object ends where its room ends", async () => {
    const { host, renderer, submit, reference } = await start();
    submit(1, [stream.makeImage(1, 1024, 2)]);
    renderer.createBlob(1, 1, 0, 5, 4096);
    renderer.attachResource(1, 5);
    const window = host.heap.allocate(8192);
    renderer.moveBlob(5, window);
    assertEquals(reference.resources.get(5)!.block.sizeBytes, 4096);

    submit(1, [stream.fillRect(5, { x: 0, y: 0, width: 1024, height: 1 }, 0x11)]);
    assertEquals([host.lost, host.guest.words[window / 4 + 1023]], [[], 0x11]);
    submit(1, [stream.fillRect(5, { x: 0, y: 1, width: 1, height: 1 }, 0x22)]);

    assertEquals([host.lost, host.guest.words[window / 4 + 1024]], [[1], 0]);
  });

  test("moveBlob and takeBlobBack take the bytes along, and work goes on where they are", async () => {
    const fixture = await start();
    const { host, renderer, submit, blobWord, heapBytes } = fixture;
    makeBlob(fixture, 5);
    const window = host.heap.allocate(4096);
    const ownBytes = heapBytes();
    submit(1, [stream.fill(5, 0, 8, 1)]);

    assertEquals([renderer.moveBlob(5, window), renderer.blobAddress(5)], [undefined, window]);
    submit(1, [stream.fill(5, 4, 4, 2)]);
    assertEquals([...host.guest.words.subarray(window / 4, window / 4 + 2)], [1, 2]);
    assertEquals(heapBytes(), ownBytes - 4096);
    assertEquals(renderer.takeBlobBack(5), undefined);
    assertEquals([blobWord(5, 0), blobWord(5, 4)], [1, 2]);
    assertEquals([heapBytes(), host.account.usedBytes], [ownBytes, 4096]);
  });

  test("The options refuse what a test wants refused", async () => {
    const plain = await start();
    makeBlob(plain, 5);
    assertEquals(plain.renderer.blobMapInfo(5), MapInfo.Cached);
    const odd = await start({ mapInfo: "unmappable", isMoveRefused: true, isTakingBackRefused: true });
    makeBlob(odd, 5);
    assertEquals(odd.renderer.blobMapInfo(5), undefined);
    assertEquals(odd.renderer.moveBlob(5, 4096), Reasons.hostMemoryFull);
    assertEquals(odd.renderer.takeBlobBack(5), Reasons.hostMemoryFull);
  });

  test("reset ends timers and gives everything back, whatever is in flight", async () => {
    const fixture = await start();
    const { host, renderer, submit, heapBytes, reference } = fixture;
    const before = heapBytes();
    makeBlob(fixture, 5);
    makeBlob(fixture, 6);
    const window = host.heap.allocate(4096);
    renderer.moveBlob(6, window);
    renderer.createResource(create3d({ resourceId: 7 }));
    submit(1, [stream.makeBuffer(1, 4), stream.delay(60_000), stream.makeBuffer(2, 4)], 0, 1);
    submit(2, [stream.makeBuffer(1, 4), stream.delay(60_000), stream.makeBuffer(2, 4)], NO_RING, 2);

    renderer.reset();
    host.heap.free(window);

    assertEquals([host.account.usedBytes, heapBytes()], [0, before]);
    assertEquals([reference.contextCount, reference.resourceCount, host.fences], [0, 0, []]);
    assertEquals(reference.heldTimelines, []);
    assertEquals(renderer.createContext(1, FIRST_CAPSET_ID, ""), undefined);
  });
}
