import {
  CHAIN_HEAD,
  CHAIN_WRITABLE_BYTES,
  CHAIN_WRITABLE_LIST,
  QUEUE_NEXT_USED,
  QUEUE_SIZE,
  QUEUE_USED_OFFSET,
  VIRTQ_USED_ELEM_ID,
  VIRTQ_USED_ELEM_LEN,
  VIRTQ_USED_ELEM_SIZE,
  VIRTQ_USED_IDX,
  VIRTQ_USED_RING,
} from "./constants.gen";
import { copyListChecked } from "./copy_list";
import { storePublished } from "./ordered";

/** See Kernels.queueComplete in src/wasm/kernels.ts. */
export function queueComplete(queue: usize, chain: usize, response: usize, responseBytes: u32): i32 {
  const written = min(responseBytes, load<u32>(chain, CHAIN_WRITABLE_BYTES));
  if (written != 0) copyListChecked(chain + CHAIN_WRITABLE_LIST, 0, response, written, false);

  const used = <usize>load<u32>(queue, QUEUE_USED_OFFSET);
  const next = load<u32>(queue, QUEUE_NEXT_USED);
  const slot = next & (load<u32>(queue, QUEUE_SIZE) - 1);
  const element = used + VIRTQ_USED_RING + slot * VIRTQ_USED_ELEM_SIZE;
  store<u32>(element, load<u32>(chain, CHAIN_HEAD), VIRTQ_USED_ELEM_ID);
  store<u32>(element, written, VIRTQ_USED_ELEM_LEN);
  const following = (next + 1) & 0xffff;
  store<u32>(queue, following, QUEUE_NEXT_USED);
  storePublished(used + VIRTQ_USED_IDX, following);
  return written;
}
