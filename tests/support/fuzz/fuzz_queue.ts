import {
  VIRTQ_AVAIL_ELEM_SIZE,
  VIRTQ_AVAIL_IDX,
  VIRTQ_AVAIL_RING,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_DESC_SIZE,
  VIRTQ_USED_ELEM_SIZE,
  VIRTQ_USED_IDX,
  VIRTQ_USED_RING,
} from "../../../src/virtio/virtio.gen.ts";
import { writeDescriptor } from "../reference/chain.ts";
import { imageOffsetOf } from "./guest_layout.ts";
import type { GuestImage, GuestSpace } from "./guest_space.ts";

/** One buffer of a chain. */
export interface Buffer {
  readonly address: number;
  readonly length: number;
  readonly isWritable: boolean;
}

const EVENT_BYTES = 2;

/** The guest's side of a virtqueue in the image; it may write anything, and never reads what it wrote. */
export class FuzzQueue {
  /** The queue's number. */
  readonly index: number;
  /** Number of descriptors. */
  readonly size: number;
  /** Guest addresses of its parts. */
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
  /** Index of the next chain that the device takes, modulo 2^16. */
  taken = 0;
  /** How many chains the device has handed back, modulo 2^16: the used ring's index. Fewer, while some wait for fences. */
  done = 0;
  /** Whether chains of earlier batches still wait for fences. */
  hasParked = false;
  #pushed = 0;
  #slot = 0;
  #slotsLeft: number;
  readonly #image: GuestImage;

  /** Takes room for the rings, and clears them. */
  constructor(image: GuestImage, space: GuestSpace, index: number, size: number) {
    this.#image = image;
    this.index = index;
    this.size = size;
    this.#slotsLeft = size;
    this.descriptors = space.takeRing(size * VIRTQ_DESC_SIZE, 16);
    this.available = space.takeRing(this.availableBytes, 2);
    this.used = space.takeRing(this.usedBytes, 4);
    image.write(this.available, new Uint8Array(this.availableBytes));
    image.write(this.used, new Uint8Array(this.usedBytes));
  }

  /** Length of the available ring. */
  get availableBytes(): number {
    return VIRTQ_AVAIL_RING + this.size * VIRTQ_AVAIL_ELEM_SIZE + EVENT_BYTES;
  }

  /** Length of the used ring. */
  get usedBytes(): number {
    return VIRTQ_USED_RING + this.size * VIRTQ_USED_ELEM_SIZE + EVENT_BYTES;
  }

  /** How many descriptors the next chain may have. */
  get slotsLeft(): number {
    return this.#slotsLeft;
  }

  /** Frees the descriptors of chains that are done, and begins to take them at `slot`. */
  beginBatch(slot: number): void {
    this.#slot = slot % this.size;
    this.#slotsLeft = this.size;
  }

  /** Guest address of used element `index` (any u16). */
  usedElement(index: number): number {
    return this.used + VIRTQ_USED_RING + (index % this.size) * VIRTQ_USED_ELEM_SIZE;
  }

  /** Guest address of the used ring's index. */
  get usedIndex(): number {
    return this.used + VIRTQ_USED_IDX;
  }

  /** Guest address of the field behind the used ring, by which the device asks for a kick. */
  get availableEvent(): number {
    return this.used + VIRTQ_USED_RING + this.size * VIRTQ_USED_ELEM_SIZE;
  }

  /** Guest address of the field behind the available ring, by which the guest asks for an interrupt. */
  get usedEvent(): number {
    return this.available + VIRTQ_AVAIL_RING + this.size * VIRTQ_AVAIL_ELEM_SIZE;
  }

  /** Makes a chain available, with its descriptors in the table. */
  pushDirect(buffers: readonly Buffer[]): void {
    const head = this.#slot;
    buffers.forEach((buffer, index) => {
      const isLast = index === buffers.length - 1;
      const at = (head + index) % this.size;
      this.#writeBuffer(this.descriptors + at * VIRTQ_DESC_SIZE, buffer, isLast ? undefined : (at + 1) % this.size);
    });
    this.#push(head, buffers.length);
  }

  /** Makes a chain available, with its descriptors in a table of their own at guest address `table`. */
  pushIndirect(table: number, buffers: readonly Buffer[]): void {
    buffers.forEach((buffer, index) => {
      const next = index === buffers.length - 1 ? undefined : index + 1;
      this.#writeBuffer(table + index * VIRTQ_DESC_SIZE, buffer, next);
    });
    const length = buffers.length * VIRTQ_DESC_SIZE;
    const at = imageOffsetOf(this.descriptors) + this.#slot * VIRTQ_DESC_SIZE;
    const indirect = { address: BigInt(table), length, flags: VIRTQ_DESC_F_INDIRECT, next: 0 };
    writeDescriptor(this.#image.view, at, indirect);
    this.#push(this.#slot, 1);
  }

  #push(head: number, descriptors: number): void {
    const at = this.available + VIRTQ_AVAIL_RING + (this.#pushed % this.size) * VIRTQ_AVAIL_ELEM_SIZE;
    this.#image.writeU16(at, head);
    this.#pushed = (this.#pushed + 1) & 0xffff;
    this.#image.writeU16(this.available + VIRTQ_AVAIL_IDX, this.#pushed);
    this.#slot = (this.#slot + descriptors) % this.size;
    this.#slotsLeft -= descriptors;
  }

  #writeBuffer(at: number, { address, length, isWritable }: Buffer, next: number | undefined): void {
    const flags = (isWritable ? VIRTQ_DESC_F_WRITE : 0) | (next === undefined ? 0 : VIRTQ_DESC_F_NEXT);
    const descriptor = { address: BigInt(address), length, flags, next: next ?? 0 };
    writeDescriptor(this.#image.view, imageOffsetOf(at), descriptor);
  }
}
