import type { GuestMemory } from "../../memory/guest_memory.ts";
import type { SegmentList } from "../../memory/segment_list.ts";
import { SEGMENT_BYTES, SEGMENT_OFFSET, SEGMENT_START } from "../../wasm/layout.gen.ts";

/** Guest pages for a renderer on another thread: a copy of the bytes that a transfer can touch, in one piece. */
export class StagedPages implements SegmentList {
  totalBytes = 0;
  segmentCount = 0;
  readonly segments: number;
  readonly #guest: GuestMemory;

  /** No pages yet. Throws `RangeError` when the heap has no room. */
  constructor(guest: GuestMemory) {
    this.#guest = guest;
    this.segments = guest.heap.allocate(2 * SEGMENT_BYTES);
    if (this.segments === 0) throw new RangeError("Cannot serve a renderer: its heap has no room");
  }

  /** Is now `totalBytes` bytes long, of which the first `sizeBytes` are at hand, at `address`. */
  set(address: number, sizeBytes: number, totalBytes: number): void {
    this.totalBytes = totalBytes;
    this.segmentCount = sizeBytes === 0 ? 0 : 1;
    const { words } = this.#guest;
    const first = this.segments >>> 2;
    words[first + SEGMENT_START / 4] = 0;
    words[first + SEGMENT_OFFSET / 4] = address;
    words[first + (SEGMENT_BYTES + SEGMENT_START) / 4] = sizeBytes;
  }

  resolve(): boolean {
    return true;
  }
}
