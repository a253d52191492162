import { DriverQueue } from "../../src/guest/driver_queue.ts";
import { GuestRam } from "../../src/guest/guest_ram.ts";
import { GuestMemory } from "../../src/memory/guest_memory.ts";
import { type Arena, growingArena } from "../../src/memory/host_heap.ts";
import { PopResult, SplitQueue } from "../../src/virtio/split_queue.ts";
import {
  VIRTQ_AVAIL_ELEM_SIZE,
  VIRTQ_AVAIL_RING,
  VIRTQ_USED_ELEM_SIZE,
  VIRTQ_USED_RING,
} from "../../src/virtio/virtio.gen.ts";

/** Both sides of one split virtqueue, without a transport between them. */
export interface RingFixture {
  guest: GuestMemory;
  heap: Arena;
  ram: GuestRam;
  driver: DriverQueue;
  device: SplitQueue;
  /** Interrupts so far. */
  interrupts: number;
}

/** How a queue differs from the usual one, of 8 descriptors with both features. */
export interface RingOptions {
  size?: number;
  hasEventIdx?: boolean;
  hasIndirectDesc?: boolean;
  /** Added to where the driver put the descriptor table, the available and the used ring. */
  shift?: readonly [number, number, number];
}

/** Where guest RAM lies in the memory. */
export const RAM_OFFSET = 65536;
/** Size of guest RAM in bytes. */
export const RAM_BYTES = 2 * 1024 * 1024;

/** Makes a queue in 2 MiB of RAM from guest address 0 on. */
export async function makeRing(options: RingOptions = {}): Promise<RingFixture> {
  const { size = 8, hasEventIdx = true, hasIndirectDesc = true, shift = [0, 0, 0] } = options;
  const memory = new WebAssembly.Memory({ initial: (RAM_OFFSET + RAM_BYTES) / 65536, maximum: 1024 });
  const heap = growingArena(memory, 16 * 1024 * 1024);
  const guest = await GuestMemory.create(memory, heap, [{ guestAddress: 0, sizeBytes: RAM_BYTES, offset: RAM_OFFSET }]);
  const ram = new GuestRam(() => guest.bytes.subarray(RAM_OFFSET, RAM_OFFSET + RAM_BYTES), RAM_BYTES);
  const driver = new DriverQueue(ram, size);
  const setup = {
    size,
    descriptorAddress: driver.descriptors + shift[0],
    availableAddress: driver.available + shift[1],
    usedAddress: driver.used + shift[2],
    hasEventIdx,
    hasIndirectDesc,
  };
  const device = new SplitQueue(guest, setup, () => fixture.interrupts++);
  const fixture: RingFixture = { guest, heap, ram, driver, device, interrupts: 0 };
  return fixture;
}

/** Makes `count` chains of one readable byte available. */
export function pushChains({ driver }: RingFixture, count: number): void {
  for (let index = 0; index < count; index++) driver.push(driver.writeChain([{ address: 4096, length: 1 }]));
}

/** Lets the device take and complete every chain that is available; returns how many there were. */
export function completeAll({ device }: RingFixture): number {
  let count = 0;
  while (device.pop() === PopResult.Chain) {
    device.complete(0, 0);
    count++;
  }
  return count;
}

/** Lets the device complete `count` chains and the driver take them. */
export function passChains(ring: RingFixture, count: number): void {
  for (let done = 0; done < count; done++) {
    pushChains(ring, 1);
    completeAll(ring);
    ring.driver.pop();
  }
}

/** The index that the device writes behind the used ring: it wants a kick for the chain with that index. */
export function availEvent({ ram, driver }: RingFixture): DataView {
  return ram.fields(driver.used + VIRTQ_USED_RING + driver.size * VIRTQ_USED_ELEM_SIZE, 2);
}

/** The index that the driver writes behind the available ring: it wants an interrupt once that one is used. */
export function usedEvent({ ram, driver }: RingFixture): DataView {
  return ram.fields(driver.available + VIRTQ_AVAIL_RING + driver.size * VIRTQ_AVAIL_ELEM_SIZE, 2);
}
