import {
  ERROR_PAGE_ADDRESS,
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
  SEGMENT_OFFSET,
  SEGMENT_START,
} from "./constants.gen";
import { findRegion } from "./region";

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
  let total: u64 = 0;
  let guestEnd: u64 = 0; // where the last segment ends, in the guest and in the memory
  let offsetEnd: u32 = 0;
  let regionBegin: u64 = 0;
  let regionBytes: u64 = 0;
  let regionOffset: u32 = 0;

  for (; entries != end; entries += MEM_ENTRY_SIZE) {
    let address = load<u64>(entries, MEM_ENTRY_ADDR);
    let length = load<u32>(entries, MEM_ENTRY_LENGTH);
    if (length == 0) return ERROR_PAGE_ZERO_LENGTH;
    // One piece, unless the bytes go on in an adjacent region.
    do {
      let within = address - regionBegin;
      if (within >= regionBytes) {
        const region = findRegion(regions, address);
        if (region == 0) return ERROR_PAGE_ADDRESS;
        regionBegin = load<u64>(region, REGION_GUEST_ADDRESS);
        regionBytes = load<u64>(region, REGION_SIZE_BYTES);
        regionOffset = load<u32>(region, REGION_OFFSET);
        within = address - regionBegin;
      }
      const piece = <u32>min<u64>(length, regionBytes - within);
      const offset = regionOffset + <u32>within;
      if (address != guestEnd || offset != offsetEnd || offsetEnd == 0) {
        if (segment == segmentsEnd) return ERROR_PAGE_CAPACITY;
        store<u32>(segment, <u32>total, SEGMENT_START);
        store<u32>(segment, offset, SEGMENT_OFFSET);
        store<u64>(guestAddresses, address);
        segment += SEGMENT_BYTES;
        guestAddresses += GUEST_ADDRESS_BYTES;
      }
      total += piece;
      address += piece;
      length -= piece;
      guestEnd = address;
      offsetEnd = offset + piece;
    } while (length != 0);
  }
  if (total >> 32) return ERROR_PAGE_TOTAL;
  store<u32>(segment, <u32>total, SEGMENT_START);
  store<u32>(segment, 0, SEGMENT_OFFSET);
  return <u32>(segment - segments) / SEGMENT_BYTES;
}
