// vhost-user, Back-end message types (SHMEM_MAP), and Front-end message types (GET_SHMEM_CONFIG): a file of the host in the
// device's shared memory region. The facts are those of QEMU 11.1.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { SharedMemoryWindow } from "../../../src/transport/vhost_user/host.ts";
import {
  BackEndRequest,
  FrontEndRequest,
  MESSAGE_HEADER_SIZE,
  MessageFlag,
  ProtocolFeature,
  readMessageHeader,
  readShmemMapping,
  SHMEM_MAPPING_SIZE,
  U64_PAYLOAD_SIZE,
  VHOST_USER_VERSION,
  writeMessageHeader,
  writeU64Payload,
} from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { DriverQueue } from "../../../src/guest/driver_queue.ts";
import type { MockDevice } from "../mock_device.ts";
import { numberOf } from "./front_end.ts";
import { makeMockVhost, shareRam, type VhostMachine } from "./vhost_machine.ts";

const REGION = { id: 1, lengthBytes: 256 * 1024 * 1024 };
const { ReplyAck, BackendReq, BackendSendFd, ShmemMap, ConfigureMemSlots, Mq } = ProtocolFeature;
const NEEDED = [ReplyAck, BackendReq, BackendSendFd, ShmemMap];

/** A front end that has agreed on everything and given a channel, and a device that plays a driver's ring. */
class WindowMachine {
  /** What the window has told its host, in its order. */
  readonly heard: string[] = [];
  readonly file: number;
  readonly #queue: DriverQueue;

  private constructor(readonly machine: VhostMachine<MockDevice>) {
    this.file = machine.host.openFd();
    this.#queue = new DriverQueue(machine.ram, 8);
    this.window.onAnswer = () => this.heard.push(this.window.show(this.file));
  }

  static async make(): Promise<WindowMachine> {
    const machine = await makeMockVhost({ sharedMemory: [REGION] });
    shareRam(machine);
    machine.frontEnd.send(FrontEndRequest.SetBackendReqFd, undefined, { fds: [machine.host.openFd()] });
    return new WindowMachine(machine);
  }

  get window(): SharedMemoryWindow {
    return this.machine.host.window!;
  }

  get show(): string {
    return this.window.show(this.file);
  }

  /** Answers as a front end does, or otherwise than it should. */
  answer(
    value: number,
    { request = BackEndRequest.ShmemMap as number, flags = MessageFlag.Reply as number } = {},
  ): void {
    this.send(answerOf(request, flags | VHOST_USER_VERSION, value));
  }

  /** Sends bytes over the channel, as one piece or several. */
  send(...pieces: Uint8Array[]): void {
    for (const piece of pieces) {
      this.machine.host.toBackEnd.push(piece);
      this.machine.host.channel?.onReadable();
    }
  }

  /** The guest's driver starts, as QEMU tells of it. */
  startDriver(base = 0): void {
    this.machine.frontEnd.startRing(0, this.#queue, base);
  }

  /** QEMU resets the device: it stops the rings, and drops what it shows. */
  stopDriver(): void {
    this.machine.frontEnd.stopRing(0);
    this.machine.frontEnd.sendU64(FrontEndRequest.SetStatus, 0);
  }

  /** What a device does when it is reset: `MockDevice` has no window of its own. */
  followResets(): void {
    const { device } = this.machine;
    const reset = device.reset.bind(device);
    device.reset = () => {
      reset();
      this.window.reset();
    };
  }
}

function answerOf(request: number, flags: number, value: number): Uint8Array {
  const words = new Uint32Array((MESSAGE_HEADER_SIZE + U64_PAYLOAD_SIZE) / 4);
  writeMessageHeader(words, 0, { request, flags, sizeBytes: U64_PAYLOAD_SIZE });
  writeU64Payload(words, MESSAGE_HEADER_SIZE / 4, { valueLow: value, valueHigh: 0 });
  return new Uint8Array(words.buffer);
}

function sizesOf(payload: Uint8Array): number[] {
  assertEquals(payload.length, 8 + 256 * 8);
  return [...new BigUint64Array(payload.slice(8).buffer)].map(Number);
}

Deno.test("GET_SHMEM_CONFIG tells the length of each region by its id", async () => {
  const { machine: { frontEnd } } = await WindowMachine.make();

  const reply = frontEnd.send(FrontEndRequest.GetShmemConfig);

  assert(reply !== undefined && "payload" in reply);
  assertEquals(new DataView(reply.payload.buffer).getUint32(0, true), 1);
  assertEquals(sizesOf(reply.payload), Array.from({ length: 256 }, (_, id) => id === 1 ? REGION.lengthBytes : 0));
});

for (const missing of NEEDED.filter((feature) => feature !== ShmemMap)) {
  const name = Object.entries(ProtocolFeature).find(([, value]) => value === missing)![0];
  Deno.test(`GET_SHMEM_CONFIG tells of no region, and nothing is shown, without ${name}`, async () => {
    const shown = await WindowMachine.make();
    const { machine: { frontEnd, host } } = shown;
    const features = NEEDED.filter((feature) => feature !== missing).reduce((bits, bit) => bits | 1 << bit, 0);
    frontEnd.sendU64(FrontEndRequest.SetProtocolFeatures, features);

    const reply = frontEnd.send(FrontEndRequest.GetShmemConfig);

    assert(reply !== undefined && "payload" in reply);
    assertEquals(new Set([...reply.payload]), new Set([0]));
    assertEquals([shown.show, host.sent], ["refused", []]);
  });
}

Deno.test("a device without regions does not offer SHMEM_MAP, and GET_SHMEM_CONFIG ends the connection", async () => {
  const { frontEnd, host } = await makeMockVhost();
  const offered = frontEnd.get(FrontEndRequest.GetProtocolFeatures);

  assertEquals([offered >>> ShmemMap & 1, offered >>> BackendSendFd & 1, offered >>> Mq & 1], [0, 0, 1]);
  assertEquals(host.window, undefined);
  frontEnd.sendU64(FrontEndRequest.SetProtocolFeatures, offered);
  frontEnd.send(FrontEndRequest.GetShmemConfig);
  assertMatch(frontEnd.closed!, /GET_SHMEM_CONFIG is refused: its protocol feature was not negotiated/);
});

Deno.test("a device with regions does not offer CONFIGURE_MEM_SLOTS: QEMU 11.1 breaks down with both", async () => {
  const { machine: { frontEnd } } = await WindowMachine.make();

  const offered = frontEnd.get(FrontEndRequest.GetProtocolFeatures);

  assertEquals([offered >>> ShmemMap & 1, offered >>> ConfigureMemSlots & 1], [1, 0]);
});

Deno.test("SHMEM_MAP asks to show the whole file, writable, once, and its answer is awaited without waiting", async () => {
  const shown = await WindowMachine.make();
  const { host } = shown.machine;

  assertEquals([shown.show, shown.show], ["asked", "asked"]);

  const [sent, ...rest] = host.sent;
  const words = new Uint32Array(sent!.bytes.buffer);
  assertEquals(rest, []);
  assertEquals(readMessageHeader(words, 0), {
    request: BackEndRequest.ShmemMap,
    flags: VHOST_USER_VERSION | MessageFlag.NeedReply,
    sizeBytes: SHMEM_MAPPING_SIZE,
  });
  assertEquals(readShmemMapping(words, MESSAGE_HEADER_SIZE / 4), {
    regionId: 1,
    fileOffset: 0,
    regionOffset: 0,
    sizeBytes: REGION.lengthBytes,
    flags: 1,
  });
  assertEquals(sent!.sentFd, shown.file);
  shown.answer(0);
  assertEquals([shown.heard, shown.show, host.sent.length], [["shown"], "shown", 1]);
});

Deno.test("a front end that sends SET_MEM_TABLE before its answer is served", async () => {
  const shown = await WindowMachine.make();
  const { frontEnd, file } = shown.machine;
  assertEquals(shown.show, "asked");

  const reply = frontEnd.setMemTable([{ guestAddress: 0, sizeBytes: file.bytes.length, file }], { needsReply: true });

  assertEquals(numberOf(reply), 0);
  shown.answer(0);
  assertEquals(shown.heard, ["shown"]);
});

Deno.test("an answer that comes byte by byte is one", async () => {
  const shown = await WindowMachine.make();
  shown.show;

  shown.send(...[...answerOf(BackEndRequest.ShmemMap, 5, 0)].map((byte) => Uint8Array.of(byte)));

  assertEquals(shown.heard, ["shown"]);
});

Deno.test("what a front end refuses is refused once, and asked for again after that", async () => {
  const shown = await WindowMachine.make();
  shown.show;

  shown.answer(1);

  assertEquals(shown.heard, ["refused"]);
  assertEquals([shown.show, shown.machine.host.sent.length], ["asked", 2]);
});

const WRONG: [what: string, send: (shown: WindowMachine) => void][] = [
  ["answers another request", (shown) => shown.answer(0, { request: BackEndRequest.ConfigChangeMsg })],
  ["is no answer", (shown) => shown.answer(0, { flags: 0 })],
  ["has another version", (shown) => shown.answer(0, { flags: MessageFlag.Reply | 2 })],
  ["has another length", (shown) => shown.send(answerOf(BackEndRequest.ShmemMap, 5, 0).with(8, 4))],
];
for (const [what, send] of WRONG) {
  Deno.test(`a message over the back end's channel that ${what} closes it, and what was asked for is refused`, async () => {
    const shown = await WindowMachine.make();
    const { host, frontEnd } = shown.machine;
    const before = host.open.size;
    shown.show;

    send(shown);

    assertEquals([shown.heard, shown.show], [["refused"], "refused"]);
    assertEquals([host.open.size, host.channel, host.reports.length], [before - 1, undefined, 1]);
    assertEquals(frontEnd.closed, undefined);
  });
}

Deno.test("an answer that comes twice closes the channel, and what is shown is shown", async () => {
  const shown = await WindowMachine.make();
  shown.show;
  shown.answer(0);

  shown.answer(0);

  assertMatch(shown.machine.host.reports.join(), /channel is closed: it brings what answers no request/);
  assertEquals(shown.show, "shown");
});

Deno.test("a channel that its other end closes, or that another replaces, answers by a refusal", async () => {
  const shown = await WindowMachine.make();
  const { host, frontEnd } = shown.machine;
  shown.show;
  host.isChannelClosed = true;
  host.channel!.onReadable();
  assertEquals(shown.heard, ["refused"]);
  assertEquals(shown.show, "refused");

  host.isChannelClosed = false;
  frontEnd.send(FrontEndRequest.SetBackendReqFd, undefined, { fds: [host.openFd()] });
  assertEquals(shown.show, "asked");
  frontEnd.send(FrontEndRequest.SetBackendReqFd, undefined, { fds: [host.openFd()] });
  assertEquals(shown.heard, ["refused", "refused"]);
  assertEquals(shown.show, "asked");
});

Deno.test("half an answer over one channel is no part of the answer over the next", async () => {
  const shown = await WindowMachine.make();
  const { host, frontEnd } = shown.machine;
  shown.show;
  shown.send(answerOf(BackEndRequest.ShmemMap, 5, 0).subarray(0, 10));
  frontEnd.send(FrontEndRequest.SetBackendReqFd, undefined, { fds: [host.openFd()] });
  shown.show;

  shown.answer(0);

  assertEquals(shown.show, "shown");
});

Deno.test("a channel that takes no message refuses, and is tried again", async () => {
  const shown = await WindowMachine.make();
  shown.machine.host.isChannelFull = true;
  assertEquals(shown.show, "refused");

  shown.machine.host.isChannelFull = false;
  assertEquals(shown.show, "asked");
});

Deno.test("a front end that goes away takes its window and all files with it", async () => {
  const shown = await WindowMachine.make();
  const { host, connection } = shown.machine;
  shown.startDriver();
  shown.show;

  connection.close();

  assertEquals([host.window, host.channel, [...host.open.keys()]], [undefined, undefined, [shown.file]]);
  assertEquals(shown.heard.length, 1);
});

const RESETS: [name: string, reset: (shown: WindowMachine) => void][] = [
  ["that stops the rings and sets the status to 0, as QEMU's", (shown) => shown.stopDriver()],
  ["that only sets the status to 0", ({ machine: { frontEnd } }) => frontEnd.sendU64(FrontEndRequest.SetStatus, 0)],
  ["that only stops the rings, after which one begins elsewhere", ({ machine: { frontEnd } }) => {
    frontEnd.stopRing(0);
    frontEnd.sendState(FrontEndRequest.SetVringBase, 0, 7);
  }],
  ["by RESET_DEVICE", ({ machine: { frontEnd } }) => frontEnd.send(FrontEndRequest.ResetDevice)],
];
for (const [name, reset] of RESETS) {
  Deno.test(`after a reset ${name}, the front end is asked again: it has dropped what it showed`, async () => {
    const shown = await WindowMachine.make();
    shown.followResets();
    shown.startDriver();
    shown.show;
    shown.answer(0);

    reset(shown);
    shown.startDriver();

    assertEquals([shown.show, shown.machine.host.sent.length], ["asked", 2]);
  });
}

Deno.test("a machine that is paused and goes on is not asked again", async () => {
  const shown = await WindowMachine.make();
  shown.followResets();
  shown.startDriver();
  shown.show;
  shown.answer(0);
  const before = shown.machine.device.calls.filter((call) => call === "reset").length;

  shown.machine.frontEnd.stopRing(0);
  shown.startDriver();

  assertEquals(shown.machine.device.calls.filter((call) => call === "reset").length, before);
  assertEquals([shown.show, shown.machine.host.sent.length], ["shown", 1]);
});

Deno.test("what a front end answers after a reset it shows to the next driver: it is not asked again", async () => {
  const shown = await WindowMachine.make();
  shown.followResets();
  shown.startDriver();
  shown.show;
  shown.stopDriver(); // QEMU takes the request up afterwards
  shown.answer(0);

  shown.startDriver();

  assertEquals([shown.show, shown.machine.host.sent.length], ["shown", 1]);
});

Deno.test("what it has answered before, though nobody has read it yet, it drops at the reset", async () => {
  const shown = await WindowMachine.make();
  shown.followResets();
  shown.startDriver();
  shown.show;
  shown.machine.host.toBackEnd.push(answerOf(BackEndRequest.ShmemMap, 5, 0));

  shown.stopDriver();
  shown.startDriver();

  assertEquals([shown.show, shown.machine.host.sent.length], ["asked", 2]);
});

Deno.test("a refusal that comes after a reset is not the next driver's", async () => {
  const shown = await WindowMachine.make();
  shown.followResets();
  shown.startDriver();
  shown.show;
  shown.stopDriver();
  shown.startDriver();
  shown.window.onAnswer = undefined;
  shown.answer(1);

  assertEquals(shown.show, "asked");
});
