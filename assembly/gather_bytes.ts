import { copyList } from "./copy_list";

/** See Kernels.gatherBytes in src/wasm/kernels.ts. */
export function gatherBytes(segments: usize, count: u32, start: u32, target: usize, length: u32): i32 {
  return copyList(segments, count, start, target, length, true);
}
