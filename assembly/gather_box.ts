import { copyBox } from "./copy_box";

/** See Kernels.gatherBox in src/wasm/kernels.ts. */
export function gatherBox(
  segments: usize,
  count: u32,
  start: u32,
  strideBytes: u32,
  layerStrideBytes: u32,
  target: usize,
  targetStrideBytes: u32,
  targetLayerStrideBytes: u32,
  rowBytes: u32,
  rows: u32,
  layers: u32,
): i32 {
  return copyBox(
    segments,
    count,
    start,
    strideBytes,
    layerStrideBytes,
    target,
    targetStrideBytes,
    targetLayerStrideBytes,
    rowBytes,
    rows,
    layers,
    true,
  );
}
