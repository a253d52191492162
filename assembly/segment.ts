import { SEGMENT_BYTES, SEGMENT_OFFSET, SEGMENT_START } from "./constants.gen";

/** An offset that no segment begins at, so that nothing is joined to it. */
export const NOWHERE: u64 = 0xffff_ffff_ffff_ffff;

/** How many segments a row's successor is looked for in, one after the other, before a search. */
export const NEAR_SEGMENTS: u32 = 8;

/** Returns the eight bytes of a segment entry, for one store. A `start` of 2^32 or more spoils the offset. */
export function segmentAt(start: u64, offset: u64): u64 {
  return (start << (SEGMENT_START * 8)) | (offset << (SEGMENT_OFFSET * 8));
}

/** Returns how many bytes a list of `count` segments holds. */
export function totalBytes(segments: usize, count: u32): u32 {
  return load<u32>(segments + count * SEGMENT_BYTES, SEGMENT_START);
}

/**
 * Returns the address of the segment that holds `position`, which lies in the list or, when `segments` is somewhere
 * in a list, from there on. No segment is empty, so exactly one does.
 */
export function findSegment(segments: usize, count: u32, position: u32): usize {
  const first = load<u32>(segments, SEGMENT_START);
  // Most lists are of pages, one as long as the other, and the first guess finds the segment (a search took 40 ns
  // more).
  const guess = <u32>((<u64>(position - first) * count) / (totalBytes(segments, count) - first));
  let low: u32 = 0;
  let high = count;
  if (load<u32>(segments + guess * SEGMENT_BYTES, SEGMENT_START) > position) {
    high = guess;
  } else if (position < load<u32>(segments + guess * SEGMENT_BYTES + SEGMENT_BYTES, SEGMENT_START)) {
    return segments + guess * SEGMENT_BYTES;
  } else {
    low = guess + 1;
  }
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (load<u32>(segments + middle * SEGMENT_BYTES, SEGMENT_START) <= position) low = middle;
    else high = middle;
  }
  return segments + low * SEGMENT_BYTES;
}

/**
 * Tells whether `rows` rows of `rowBytes`, the first at `start` and one every `strideBytes`, end within `total` bytes.
 * There must be a row. No sum can wrap: the product is at most 2^64 - 3 * 2^32 + 2.
 */
export function rowsFit(total: u32, start: u32, strideBytes: u32, rowBytes: u64, rows: u32): bool {
  if (rowBytes > total) return false;
  return start + rowBytes + <u64>(rows - 1) * strideBytes <= total;
}

/**
 * Returns the address of the segment that holds `position`, which lies behind `segment` and before the list's end. Rows
 * mostly move on by a few segments, so a few steps come before the search.
 */
export function seekSegment(segments: usize, count: u32, segment: usize, position: u32): usize {
  for (let steps = 0; steps < 8; steps++) {
    segment += SEGMENT_BYTES;
    if (position < load<u32>(segment + SEGMENT_BYTES, SEGMENT_START)) return segment;
  }
  return findSegment(segment, count - <u32>(segment - segments) / SEGMENT_BYTES, position);
}
