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
  SEGMENT_OFFSET,
  SEGMENT_START,
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

    // The entries that lie in the region where that one ended: no call in these loops.
    const region = findRegion(regions, guestEnd - 1);
    const regionBegin = load<u64>(region, REGION_GUEST_ADDRESS);
    const regionBytes = load<u64>(region, REGION_SIZE_BYTES);
    // From a guest address to an offset, modulo 2^64.
    const regionDelta = load<u32>(region, REGION_OFFSET) - regionBegin;
    const begins = i64x2.splat(regionBegin);
    const sizes = i64x2.splat(regionBytes);
    const deltas = i64x2.splat(regionDelta);
    while (entries != end) {
      // Two at a time while they lie apart, as a list's mostly do (one at a time took 2.5 ns an entry, now 1.5).
      let ends = i64x2.splat(guestEnd);
      let totals = i64x2.splat(total);
      while (end - entries >= 2 * MEM_ENTRY_SIZE && segmentsEnd - segment >= 2 * SEGMENT_BYTES) {
        const first = v128.load(entries);
        const second = v128.load(entries, MEM_ENTRY_SIZE);
        const addresses = i64x2.shuffle(first, second, 0, 2);
        const lengths = v128.and(i64x2.shuffle(first, second, 1, 3), i64x2.splat(0xffff_ffff));
        const nextEnds = i64x2.add(addresses, lengths);
        const adjoin = i64x2.eq(addresses, i64x2.shuffle(ends, nextEnds, 1, 2));
        // Each is negative when the entry begins before the region, or after it, or ends after it, or has no length; and
        // wraps only when one before it is negative, since no region has 2^33 bytes.
        const within = i64x2.sub(addresses, begins);
        const left = i64x2.sub(sizes, within);
        const behind = i64x2.sub(left, lengths);
        const last = i64x2.sub(lengths, i64x2.splat(1));
        const signs = v128.or(v128.or(v128.or(within, left), v128.or(behind, last)), adjoin);
        if (i64x2.bitmask(signs) != 0) break;
        const starts = i64x2.add(totals, i64x2.shuffle(i64x2.splat(0), lengths, 0, 2));
        const offsets = i64x2.add(addresses, deltas);
        v128.store(segment, v128.or(i64x2.shl(starts, SEGMENT_START * 8), i64x2.shl(offsets, SEGMENT_OFFSET * 8)));
        v128.store(guestAddress, addresses);
        totals = i64x2.add(starts, lengths);
        totals = i64x2.shuffle(totals, totals, 1, 1);
        ends = nextEnds;
        segment += 2 * SEGMENT_BYTES;
        guestAddress += 2 * GUEST_ADDRESS_BYTES;
        entries += 2 * MEM_ENTRY_SIZE;
      }
      guestEnd = i64x2.extract_lane(ends, 1);
      total = i64x2.extract_lane(totals, 1);

      // One at a time: those that adjoin the one before, and the next.
      let isApart = false;
      while (entries != end && !isApart) {
        const address = load<u64>(entries, MEM_ENTRY_ADDR);
        const length = <u64>load<u32>(entries, MEM_ENTRY_LENGTH);
        const within = address - regionBegin;
        if (within >= regionBytes || length - 1 >= regionBytes - within) break; // a length of 0 wraps, and breaks
        isApart = address != guestEnd;
        if (isApart) {
          if (segment == segmentsEnd) return ERROR_PAGE_CAPACITY;
          store<u64>(segment, segmentAt(total, address + regionDelta));
          store<u64>(guestAddress, address);
          segment += SEGMENT_BYTES;
          guestAddress += GUEST_ADDRESS_BYTES;
        }
        guestEnd = address + length;
        total += length;
        entries += MEM_ENTRY_SIZE;
      }
      if (!isApart) break; // the end, or an entry that is not in this region
    }
  }
  if (total >> 32) return ERROR_PAGE_TOTAL;
  store<u64>(segment, segmentAt(total, 0));
  return <u32>(segment - segments) / SEGMENT_BYTES;
}
