/** Rings as no driver should write them. */

import type { DriverQueue } from "../../src/guest/driver_queue.ts";
import type { GuestRam } from "../../src/guest/guest_ram.ts";
import { DeviceStatus, InterruptStatus, VIRTQ_DESC_SIZE } from "../../src/virtio/virtio.gen.ts";
import { GpuQueue, ResponseType, writeGetDisplayInfo } from "../../src/protocol/wire.gen.ts";
import { type Descriptor, writeDescriptor } from "../support/reference/chain.ts";
import type { Machine } from "../support/machine.ts";

/** Bits of a descriptor's flags. Virtio 1.4, 2.7.5. */
export const NEXT = 1;
export const WRITE = 2;
export const INDIRECT = 4;

/** A descriptor as it lies in a table. */
export type RawDescriptor = Descriptor;

/** Makes a descriptor; its next is the one behind it. */
export function raw(address: number | bigint, length: number, flags = 0, next = 0): RawDescriptor {
  return { address: BigInt.asUintN(64, BigInt(address)), length, flags, next };
}

/** Writes descriptors from the beginning of the table at a guest address on. */
export function writeTable(ram: GuestRam, table: number, descriptors: readonly RawDescriptor[]): void {
  const view = ram.fields(table, descriptors.length * VIRTQ_DESC_SIZE);
  descriptors.forEach((descriptor, index) => writeDescriptor(view, index * VIRTQ_DESC_SIZE, descriptor));
}

/** Puts descriptors into the control queue's table, makes descriptor 0 available and kicks. */
export function kickRaw({ driver, ram }: Machine, descriptors: readonly RawDescriptor[]): DriverQueue {
  const queue = driver.queue(GpuQueue.Control);
  writeTable(ram, queue.descriptors, descriptors);
  queue.push(0);
  driver.transport.kick(GpuQueue.Control);
  return queue;
}

/** Whether the device says that it needs a reset. */
export function needsReset({ driver }: Machine): boolean {
  return (driver.transport.readStatus() & DeviceStatus.DeviceNeedsReset) !== 0;
}

/** Takes the interrupt, and tells whether the configuration caused it: that is how a driver learns of a broken queue. */
export function takeConfigInterrupt({ driver }: Machine): boolean {
  return (driver.transport.takeInterrupt() & InterruptStatus.Config) !== 0;
}

/** Starts the device anew, and tells whether it answers GET_DISPLAY_INFO. */
export function recovers({ driver }: Machine): boolean {
  driver.start();
  return driver.send(writeGetDisplayInfo, {}, { replyBytes: 408 }).header.type === ResponseType.OkDisplayInfo;
}

/** A copy of guest RAM. */
export function copyOf(ram: GuestRam, bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(ram.bytes(0, bytes));
}
