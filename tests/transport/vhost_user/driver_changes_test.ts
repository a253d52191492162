/** When the device is reset, and when it keeps its state: reboots, pauses, reconnections. vhost-user, Ring states. */

import { assertEquals } from "@std/assert";
import { DriverQueue } from "../../../src/guest/driver_queue.ts";
import { VhostUserConnection } from "../../../src/transport/vhost_user/connection.ts";
import { FrontEndRequest } from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { DeviceStatus } from "../../../src/virtio/virtio.gen.ts";
import { FrontEnd } from "./front_end.ts";
import { completeAll, makeMockVhost, pushChains, shareRam, startMockVhost } from "./vhost_machine.ts";

const { Acknowledge, Driver, DriverOk, FeaturesOk, DeviceNeedsReset } = DeviceStatus;

/** A machine both of whose rings have answered some chains. */
async function startBoth() {
  const machine = await startMockVhost();
  const cursor = new DriverQueue(machine.ram, 8);
  machine.frontEnd.startRing(1, cursor);
  pushChains(machine.queue, 5);
  pushChains(cursor, 2);
  completeAll(machine.device, 0);
  completeAll(machine.device, 1);
  machine.device.take();
  return { ...machine, cursor };
}

Deno.test("A paused machine, as QEMU from 8.1 on pauses it, goes on with the device's state", async () => {
  const { device, frontEnd, queue, cursor } = await startBoth();

  const bases = [frontEnd.stopRing(0), frontEnd.stopRing(1)];
  frontEnd.sendU64(FrontEndRequest.SetStatus, 0);
  frontEnd.negotiate(device.offeredFeatures.low, device.offeredFeatures.high);
  frontEnd.startRing(0, queue, bases[0]);
  frontEnd.startRing(1, cursor, bases[1]);

  assertEquals(bases, [5, 2]);
  assertEquals(device.take(), []);
  pushChains(queue, 1);
  assertEquals(completeAll(device), 1);
});

Deno.test("A paused machine, as QEMU 7.2 pauses it with the status first, goes on with the device's state", async () => {
  const { device, frontEnd, queue, cursor } = await startBoth();

  frontEnd.sendU64(FrontEndRequest.SetStatus, 0);
  const bases = [frontEnd.stopRing(0), frontEnd.stopRing(1)];
  frontEnd.startRing(0, queue, bases[0]);
  frontEnd.startRing(1, cursor, bases[1]);

  assertEquals(bases, [5, 2]);
  assertEquals(device.take(), []);
});

Deno.test("A guest that reboots, as QEMU 7.2 tells it, finds a reset device", async () => {
  const { device, frontEnd, ram } = await startBoth();
  frontEnd.sendU64(FrontEndRequest.SetStatus, 0);
  frontEnd.stopRing(0);
  frontEnd.stopRing(1);
  assertEquals(device.take(), []);

  frontEnd.startRing(0, new DriverQueue(ram, 8), 0);
  assertEquals(device.take(), ["reset", "activate"]);
  frontEnd.startRing(1, new DriverQueue(ram, 8), 0);

  assertEquals(device.take(), []);
});

Deno.test("A guest that reboots finds a reset device where the status was not negotiated", async () => {
  const { device, frontEnd, ram } = await startBoth();
  frontEnd.stopRing(0);
  frontEnd.stopRing(1);

  frontEnd.startRing(0, new DriverQueue(ram, 8), 0);
  frontEnd.startRing(1, new DriverQueue(ram, 8), 0);

  assertEquals(device.take(), ["reset", "activate"]);
});

Deno.test("A driver that comes back to index 0 after a status of 0 finds a reset device", async () => {
  const machine = await startMockVhost();
  const { device, frontEnd, queue } = machine;
  device.take();

  frontEnd.sendU64(FrontEndRequest.SetStatus, 0);
  frontEnd.startRing(0, queue, 0);

  assertEquals(device.take(), ["reset", "activate"]);
});

Deno.test("A driver of user-mode Linux that is bound again, its rings only disabled before, finds a reset device", async () => {
  const { device, frontEnd, ram } = await startBoth();
  for (const index of [1, 0]) frontEnd.sendState(FrontEndRequest.SetVringEnable, index, 0);

  const queue = new DriverQueue(ram, 8);
  frontEnd.sendEventFd(FrontEndRequest.SetVringCall, 0);
  frontEnd.startRing(0, queue, 0);

  assertEquals(device.take(), ["reset", "activate"]);
  pushChains(queue, 1);
  assertEquals(completeAll(device), 1);
});

Deno.test("A driver that comes with other features finds a reset device", async () => {
  const { device, frontEnd } = await startBoth();
  frontEnd.stopRing(0);
  frontEnd.stopRing(1);

  frontEnd.negotiate(0, device.offeredFeatures.high);

  assertEquals(device.take(), ["reset"]);
});

Deno.test("A back end that takes over a running guest begins where the front end says", async () => {
  const machine = await makeMockVhost();
  shareRam(machine);
  const { device, frontEnd, ram } = machine;

  frontEnd.startRing(0, new DriverQueue(ram, 8), 700);
  frontEnd.startRing(1, new DriverQueue(ram, 8), 12);

  assertEquals(device.take(), ["activate"]);
  assertEquals([frontEnd.stopRing(0), frontEnd.stopRing(1)], [700, 12]);
});

Deno.test("RESET_DEVICE resets the device at once, disables the rings, and begins them at 0", async () => {
  const { device, frontEnd, queue } = await startBoth();

  frontEnd.send(FrontEndRequest.ResetDevice);
  assertEquals(device.take(), ["reset"]);
  assertEquals(device.queues.every((queue) => queue === undefined), true);
  frontEnd.sendEventFd(FrontEndRequest.SetVringKick, 0);
  assertEquals(device.take(), []);
  assertEquals(frontEnd.stopRing(0), 0);
  frontEnd.negotiate(device.offeredFeatures.low, device.offeredFeatures.high);
  frontEnd.startRing(0, queue, 0);

  assertEquals(device.take(), ["activate"]);
});

Deno.test("RESET_DEVICE keeps memory and eventfds", async () => {
  const { frontEnd, guest, host, call, error } = await startBoth();

  frontEnd.send(FrontEndRequest.ResetDevice);

  assertEquals(guest.regions.length, 1);
  assertEquals([call, error].every((fd) => host.open.has(fd)), true);
});

Deno.test("SET_STATUS and GET_STATUS keep the status as QEMU builds it up", async () => {
  const { device, frontEnd } = await makeMockVhost();
  frontEnd.negotiate(device.offeredFeatures.low, device.offeredFeatures.high);

  for (const status of [FeaturesOk, FeaturesOk | Acknowledge | Driver | DriverOk]) {
    frontEnd.sendU64(FrontEndRequest.SetStatus, status);
    assertEquals(frontEnd.get(FrontEndRequest.GetStatus), status);
  }
});

Deno.test("FEATURES_OK does not stick when the driver has not accepted VERSION_1", async () => {
  const { frontEnd } = await makeMockVhost();
  frontEnd.negotiate(0, 0);

  frontEnd.sendU64(FrontEndRequest.SetStatus, Acknowledge | FeaturesOk);

  assertEquals(frontEnd.get(FrontEndRequest.GetStatus), Acknowledge);
});

Deno.test("DEVICE_NEEDS_RESET is the device's: a front end cannot set it, and a status of 0 clears it", async () => {
  const { device, frontEnd, queue } = await startMockVhost();
  frontEnd.sendU64(FrontEndRequest.SetStatus, DriverOk | DeviceNeedsReset);
  assertEquals(frontEnd.get(FrontEndRequest.GetStatus), DriverOk);
  queue.push(1000);
  completeAll(device);

  frontEnd.sendU64(FrontEndRequest.SetStatus, DriverOk);
  assertEquals(frontEnd.get(FrontEndRequest.GetStatus), DriverOk | DeviceNeedsReset);
  frontEnd.sendU64(FrontEndRequest.SetStatus, 0);

  assertEquals(frontEnd.get(FrontEndRequest.GetStatus), 0);
});

Deno.test("SET_STATUS refuses more than eight bits", async () => {
  const { frontEnd } = await makeMockVhost();
  frontEnd.negotiate(0, 0);

  frontEnd.sendU64(FrontEndRequest.SetStatus, 256);

  assertEquals(frontEnd.closed, "SET_STATUS is refused: a status has eight bits");
});

Deno.test("A connection that ends resets the device and lets go of everything, once", async () => {
  const { device, frontEnd, connection, guest, heap, host } = await startBoth();
  frontEnd.send(FrontEndRequest.SetBackendReqFd, undefined, { fds: [host.openFd()] });
  frontEnd.send(FrontEndRequest.GpuSetSocket, undefined, { fds: [host.openFd()] });
  const { usedBytes } = heap;

  connection.close();
  connection.close();

  assertEquals(device.take(), ["reset"]);
  assertEquals([host.open.size, host.mappings.size, guest.regions.length], [0, 0, 0]);
  assertEquals(host.kicks, [undefined, undefined]);
  assertEquals(heap.usedBytes < usedBytes, true);
});

Deno.test("A connection that has ended closes what it is still sent, and says so", async () => {
  const { frontEnd, connection, host } = await makeMockVhost();
  connection.close();

  const outcome = frontEnd.send(FrontEndRequest.GpuSetSocket, undefined, { fds: [host.openFd()] });

  assertEquals(outcome, { close: "the connection is closed" });
  assertEquals(host.open.size, 0);
});

Deno.test("A device serves the next connection as if it were the first", async () => {
  const first = await startBoth();
  first.connection.close();
  const connection = new VhostUserConnection(first.device, first.guest, first.host);
  const next = { ...first, connection, frontEnd: new FrontEnd(connection, first.host) };
  first.device.take();

  shareRam(next);
  const queue = new DriverQueue(next.ram, 8);
  next.frontEnd.startRing(0, queue);
  pushChains(queue, 1);

  assertEquals(completeAll(next.device), 1);
  assertEquals(next.device.take(), ["activate"]);
});
