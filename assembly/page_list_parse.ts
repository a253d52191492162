import {
  ERROR_PAGE_CAPACITY,
  ERROR_PAGE_TOTAL,
  ERROR_PAGE_ZERO_LENGTH,
  GUEST_ADDRESS_BYTES,
  MEM_ENTRY_ADDR,
  MEM_ENTRY_LENGTH,
  MEM_ENTRY_SIZE,
  REGION_GUEST_ADDRESS,
  REGION_OFFSET,
  REGION_SIZE_BYTES,
  SEGMENT_BYTES,
} from "./constants.gen";
import { appendRange } from "./page_list_append";
import { findRegion } from "./region";
import { segmentAt } from "./segment";

/** See Kernels.pageListParse in src/wasm/kernels.ts. */
export function pageListParse(
  entries: usize,
  entryCount: u32,
  regions: usize,
  segments: usize,
  guestAddresses: usize,
  capacity: u32,
): i32 {
  const end = entries + entryCount * MEM_ENTRY_SIZE;
  const segmentsEnd = segments + capacity * SEGMENT_BYTES;
  let segment = segments;
  let guestAddress = guestAddresses;
  let total: u64 = 0;

  while (entries != end) {
    // The first entry, or one that lies in another region than the last ended in, or that crosses into another.
    const firstAddress = load<u64>(entries, MEM_ENTRY_ADDR);
    const firstLength = load<u32>(entries, MEM_ENTRY_LENGTH);
    if (firstLength == 0) return ERROR_PAGE_ZERO_LENGTH;
    const before = <u32>(segment - segments) / SEGMENT_BYTES;
    const count = appendRange(segments, guestAddresses, before, capacity, total, regions, firstAddress, firstLength);
    if (count < 0) return count;
    segment = segments + count * SEGMENT_BYTES;
    guestAddress = guestAddresses + count * GUEST_ADDRESS_BYTES;
    let guestEnd = firstAddress + firstLength;
    total += firstLength;
    entries += MEM_ENTRY_SIZE;

    // The entries that lie in the region where that one ended: no call in this loop (it took 2.9 ns an entry, now 2.4).
    const region = findRegion(regions, guestEnd - 1);
    const regionBegin = load<u64>(region, REGION_GUEST_ADDRESS);
    const regionBytes = load<u64>(region, REGION_SIZE_BYTES);
    // From a guest address to an offset, modulo 2^64.
    const regionDelta = load<u32>(region, REGION_OFFSET) - regionBegin;
    for (; entries != end; entries += MEM_ENTRY_SIZE) {
      const address = load<u64>(entries, MEM_ENTRY_ADDR);
      const length = <u64>load<u32>(entries, MEM_ENTRY_LENGTH);
      const within = address - regionBegin;
      if (within >= regionBytes || length - 1 >= regionBytes - within) break; // a length of 0 wraps, and breaks
      if (address != guestEnd) {
        if (segment == segmentsEnd) return ERROR_PAGE_CAPACITY;
        store<u64>(segment, segmentAt(total, address + regionDelta));
        store<u64>(guestAddress, address);
        segment += SEGMENT_BYTES;
        guestAddress += GUEST_ADDRESS_BYTES;
      }
      guestEnd = address + length;
      total += length;
    }
  }
  if (total >> 32) return ERROR_PAGE_TOTAL;
  store<u64>(segment, segmentAt(total, 0));
  return <u32>(segment - segments) / SEGMENT_BYTES;
}
