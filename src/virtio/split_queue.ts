import type { GuestMemory } from "../memory/guest_memory.ts";
import * as layout from "../wasm/layout.gen.ts";
import { Chain } from "./chain.ts";
import type { RingSnapshot } from "./ring_snapshot.ts";
import { VIRTQ_USED_IDX } from "./virtio.gen.ts";

/** Where a driver put a virtqueue, and how it uses it. Virtio 1.4, 2.7. */
export interface SplitQueueSetup {
  /** Number of descriptors, a power of two. */
  size: number;
  /** Guest address of the descriptor table, aligned to 16. */
  descriptorAddress: number;
  /** Guest address of the available ring, aligned to 2. */
  availableAddress: number;
  /** Guest address of the used ring, aligned to 4. */
  usedAddress: number;
  /** VIRTIO_F_EVENT_IDX was negotiated. */
  hasEventIdx: boolean;
  /** VIRTIO_F_INDIRECT_DESC was negotiated. */
  hasIndirectDesc: boolean;
}

/** What `SplitQueue.pop` found. */
export const PopResult = {
  /** The next chain is in `chain`. */
  Chain: 1,
  /** The driver has made nothing more available, and will notify when it does. */
  Empty: 0,
  /** The ring or a chain is malformed; the queue stands still until the device is reset. */
  Malformed: -1,
} as const;
/** One of the values of `PopResult`. */
export type PopResult = typeof PopResult[keyof typeof PopResult];

/** Bytes of a ring besides its elements: flags, index, and the event index behind them. */
const RING_OVERHEAD_BYTES = 6;

/** No generation of a region table: the rings were not found yet, or are released. */
const NOWHERE = -1;

/** The device's side of one split virtqueue. Virtio 1.4, 2.7. Whatever the driver wrote into it is checked by the kernels. */
export class SplitQueue {
  /** The chain that the last `pop` took. */
  readonly chain: Chain;
  readonly #guest: GuestMemory;
  readonly #setup: SplitQueueSetup;
  readonly #interrupt: () => void;
  readonly #block: number;
  /** The chain that `completeParked` completes. */
  readonly #parked: Chain;
  /** The generation of the region table under which the rings were found. */
  #generation = NOWHERE;
  #errorCode = 0;
  #isReleased = false;

  /** Sets the queue up as the driver asked; `interrupt` is called when the driver wants to hear of used buffers. */
  constructor(guest: GuestMemory, setup: SplitQueueSetup, interrupt: () => void) {
    this.#guest = guest;
    this.#setup = { ...setup };
    this.#interrupt = interrupt;
    this.#block = guest.heap.allocate(layout.QUEUE_BYTES);
    const chainBlock = this.#block === 0 ? 0 : guest.heap.allocate(layout.CHAIN_BYTES);
    this.chain = new Chain(guest, chainBlock);
    this.#parked = new Chain(guest, chainBlock === 0 ? 0 : guest.heap.allocate(layout.CHAIN_BYTES));
    if (this.#parked.address === 0) {
      this.#errorCode = layout.ERROR_ADDRESS;
      return;
    }
    const words = guest.words;
    const at = this.#block >>> 2;
    words[at + (layout.QUEUE_SIZE >>> 2)] = setup.size;
    words[at + (layout.QUEUE_REGIONS >>> 2)] = guest.regionTable;
    words[at + (layout.QUEUE_FLAGS >>> 2)] = (setup.hasEventIdx ? layout.QUEUE_FLAG_EVENT_IDX : 0) |
      (setup.hasIndirectDesc ? layout.QUEUE_FLAG_INDIRECT_DESC : 0);
  }

  /** Why the queue stands still: an ERROR_ code of the kernels, 0 while it works. */
  get errorCode(): number {
    return this.#errorCode;
  }

  /** Whether the queue was released, which may happen while one of its commands is carried out. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  /** Index in the available ring of the next chain, modulo 2^16. */
  get nextAvailable(): number {
    return this.#guest.words[(this.#block + layout.QUEUE_NEXT_AVAILABLE) >>> 2]!;
  }

  /** Takes the next chain that the driver made available into `chain`; it stays the queue's until `complete`. */
  pop(): PopResult {
    if (this.#errorCode !== 0) return PopResult.Malformed;
    if (!this.#isLocated()) return PopResult.Malformed;
    const result = this.#guest.kernels.queuePop(this.#block, this.chain.address);
    return result < 0 ? this.#fail(result) : result as PopResult;
  }

  /**
   * Writes `responseBytes` bytes from the address `response` into the chain's writable part, as far as there is room, and
   * hands the chain back to the driver. Virtio 1.4, 2.7.8: the used length is what was written. After `release` it does
   * nothing: whoever hears of a command may reset the device before the command ends.
   */
  complete(response: number, responseBytes: number): void {
    if (this.#generation === NOWHERE) return;
    const written = this.#guest.kernels.queueComplete(this.#block, this.chain.address, response, responseBytes);
    const { onWrite } = this.#guest;
    if (onWrite !== undefined) this.chain.reportWritten(written, onWrite);
  }

  /**
   * Completes a chain that was taken by `pop` and not completed then, by the head that it had: now or after other chains,
   * also ones of a queue that lay elsewhere or was another object. The guest may have changed its descriptors meanwhile, so
   * they are checked anew. Otherwise as `complete`; `chain` stays as it is. False when nothing was completed: the chain is
   * malformed now, and the queue stands still, or it did so before.
   */
  completeParked(head: number, response: number, responseBytes: number): boolean {
    if (this.#errorCode !== 0 || !this.#isLocated()) return false;
    const { kernels, onWrite } = this.#guest;
    const parked = this.#parked;
    const error = kernels.queueRewalk(this.#block, parked.address, head);
    if (error < 0) {
      this.#fail(error);
      return false;
    }
    const written = kernels.queueComplete(this.#block, parked.address, response, responseBytes);
    if (onWrite !== undefined) parked.reportWritten(written, onWrite);
    return true;
  }

  /** Puts the chain that the last `pop` took back, instead of completing it: the next `pop` takes it again. */
  putBack(): void {
    if (this.#generation === NOWHERE) return;
    const at = (this.#block + layout.QUEUE_NEXT_AVAILABLE) >>> 2;
    const { words } = this.#guest;
    words[at] = (words[at]! - 1) & 0xffff;
  }

  /** Interrupts the driver if it wants to hear of the chains completed since the last call. Virtio 1.4, 2.7.7.2. */
  signal(): void {
    if (this.#generation !== this.#guest.generation) return; // the rings may be elsewhere
    const { kernels, onWrite } = this.#guest;
    if (onWrite !== undefined) {
      const usedRing = this.#guest.words[(this.#block + layout.QUEUE_USED_OFFSET) >>> 2]!;
      onWrite(usedRing, RING_OVERHEAD_BYTES + this.#setup.size * 8);
    }
    if (kernels.queueShouldSignal(this.#block) === 1) this.#interrupt();
  }

  /** How far the queue has come. A queue that is not in guest memory is one that stands still, as `pop` would find. */
  snapshot(): RingSnapshot {
    const isLost = this.#errorCode === 0 && this.#generation !== this.#guest.generation && !this.#locate();
    const words = this.#guest.words;
    const at = this.#block >>> 2;
    return {
      nextAvailable: words[at + (layout.QUEUE_NEXT_AVAILABLE >>> 2)]!,
      nextUsed: words[at + (layout.QUEUE_NEXT_USED >>> 2)]!,
      signalledUsed: words[at + (layout.QUEUE_SIGNALLED_USED >>> 2)]!,
      errorCode: isLost ? layout.ERROR_ADDRESS : this.#errorCode,
    };
  }

  /**
   * Goes on where a snapshot's queue was; for a queue that was not used yet. False when the queue is not in this guest
   * memory, or the heap had no room for it: it is of no use then.
   */
  restore({ nextAvailable, nextUsed, signalledUsed, errorCode }: RingSnapshot): boolean {
    if (this.#parked.address === 0) return false;
    if (errorCode === 0 && !this.#locate()) return false;
    const words = this.#guest.words;
    const at = this.#block >>> 2;
    words[at + (layout.QUEUE_NEXT_AVAILABLE >>> 2)] = nextAvailable;
    words[at + (layout.QUEUE_NEXT_USED >>> 2)] = nextUsed;
    words[at + (layout.QUEUE_SIGNALLED_USED >>> 2)] = signalledUsed;
    this.#errorCode = errorCode;
    return true;
  }

  /**
   * Begins at index `nextAvailable` of the available ring, for a queue that was not used yet; where the used ring goes on
   * stands in that ring itself. False when the queue is not in guest memory, or the heap had no room for it: it is of no
   * use then.
   */
  resumeAt(nextAvailable: number): boolean {
    const usedIndex = this.#guest.resolve(this.#setup.usedAddress + VIRTQ_USED_IDX, 2);
    if (usedIndex < 0) return false;
    const { bytes } = this.#guest;
    const nextUsed = bytes[usedIndex]! | bytes[usedIndex + 1]! << 8;
    return this.restore({ nextAvailable, nextUsed, signalledUsed: nextUsed, errorCode: 0 });
  }

  /** Gives the queue's memory back; it must not be used afterwards. */
  release(): void {
    if (this.#block !== 0) this.#guest.heap.free(this.#block);
    if (this.chain.address !== 0) this.#guest.heap.free(this.chain.address);
    if (this.#parked.address !== 0) this.#guest.heap.free(this.#parked.address);
    this.#errorCode = layout.ERROR_ADDRESS;
    this.#generation = NOWHERE;
    this.#isReleased = true;
  }

  #fail(code: number): PopResult {
    this.#errorCode = code;
    return PopResult.Malformed;
  }

  /** Whether the rings are found under the present region table; else the queue stands still. */
  #isLocated(): boolean {
    if (this.#generation === this.#guest.generation || this.#locate()) return true;
    this.#fail(layout.ERROR_ADDRESS);
    return false;
  }

  /** Resolves the three parts; false when one is misaligned or not in one region. */
  #locate(): boolean {
    const { size, descriptorAddress, availableAddress, usedAddress } = this.#setup;
    if (descriptorAddress % 16 !== 0 || availableAddress % 2 !== 0 || usedAddress % 4 !== 0) return false;
    const guest = this.#guest;
    const descriptors = guest.resolve(descriptorAddress, size * 16);
    const available = guest.resolve(availableAddress, RING_OVERHEAD_BYTES + size * 2);
    const used = guest.resolve(usedAddress, RING_OVERHEAD_BYTES + size * 8);
    if (descriptors < 0 || available < 0 || used < 0) return false;
    if (available % 2 !== 0 || used % 4 !== 0) return false; // a region at an odd offset; atomic access would trap
    const words = guest.words;
    const at = this.#block >>> 2;
    words[at + (layout.QUEUE_DESCRIPTOR_OFFSET >>> 2)] = descriptors;
    words[at + (layout.QUEUE_AVAILABLE_OFFSET >>> 2)] = available;
    words[at + (layout.QUEUE_USED_OFFSET >>> 2)] = used;
    this.#generation = guest.generation;
    return true;
  }
}
