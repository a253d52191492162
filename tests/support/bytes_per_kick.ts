import { getHeapStatistics } from "node:v8";
import type { BenchGuest } from "../../bench/support/bench_guest.ts";

const KICKS = 400_000; // the engine counts in steps of up to 350 KB: less than a byte a command
const MAX_ROUNDS = 10; // during the first ones the engine is still optimising

/** Bytes that the JavaScript heap gives out for each kick of these chains, once it has settled. */
export function bytesPerKick(guest: BenchGuest, heads: number[]): number {
  let bytes = Infinity;
  for (let round = 0; round < MAX_ROUNDS && bytes >= 1; round++) {
    const before = allocatedBytes();
    for (let kick = 0; kick < KICKS; kick++) guest.send(heads);
    bytes = (allocatedBytes() - before) / KICKS;
  }
  return bytes;
}

/** Bytes that the JavaScript heap has given out since it began, those of freed objects included. */
function allocatedBytes(): number {
  return (getHeapStatistics() as unknown as { total_allocated_bytes: number }).total_allocated_bytes;
}
