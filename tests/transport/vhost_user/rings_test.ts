/** Rings that start, stand still and stop one by one. vhost-user, Ring states. */

import { assertEquals } from "@std/assert";
import { DriverQueue } from "../../../src/guest/driver_queue.ts";
import { FrontEndRequest } from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { DeviceStatus, VIRTQ_USED_IDX } from "../../../src/virtio/virtio.gen.ts";
import { type FrontEnd, numberOf } from "./front_end.ts";
import { completeAll, makeMockVhost, pushChains, shareRam, startMockVhost } from "./vhost_machine.ts";

Deno.test("A ring runs once it has a size, addresses and a kick and is enabled, whichever comes last", async () => {
  const steps: ((frontEnd: FrontEnd, queue: DriverQueue) => void)[] = [
    (frontEnd, queue) => frontEnd.sendState(FrontEndRequest.SetVringNum, 0, queue.size),
    (frontEnd, queue) => frontEnd.setAddresses(0, queue),
    (frontEnd) => frontEnd.sendEventFd(FrontEndRequest.SetVringKick, 0),
    (frontEnd) => frontEnd.sendState(FrontEndRequest.SetVringEnable, 0, 1),
  ];
  for (const last of steps) {
    const machine = await makeMockVhost();
    const { frontEnd, device, host } = machine;
    shareRam(machine);
    const queue = new DriverQueue(machine.ram, 8);

    for (const step of steps.filter((step) => step !== last)) step(frontEnd, queue);
    assertEquals(device.take(), []);
    last(frontEnd, queue);

    assertEquals(device.take(), ["activate"]);
    assertEquals(host.reports, []);
  }
});

Deno.test("A ring that starts is looked at once, since nobody may kick for what is in it", async () => {
  const { device, frontEnd, host } = await startMockVhost();
  device.take();

  assertEquals(host.work, [0]);
  frontEnd.work();

  assertEquals(device.take(), ["notify 0"]);
});

Deno.test("A kick reaches the device while the ring runs", async () => {
  const { device, frontEnd, connection, host, kick } = await startMockVhost();
  frontEnd.work();
  device.take();

  assertEquals(host.kicks[0], kick);
  connection.notify(0);
  connection.notify(1);
  connection.notify(7);

  assertEquals(device.take(), ["notify 0"]);
});

Deno.test("SET_FEATURES without the bit of the protocol features enables all rings", async () => {
  const machine = await makeMockVhost();
  const { frontEnd, device } = machine;
  shareRam(machine);
  const { low, high } = device.offeredFeatures;
  frontEnd.sendU64(FrontEndRequest.SetFeatures, high * 2 ** 32 + low);
  const queue = new DriverQueue(machine.ram, 8);

  frontEnd.sendState(FrontEndRequest.SetVringNum, 1, 8);
  frontEnd.setAddresses(1, queue);
  frontEnd.sendEventFd(FrontEndRequest.SetVringKick, 1);

  assertEquals([device.queues[0], device.queues[1] !== undefined], [undefined, true]);
});

Deno.test("The device is activated once, and sees a second ring come and go in the same list", async () => {
  const machine = await startMockVhost();
  const { device, frontEnd } = machine;
  const { queues } = device;

  frontEnd.startRing(1, new DriverQueue(machine.ram, 16));
  assertEquals(queues.map((queue) => queue !== undefined), [true, true]);
  frontEnd.stopRing(0);
  assertEquals(queues.map((queue) => queue !== undefined), [false, true]);

  assertEquals(device.take(), ["activate"]);
});

Deno.test("GET_VRING_BASE answers how far the ring has come, and the device hears of no kick any more", async () => {
  const { device, frontEnd, connection, queue, host } = await startMockVhost();
  pushChains(queue, 5);
  completeAll(device);
  pushChains(queue, 1);
  device.take();

  assertEquals(frontEnd.stopRing(0), 5);
  connection.notify(0);

  assertEquals(device.take(), []);
  assertEquals(host.kicks[0], undefined);
});

Deno.test("A ring that is started again where it stood goes on with the chains that were left", async () => {
  const { device, frontEnd, queue } = await startMockVhost();
  pushChains(queue, 3);
  completeAll(device);
  pushChains(queue, 2);
  const base = frontEnd.stopRing(0);
  frontEnd.work();
  device.take();

  frontEnd.startRing(0, queue, base);
  frontEnd.work();

  assertEquals(completeAll(device), 2);
  assertEquals(device.take(), ["notify 0"]);
  assertEquals([0, 1, 2, 3, 4].map(() => queue.pop()?.head), [0, 1, 2, 3, 4]);
});

Deno.test("SET_VRING_BASE says where to begin; where to answer stands in the used ring", async () => {
  const machine = await makeMockVhost();
  shareRam(machine);
  const { device, frontEnd, ram } = machine;
  const queue = new DriverQueue(ram, 8);
  pushChains(queue, 8);
  for (let index = 0; index < 4; index++) pushChains(queue, 1); // the device before this one answered all but two
  ram.fields(queue.used, 4).setUint16(VIRTQ_USED_IDX, 10, true);

  frontEnd.startRing(0, queue, 10);

  assertEquals(completeAll(device), 2);
  assertEquals(ram.fields(queue.used, 4).getUint16(VIRTQ_USED_IDX, true), 12);
  assertEquals(frontEnd.stopRing(0), 12);
});

Deno.test("The index goes round at 2^16", async () => {
  const machine = await makeMockVhost();
  shareRam(machine);
  const { device, frontEnd, ram } = machine;
  const queue = new DriverQueue(ram, 8);
  ram.fields(queue.used, 4).setUint16(VIRTQ_USED_IDX, 0xffff, true);
  ram.fields(queue.available, 4).setUint16(2, 0xffff, true);

  frontEnd.startRing(0, queue, 0xffff);
  ram.fields(queue.available, 4).setUint16(2, 1, true);
  queue.writeDescriptor(queue.descriptors, 0, { address: 4096, length: 1 }, undefined);

  assertEquals(completeAll(device), 2);
  assertEquals(frontEnd.stopRing(0), 1);
});

Deno.test("A disabled ring stands still and goes on when it is enabled, with its kick", async () => {
  const { device, frontEnd, queue, host, kick } = await startMockVhost();
  pushChains(queue, 1);
  completeAll(device);

  frontEnd.sendState(FrontEndRequest.SetVringEnable, 0, 0);
  assertEquals([device.queues[0], host.kicks[0]], [undefined, undefined]);
  pushChains(queue, 1);
  frontEnd.sendState(FrontEndRequest.SetVringEnable, 0, 1);

  assertEquals(host.kicks[0], kick);
  assertEquals(completeAll(device), 1);
});

Deno.test("RESET_OWNER disables all rings and changes nothing else", async () => {
  const { device, frontEnd } = await startMockVhost();
  device.take();

  frontEnd.send(FrontEndRequest.ResetOwner);
  assertEquals([device.queues[0], device.take()], [undefined, []]);
  frontEnd.sendState(FrontEndRequest.SetVringEnable, 0, 1);

  assertEquals(device.queues[0] !== undefined, true);
});

Deno.test("An eventfd that replaces another closes it", async () => {
  const { frontEnd, host, kick, call, error } = await startMockVhost();

  const fds = [FrontEndRequest.SetVringKick, FrontEndRequest.SetVringCall, FrontEndRequest.SetVringErr]
    .map((request) => frontEnd.sendEventFd(request, 0));

  assertEquals([...host.open.keys()], fds);
  assertEquals(host.kicks[0], fds[0]);
  assertEquals([kick, call, error].some((fd) => host.open.has(fd)), false);
});

Deno.test("SET_VRING_KICK without an eventfd is refused, since rings are not polled", async () => {
  const { frontEnd } = await makeMockVhost();

  frontEnd.sendEventFd(FrontEndRequest.SetVringKick, 0, null);

  assertEquals(frontEnd.closed, "SET_VRING_KICK is refused: a ring without a kick would have to be polled");
});

Deno.test("An interrupt signals the call", async () => {
  const { device, queue, host, call } = await startMockVhost();
  pushChains(queue, 1);

  completeAll(device);

  assertEquals(host.signals, [call]);
});

Deno.test("An interrupt that finds no call is made up for when there is one", async () => {
  const { device, frontEnd, queue, host } = await startMockVhost();
  frontEnd.sendEventFd(FrontEndRequest.SetVringCall, 0, null);
  pushChains(queue, 1);
  completeAll(device);
  assertEquals(host.signals, []);

  const call = frontEnd.sendEventFd(FrontEndRequest.SetVringCall, 0);
  frontEnd.sendEventFd(FrontEndRequest.SetVringCall, 0);

  assertEquals(host.signals, [call]);
});

Deno.test("A malformed ring is stopped alone, signals its error and sets DEVICE_NEEDS_RESET", async () => {
  const machine = await startMockVhost();
  const { device, frontEnd, queue, host, error, connection } = machine;
  const other = new DriverQueue(machine.ram, 8);
  frontEnd.startRing(1, other);
  queue.push(1000);

  completeAll(device);
  device.take();
  connection.notify(0);
  connection.notify(1);

  assertEquals(device.take(), ["notify 1"]);
  assertEquals(host.signals.at(-1), error);
  assertEquals(host.kicks[0], undefined);
  assertEquals(host.reports, ["ring 0 is stopped: it is malformed (-2)"]);
  assertEquals(frontEnd.get(FrontEndRequest.GetStatus), DeviceStatus.DeviceNeedsReset);
  pushChains(other, 1);
  assertEquals(completeAll(device, 1), 1);
});

Deno.test("A malformed ring answers GET_VRING_BASE and can be started again", async () => {
  const { device, frontEnd, queue } = await startMockVhost();
  pushChains(queue, 2);
  queue.push(1000);
  completeAll(device);

  const base = frontEnd.stopRing(0);
  frontEnd.startRing(0, queue, base);

  assertEquals(base, 2);
  assertEquals(device.queues[0]?.errorCode, 0);
});

Deno.test("A device that cannot go on stops every ring", async () => {
  const machine = await startMockVhost();
  const { device, frontEnd, host } = machine;
  frontEnd.startRing(1, new DriverQueue(machine.ram, 8));

  device.events!.needsReset();

  assertEquals(device.queues.every((queue) => queue === undefined), true);
  assertEquals(host.reports, [
    "ring 0 is stopped: the device cannot go on",
    "ring 1 is stopped: the device cannot go on",
  ]);
});

Deno.test("A ring outside of guest memory does not start, and signals its error", async () => {
  const outside: [name: string, parts: Partial<DriverQueue>][] = [
    ["descriptors", { descriptors: 2 ** 40 }],
    ["available ring", { available: -0x1000 }],
    ["used ring", { used: 8 * 1024 * 1024 - 8 }],
    ["misaligned used ring", { used: 8194 }],
    ["addresses past 2^53", { descriptors: 2 ** 60 }],
  ];
  for (const [, parts] of outside) {
    const machine = await makeMockVhost();
    const { frontEnd, device, host } = machine;
    shareRam(machine);
    const good = new DriverQueue(machine.ram, 8);
    const { size, descriptors, available, used } = good;
    const error = frontEnd.sendEventFd(FrontEndRequest.SetVringErr, 0);
    frontEnd.sendState(FrontEndRequest.SetVringNum, 0, 8);
    frontEnd.setAddresses(0, { size, descriptors, available, used, ...parts } as DriverQueue);
    frontEnd.sendEventFd(FrontEndRequest.SetVringKick, 0);

    frontEnd.sendState(FrontEndRequest.SetVringEnable, 0, 1);

    assertEquals(host.signals, [error]);
    assertEquals(host.reports, ["ring 0 is stopped: it does not lie in guest memory"]);
    assertEquals([frontEnd.closed, device.calls], [undefined, []]);
    frontEnd.setAddresses(0, good);
    frontEnd.sendEventFd(FrontEndRequest.SetVringKick, 0);
    assertEquals(device.take(), ["activate"]);
  }
});

Deno.test("A ring does not start without memory or before the driver has accepted VERSION_1", async () => {
  const { frontEnd, host, device } = await makeMockVhost();
  const queue = { size: 8, descriptors: 4096, available: 8192, used: 12288 } as DriverQueue;

  frontEnd.startRing(0, queue);
  frontEnd.negotiate(0, 1);
  frontEnd.startRing(1, queue);

  assertEquals(host.reports, [
    "ring 0 is stopped: the driver has not accepted the features",
    "ring 1 is stopped: it does not lie in guest memory",
  ]);
  assertEquals(device.calls, []);
});

Deno.test("SET_VRING_NUM takes powers of two up to 1024, whatever the device would choose", async () => {
  for (const size of [1, 2, 512, 1024]) {
    const { frontEnd } = await makeMockVhost();
    frontEnd.sendState(FrontEndRequest.SetVringNum, 1, size);
    assertEquals(frontEnd.closed, undefined);
  }
  for (const size of [0, 3, 1023, 2048, 0xffffffff]) {
    const { frontEnd } = await makeMockVhost();
    frontEnd.sendState(FrontEndRequest.SetVringNum, 1, size);
    assertEquals(frontEnd.closed, `SET_VRING_NUM is refused: a ring cannot have ${size} descriptors`);
  }
});

Deno.test("A message about a ring that the device does not have is refused", async () => {
  const { SetVringNum, SetVringBase, SetVringEnable, GetVringBase, SetVringKick, SetVringCall } = FrontEndRequest;
  for (const index of [2, 255, 0xffffffff]) {
    for (const request of [SetVringNum, SetVringBase, SetVringEnable, GetVringBase]) {
      const { frontEnd } = await makeMockVhost();
      frontEnd.sendState(request, index, 1);
      assertEquals(frontEnd.closed?.endsWith("is refused: there is no such ring"), true);
    }
    for (const request of [SetVringKick, SetVringCall]) {
      const { frontEnd, host } = await makeMockVhost();
      frontEnd.sendEventFd(request, index & 0xff);
      assertEquals(frontEnd.closed?.endsWith("is refused: there is no such ring"), true);
      assertEquals(host.open.size, 0);
    }
  }
});

Deno.test("SET_VRING_BASE and SET_VRING_ENABLE refuse numbers that mean nothing", async () => {
  const machine = await makeMockVhost();
  machine.frontEnd.negotiate(0, 0);

  const outcomes = [
    machine.frontEnd.sendState(FrontEndRequest.SetVringBase, 0, 0x10000, { needsReply: true }),
    machine.frontEnd.sendState(FrontEndRequest.SetVringEnable, 0, 2, { needsReply: true }),
  ];

  assertEquals(outcomes.map(numberOf), [1, 1]);
});

Deno.test("SET_VRING_ADDR moves a ring that runs, from where it stands", async () => {
  const machine = await startMockVhost();
  const { device, frontEnd, queue, ram } = machine;
  pushChains(queue, 3);
  completeAll(device);
  const moved = new DriverQueue(ram, 8);
  for (const part of ["descriptors", "available", "used"] as const) {
    ram.bytes(moved[part], 70).set(ram.bytes(queue[part], 70).slice());
  }
  ram.fields(moved.available, 4).setUint16(2, 4, true);

  frontEnd.setAddresses(0, moved);

  assertEquals(completeAll(device), 1);
  assertEquals(ram.fields(moved.used, 4).getUint16(VIRTQ_USED_IDX, true), 4);
  assertEquals(ram.fields(queue.used, 4).getUint16(VIRTQ_USED_IDX, true), 3);
});
