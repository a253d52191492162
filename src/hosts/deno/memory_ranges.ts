const WASM_PAGE_BYTES = 65536;

interface Range {
  offset: number;
  bytes: number;
}

/**
 * Ranges of a WebAssembly memory for what is mapped into it, taken by growing the memory and used again. Others may grow it,
 * too, and other threads.
 */
export class MemoryRanges {
  readonly #memory: WebAssembly.Memory;
  /** By ascending offset; neighbours that touch are one. */
  #free: Range[] = [];

  /** Has no range yet. */
  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /**
   * Takes `bytes` bytes whose offset is `remainder` modulo `alignment`, and returns the offset; undefined when the memory's
   * maximum, or the machine's, leaves no room for them.
   */
  take(bytes: number, alignment: number, remainder = 0): number | undefined {
    let offset = this.#takeFree(bytes, alignment, remainder);
    while (offset === undefined && this.#grow(bytes, alignment, remainder)) {
      offset = this.#takeFree(bytes, alignment, remainder); // not there when another thread has grown the memory meanwhile
    }
    return offset;
  }

  /** Gives a range back that `take` gave out. */
  give(offset: number, bytes: number): void {
    const ranges = [...this.#free, { offset, bytes }].sort((a, b) => a.offset - b.offset);
    this.#free = [];
    for (const range of ranges) {
      const before = this.#free.at(-1);
      if (before !== undefined && before.offset + before.bytes === range.offset) before.bytes += range.bytes;
      else this.#free.push(range);
    }
  }

  #takeFree(bytes: number, alignment: number, remainder: number): number | undefined {
    for (const [index, range] of this.#free.entries()) {
      const offset = firstAligned(range.offset, alignment, remainder);
      const before = { offset: range.offset, bytes: offset - range.offset };
      const behind = { offset: offset + bytes, bytes: range.offset + range.bytes - offset - bytes };
      if (behind.bytes < 0) continue;
      this.#free.splice(index, 1, ...[before, behind].filter((rest) => rest.bytes > 0));
      return offset;
    }
    return undefined;
  }

  /** Grows the memory so far that the range fits at its end. */
  #grow(bytes: number, alignment: number, remainder: number): boolean {
    const end = this.#memory.buffer.byteLength;
    const last = this.#free.at(-1);
    const start = last !== undefined && last.offset + last.bytes === end ? last.offset : end;
    const pages = Math.ceil((firstAligned(start, alignment, remainder) + bytes - end) / WASM_PAGE_BYTES);
    try {
      this.give(this.#memory.grow(pages) * WASM_PAGE_BYTES, pages * WASM_PAGE_BYTES);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }
}

/** The first number from `start` on that is `remainder` modulo `alignment`. */
function firstAligned(start: number, alignment: number, remainder: number): number {
  return Math.ceil((start - remainder) / alignment) * alignment + remainder;
}
