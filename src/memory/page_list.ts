import { MEM_ENTRY_SIZE, writeMemEntry } from "../protocol/wire.gen.ts";
import {
  ERROR_PAGE_CAPACITY,
  GUEST_ADDRESS_BYTES,
  SEGMENT_BYTES,
  SEGMENT_OFFSET,
  SEGMENT_START,
} from "../wasm/layout.gen.ts";
import type { GuestMemory } from "./guest_memory.ts";
import type { SegmentList } from "./segment_list.ts";

/** Why a page list was not made. */
export type PageListFailure =
  /** An entry is empty, lies outside guest memory, or the lengths sum to 2^32 or more. */
  | "invalid"
  /** The heap has no room, or the list falls into more segments than a list may have. */
  | "full";

/** Room for the segments of one list before its size is known; shared by all lists of a device. */
export class PageListScratch {
  /** Address of the segments, terminator included. */
  readonly segments: number;
  /** Address of the guest addresses, one for each segment. */
  readonly guestAddresses: number;
  /** Most segments that one list may have. */
  readonly capacity: number;

  /** Takes the room from the memory's heap for as long as the device lives. Throws `RangeError` when there is none. */
  constructor(guest: GuestMemory, capacity: number) {
    this.capacity = capacity;
    this.segments = guest.heap.allocate((capacity + 1) * SEGMENT_BYTES);
    this.guestAddresses = guest.heap.allocate(capacity * GUEST_ADDRESS_BYTES);
    if (this.segments === 0 || this.guestAddresses === 0) {
      throw new RangeError(`Cannot make a page list scratch of ${capacity} segments: the heap has no room`);
    }
  }
}

/**
 * The guest pages behind a resource, as one run of bytes: segments that say where each part lies, in the format that the
 * copy kernels walk.
 *
 * ```
 * block:  segments (start, offset) x count | terminator | guest addresses x count
 * ```
 *
 * The guest addresses are kept, so that the list can resolve again after the region table changed.
 */
export class PageList implements SegmentList {
  /** Sum of the entries' lengths, in bytes; below 2^32. */
  readonly totalBytes: number;
  /** Bytes of host memory that the list itself took when it was made. */
  readonly hostBytes: number;
  readonly #guest: GuestMemory;
  readonly #scratch: PageListScratch;
  #block = 0;
  #count = 0;
  #generation = 0;
  #isResolved = true;

  private constructor(guest: GuestMemory, scratch: PageListScratch, totalBytes: number, count: number) {
    this.#guest = guest;
    this.#scratch = scratch;
    this.totalBytes = totalBytes;
    this.hostBytes = blockBytes(count);
  }

  /**
   * Makes a list from `entryCount` records of `virtio_gpu_mem_entry` at `entries`, which must lie in host memory: the
   * guest must not be able to change them meanwhile. The caller owns the list and ends it with `release`.
   */
  static parse(
    guest: GuestMemory,
    scratch: PageListScratch,
    entries: number,
    entryCount: number,
  ): PageList | PageListFailure {
    const { segments, guestAddresses, capacity } = scratch;
    const count = guest.kernels.pageListParse(
      entries,
      entryCount,
      guest.regionTable,
      segments,
      guestAddresses,
      capacity,
    );
    if (count === ERROR_PAGE_CAPACITY) return "full";
    if (count < 0) return "invalid";
    const list = new PageList(guest, scratch, guest.words[(segments + count * SEGMENT_BYTES) >>> 2]!, count);
    return list.#keepScratch(count) ? list : "full";
  }

  /** Address of the segments. Good after `resolve` returned true, until the command ends. */
  get segments(): number {
    return this.#block;
  }

  /** Number of segments: entries that follow each other in memory are one. */
  get segmentCount(): number {
    return this.#count;
  }

  /**
   * Copies the guest ranges of the list as records of `virtio_gpu_mem_entry`, of which `parse` makes such a list again: no
   * more than it was made of, since those that follow each other in the guest are one.
   */
  copyEntries(): Uint8Array<ArrayBuffer> {
    const words = this.#guest.words;
    const entries = new Uint32Array(this.#count * MEM_ENTRY_SIZE / 4);
    const addresses = (this.#block + (this.#count + 1) * SEGMENT_BYTES) >>> 2;
    let bytes = 0;
    const entry = { addr: 0, length: 0 };
    for (let index = 0; index < this.#count; index++) {
      const segment = (this.#block + index * SEGMENT_BYTES) >>> 2;
      const length = words[segment + (SEGMENT_BYTES >>> 2)]! - words[segment]!; // from this start to the next
      const addr = words[addresses + index * 2]! + words[addresses + index * 2 + 1]! * 2 ** 32;
      const isNext = index > 0 && addr === entry.addr + entry.length;
      if (!isNext) {
        entry.addr = addr;
        entry.length = 0;
        bytes += MEM_ENTRY_SIZE;
      }
      entry.length += length;
      writeMemEntry(entries, bytes / 4 - MEM_ENTRY_SIZE / 4, entry);
    }
    return new Uint8Array(entries.buffer, 0, bytes).slice();
  }

  /**
   * Brings the offsets up to the current region table; false while some page is in no region, and nothing may be read
   * or written through the list then.
   */
  resolve(): boolean {
    if (this.#block === 0) return false; // released: a display may still hold the list
    if (this.#generation !== this.#guest.generation) this.#resolveAgain();
    return this.#isResolved;
  }

  /** Tells `guest.onWrite` where the bytes from position `start` on lie: somebody has written there, or may have. */
  reportWritten(start: number): void {
    const { onWrite, words } = this.#guest;
    if (onWrite === undefined) return;
    for (let index = 0; index < this.#count; index++) {
      const at = (this.#block + index * SEGMENT_BYTES) >>> 2;
      const first = words[at + (SEGMENT_START >>> 2)]!;
      const end = words[at + ((SEGMENT_BYTES + SEGMENT_START) >>> 2)]!; // where the next one starts
      const skipped = Math.max(0, start - first);
      if (first + skipped < end) onWrite(words[at + (SEGMENT_OFFSET >>> 2)]! + skipped, end - first - skipped);
    }
  }

  /** Gives the list's own memory back; it never resolves again. */
  release(): void {
    if (this.#block !== 0) this.#guest.heap.free(this.#block);
    this.#block = 0;
    this.#count = 0;
  }

  #resolveAgain(): void {
    const { segments, guestAddresses, capacity } = this.#scratch;
    const guest = this.#guest;
    const count = guest.kernels.pageListResolve(
      this.#block,
      this.#block + (this.#count + 1) * SEGMENT_BYTES,
      this.#count,
      guest.regionTable,
      segments,
      guestAddresses,
      capacity,
    );
    this.#generation = guest.generation;
    this.#isResolved = count >= 0 && this.#keepScratch(count);
  }

  /** Moves the scratch's `count` segments into a block of their own. */
  #keepScratch(count: number): boolean {
    const guest = this.#guest;
    if (count !== this.#count || this.#block === 0) {
      const block = guest.heap.allocate(blockBytes(count), true);
      if (block === 0) return false;
      this.release();
      this.#block = block;
      this.#count = count;
    }
    const segmentBytes = (count + 1) * SEGMENT_BYTES;
    const { segments, guestAddresses } = this.#scratch;
    guest.bytes.copyWithin(this.#block, segments, segments + segmentBytes);
    guest.bytes.copyWithin(
      this.#block + segmentBytes,
      guestAddresses,
      guestAddresses + count * GUEST_ADDRESS_BYTES,
    );
    this.#generation = guest.generation;
    return true;
  }
}

function blockBytes(count: number): number {
  return (count + 1) * SEGMENT_BYTES + count * GUEST_ADDRESS_BYTES;
}
