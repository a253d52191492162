/** Fences that are in flight when a ring stands still, moves or stops, and goes on. vhost-user, Ring states. */

import { assertEquals } from "@std/assert";
import { DriverQueue } from "../../../src/guest/driver_queue.ts";
import { GpuDriver } from "../../../src/guest/gpu_driver.ts";
import { LATER } from "../../../src/protocol/outcome.ts";
import { GpuQueue } from "../../../src/protocol/wire.gen.ts";
import { FrontEndRequest } from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { DeviceStatus } from "../../../src/virtio/virtio.gen.ts";
import { FenceGuest } from "../../device/fence_guest.ts";
import { HandRenderer } from "../../device/hand_renderer.ts";
import { USER_BASE } from "./front_end.ts";
import { VhostDriverTransport } from "./vhost_driver_transport.ts";
import { makeGpuVhost, RAM_BYTES } from "./vhost_machine.ts";

const CONTROL = GpuQueue.Control;

/** A GPU over vhost-user whose fences a test ends by hand, with contexts 1 and 2. */
async function startFences() {
  const renderer = new HandRenderer();
  const machine = await makeGpuVhost({ renderer });
  const { frontEnd, file } = machine;
  frontEnd.setMemTable([{ guestAddress: 0, sizeBytes: RAM_BYTES, file }]);
  frontEnd.negotiate(0, 0);
  const transport = new VhostDriverTransport(frontEnd, [64, 16]);
  const driver = new GpuDriver(transport, machine.ram);
  driver.start();
  const fences = new FenceGuest({ driver, ram: machine.ram });
  fences.createContexts(1, 2);
  renderer.calls.splice(0);
  return { ...machine, renderer, driver, fences };
}

type Running = Awaited<ReturnType<typeof startFences>>;

/** Stops the control ring and starts it where it stood, as a machine that is paused and goes on. */
function startAgain({ frontEnd, fences }: Running, base: number): void {
  frontEnd.startRing(CONTROL, fences.queue(), base);
  frontEnd.work();
}

Deno.test("A fence that is done while the ring runs is answered at once, and interrupts", async () => {
  const { renderer, fences, host } = await startFences();
  fences.queue().requestInterrupt(2);
  const posted = fences.submit([1, 0]);
  host.signals.splice(0);

  renderer.doneAt(0);

  assertEquals(fences.ids(), [posted.id]);
  assertEquals(host.signals.length, 1);
});

Deno.test("GET_VRING_BASE says that chains in flight were taken; they are answered when the ring goes on there", async () => {
  const machine = await startFences();
  const { renderer, fences, frontEnd } = machine;
  const posted = [0, 1, 2].map((ringIndex) => fences.submit([1, ringIndex]));

  const base = frontEnd.stopRing(CONTROL);
  renderer.doneAt(2);
  renderer.doneAt(0);
  const whileStopped = fences.ids();
  startAgain(machine, base);
  const whenStarted = fences.ids();
  renderer.doneAt(1);

  assertEquals(base, 2 + 3); // two for the contexts
  assertEquals(whileStopped, []);
  assertEquals(whenStarted, [posted[2]!.id, posted[0]!.id]);
  assertEquals(fences.ids(), [posted[1]!.id]);
});

Deno.test("SET_VRING_ENABLE 0 keeps what is in flight for SET_VRING_ENABLE 1", async () => {
  const { renderer, fences, frontEnd } = await startFences();
  const posted = fences.submit([1, 0]);

  frontEnd.sendState(FrontEndRequest.SetVringEnable, CONTROL, 0);
  renderer.doneAt(0);
  const whileDisabled = fences.ids();
  frontEnd.sendState(FrontEndRequest.SetVringEnable, CONTROL, 1);
  frontEnd.work();

  assertEquals([whileDisabled, fences.ids()], [[], [posted.id]]);
});

Deno.test("SET_MEM_TABLE with other files keeps what is in flight, and it is answered in the memory of then", async () => {
  const { renderer, fences, frontEnd, file } = await startFences();
  const posted = [fences.submit([1, 0]), fences.submit([1, 1])];

  frontEnd.setMemTable([]);
  renderer.doneAt(0);
  const other = { bytes: file.bytes.slice() }; // what the guest has, elsewhere
  frontEnd.setMemTable([{ guestAddress: 0, sizeBytes: RAM_BYTES, file: other }]);
  frontEnd.work();
  const whenBack = fences.ids();
  renderer.doneAt(1);

  assertEquals(whenBack, [posted[0]!.id]);
  assertEquals(fences.ids(), [posted[1]!.id]);
});

Deno.test("A ring that is moved in guest memory keeps what is in flight", async () => {
  const { renderer, fences, frontEnd, ram } = await startFences();
  const posted = fences.submit([1, 0]);
  const { descriptors, size } = fences.queue();
  const moved = ram.allocate(size * 16, 16);
  ram.bytes(moved, size * 16).set(ram.bytes(descriptors, size * 16));
  ram.bytes(descriptors, size * 16).fill(0xff);

  sendDescriptorAddress(frontEnd, fences, moved);
  renderer.doneAt(0);

  assertEquals(fences.ids(), [posted.id]);
});

function sendDescriptorAddress(frontEnd: Running["frontEnd"], fences: FenceGuest, descriptors: number): void {
  const words = new Uint32Array(10);
  const { available, used } = fences.queue();
  [descriptors, used, available].forEach((address, index) => {
    words[2 + index * 2] = (USER_BASE + address) >>> 0;
    words[3 + index * 2] = Math.floor((USER_BASE + address) / 2 ** 32);
  });
  words[0] = CONTROL;
  frontEnd.send(FrontEndRequest.SetVringAddr, new Uint8Array(words.buffer));
}

Deno.test("A command that waits when the ring stops is not taken, and is asked again when the ring goes on", async () => {
  const machine = await startFences();
  const { renderer, fences, frontEnd, ram } = machine;
  renderer.outcomes.push(LATER);
  const posted = fences.submit([1, 0]);

  const base = frontEnd.stopRing(CONTROL);
  ram.bytes(posted.request, 64).fill(0xff);
  renderer.host.resume();
  frontEnd.work();
  startAgain(machine, base);
  renderer.doneAt(0);

  assertEquals(base, 2);
  assertEquals(renderer.calls, ["submit 1 0 3 later", "submit 1 0 3"]);
  assertEquals(fences.ids(), [posted.id]);
});

Deno.test("A ring that goes on elsewhere than where it stood shows another driver: nothing in flight is answered", async () => {
  const { renderer, fences, frontEnd, ram } = await startFences();
  const next = new DriverQueue(ram, 64);
  fences.submit([1, 0]);
  renderer.calls.splice(0);

  frontEnd.stopRing(CONTROL);
  frontEnd.startRing(CONTROL, next, 0);
  frontEnd.work();
  renderer.doneAt(0);

  assertEquals(renderer.calls, ["reset"]);
  assertEquals([fences.ids(), next.pop()], [[], undefined]);
});

Deno.test("A parked chain that has become malformed stops its ring, and the front end hears of it", async () => {
  const { renderer, fences, frontEnd, ram, host } = await startFences();
  const posted = fences.submit([1, 0]);
  ram.fields(fences.queue().descriptors + posted.head * 16, 16).setUint32(4, 0xffff, true);

  renderer.doneAt(0);

  assertEquals(fences.ids(), []);
  assertEquals(frontEnd.get(FrontEndRequest.GetStatus) & DeviceStatus.DeviceNeedsReset, DeviceStatus.DeviceNeedsReset);
  assertEquals(host.reports, ["ring 0 is stopped: it is malformed (-11)"]);
});
