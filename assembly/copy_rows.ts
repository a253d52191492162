import { ERROR_OUT_OF_RANGE, SEGMENT_BYTES, SEGMENT_OFFSET, SEGMENT_START } from "./constants.gen";
import { copyBytes } from "./copy";
import { copyList, copyListChecked } from "./copy_list";
import { findSegment, rowsFit, seekSegment, totalBytes } from "./segment";

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
  // The current segment in locals (halved the time of small rectangles).
  let segment = segments;
  let begin: u32 = 0;
  let end: u32 = 0;
  let delta: u32 = 0;
  let position = start;
  while (true) {
    if (position < begin || position >= end) {
      segment = seekSegment(segments, count, segment, position);
      begin = load<u32>(segment, SEGMENT_START);
      end = load<u32>(segment + SEGMENT_BYTES, SEGMENT_START);
      delta = load<u32>(segment, SEGMENT_OFFSET) - begin;
    }
    if (rowBytes > end - position) {
      copyListChecked(segment, position, contiguous, rowBytes, isGather);
    } else if (isGather) copyBytes(contiguous, position + delta, rowBytes);
    else copyBytes(position + delta, contiguous, rowBytes);
    if (--rows == 0) return 0;
    position += strideBytes;
    contiguous += contiguousStrideBytes;
  }
}
