import {
  CHAIN_READABLE_BYTES,
  CHAIN_READABLE_LIST,
  CHAIN_READABLE_SEGMENTS,
  CHAIN_WRITABLE_BYTES,
  CHAIN_WRITABLE_LIST,
  CHAIN_WRITABLE_SEGMENTS,
  ERROR_ADDRESS,
  ERROR_CHAIN_TOO_LONG,
  ERROR_INDIRECT_AND_NEXT,
  ERROR_INDIRECT_NESTED,
  ERROR_INDIRECT_NOT_NEGOTIATED,
  ERROR_INDIRECT_SIZE,
  ERROR_NEXT_RANGE,
  ERROR_SEGMENTS,
  ERROR_TOTAL_BYTES,
  ERROR_WRITABLE_BEFORE_READABLE,
  ERROR_ZERO_LENGTH,
  MAX_CHAIN_SEGMENTS,
  MAX_INDIRECT_ENTRIES,
  QUEUE_DESCRIPTOR_OFFSET,
  QUEUE_FLAGS,
  QUEUE_FLAG_INDIRECT_DESC,
  QUEUE_REGIONS,
  REGION_GUEST_ADDRESS,
  REGION_OFFSET,
  REGION_SIZE_BYTES,
  SEGMENT_BYTES,
  SEGMENT_OFFSET,
  SEGMENT_START,
  VIRTQ_DESC_ADDR,
  VIRTQ_DESC_FLAGS,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_DESC_LEN,
  VIRTQ_DESC_NEXT,
  VIRTQ_DESC_SIZE,
} from "./constants.gen";
import { findRegion, resolveRange } from "./region";

/**
 * Writes the sizes and the two segment lists of the chain that begins at descriptor `head`. Virtio 1.4, 2.7.5.
 * Returns 0 or an error. Every field of a descriptor is read once, so a guest that changes it meanwhile gains nothing.
 */
export function walkChain(queue: usize, chain: usize, head: u32, size: u32): i32 {
  const regions = <usize>load<u32>(queue, QUEUE_REGIONS);
  let table = <usize>load<u32>(queue, QUEUE_DESCRIPTOR_OFFSET);
  let tableSize = size;
  let left = size; // descriptors that the chain may still have
  let index = head;
  let isIndirect = false;
  let isWritable = false;

  // The list being written: its next free entry, its first entry, its bytes, and where its last segment ends.
  const readableList = chain + CHAIN_READABLE_LIST;
  const writableList = chain + CHAIN_WRITABLE_LIST;
  let list = readableList;
  let entry = list;
  let total: u32 = 0;
  let segmentEnd: u32 = 0;

  // The region of the last descriptor; the next one's is mostly the same.
  let regionBegin: u64 = 0;
  let regionBytes: u64 = 0;
  let regionOffset: u32 = 0;

  while (true) {
    if (left-- == 0) return ERROR_CHAIN_TOO_LONG;
    const descriptor = table + index * VIRTQ_DESC_SIZE;
    let address = load<u64>(descriptor, VIRTQ_DESC_ADDR);
    let length = load<u32>(descriptor, VIRTQ_DESC_LEN);
    const flags: u32 = load<u16>(descriptor, VIRTQ_DESC_FLAGS);

    if (flags & VIRTQ_DESC_F_INDIRECT) {
      if (isIndirect) return ERROR_INDIRECT_NESTED;
      if (!(load<u32>(queue, QUEUE_FLAGS) & QUEUE_FLAG_INDIRECT_DESC)) return ERROR_INDIRECT_NOT_NEGOTIATED;
      if (flags & VIRTQ_DESC_F_NEXT) return ERROR_INDIRECT_AND_NEXT;
      tableSize = length / VIRTQ_DESC_SIZE;
      if (tableSize == 0 || tableSize > <u32>MAX_INDIRECT_ENTRIES || length % VIRTQ_DESC_SIZE != 0) {
        return ERROR_INDIRECT_SIZE;
      }
      const tableAddress = resolveRange(regions, address, length);
      if (tableAddress < 0) return ERROR_ADDRESS;
      table = <usize>tableAddress;
      left = tableSize;
      index = 0;
      isIndirect = true;
      continue;
    }

    if (length == 0) return ERROR_ZERO_LENGTH;
    if (!(flags & VIRTQ_DESC_F_WRITE)) {
      if (isWritable) return ERROR_WRITABLE_BEFORE_READABLE;
    } else if (!isWritable) {
      isWritable = true;
      store<u32>(chain, total, CHAIN_READABLE_BYTES);
      store<u32>(chain, <u32>(entry - list) / SEGMENT_BYTES, CHAIN_READABLE_SEGMENTS);
      store<u32>(entry, total, SEGMENT_START);
      store<u32>(entry, 0, SEGMENT_OFFSET);
      list = writableList;
      entry = list;
      total = 0;
      segmentEnd = 0;
    }

    // One piece, unless the bytes go on in an adjacent region.
    while (length != 0) {
      let within = address - regionBegin;
      if (within >= regionBytes) {
        const region = findRegion(regions, address);
        if (region == 0) return ERROR_ADDRESS;
        regionBegin = load<u64>(region, REGION_GUEST_ADDRESS);
        regionBytes = load<u64>(region, REGION_SIZE_BYTES);
        regionOffset = load<u32>(region, REGION_OFFSET);
        within = address - regionBegin;
      }
      const piece = <u32>min<u64>(length, regionBytes - within);
      const offset = regionOffset + <u32>within;
      // Where the offsets adjoin, the last segment goes on. An end of 0 is the end of the memory, or no segment yet.
      if (offset != segmentEnd || segmentEnd == 0) {
        if (<u32>(entry - list) == MAX_CHAIN_SEGMENTS * SEGMENT_BYTES) return ERROR_SEGMENTS;
        store<u32>(entry, total, SEGMENT_START);
        store<u32>(entry, offset, SEGMENT_OFFSET);
        entry += SEGMENT_BYTES;
      }
      segmentEnd = offset + piece;
      total += piece;
      if (total < piece) return ERROR_TOTAL_BYTES;
      address += piece;
      length -= piece;
    }

    if (!(flags & VIRTQ_DESC_F_NEXT)) break;
    index = load<u16>(descriptor, VIRTQ_DESC_NEXT);
    if (index >= tableSize) return ERROR_NEXT_RANGE;
  }

  if (isWritable) {
    store<u32>(chain, total, CHAIN_WRITABLE_BYTES);
    store<u32>(chain, <u32>(entry - list) / SEGMENT_BYTES, CHAIN_WRITABLE_SEGMENTS);
  } else {
    store<u32>(chain, total, CHAIN_READABLE_BYTES);
    store<u32>(chain, <u32>(entry - list) / SEGMENT_BYTES, CHAIN_READABLE_SEGMENTS);
    store<u32>(chain, 0, CHAIN_WRITABLE_BYTES);
    store<u32>(chain, 0, CHAIN_WRITABLE_SEGMENTS);
    store<u64>(writableList, 0);
  }
  store<u32>(entry, total, SEGMENT_START);
  store<u32>(entry, 0, SEGMENT_OFFSET);
  return 0;
}
