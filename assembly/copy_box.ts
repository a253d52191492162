import { ERROR_OUT_OF_RANGE } from "./constants.gen";
import { copyRows } from "./copy_rows";
import { rowsFit, totalBytes } from "./segment";

/**
 * Copies layers of rows between a segment list, where the first is at `start` and one follows every `layerStrideBytes`, and
 * contiguous memory: out of the list when `isGather`, else into it. Returns 0, or ERROR_OUT_OF_RANGE; then nothing was
 * copied.
 */
export function copyBox(
  segments: usize,
  count: u32,
  start: u32,
  strideBytes: u32,
  layerStrideBytes: u32,
  contiguous: usize,
  contiguousStrideBytes: u32,
  contiguousLayerStrideBytes: u32,
  rowBytes: u32,
  rows: u32,
  layers: u32,
  isGather: bool,
): i32 {
  if (layers == 0 || rows == 0 || rowBytes == 0) return 0;
  const total = totalBytes(segments, count);
  // How far the last layer lies behind the first; less than 2^64, but with more added it could wrap.
  const span = <u64>(layers - 1) * layerStrideBytes;
  if (span > total || !rowsFit(total - <u32>span, start, strideBytes, rowBytes, rows)) return ERROR_OUT_OF_RANGE;
  let position = start;
  for (; layers != 0; layers--) {
    copyRows(segments, count, position, strideBytes, contiguous, contiguousStrideBytes, rowBytes, rows, isGather);
    position += layerStrideBytes;
    contiguous += contiguousLayerStrideBytes;
  }
  return 0;
}
