import { copyRows } from "./copy_rows";

/** See Kernels.gatherRect in src/wasm/kernels.ts. */
export function gatherRect(
  segments: usize,
  count: u32,
  start: u32,
  strideBytes: u32,
  target: usize,
  targetStrideBytes: u32,
  rowBytes: u32,
  rows: u32,
): i32 {
  return copyRows(segments, count, start, strideBytes, target, targetStrideBytes, rowBytes, rows, true);
}
