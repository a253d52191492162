import { GUEST_ADDRESS_BYTES, SEGMENT_BYTES, SEGMENT_START } from "./constants.gen";
import { appendRange } from "./page_list_append";
import { segmentAt } from "./segment";

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
  let outCount = 0;
  let start = load<u32>(segments, SEGMENT_START);
  for (let i: u32 = 0; i < count; i++) {
    const end = load<u32>(segments + (i + 1) * SEGMENT_BYTES, SEGMENT_START);
    const address = load<u64>(guestAddresses + i * GUEST_ADDRESS_BYTES);
    outCount = appendRange(outSegments, outGuestAddresses, outCount, capacity, start, regions, address, end - start);
    if (outCount < 0) return outCount;
    start = end;
  }
  store<u64>(outSegments + outCount * SEGMENT_BYTES, segmentAt(start, 0));
  return outCount;
}
