import { copyRows } from "./copy_rows";

/** See Kernels.scatterRect in src/wasm/kernels.ts. */
export function scatterRect(
  segments: usize,
  count: u32,
  start: u32,
  strideBytes: u32,
  source: usize,
  sourceStrideBytes: u32,
  rowBytes: u32,
  rows: u32,
): i32 {
  return copyRows(segments, count, start, strideBytes, source, sourceStrideBytes, rowBytes, rows, false);
}
