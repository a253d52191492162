import type { Descriptor, DriverQueue } from "../../src/guest/driver_queue.ts";
import type { GuestRam } from "../../src/guest/guest_ram.ts";
import { VIRTQ_AVAIL_IDX, VIRTQ_AVAIL_RING, VIRTQ_USED_IDX } from "../../src/virtio/virtio.gen.ts";

const HALF_BYTES = 2;

/**
 * The driver's side of a virtqueue for benches: chains are written once and pushed again and again, with no allocation
 * and little work, so that what is measured is the device's. The memory must not grow meanwhile.
 */
export class GuestRing {
  readonly #queue: DriverQueue;
  readonly #halves: Uint16Array;
  readonly #ring: number;
  readonly #availableIndex: number;
  readonly #usedIndex: number;
  readonly #usedEvent: number;
  #pushed = 0;

  /** Drives `queue`, which lies in `ram` and through which nothing was pushed yet. */
  constructor(ram: GuestRam, queue: DriverQueue) {
    const bytes = ram.bytes(0, queue.used + HALF_BYTES * 2);
    this.#halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / HALF_BYTES);
    this.#queue = queue;
    this.#ring = (queue.available + VIRTQ_AVAIL_RING) / HALF_BYTES;
    this.#availableIndex = (queue.available + VIRTQ_AVAIL_IDX) / HALF_BYTES;
    this.#usedIndex = (queue.used + VIRTQ_USED_IDX) / HALF_BYTES;
    this.#usedEvent = this.#ring + queue.size;
  }

  /** Writes a chain as an indirect table, as Linux does, and returns its head; a queue has room for `size` of them. */
  prepare(chain: readonly Descriptor[]): number {
    return this.#queue.writeIndirectChain(chain);
  }

  /** Makes a prepared chain available. */
  push(head: number): void {
    this.#halves[this.#ring + this.#pushed % this.#queue.size] = head;
    this.#pushed = (this.#pushed + 1) & 0xffff;
    this.#halves[this.#availableIndex] = this.#pushed;
  }

  /** Whether the device has handed every chain back; asks for an interrupt at the next one. */
  collect(): boolean {
    const used = this.#halves[this.#usedIndex]!;
    this.#halves[this.#usedEvent] = used;
    return used === this.#pushed;
  }
}
