// A vhost-user back end with a renderer, and a front end that shows its files to the guest: host and guest see one memory.

import { assertEquals } from "@std/assert";
import type { GpuDriver } from "../../src/guest/gpu_driver.ts";
import {
  CtrlFlag,
  GpuQueue,
  readCtrlHdr,
  RESP_MAP_INFO_SIZE,
  responseName,
  writeResourceMapBlob,
} from "../../src/protocol/wire.gen.ts";
import { BackEndRequest, ProtocolFeature } from "../../src/transport/vhost_user/vhost_user.gen.ts";
import { fill } from "../support/renderer/stream.ts";
import { createResource, moveCursor, unref } from "../device/requests.ts";
import { attachToContext, createContext, submit } from "../device/three_d_requests.ts";
import { makeHostBlob, mapBlob, unmapBlob } from "../device/window_requests.ts";
import { BackEndProcess, type BackEndProcessOptions } from "../support/vhost_front_end/back_end_process.ts";
import { FrontEndMachine, type FrontEndMachineOptions } from "../support/vhost_front_end/front_end_machine.ts";
import type { WindowRequest } from "../support/vhost_front_end/guest_window.ts";
import { MIB, OK, PAGE } from "../support/vhost_front_end/screens.ts";
import { WINDOW_ADDRESS } from "../support/vhost_front_end/vhost_driver_transport.ts";
import { ALL_PROTOCOL_FEATURES } from "../support/vhost_front_end/vhost_front_end.ts";

const WINDOW_BYTES = 64 * MIB;
const MAPPED = { answer: "OK_MAP_INFO", mapInfo: 1 };
const REFUSED = { answer: "ERR_UNSPEC" };

function start(options: BackEndProcessOptions = {}): Promise<BackEndProcess> {
  return BackEndProcess.start({ renderer: "reference", hostVisibleBytes: WINDOW_BYTES, ...options });
}

/** A machine whose driver has started, with context 1. */
function connect(backEnd: BackEndProcess, options?: FrontEndMachineOptions): FrontEndMachine {
  const machine = new FrontEndMachine(backEnd.path, options);
  machine.driver.start();
  assertEquals(createContext(machine.driver, 1), OK);
  return machine;
}

/** Makes a host blob of this size that context 1 uses. */
function makeBlob({ driver }: FrontEndMachine, id: number, sizeBytes: number): void {
  makeHostBlob(driver, id, sizeBytes);
  assertEquals(attachToContext(driver, 1, id), OK);
}

/** Lets the renderer write `value` over a range of a blob, and waits until it has: the answer is the fence's. */
function render(driver: GpuDriver, resourceId: number, offset: number, sizeBytes: number, value: number): string {
  return submit(driver, 1, fill(resourceId, offset, sizeBytes, value), { flags: CtrlFlag.Fence });
}

/** The first word of the window at `offset`, as the guest sees it. */
function word({ window }: FrontEndMachine, offset: number): number {
  return new Uint32Array(window!.bytes.buffer, window!.bytes.byteOffset + offset, 1)[0]!;
}

Deno.test("host and guest see each other's writes in a blob that is mapped", async () => {
  await using backEnd = await start();
  using machine = connect(backEnd);
  const { driver, window } = machine;
  makeBlob(machine, 1, 3 * PAGE);
  assertEquals(render(driver, 1, 0, 3 * PAGE, 0x11111111), OK);

  assertEquals(mapBlob(driver, 1, 8 * PAGE), MAPPED);
  assertEquals([word(machine, 8 * PAGE), word(machine, 11 * PAGE - 4), word(machine, 11 * PAGE)], [
    0x11111111,
    0x11111111,
    0,
  ]);
  assertEquals(render(driver, 1, PAGE, 4, 0x22222222), OK);
  assertEquals(word(machine, 9 * PAGE), 0x22222222);

  window!.bytes.fill(0x33, 10 * PAGE, 11 * PAGE);
  assertEquals(unmapBlob(driver, 1), OK);
  assertEquals(render(driver, 1, 4, 4, 0x44444444), OK);
  assertEquals(word(machine, 8 * PAGE + 4), 0x11111111); // what it has left there is nothing to it any more
  assertEquals(mapBlob(driver, 1, 0), MAPPED);
  assertEquals(word(machine, 4), 0x44444444);
  assertEquals([0, 1, 2].map((page) => word(machine, page * PAGE)), [0x11111111, 0x22222222, 0x33333333]);
});

/** Makes the front end answer by `answer` in place of showing the file. */
function answering(machine: FrontEndMachine, answer: (request: WindowRequest) => void): FrontEndMachine {
  machine.window!.onRequest = answer;
  return machine;
}

/** The window as a region of guest memory, as QEMU hands it over once it shows the file. */
function windowRegion({ fd, fileOffset, regionOffset, sizeBytes }: WindowRequest) {
  return { fd, fileOffset, sizeBytes, guestAddress: WINDOW_ADDRESS + regionOffset, userAddress: 0x7000_0000_0000 };
}

/** Sends RESOURCE_MAP_BLOB and does not wait; what is returned tells the answer once there is one. */
function beginMap(
  { driver, transport, ram: { guest } }: FrontEndMachine,
  resourceId: number,
): () => string | undefined {
  const [request, reply] = [guest.allocate(PAGE, PAGE), guest.allocate(PAGE, PAGE)];
  const length = writeResourceMapBlob(guest.words(request, 64), 0, { resourceId, offset: 0 });
  const queue = driver.queue(GpuQueue.Control);
  queue.requestInterrupt(0);
  queue.push(queue.writeChain([
    { address: request, length },
    { address: reply, length: RESP_MAP_INFO_SIZE, isWritable: true },
  ]));
  transport.signalKick(GpuQueue.Control);
  const header = { type: 0, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };
  return () => queue.pop() && responseName(readCtrlHdr(guest.words(reply, 6), 0, header).type);
}

/** Waits for the answer to what `beginMap` has begun. */
function answerTo(machine: FrontEndMachine, begun: () => string | undefined): string {
  let answer: string | undefined;
  machine.transport.waitUntil(() => (answer = begun()) !== undefined, "MAP_BLOB is not answered");
  return answer!;
}

/** Waits until the front end was asked. */
function waitForRequest(machine: FrontEndMachine): WindowRequest {
  machine.transport.waitUntil(() => machine.window!.requests.length > 0, "the front end is not asked");
  return machine.window!.requests[0]!;
}

Deno.test("many blobs are mapped and unmapped while the front end is asked once", async () => {
  await using backEnd = await start();
  using machine = connect(backEnd);
  const { driver, window } = machine;

  for (let id = 1; id <= 100; id++) {
    makeBlob(machine, id, PAGE);
    render(driver, id, 0, PAGE, id);
    assertEquals(mapBlob(driver, id, id * PAGE), MAPPED);
  }
  for (let id = 1; id <= 100; id += 2) assertEquals([unmapBlob(driver, id), unref(driver, id)], [OK, OK]);

  assertEquals(window!.requests.length, 1);
  assertEquals(word(machine, 50 * PAGE), 50);
  makeBlob(machine, 101, PAGE);
  assertEquals(mapBlob(driver, 101, 51 * PAGE), MAPPED);
  assertEquals(word(machine, 51 * PAGE), 0); // what another blob has left there is not to be seen
});

Deno.test("the window may be a region of guest memory, before the answer and after it, and go again", async () => {
  await using backEnd = await start();
  using machine = connect(backEnd);
  const { driver, frontEnd, ram } = machine;
  makeBlob(machine, 1, PAGE);
  answering(machine, (request) => {
    frontEnd.setMemory([...ram.regions, windowRegion(request)]);
    machine.window!.carryOut(request);
    frontEnd.setMemory([...ram.regions, windowRegion(request)]);
  });

  assertEquals(mapBlob(driver, 1, 0), MAPPED);
  assertEquals(render(driver, 1, 0, PAGE, 1), OK);
  assertEquals(word(machine, 0), 1);

  frontEnd.setMemory(ram.regions);
  assertEquals(render(driver, 1, 0, PAGE, 2), OK);
  assertEquals([word(machine, 0), backEnd.mappings("host visible memory")], [2, 1]);
});

Deno.test("while the front end owes its answer the cursor moves, and the command waits", async () => {
  await using backEnd = await start();
  using machine = connect(backEnd);
  const { driver, window } = machine;
  makeBlob(machine, 1, PAGE);
  answering(machine, () => {});
  const begun = beginMap(machine, 1);
  const request = waitForRequest(machine);

  moveCursor(driver, 0, 5, 6);
  assertEquals(begun(), undefined);
  window!.carryOut(request);

  assertEquals(answerTo(machine, begun), "OK_MAP_INFO");
});

Deno.test("a refusal of the front end is the guest's answer, and the blob is as it was", async () => {
  await using backEnd = await start();
  using machine = connect(backEnd);
  const { driver, window } = machine;
  makeBlob(machine, 1, PAGE);
  answering(machine, () => window!.answer(1));

  assertEquals(mapBlob(driver, 1, 0), REFUSED);
  assertEquals(render(driver, 1, 0, PAGE, 7), OK);
  answering(machine, (request) => window!.carryOut(request));
  assertEquals(mapBlob(driver, 1, 0), MAPPED);
  assertEquals(word(machine, 0), 7);
});

const FRONT_ENDS: [without: string, protocolFeatures: number | "none"][] = [
  ["protocol features", "none"],
  ["SHMEM_MAP", ALL_PROTOCOL_FEATURES & ~(1 << ProtocolFeature.ShmemMap)],
  ["acknowledgements", ALL_PROTOCOL_FEATURES & ~(1 << ProtocolFeature.ReplyAck)],
  ["a channel for the back end", ALL_PROTOCOL_FEATURES & ~(1 << ProtocolFeature.BackendReq)],
  ["files over that channel", ALL_PROTOCOL_FEATURES & ~(1 << ProtocolFeature.BackendSendFd)],
];
for (const [without, protocolFeatures] of FRONT_ENDS) {
  Deno.test(`a front end without ${without} has no window, and RESOURCE_MAP_BLOB is refused`, async () => {
    await using backEnd = await start();
    using machine = connect(backEnd, { protocolFeatures });
    makeBlob(machine, 1, PAGE);

    assertEquals(machine.window, undefined);
    assertEquals(mapBlob(machine.driver, 1, 0), REFUSED);
    assertEquals(render(machine.driver, 1, 0, PAGE, 7), OK);
  });
}

const WRONG: [what: string, answer: (machine: FrontEndMachine, request: WindowRequest) => void][] = [
  ["answers another request", ({ window }) => window!.answer(0, BackEndRequest.ConfigChangeMsg)],
  ["answers with rubbish", ({ window }) => window!.sendBytes(new Uint8Array(20).fill(0xff))],
  ["answers with half an answer, and goes on with a whole one,", ({ window }) => {
    window!.sendBytes(new Uint8Array(10));
    window!.answer(0);
  }],
  ["closes its channel", ({ window }) => window!.hangUp()],
  ["gives another channel, which is none,", ({ frontEnd, fds }) => {
    const fd = fds.makeEvent();
    frontEnd.setBackEndChannel(fd);
    fds.close(fd);
  }],
];
for (const [what, answer] of WRONG) {
  Deno.test(`a front end that ${what} shows no blob, and its guest goes on`, async () => {
    await using backEnd = await start({ keep: true });
    using machine = connect(backEnd);
    makeBlob(machine, 1, PAGE);
    answering(machine, (request) => answer(machine, request));

    assertEquals(mapBlob(machine.driver, 1, 0), REFUSED);
    assertEquals(mapBlob(machine.driver, 1, 0), REFUSED);

    assertEquals(render(machine.driver, 1, 0, PAGE, 7), OK);
    assertEquals(createResource(machine.driver, 2, 8, 8), OK);
  });
}

Deno.test("a front end that answers twice has its channel closed, and what it shows goes on", async () => {
  await using backEnd = await start();
  using machine = connect(backEnd);
  makeBlob(machine, 1, PAGE);
  makeBlob(machine, 2, PAGE);
  answering(machine, (request) => {
    machine.window!.carryOut(request);
    machine.window!.answer(0);
  });

  assertEquals(mapBlob(machine.driver, 1, 0), MAPPED);
  assertEquals(mapBlob(machine.driver, 2, PAGE), MAPPED);

  await backEnd.waitFor(/^warning: the back end's channel is closed: it brings what answers no request$/m);
});

Deno.test("a front end that never answers holds up its own guest's queue, not its reset", async () => {
  await using backEnd = await start();
  using machine = connect(backEnd);
  makeBlob(machine, 1, PAGE);
  answering(machine, () => {});
  const begun = beginMap(machine, 1);
  waitForRequest(machine);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertEquals(begun(), undefined);

  machine.driver.start(); // the guest reboots

  assertEquals(createContext(machine.driver, 1), OK);
  makeBlob(machine, 1, PAGE);
  const again = beginMap(machine, 1);
  assertEquals(machine.window!.requests, []); // the front end is not asked a second time
  machine.window!.answer(0); // it has shown the file, late
  assertEquals(answerTo(machine, again), "OK_MAP_INFO");
});

Deno.test("a driver that resets the device finds the window empty, and its blobs gone", async () => {
  await using backEnd = await start();
  using machine = connect(backEnd);
  for (let boot = 0; boot < 3; boot++) {
    makeBlob(machine, 1, PAGE);
    render(machine.driver, 1, 0, PAGE, 1);
    assertEquals(mapBlob(machine.driver, 1, 0), MAPPED);
    assertEquals(word(machine, 0), 1);

    machine.driver.start();

    assertEquals(mapBlob(machine.driver, 1, 0).answer, "ERR_INVALID_RESOURCE_ID");
    assertEquals(createContext(machine.driver, 1), OK);
    makeBlob(machine, 2, PAGE);
    assertEquals(mapBlob(machine.driver, 2, 16 * PAGE), MAPPED);
    assertEquals(word(machine, 0), 0);
    unref(machine.driver, 2);
  }
});

Deno.test("a machine that is paused and goes on has its blobs mapped still", async () => {
  await using backEnd = await start();
  using machine = connect(backEnd);
  makeBlob(machine, 1, PAGE);
  render(machine.driver, 1, 0, PAGE, 1);
  mapBlob(machine.driver, 1, 0);

  const bases = [0, 1].map((index) => machine.frontEnd.stopRing(index));
  bases.forEach((base, index) => machine.transport.startRing(index, base));

  render(machine.driver, 1, 0, PAGE, 2);
  assertEquals(word(machine, 0), 2);
  assertEquals(machine.window!.requests.length, 1);
});

Deno.test("a machine that is paused while the front end owes its answer gets it when it goes on", async () => {
  await using backEnd = await start();
  using machine = connect(backEnd);
  makeBlob(machine, 1, PAGE);
  answering(machine, () => {});
  const begun = beginMap(machine, 1);
  const request = waitForRequest(machine);

  const bases = [0, 1].map((index) => machine.frontEnd.stopRing(index));
  machine.window!.carryOut(request);
  assertEquals(begun(), undefined);
  bases.forEach((base, index) => machine.transport.startRing(index, base));

  assertEquals(answerTo(machine, begun), "OK_MAP_INFO");
});

Deno.test("a guest cannot make the window's file longer than it is, nor be shown more", async () => {
  await using backEnd = await start();
  using machine = connect(backEnd);
  makeBlob(machine, 1, 2 * PAGE);
  assertEquals(mapBlob(machine.driver, 1, WINDOW_BYTES - 2 * PAGE), MAPPED);
  assertEquals(unmapBlob(machine.driver, 1), OK);

  for (const offset of [WINDOW_BYTES - PAGE, WINDOW_BYTES, 2 ** 52, 1]) {
    assertEquals(mapBlob(machine.driver, 1, offset).answer, "ERR_INVALID_PARAMETER");
  }

  machine.window!.bytes.fill(1); // every page of it is touched
  const { fd } = machine.window!.requests[0]!;
  const before = Deno.statSync(`/proc/self/fd/${fd}`);
  assertEquals([before.size, before.blocks! * 512], [WINDOW_BYTES, WINDOW_BYTES]);
  machine.driver.start();
  assertEquals(backEnd.mappings("host visible memory"), 1);
});

Deno.test("a renderer that throws is reported, its contexts are lost, and the guest goes on in two dimensions", async () => {
  await using backEnd = await start({ renderer: "throwing" });
  using machine = connect(backEnd);
  const { driver } = machine;

  submit(driver, 1, fill(1, 0, 4, 1));

  await backEnd.waitFor(/^warning: the renderer has failed: no more$/m);
  assertEquals([submit(driver, 1, fill(1, 0, 4, 1)), createContext(driver, 2)], ["ERR_UNSPEC", "ERR_UNSPEC"]);
  assertEquals(createResource(driver, 2, 8, 8), OK);
});

/** How far a front end comes before it goes, in turn. */
const STAGES: ((machine: FrontEndMachine) => void)[] = [
  (machine) => mapBlob(machine.driver, 1, 0),
  (machine) => {
    answering(machine, () => {});
    beginMap(machine, 1);
    waitForRequest(machine);
  },
  (machine) => {
    answering(machine, (request) => machine.frontEnd.setMemory([...machine.ram.regions, windowRegion(request)]));
    beginMap(machine, 1);
    waitForRequest(machine);
  },
  (machine) => {
    answering(machine, () => machine.window!.sendBytes(new Uint8Array(5)));
    beginMap(machine, 1);
    waitForRequest(machine);
  },
  () => {},
];

Deno.test("front ends that go away in the middle leave no descriptor, no mapping and no memory, and the next is served", async () => {
  await using backEnd = await start({ keep: true });
  const come = (count: number) => {
    for (let index = 0; index < count; index++) {
      using machine = connect(backEnd);
      makeBlob(machine, 1, MIB);
      STAGES[index % STAGES.length]!(machine);
    }
  };
  const settle = async () => {
    while (backEnd.mappings("guest RAM") > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const count = () => [...Deno.readDirSync(`/proc/${backEnd.pid}/fd`)].length;
  come(2 * STAGES.length);
  await settle();
  const before = count();

  come(300);
  await settle();

  assertEquals([count(), backEnd.mappings("host visible memory")], [before, 0]);
  using machine = connect(backEnd);
  makeBlob(machine, 1, PAGE);
  assertEquals(mapBlob(machine.driver, 1, 0), MAPPED);
});

Deno.test("a stream that goes on when its front end has gone does not write into the next guest's memory", async () => {
  await using backEnd = await start({ keep: true, renderer: "late" });
  {
    using machine = connect(backEnd);
    makeBlob(machine, 1, PAGE);
    assertEquals(mapBlob(machine.driver, 1, 0), MAPPED);
    machine.window!.bytes.fill(1, 0, PAGE);
    assertEquals(submit(machine.driver, 1, fill(1, 0, PAGE, 0x55555555)), OK);
  }
  const regions = [{ guestAddress: 0, sizeBytes: 64 * MIB + WINDOW_BYTES }]; // where the window lay, too

  using machine = new FrontEndMachine(backEnd.path, { regions });
  machine.driver.start();

  assertEquals(createContext(machine.driver, 1), OK); // the stream has ended
  assertEquals(new Uint32Array(machine.ram.bytes.buffer).includes(0x55555555), false);
  makeBlob(machine, 1, PAGE);
  assertEquals(mapBlob(machine.driver, 1, 0), MAPPED);
});
