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

/** See Kernels.pageListResolve in src/wasm/kernels.ts. */
export function pageListResolve(
  segments: usize,
  guestAddresses: usize,
  count: u32,
  regions: usize,
  outSegments: usize,
  outGuestAddresses: usize,
  capacity: u32,
): i32 {
  const end = segments + count * SEGMENT_BYTES;
  const outEnd = outSegments + capacity * SEGMENT_BYTES;
  let out = outSegments;
  let total: u32 = 0; // as in the older list
  let guestEnd: u64 = 0; // where the last segment ends, in the guest and in the memory
  let offsetEnd: u32 = 0;
  let regionBegin: u64 = 0;
  let regionBytes: u64 = 0;
  let regionOffset: u32 = 0;

  for (; segments != end; segments += SEGMENT_BYTES) {
    let address = load<u64>(guestAddresses);
    let length = load<u32>(segments + SEGMENT_BYTES, SEGMENT_START) - load<u32>(segments, SEGMENT_START);
    guestAddresses += GUEST_ADDRESS_BYTES;
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
        if (out == outEnd) return ERROR_PAGE_CAPACITY;
        store<u32>(out, total, SEGMENT_START);
        store<u32>(out, offset, SEGMENT_OFFSET);
        store<u64>(outGuestAddresses, address);
        out += SEGMENT_BYTES;
        outGuestAddresses += GUEST_ADDRESS_BYTES;
      }
      total += piece;
      address += piece;
      length -= piece;
      guestEnd = address;
      offsetEnd = offset + piece;
    } while (length != 0);
  }
  store<u32>(out, total, SEGMENT_START);
  store<u32>(out, 0, SEGMENT_OFFSET);
  return <u32>(out - outSegments) / SEGMENT_BYTES;
}
