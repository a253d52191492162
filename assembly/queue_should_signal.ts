import {
  QUEUE_AVAILABLE_OFFSET,
  QUEUE_FLAGS,
  QUEUE_FLAG_EVENT_IDX,
  QUEUE_NEXT_USED,
  QUEUE_SIGNALLED_USED,
  QUEUE_SIZE,
  VIRTQ_AVAIL_ELEM_SIZE,
  VIRTQ_AVAIL_FLAGS,
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_AVAIL_RING,
} from "./constants.gen";
import { loadPublished } from "./ordered";

/** See Kernels.queueShouldSignal in src/wasm/kernels.ts. */
export function queueShouldSignal(queue: usize): i32 {
  const nextUsed = load<u32>(queue, QUEUE_NEXT_USED);
  const completed = (nextUsed - load<u32>(queue, QUEUE_SIGNALLED_USED)) & 0xffff;
  if (completed == 0) return 0;
  store<u32>(queue, nextUsed, QUEUE_SIGNALLED_USED);
  const available = <usize>load<u32>(queue, QUEUE_AVAILABLE_OFFSET);
  if (!(load<u32>(queue, QUEUE_FLAGS) & QUEUE_FLAG_EVENT_IDX)) {
    return loadPublished(available + VIRTQ_AVAIL_FLAGS) & VIRTQ_AVAIL_F_NO_INTERRUPT ? 0 : 1;
  }
  // The driver's used_event follows the ring: it wants to hear when the completion of that index has been passed.
  const usedEvent = loadPublished(available + VIRTQ_AVAIL_RING + load<u32>(queue, QUEUE_SIZE) * VIRTQ_AVAIL_ELEM_SIZE);
  return ((nextUsed - usedEvent - 1) & 0xffff) < completed ? 1 : 0;
}
