import type { MemoryAccount } from "../memory/memory_account.ts";
import { SharedAccount } from "../memory/shared_account.ts";

/** Counts the host memory that a guest's resources take, against a limit. */
export class HostAccount implements MemoryAccount {
  readonly #limitBytes: number;
  #usedBytes = 0;
  #shared: SharedAccount | undefined;

  /** An empty account of `limitBytes`. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Bytes that are reserved now. */
  get usedBytes(): number {
    return this.#shared?.usedBytes ?? this.#usedBytes;
  }

  reserve(bytes: number): boolean {
    if (this.#shared !== undefined) return this.#shared.reserve(bytes);
    if (this.#usedBytes + bytes > this.#limitBytes) return false;
    this.#usedBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    if (this.#shared !== undefined) return this.#shared.release(bytes);
    this.#usedBytes -= bytes;
  }

  share(words: Int32Array): void {
    const shared = new SharedAccount(words, false);
    shared.setLimit(this.#limitBytes);
    shared.reserve(this.#usedBytes);
    this.#shared = shared;
  }
}
