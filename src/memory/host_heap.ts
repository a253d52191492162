/**
 * Blocks for the device's own use (resources, page lists, rings' state) inside the memory that also holds guest RAM, so
 * that one kernel call reaches both. Addresses are offsets in that memory.
 */
export interface HostHeap {
  /**
   * Returns the address of `bytes` zeroed bytes, aligned to 64, owned by the caller until `free`; 0 when there is no
   * room. `bytes` is 1 or more. The memory may grow on the way: views made before are stale afterwards. A caller that
   * writes every byte anyway says so: what is there need not be zero then.
   */
  allocate(bytes: number, isOverwritten?: boolean): number;
  /** Gives a block back. Throws `RangeError` when `address` is not a live block's. */
  free(address: number): void;
}

/** A range of the memory that nobody else uses. */
export interface Extent {
  /** Offset in the memory; never 0, since that address says "no room". */
  address: number;
  /** Length in bytes. */
  bytes: number;
}

/** A cache line: a full-HD frame is gathered into a block that begins at one a quarter faster than into another. */
const ALIGNMENT = 64;

/**
 * A first-fit heap over extents of one memory. Its books are JavaScript arrays beside the memory, so nothing that is
 * written into the memory can corrupt them.
 */
export class Arena implements HostHeap {
  readonly #memory: WebAssembly.Memory;
  readonly #more: (bytes: number) => Extent | undefined;
  /** Free ranges by ascending address; neighbours that touch are one. */
  readonly #free: Extent[] = [];
  readonly #used = new Map<number, number>();

  /**
   * `more(bytes)` is asked for a further extent of at least `bytes` when no free range is long enough; it answers
   * undefined when there is none to be had.
   */
  constructor(memory: WebAssembly.Memory, more: (bytes: number) => Extent | undefined) {
    this.#memory = memory;
    this.#more = more;
  }

  /** Bytes of the live blocks, rounded up to the alignment. */
  get usedBytes(): number {
    let sum = 0;
    for (const bytes of this.#used.values()) sum += bytes;
    return sum;
  }

  allocate(bytes: number, isOverwritten = false): number {
    if (!(bytes > 0)) throw new RangeError(`Cannot allocate: bytes must be > 0, got ${bytes}`);
    const rounded = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const address = this.#take(rounded) || (this.#extend(rounded) ? this.#take(rounded) : 0);
    if (address === 0) return 0;
    this.#used.set(address, rounded);
    if (isOverwritten) return address;
    // By eight bytes: in shared memory V8 writes one element after the other, 7 times as slowly by one.
    new Float64Array(this.#memory.buffer, address, rounded / 8).fill(0);
    return address;
  }

  free(address: number): void {
    const bytes = this.#used.get(address);
    if (bytes === undefined) throw new RangeError(`Cannot free ${address}: it is not the address of a live block`);
    this.#used.delete(address);
    this.#insert({ address, bytes });
  }

  #take(bytes: number): number {
    let index = 0;
    while (index < this.#free.length && this.#free[index]!.bytes < bytes) index++;
    const range = this.#free[index];
    if (range === undefined) return 0;
    const address = range.address;
    range.address += bytes;
    range.bytes -= bytes;
    if (range.bytes === 0) this.#free.splice(index, 1);
    return address;
  }

  #extend(bytes: number): boolean {
    const extent = this.#more(bytes + ALIGNMENT); // room to align an extent that starts anywhere
    if (extent === undefined) return false;
    const address = Math.ceil(extent.address / ALIGNMENT) * ALIGNMENT;
    const end = Math.floor((extent.address + extent.bytes) / ALIGNMENT) * ALIGNMENT;
    if (address === 0 || end <= address) throw new RangeError(`Cannot use the extent at ${extent.address}`);
    this.#insert({ address, bytes: end - address });
    return true;
  }

  #insert(range: Extent): void {
    let at = 0;
    for (let end = this.#free.length; at < end;) {
      const middle = (at + end) >> 1;
      if (this.#free[middle]!.address > range.address) end = middle;
      else at = middle + 1;
    }
    const before = this.#free[at - 1];
    const after = this.#free[at];
    const touchesBefore = before !== undefined && before.address + before.bytes === range.address;
    const touchesAfter = after !== undefined && range.address + range.bytes === after.address;
    if (touchesBefore && touchesAfter) {
      before.bytes += range.bytes + after.bytes;
      this.#free.splice(at, 1);
    } else if (touchesBefore) {
      before.bytes += range.bytes;
    } else if (touchesAfter) {
      after.address = range.address;
      after.bytes += range.bytes;
    } else {
      this.#free.splice(at, 0, range);
    }
  }
}

const WASM_PAGE_BYTES = 65536;
const GROWTH_BYTES = 4 * 1024 * 1024;

/**
 * An arena that takes its extents by growing `memory` at its end, up to `limitBytes` in all. For memories of our own, which
 * other arenas may grow too, also on other threads: each growth is an extent of its own. And for an emulator's whose RAM is a
 * fixed range of it.
 */
export function growingArena(memory: WebAssembly.Memory, limitBytes: number): Arena {
  let taken = 0;
  return new Arena(memory, (bytes) => {
    const needed = Math.ceil(bytes / WASM_PAGE_BYTES) * WASM_PAGE_BYTES;
    const left = Math.floor((limitBytes - taken) / WASM_PAGE_BYTES) * WASM_PAGE_BYTES;
    if (needed > left) return undefined;
    const extent = grow(memory, Math.max(needed, Math.min(GROWTH_BYTES, left))) ?? grow(memory, needed);
    taken += extent?.bytes ?? 0;
    return extent;
  });
}

/** Grows the memory by whole pages; undefined when its maximum is reached, or the machine has no more. */
function grow(memory: WebAssembly.Memory, bytes: number): Extent | undefined {
  try {
    return { address: memory.grow(bytes / WASM_PAGE_BYTES) * WASM_PAGE_BYTES, bytes };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
