import { resolveRange } from "./region";

/** See Kernels.resolve in src/wasm/kernels.ts. */
export function resolve(regions: usize, addressLow: u32, addressHigh: u32, length: u32): f64 {
  return <f64>resolveRange(regions, (<u64>addressHigh << 32) | addressLow, length);
}
