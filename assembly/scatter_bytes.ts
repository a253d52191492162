import { copyList } from "./copy_list";

/** See Kernels.scatterBytes in src/wasm/kernels.ts. */
export function scatterBytes(segments: usize, count: u32, start: u32, source: usize, length: u32): i32 {
  return copyList(segments, count, start, source, length, false);
}
