// Ring indices and events, which driver and device write at the same time. A shared memory needs atomic access, so that
// what was written before an index is seen by whoever sees the index; in an unshared one the guest is not running now.

/** Reads a u16 that the driver publishes. `address` must be 2-aligned. */
export function loadPublished(address: usize): u32 {
  if (ASC_FEATURE_THREADS) return atomic.load<u16>(address);
  return load<u16>(address);
}

/** Writes a u16 that the driver reads, after everything written before. `address` must be 2-aligned. */
export function storePublished(address: usize, value: u32): void {
  if (ASC_FEATURE_THREADS) atomic.store<u16>(address, <u16>value);
  else store<u16>(address, <u16>value);
}
