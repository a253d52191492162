import { ERROR_OUT_OF_RANGE } from "./constants.gen";
import { SEGMENT_BYTES, SEGMENT_OFFSET, SEGMENT_START } from "./constants.gen";
import { copyBytes } from "./copy";
import { findSegment, totalBytes } from "./segment";

/**
 * Copies `length` bytes between position `start` of a segment list and contiguous bytes: out of the list when
 * `isGather`, else into it. Returns 0, or ERROR_OUT_OF_RANGE when the list ends before; then nothing was copied.
 */
export function copyList(
  segments: usize,
  count: u32,
  start: u32,
  contiguous: usize,
  length: u32,
  isGather: bool,
): i32 {
  if (<u64>start + length > totalBytes(segments, count)) return ERROR_OUT_OF_RANGE;
  if (length == 0) return 0;
  copyListChecked(findSegment(segments, count, start), start, contiguous, length, isGather);
  return 0;
}

/**
 * The same, when the range is known to lie in the list, to have bytes, and to begin in `segment`.
 * Returns the segment where it ends.
 */
export function copyListChecked(
  segment: usize,
  start: u32,
  contiguous: usize,
  length: u32,
  isGather: bool,
): usize {
  let position = start;
  const end = start + length;
  while (true) {
    const next = load<u32>(segment + SEGMENT_BYTES, SEGMENT_START);
    const piece = min(next, end) - position;
    const scattered: usize = load<u32>(segment, SEGMENT_OFFSET) + (position - load<u32>(segment, SEGMENT_START));
    copyBytes(isGather ? contiguous : scattered, isGather ? scattered : contiguous, piece);
    contiguous += piece;
    position += piece;
    if (position == end) return segment;
    segment += SEGMENT_BYTES;
  }
}
