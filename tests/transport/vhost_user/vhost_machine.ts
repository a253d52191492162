import { VirtioGpu } from "../../../src/device/virtio_gpu.ts";
import type { VirtioGpuOptions } from "../../../src/device/gpu_options.ts";
import { DriverQueue } from "../../../src/guest/driver_queue.ts";
import { GuestRam } from "../../../src/guest/guest_ram.ts";
import { GuestMemory } from "../../../src/memory/guest_memory.ts";
import { type Arena, growingArena } from "../../../src/memory/host_heap.ts";
import { VhostUserConnection } from "../../../src/transport/vhost_user/connection.ts";
import { PopResult } from "../../../src/virtio/split_queue.ts";
import type { VirtioDevice } from "../../../src/virtio/virtio_device.ts";
import { MockDevice, type MockOptions } from "../mock_device.ts";
import { type FakeFile, FakeHost } from "./fake_host.ts";
import { FrontEnd } from "./front_end.ts";

/** A device, one connection to it, and the front end at the other end. */
export interface VhostMachine<Device extends VirtioDevice> {
  device: Device;
  guest: GuestMemory;
  heap: Arena;
  host: FakeHost;
  connection: VhostUserConnection;
  frontEnd: FrontEnd;
  /** Guest RAM, from guest address 0 on, while the front end has handed it over. */
  ram: GuestRam;
  /** The file that holds it. */
  file: FakeFile;
}

const WINDOW_OFFSET = 65536;
const WINDOW_BYTES = 32 * 1024 * 1024;
/** Size of guest RAM. */
export const RAM_BYTES = 8 * 1024 * 1024;

/** Makes a machine of `makeDevice`'s device; nothing was said yet. */
export async function makeVhostMachine<Device extends VirtioDevice>(
  makeDevice: (guest: GuestMemory) => Device,
  isShared = false,
): Promise<VhostMachine<Device>> {
  const memory = new WebAssembly.Memory({
    initial: (WINDOW_OFFSET + WINDOW_BYTES) / 65536,
    maximum: 65536,
    shared: isShared,
  });
  const heap = growingArena(memory, 512 * 1024 * 1024);
  const guest = await GuestMemory.create(memory, heap, []);
  const device = makeDevice(guest);
  const host = new FakeHost(memory, WINDOW_OFFSET, WINDOW_OFFSET + WINDOW_BYTES);
  const connection = new VhostUserConnection(device, guest, host);
  const frontEnd = new FrontEnd(connection, host);
  const file = { bytes: new Uint8Array(RAM_BYTES) };
  return { device, guest, heap, host, connection, frontEnd, ram: ramOf(guest), file };
}

/** RAM of which nothing is taken yet, as far as it is in a region from guest address 0 on. */
export function ramOf(guest: GuestMemory): GuestRam {
  return new GuestRam(() => {
    const { offset, sizeBytes } = guest.regions.find(({ guestAddress }) => guestAddress === 0)!;
    return guest.bytes.subarray(offset, offset + sizeBytes);
  }, RAM_BYTES);
}

/** Makes a machine of a `MockDevice`. */
export function makeMockVhost(options: MockOptions = {}): Promise<VhostMachine<MockDevice>> {
  return makeVhostMachine(() => new MockDevice(options));
}

/** Makes a machine of a GPU. */
export function makeGpuVhost(options: VirtioGpuOptions = {}, isShared = false): Promise<VhostMachine<VirtioGpu>> {
  return makeVhostMachine((guest) => new VirtioGpu(guest, options), isShared);
}

/** Hands over all of guest RAM, and accepts everything that is offered. */
export function shareRam({ device, frontEnd, file }: VhostMachine<VirtioDevice>): void {
  frontEnd.negotiate(device.offeredFeatures.low, device.offeredFeatures.high);
  frontEnd.setMemTable([{ guestAddress: 0, sizeBytes: RAM_BYTES, file }]);
}

/** A machine of a `MockDevice` whose ring 0 runs, of 8 descriptors, and the driver's side of it. */
export async function startMockVhost() {
  const machine = await makeMockVhost();
  shareRam(machine);
  const queue = new DriverQueue(machine.ram, 8);
  const eventFds = machine.frontEnd.startRing(0, queue);
  return { ...machine, queue, ...eventFds };
}

/** Does what a device does in `notify`: completes all chains of a queue. Returns how many there were. */
export function completeAll(device: MockDevice, index = 0): number {
  const queue = device.queues[index]!;
  let count = 0;
  let popped = queue.pop();
  for (; popped === PopResult.Chain; popped = queue.pop()) {
    queue.complete(0, 0);
    count++;
  }
  queue.signal();
  if (popped === PopResult.Malformed) device.events!.needsReset();
  return count;
}

/** Makes `count` chains of one readable byte available. */
export function pushChains(queue: DriverQueue, count: number): void {
  for (let index = 0; index < count; index++) queue.push(queue.writeChain([{ address: 4096, length: 1 }]));
}
