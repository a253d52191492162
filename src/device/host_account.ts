/** Counts the host memory that a guest's resources take, against a limit. */
export class HostAccount {
  readonly #limitBytes: number;
  #usedBytes = 0;

  /** An empty account of `limitBytes`. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Bytes that are reserved now. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Reserves `bytes`; false, with nothing reserved, when the limit does not allow them. */
  reserve(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.#limitBytes) return false;
    this.#usedBytes += bytes;
    return true;
  }

  /** Gives back bytes that `reserve` granted. */
  release(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}
