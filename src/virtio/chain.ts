import type { GuestMemory } from "../memory/guest_memory.ts";
import * as layout from "../wasm/layout.gen.ts";

/**
 * A descriptor chain that was taken from a queue: readable bytes, then writable bytes, both as segments in the memory.
 * Virtio 1.4, 2.7.13. Its block is filled by the kernel; this is a view of it.
 */
export class Chain {
  /** Address of the block; 0 when there was no room for it. */
  readonly address: number;
  readonly #guest: GuestMemory;

  /** A view of the chain block at `address`. */
  constructor(guest: GuestMemory, address: number) {
    this.#guest = guest;
    this.address = address;
  }

  /** The descriptor that it begins at: by it the driver knows the chain. */
  get head(): number {
    return this.#guest.words[(this.address + layout.CHAIN_HEAD) >>> 2]!;
  }

  /** Bytes that the driver wrote for the device. */
  get readableBytes(): number {
    return this.readableBytesIn(this.#guest.words);
  }

  /** Bytes that the device may write. */
  get writableBytes(): number {
    return this.writableBytesIn(this.#guest.words);
  }

  /** `readableBytes`, for those who have the words of the memory at hand. */
  readableBytesIn(words: Uint32Array): number {
    return words[(this.address + layout.CHAIN_READABLE_BYTES) >>> 2]!;
  }

  /** `writableBytes`, for those who have the words of the memory at hand. */
  writableBytesIn(words: Uint32Array): number {
    return words[(this.address + layout.CHAIN_WRITABLE_BYTES) >>> 2]!;
  }

  /** Address of a copy of the first 128 readable bytes, zeroes behind them: what a command is decoded from. */
  get command(): number {
    return this.address + layout.CHAIN_COMMAND;
  }

  /** Copies readable bytes `start` to `start + lengthBytes` to `target`; false when the chain has fewer. */
  read(start: number, lengthBytes: number, target: number): boolean {
    const segments = this.address + layout.CHAIN_READABLE_LIST;
    const count = this.#guest.words[(this.address + layout.CHAIN_READABLE_SEGMENTS) >>> 2]!;
    return this.#guest.kernels.gatherBytes(segments, count, start, target, lengthBytes) === 0;
  }

  /** Tells `onWrite` which ranges hold the first `bytes` writable bytes. */
  reportWritten(bytes: number, onWrite: (offset: number, bytes: number) => void): void {
    const words = this.#guest.words;
    let at = (this.address + layout.CHAIN_WRITABLE_LIST) >>> 2;
    for (let done = 0; done < bytes; at += layout.SEGMENT_BYTES >>> 2) {
      const end = words[at + ((layout.SEGMENT_BYTES + layout.SEGMENT_START) >>> 2)]!;
      onWrite(words[at + (layout.SEGMENT_OFFSET >>> 2)]!, Math.min(end, bytes) - done);
      done = end;
    }
  }
}
