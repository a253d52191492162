import { copyBox } from "./copy_box";

/** See Kernels.scatterBox in src/wasm/kernels.ts. */
export function scatterBox(
  segments: usize,
  count: u32,
  start: u32,
  strideBytes: u32,
  layerStrideBytes: u32,
  source: usize,
  sourceStrideBytes: u32,
  sourceLayerStrideBytes: u32,
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
    source,
    sourceStrideBytes,
    sourceLayerStrideBytes,
    rowBytes,
    rows,
    layers,
    false,
  );
}
