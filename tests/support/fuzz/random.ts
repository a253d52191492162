/** A seeded stream of numbers: the same seed gives the same stream on every machine. */
export class Random {
  #state: number;

  /** Begins the stream of `seed`, any u32. */
  constructor(seed: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x6b43a9b5) >>> 0 || 1; // xorshift stands still at 0
    for (let warmUp = 0; warmUp < 4; warmUp++) this.u32();
  }

  /** The next number, any u32. */
  u32(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return Math.imul(state, 0x2c1b3c6d) >>> 0;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.u32() / 2 ** 32 * limit);
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True once in `times` on average. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of `list`, which must not be empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Fills `bytes`, whose length is a multiple of 4. */
  fill(bytes: Uint8Array): void {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    for (let index = 0; index < words.length; index++) words[index] = this.u32();
  }
}
