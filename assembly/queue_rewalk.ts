import { CHAIN_HEAD, ERROR_HEAD_RANGE, QUEUE_SIZE } from "./constants.gen";
import { walkChain } from "./walk_chain";

/** See Kernels.queueRewalk in src/wasm/kernels.ts. */
export function queueRewalk(queue: usize, chain: usize, head: u32): i32 {
  const size = load<u32>(queue, QUEUE_SIZE);
  if (head >= size) return ERROR_HEAD_RANGE;
  const error = walkChain(queue, chain, head, size);
  if (error == 0) store<u32>(chain, head, CHAIN_HEAD);
  return error;
}
