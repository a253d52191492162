import type { HostHeap } from "../../../src/memory/host_heap.ts";

const CANARY_BYTES = 16;
const CANARY = 0xc5;

/**
 * A heap for tests: each block lies between canaries, what is given back is filled with `poison`, and `poisonBlocks` fills
 * live ones, so that a byte that is used before it is written is another on a machine with another poison.
 */
export class GuardedHeap implements HostHeap {
  readonly #inner: HostHeap;
  readonly #memory: WebAssembly.Memory;
  readonly #poison: number;
  readonly #live = new Map<number, number>();
  #usedBytes = 0;

  /** Puts canaries around the blocks of `inner`, which is the heap of `memory`. */
  constructor(inner: HostHeap, memory: WebAssembly.Memory, poison: number) {
    this.#inner = inner;
    this.#memory = memory;
    this.#poison = poison;
  }

  /** Bytes that were asked for and not given back. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Addresses and lengths of the live blocks. */
  get blocks(): ReadonlyMap<number, number> {
    return this.#live;
  }

  allocate(bytes: number): number {
    const block = this.#inner.allocate(bytes + 2 * CANARY_BYTES);
    if (block === 0) return 0;
    const address = block + CANARY_BYTES;
    this.#fill(block, CANARY_BYTES, CANARY);
    this.#fill(address + bytes, CANARY_BYTES, CANARY);
    this.#live.set(address, bytes);
    this.#usedBytes += bytes;
    return address;
  }

  free(address: number): void {
    const bytes = this.#live.get(address);
    if (bytes === undefined) throw new RangeError(`Cannot free ${address}: it is not the address of a live block`);
    this.#check(address, bytes);
    this.#fill(address, bytes, this.#poison);
    this.#inner.free(address - CANARY_BYTES);
    this.#live.delete(address);
    this.#usedBytes -= bytes;
  }

  /** Fills those live blocks of which `isScratch` says that nothing in them is kept between commands. */
  poisonBlocks(isScratch: (address: number, bytes: number) => boolean): void {
    for (const [address, bytes] of this.#live) {
      if (isScratch(address, bytes)) this.#fill(address, bytes, this.#poison);
    }
  }

  /** Throws `Error` when somebody wrote past a live block. */
  check(): void {
    for (const [address, bytes] of this.#live) this.#check(address, bytes);
  }

  #check(address: number, bytes: number): void {
    const all = new Uint8Array(this.#memory.buffer);
    for (let index = 0; index < CANARY_BYTES; index++) {
      const isWhole = all[address - CANARY_BYTES + index] === CANARY && all[address + bytes + index] === CANARY;
      if (!isWhole) throw new Error(`The block of ${bytes} bytes at ${address} was written past its ends`);
    }
  }

  #fill(address: number, bytes: number, value: number): void {
    new Uint8Array(this.#memory.buffer, address, bytes).fill(value);
  }
}
