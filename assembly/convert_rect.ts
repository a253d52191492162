import { convertRow, pixelShuffle } from "./convert";

/** See Kernels.convertRect in src/wasm/kernels.ts. */
export function convertRect(
  source: usize,
  sourceStrideBytes: u32,
  target: usize,
  targetStrideBytes: u32,
  widthPixels: u32,
  rows: u32,
  lanes: u32,
  opaque: u32,
): void {
  const shuffle = pixelShuffle(lanes);
  const opaqueBits = i32x4.splat(opaque);
  for (let row: u32 = 0; row < rows; row++) {
    convertRow(source, target, widthPixels, shuffle, opaqueBits);
    source += sourceStrideBytes;
    target += targetStrideBytes;
  }
}
