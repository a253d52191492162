import {
  CHAIN_COMMAND,
  CHAIN_COMMAND_BYTES,
  CHAIN_HEAD,
  CHAIN_NONE,
  CHAIN_POPPED,
  CHAIN_READABLE_BYTES,
  CHAIN_READABLE_LIST,
  ERROR_HEAD_RANGE,
  ERROR_INDEX_JUMP,
  QUEUE_AVAILABLE_OFFSET,
  QUEUE_FLAGS,
  QUEUE_FLAG_EVENT_IDX,
  QUEUE_NEXT_AVAILABLE,
  QUEUE_SIZE,
  QUEUE_USED_OFFSET,
  SEGMENT_BYTES,
  SEGMENT_OFFSET,
  SEGMENT_START,
  VIRTQ_AVAIL_ELEM_SIZE,
  VIRTQ_AVAIL_IDX,
  VIRTQ_AVAIL_RING,
  VIRTQ_USED_ELEM_SIZE,
  VIRTQ_USED_RING,
} from "./constants.gen";
import { copyBytes } from "./copy";
import { loadPublished, storePublished } from "./ordered";
import { walkChain } from "./walk_chain";

/** See Kernels.queuePop in src/wasm/kernels.ts. */
export function queuePop(queue: usize, chain: usize): i32 {
  const size = load<u32>(queue, QUEUE_SIZE);
  const next = load<u32>(queue, QUEUE_NEXT_AVAILABLE);
  const available = <usize>load<u32>(queue, QUEUE_AVAILABLE_OFFSET);
  let pending = (loadPublished(available + VIRTQ_AVAIL_IDX) - next) & 0xffff;
  if (pending == 0) {
    if (!(load<u32>(queue, QUEUE_FLAGS) & QUEUE_FLAG_EVENT_IDX)) return CHAIN_NONE;
    // Ask for a notification of the next chain, then look again: the driver may have added one before it saw the
    // request.
    const used = <usize>load<u32>(queue, QUEUE_USED_OFFSET);
    storePublished(used + VIRTQ_USED_RING + size * VIRTQ_USED_ELEM_SIZE, next);
    pending = (loadPublished(available + VIRTQ_AVAIL_IDX) - next) & 0xffff;
    if (pending == 0) return CHAIN_NONE;
  }
  if (pending > size) return ERROR_INDEX_JUMP;

  const head: u32 = load<u16>(available + (next & (size - 1)) * VIRTQ_AVAIL_ELEM_SIZE, VIRTQ_AVAIL_RING);
  if (head >= size) return ERROR_HEAD_RANGE;
  const error = walkChain(queue, chain, head, size);
  if (error != 0) return error;
  store<u32>(chain, head, CHAIN_HEAD);
  copyCommand(chain);
  store<u32>(queue, (next + 1) & 0xffff, QUEUE_NEXT_AVAILABLE);
  return CHAIN_POPPED;
}

/** Copies the first readable bytes into the chain block: what a handler has checked there, no guest can change. */
function copyCommand(chain: usize): void {
  const command = chain + CHAIN_COMMAND;
  const length = min<u32>(load<u32>(chain, CHAIN_READABLE_BYTES), CHAIN_COMMAND_BYTES);
  clearCommand(command);
  let segment = chain + CHAIN_READABLE_LIST;
  let position: u32 = 0;
  while (position != length) {
    const end = min(load<u32>(segment + SEGMENT_BYTES, SEGMENT_START), length);
    copyBytes(command + position, load<u32>(segment, SEGMENT_OFFSET), end - position);
    position = end;
    segment += SEGMENT_BYTES;
  }
}

/** Zeroes the CHAIN_COMMAND_BYTES of the copy. */
function clearCommand(command: usize): void {
  v128.store(command, i64x2(0, 0));
  v128.store(command, i64x2(0, 0), 16);
  v128.store(command, i64x2(0, 0), 32);
  v128.store(command, i64x2(0, 0), 48);
  v128.store(command, i64x2(0, 0), 64);
  v128.store(command, i64x2(0, 0), 80);
  v128.store(command, i64x2(0, 0), 96);
  v128.store(command, i64x2(0, 0), 112);
}
