import {
  REGION_COUNT,
  REGION_ENTRIES,
  REGION_ENTRY_BYTES,
  REGION_GUEST_ADDRESS,
  REGION_OFFSET,
  REGION_SIZE_BYTES,
} from "./constants.gen";

/** Returns the address of the region entry that holds `guestAddress`, or 0. */
export function findRegion(regions: usize, guestAddress: u64): usize {
  let low: u32 = 0;
  let high = load<u32>(regions, REGION_COUNT);
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = regions + REGION_ENTRIES + middle * REGION_ENTRY_BYTES;
    const begin = load<u64>(entry, REGION_GUEST_ADDRESS);
    if (guestAddress < begin) high = middle;
    else if (guestAddress - begin < load<u64>(entry, REGION_SIZE_BYTES)) return entry;
    else low = middle + 1;
  }
  return 0;
}

/**
 * Returns where `length` bytes at `guestAddress` lie, or -1 when they are not wholly in one region or there are none.
 * 64 bits wide, because every 32-bit value is an address.
 */
export function resolveRange(regions: usize, guestAddress: u64, length: u32): i64 {
  const entry = findRegion(regions, guestAddress);
  if (entry == 0 || length == 0) return -1;
  const within = guestAddress - load<u64>(entry, REGION_GUEST_ADDRESS);
  if (length > load<u64>(entry, REGION_SIZE_BYTES) - within) return -1;
  return load<u32>(entry, REGION_OFFSET) + <i64>within;
}
