/** Counts the host memory that a guest's resources take, against a limit. */
export interface MemoryAccount {
  /** Reserves `bytes`; false, with nothing reserved, when the limit does not allow them. */
  reserve(bytes: number): boolean;
  /** Gives back bytes that `reserve` granted. */
  release(bytes: number): void;
  /**
   * Counts from now on in `words`, zeroes of shared memory, where another thread counts too: see `SharedAccount`. For a
   * renderer that keeps its part elsewhere; an account without this member cannot be shared.
   */
  share?(words: Int32Array): void;
}
