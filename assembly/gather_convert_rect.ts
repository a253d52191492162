import { ERROR_OUT_OF_RANGE, SEGMENT_BYTES, SEGMENT_OFFSET, SEGMENT_START } from "./constants.gen";
import { convertRow, pixelShuffle } from "./convert";
import { copyListChecked } from "./copy_list";
import { findSegment, rowsFit, seekSegment, totalBytes } from "./segment";

/** See Kernels.gatherConvertRect in src/wasm/kernels.ts. */
export function gatherConvertRect(
  segments: usize,
  count: u32,
  start: u32,
  strideBytes: u32,
  target: usize,
  targetStrideBytes: u32,
  widthPixels: u32,
  rows: u32,
  lanes: u32,
  opaque: u32,
): i32 {
  if (rows == 0 || widthPixels == 0) return 0;
  const wideRowBytes = <u64>widthPixels * 4;
  if (!rowsFit(totalBytes(segments, count), start, strideBytes, wideRowBytes, rows)) return ERROR_OUT_OF_RANGE;
  const rowBytes = <u32>wideRowBytes;
  const shuffle = pixelShuffle(lanes);
  const opaqueBits = i32x4.splat(opaque);
  let segment = findSegment(segments, count, start);
  let end = load<u32>(segment + SEGMENT_BYTES, SEGMENT_START);
  let delta = load<u32>(segment, SEGMENT_OFFSET) - load<u32>(segment, SEGMENT_START);
  let position = start;
  while (true) {
    if (rowBytes > end - position) convertSplitRow(segment, position, target, rowBytes, shuffle, opaqueBits);
    else convertRow(position + delta, target, widthPixels, shuffle, opaqueBits);
    if (--rows == 0) return 0;
    position += strideBytes;
    target += targetStrideBytes;
    if (position < end) continue;
    segment = seekSegment(segments, count, segment, position);
    end = load<u32>(segment + SEGMENT_BYTES, SEGMENT_START);
    delta = load<u32>(segment, SEGMENT_OFFSET) - load<u32>(segment, SEGMENT_START);
  }
}

/** Converts a row that lies in several segments; a pixel may lie in several too. */
function convertSplitRow(
  segment: usize,
  position: u32,
  target: usize,
  rowBytes: u32,
  shuffle: v128,
  opaque: v128,
): void {
  let left = rowBytes;
  while (true) {
    const next = load<u32>(segment + SEGMENT_BYTES, SEGMENT_START);
    const source = load<u32>(segment, SEGMENT_OFFSET) + (position - load<u32>(segment, SEGMENT_START));
    const whole = min(next - position, left) & ~3;
    convertRow(source, target, whole >>> 2, shuffle, opaque);
    position += whole;
    target += whole;
    left -= whole;
    if (left == 0) return;
    if (position < next) {
      segment = copyListChecked(segment, position, target, 4, true);
      convertRow(target, target, 1, shuffle, opaque);
      position += 4;
      target += 4;
      left -= 4;
      if (left == 0) return;
    }
    if (position == load<u32>(segment + SEGMENT_BYTES, SEGMENT_START)) segment += SEGMENT_BYTES;
  }
}
