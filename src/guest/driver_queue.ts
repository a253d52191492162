import {
  VIRTQ_AVAIL_ELEM_SIZE,
  VIRTQ_AVAIL_IDX,
  VIRTQ_AVAIL_RING,
  VIRTQ_DESC_ADDR,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_DESC_FLAGS,
  VIRTQ_DESC_LEN,
  VIRTQ_DESC_NEXT,
  VIRTQ_DESC_SIZE,
  VIRTQ_USED_ELEM_ID,
  VIRTQ_USED_ELEM_LEN,
  VIRTQ_USED_ELEM_SIZE,
  VIRTQ_USED_IDX,
  VIRTQ_USED_RING,
} from "../virtio/virtio.gen.ts";
import type { GuestRam } from "./guest_ram.ts";

/** One buffer of a chain, as a driver describes it. */
export interface Descriptor {
  /** Guest address of its first byte. */
  address: number;
  /** Length in bytes. */
  length: number;
  /** Whether the device writes it; it reads it otherwise. */
  isWritable?: boolean;
}

/** A chain that the device has finished with. */
export interface UsedChain {
  /** The head with which the chain was made available. */
  head: number;
  /** How many bytes the device says it wrote. */
  length: number;
}

const EVENT_BYTES = 2;

/** The driver's side of a split virtqueue, written plainly: no code of the device is in it. Virtio 1.4, 2.7. */
export class DriverQueue {
  /** Number of descriptors. */
  readonly size: number;
  /** Guest addresses of the three parts. */
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
  readonly #ram: GuestRam;
  #nextDescriptor = 0;
  #availableIndex = 0;
  #usedIndex = 0;

  /** Takes room for the queue from `ram`. */
  constructor(ram: GuestRam, size: number) {
    this.size = size;
    this.#ram = ram;
    this.descriptors = ram.allocate(size * VIRTQ_DESC_SIZE, 16);
    this.available = ram.allocate(VIRTQ_AVAIL_RING + size * VIRTQ_AVAIL_ELEM_SIZE + EVENT_BYTES, 2);
    this.used = ram.allocate(VIRTQ_USED_RING + size * VIRTQ_USED_ELEM_SIZE + EVENT_BYTES, 4);
  }

  /** Writes a chain into free places of the descriptor table and returns its head. Places are used in turn. */
  writeChain(chain: readonly Descriptor[]): number {
    const head = this.#nextDescriptor;
    chain.forEach((descriptor, index) => {
      const at = (head + index) % this.size;
      const isLast = index === chain.length - 1;
      this.writeDescriptor(this.descriptors, at, descriptor, isLast ? undefined : (at + 1) % this.size);
    });
    this.#nextDescriptor = (head + chain.length) % this.size;
    return head;
  }

  /** Writes a chain as an indirect table of its own, behind one descriptor, and returns its head. */
  writeIndirectChain(chain: readonly Descriptor[]): number {
    const table = this.#ram.allocate(chain.length * VIRTQ_DESC_SIZE, 16);
    chain.forEach((descriptor, index) => {
      this.writeDescriptor(table, index, descriptor, index === chain.length - 1 ? undefined : index + 1);
    });
    const head = this.writeChain([{ address: table, length: chain.length * VIRTQ_DESC_SIZE }]);
    const at = this.descriptors + head * VIRTQ_DESC_SIZE;
    this.#ram.fields(at, VIRTQ_DESC_SIZE).setUint16(VIRTQ_DESC_FLAGS, VIRTQ_DESC_F_INDIRECT, true);
    return head;
  }

  /** Writes one descriptor of the table at guest address `table`; it has a next one unless `next` is undefined. */
  writeDescriptor(table: number, index: number, descriptor: Descriptor, next: number | undefined): void {
    const fields = this.#ram.fields(table + index * VIRTQ_DESC_SIZE, VIRTQ_DESC_SIZE);
    const writable = descriptor.isWritable ? VIRTQ_DESC_F_WRITE : 0;
    fields.setUint32(VIRTQ_DESC_ADDR, descriptor.address, true);
    fields.setUint32(VIRTQ_DESC_ADDR + 4, Math.floor(descriptor.address / 2 ** 32), true);
    fields.setUint32(VIRTQ_DESC_LEN, descriptor.length, true);
    fields.setUint16(VIRTQ_DESC_FLAGS, writable | (next === undefined ? 0 : VIRTQ_DESC_F_NEXT), true);
    fields.setUint16(VIRTQ_DESC_NEXT, next ?? 0, true);
  }

  /** Makes the chain at `head` available. */
  push(head: number): void {
    const place = VIRTQ_AVAIL_RING + (this.#availableIndex % this.size) * VIRTQ_AVAIL_ELEM_SIZE;
    const ring = this.#ram.fields(this.available, VIRTQ_AVAIL_RING + this.size * VIRTQ_AVAIL_ELEM_SIZE + EVENT_BYTES);
    ring.setUint16(place, head, true);
    this.#availableIndex = (this.#availableIndex + 1) & 0xffff;
    ring.setUint16(VIRTQ_AVAIL_IDX, this.#availableIndex, true);
  }

  /** Asks for an interrupt as soon as the used index passes `index` (EVENT_IDX). */
  requestInterrupt(index: number): void {
    const usedEvent = this.available + VIRTQ_AVAIL_RING + this.size * VIRTQ_AVAIL_ELEM_SIZE;
    this.#ram.fields(usedEvent, EVENT_BYTES).setUint16(0, index, true);
  }

  /** Takes the next chain that the device has finished with, or undefined. */
  pop(): UsedChain | undefined {
    const ring = this.#ram.fields(this.used, VIRTQ_USED_RING + this.size * VIRTQ_USED_ELEM_SIZE);
    if (ring.getUint16(VIRTQ_USED_IDX, true) === this.#usedIndex) return undefined;
    const place = VIRTQ_USED_RING + (this.#usedIndex % this.size) * VIRTQ_USED_ELEM_SIZE;
    this.#usedIndex = (this.#usedIndex + 1) & 0xffff;
    return {
      head: ring.getUint32(place + VIRTQ_USED_ELEM_ID, true),
      length: ring.getUint32(place + VIRTQ_USED_ELEM_LEN, true),
    };
  }
}
