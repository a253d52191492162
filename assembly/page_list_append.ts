import {
  ERROR_PAGE_ADDRESS,
  ERROR_PAGE_CAPACITY,
  GUEST_ADDRESS_BYTES,
  REGION_GUEST_ADDRESS,
  REGION_OFFSET,
  REGION_SIZE_BYTES,
  SEGMENT_BYTES,
  SEGMENT_OFFSET,
  SEGMENT_START,
} from "./constants.gen";
import { findRegion } from "./region";
import { NOWHERE, segmentAt } from "./segment";

/**
 * Appends the pieces of a guest range to a page list of `count` segments and `total` bytes (no terminator yet), and
 * joins the first to the last segment where both addresses adjoin. Returns the new count, or an error.
 */
export function appendRange(
  segments: usize,
  guestAddresses: usize,
  count: u32,
  capacity: u32,
  total: u64,
  regions: usize,
  address: u64,
  length: u64,
): i32 {
  // Where the last segment ends, in the guest and in the memory.
  let guestEnd: u64 = NOWHERE;
  let offsetEnd: u64 = NOWHERE;
  if (count != 0) {
    const last = segments + (count - 1) * SEGMENT_BYTES;
    const lastBytes = total - load<u32>(last, SEGMENT_START);
    guestEnd = load<u64>(guestAddresses + (count - 1) * GUEST_ADDRESS_BYTES) + lastBytes;
    offsetEnd = load<u32>(last, SEGMENT_OFFSET) + lastBytes;
  }
  while (length != 0) {
    const region = findRegion(regions, address);
    if (region == 0) return ERROR_PAGE_ADDRESS;
    const within = address - load<u64>(region, REGION_GUEST_ADDRESS);
    const piece = min(length, load<u64>(region, REGION_SIZE_BYTES) - within);
    const offset = load<u32>(region, REGION_OFFSET) + within;
    if (address != guestEnd || offset != offsetEnd) {
      if (count == capacity) return ERROR_PAGE_CAPACITY;
      store<u64>(segments + count * SEGMENT_BYTES, segmentAt(total, offset));
      store<u64>(guestAddresses + count * GUEST_ADDRESS_BYTES, address);
      count++;
    }
    total += piece;
    address += piece;
    length -= piece;
    guestEnd = address;
    offsetEnd = offset + piece;
  }
  return count;
}
