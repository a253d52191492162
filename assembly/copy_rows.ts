import { ERROR_OUT_OF_RANGE, SEGMENT_BYTES, SEGMENT_OFFSET, SEGMENT_START } from "./constants.gen";
import { copyBytes } from "./copy";
import { copyList, copyListChecked } from "./copy_list";
import { NEAR_SEGMENTS, findSegment, rowsFit, totalBytes } from "./segment";

/**
 * Copies rows between a segment list, where the first is at `start` and one follows every `strideBytes`, and contiguous
 * memory: out of the list when `isGather`, else into it. Returns 0, or ERROR_OUT_OF_RANGE; then nothing was copied.
 */
export function copyRows(
  segments: usize,
  count: u32,
  start: u32,
  strideBytes: u32,
  contiguous: usize,
  contiguousStrideBytes: u32,
  rowBytes: u32,
  rows: u32,
  isGather: bool,
): i32 {
  if (rows == 0 || rowBytes == 0) return 0;
  if (!rowsFit(totalBytes(segments, count), start, strideBytes, rowBytes, rows)) return ERROR_OUT_OF_RANGE;
  if (strideBytes == rowBytes && contiguousStrideBytes == rowBytes) {
    return copyList(segments, count, start, contiguous, rowBytes * rows, isGather);
  }
  let position = start;
  while (rows != 0) {
    let segment = findSegment(segments, count, position);
    let end = load<u32>(segment + SEGMENT_BYTES, SEGMENT_START);
    let delta = load<u32>(segment, SEGMENT_OFFSET) - load<u32>(segment, SEGMENT_START);
    if (rowBytes > end - position) {
      copyListChecked(segment, position, contiguous, rowBytes, isGather);
      position += strideBytes;
      contiguous += contiguousStrideBytes;
      rows--;
      continue;
    }

    // Rows that lie in one segment each, near the one before: the segment's end and delta stay in locals, and nothing
    // is called but memory.copy (a 16x16 rectangle took 125 ns with seekSegment called here, now 107).
    while (rowBytes <= end - position) {
      const scattered = <usize>(position + delta);
      copyBytes(isGather ? contiguous : scattered, isGather ? scattered : contiguous, rowBytes);
      if (--rows == 0) return 0;
      position += strideBytes;
      contiguous += contiguousStrideBytes;
      if (position < end) continue;
      const near = segment + NEAR_SEGMENTS * SEGMENT_BYTES;
      let begin: u32;
      do {
        segment += SEGMENT_BYTES;
        begin = end;
        end = load<u32>(segment + SEGMENT_BYTES, SEGMENT_START);
      } while (position >= end && segment != near);
      if (position >= end) break;
      delta = load<u32>(segment, SEGMENT_OFFSET) - begin;
    }
  }
  return 0;
}
