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
import { NOWHERE, segmentAt } from "./segment";

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
  let guestEnd: u64 = NOWHERE; // where an entry must begin to continue the last segment
  let regionBegin: u64 = 0;
  let regionBytes: u64 = 0;
  let regionDelta: u64 = 0; // from a guest address to an offset, modulo 2^64

  for (; entries != end; entries += MEM_ENTRY_SIZE) {
    const address = load<u64>(entries, MEM_ENTRY_ADDR);
    const length = <u64>load<u32>(entries, MEM_ENTRY_LENGTH);
    let within = address - regionBegin;
    if (within >= regionBytes) {
      const region = findRegion(regions, address);
      if (region == 0) return ERROR_PAGE_ADDRESS;
      const offsetEnd = guestEnd + regionDelta;
      regionBegin = load<u64>(region, REGION_GUEST_ADDRESS);
      regionBytes = load<u64>(region, REGION_SIZE_BYTES);
      regionDelta = load<u32>(region, REGION_OFFSET) - regionBegin;
      within = address - regionBegin;
      if (address + regionDelta != offsetEnd) guestEnd = NOWHERE; // the regions adjoin in the guest alone
    }
    if (length - 1 >= regionBytes - within) {
      if (length == 0) return ERROR_PAGE_ZERO_LENGTH;
      return ERROR_PAGE_ADDRESS;
    }
    if (address != guestEnd) {
      if (segment == segmentsEnd) return ERROR_PAGE_CAPACITY;
      store<u64>(segment, segmentAt(total, address + regionDelta));
      store<u64>(guestAddresses, address);
      segment += SEGMENT_BYTES;
      guestAddresses += GUEST_ADDRESS_BYTES;
    }
    guestEnd = address + length;
    total += length;
  }
  if (total >> 32) return ERROR_PAGE_TOTAL;
  store<u64>(segment, segmentAt(total, 0));
  return <u32>(segment - segments) / SEGMENT_BYTES;
}
