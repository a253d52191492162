import type { MemoryAccount } from "./memory_account.ts";

/** Words of an account that two threads share. */
export const SHARED_ACCOUNT_WORDS = 3;

/** More than a memory has. */
const MAX_BYTES = 2 ** 32 - 1;

const USED = 0;
const LIMIT = 1;
const LENT = 2;

/**
 * An account that two threads count in, under one limit: the device's, and that of a renderer elsewhere. It lies in three words
 * of shared memory, which count bytes: what is used, the limit, and what of it the renderer's thread has reserved, so that the
 * device can take it all back when that is over.
 */
export class SharedAccount implements MemoryAccount {
  readonly #words: Int32Array;
  readonly #isLent: boolean;

  /** The account in `words`, zeroes at first; `isLent` says that this is the renderer's end of it. */
  constructor(words: Int32Array, isLent: boolean) {
    this.#words = words;
    this.#isLent = isLent;
  }

  /** Bytes that are reserved now, by either thread. */
  get usedBytes(): number {
    return Atomics.load(this.#words, USED) >>> 0;
  }

  /** Sets the limit: until then nothing can be reserved. */
  setLimit(bytes: number): void {
    Atomics.store(this.#words, LIMIT, Math.min(bytes, MAX_BYTES));
  }

  reserve(bytes: number): boolean {
    const words = this.#words;
    for (let used = Atomics.load(words, USED);;) {
      if ((used >>> 0) + bytes > Atomics.load(words, LIMIT) >>> 0) return false;
      const found = Atomics.compareExchange(words, USED, used, used + bytes);
      if (found === used) break;
      used = found;
    }
    if (this.#isLent) Atomics.add(words, LENT, bytes);
    return true;
  }

  release(bytes: number): void {
    Atomics.sub(this.#words, USED, this.#isLent ? this.#takeLent(bytes) : bytes);
  }

  /** Takes back what the renderer's end has reserved: what it releases later of that counts for nothing. */
  takeBack(): void {
    Atomics.sub(this.#words, USED, Atomics.exchange(this.#words, LENT, 0));
  }

  /** Takes bytes off what is lent: fewer when the device has taken them back meanwhile. */
  #takeLent(bytes: number): number {
    for (let lent = Atomics.load(this.#words, LENT);;) {
      const taken = Math.min(lent >>> 0, bytes);
      const found = Atomics.compareExchange(this.#words, LENT, lent, lent - taken);
      if (found === lent) return taken;
      lent = found;
    }
  }
}
