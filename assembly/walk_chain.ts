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
import { NOWHERE, segmentAt } from "./segment";

// Three fields of a descriptor come in one load from `len` on (a load costs five instructions where the engine checks
// bounds by comparing, as Deno's does; measured: 2 ns less a chain). Where `flags` and `next` are in it:
const FLAGS_SHIFT: u64 = (VIRTQ_DESC_FLAGS - VIRTQ_DESC_LEN) * 8;
const NEXT_SHIFT: u64 = (VIRTQ_DESC_NEXT - VIRTQ_DESC_LEN) * 8;
const HAS_NEXT: u64 = (<u64>VIRTQ_DESC_F_NEXT) << FLAGS_SHIFT;
const IS_WRITABLE: u64 = (<u64>VIRTQ_DESC_F_WRITE) << FLAGS_SHIFT;
const IS_INDIRECT: u64 = (<u64>VIRTQ_DESC_F_INDIRECT) << FLAGS_SHIFT;

/**
 * Writes the sizes and the two segment lists of the chain that begins at descriptor `head`. Virtio 1.4, 2.7.5.
 * Returns 0 or an error. Every byte of a descriptor is read once, so a guest that changes it meanwhile gains nothing.
 */
export function walkChain(queue: usize, chain: usize, head: u32, size: u32): i32 {
  const regions = <usize>load<u32>(queue, QUEUE_REGIONS);
  let table = <usize>load<u32>(queue, QUEUE_DESCRIPTOR_OFFSET);
  let tableSize = size;
  let left = size; // descriptors that the chain may still have
  let index = head;
  let isIndirect = false;

  // The list being written: the direction of its descriptors, its next free entry and the last it has room for, its
  // bytes, and where its last segment ends in the memory.
  let direction: u64 = 0;
  let entry = chain + CHAIN_READABLE_LIST;
  let listEnd = entry + MAX_CHAIN_SEGMENTS * SEGMENT_BYTES;
  let total: u64 = 0;
  let segmentEnd: u64 = NOWHERE;

  // The region of the last descriptor; the next one's is mostly the same.
  let regionBegin: u64 = 0;
  let regionBytes: u64 = 0;
  let regionDelta: u64 = 0; // from a guest address to an offset, modulo 2^64

  while (true) {
    if (left-- == 0) return ERROR_CHAIN_TOO_LONG;
    const descriptor = table + index * VIRTQ_DESC_SIZE;
    const address = load<u64>(descriptor, VIRTQ_DESC_ADDR);
    const fields = load<u64>(descriptor, VIRTQ_DESC_LEN);
    const length = <u64><u32>fields;

    if (fields & IS_INDIRECT) {
      if (isIndirect) return ERROR_INDIRECT_NESTED;
      const opened = openTable(queue, address, fields);
      if (opened < 0) return <i32>opened;
      table = <usize>opened;
      tableSize = <u32>length / VIRTQ_DESC_SIZE;
      left = tableSize;
      index = 0;
      isIndirect = true;
      continue;
    }

    if (length == 0) return ERROR_ZERO_LENGTH;
    if ((fields & IS_WRITABLE) != direction) {
      if (direction != 0) return ERROR_WRITABLE_BEFORE_READABLE;
      if (total >> 32) return ERROR_TOTAL_BYTES;
      direction = IS_WRITABLE;
      endReadable(chain, entry, total);
      entry = chain + CHAIN_WRITABLE_LIST;
      listEnd = entry + MAX_CHAIN_SEGMENTS * SEGMENT_BYTES;
      total = 0;
      segmentEnd = NOWHERE;
    }

    let within = address - regionBegin;
    if (within >= regionBytes) {
      const region = findRegion(regions, address);
      if (region == 0) return ERROR_ADDRESS;
      regionBegin = load<u64>(region, REGION_GUEST_ADDRESS);
      regionBytes = load<u64>(region, REGION_SIZE_BYTES);
      regionDelta = load<u32>(region, REGION_OFFSET) - regionBegin;
      within = address - regionBegin;
    }
    if (length > regionBytes - within) {
      const appended = appendPieces(regions, address, length, entry, listEnd, total, segmentEnd);
      if (appended < 0) return <i32>appended;
      entry = <usize>appended;
      total += length;
      const last = entry - SEGMENT_BYTES;
      segmentEnd = <u64>load<u32>(last, SEGMENT_OFFSET) + total - load<u32>(last, SEGMENT_START);
    } else {
      const offset = address + regionDelta;
      if (offset != segmentEnd) {
        if (entry == listEnd) return ERROR_SEGMENTS;
        store<u64>(entry, segmentAt(total, offset));
        entry += SEGMENT_BYTES;
      }
      segmentEnd = offset + length;
      total += length;
    }

    if (!(fields & HAS_NEXT)) break;
    index = <u32>(fields >>> NEXT_SHIFT);
    if (index >= tableSize) return ERROR_NEXT_RANGE;
  }

  if (total >> 32) return ERROR_TOTAL_BYTES;
  if (direction == 0) {
    endReadable(chain, entry, total);
    entry = chain + CHAIN_WRITABLE_LIST;
    total = 0;
  }
  endWritable(chain, entry, total);
  return 0;
}

/** Returns where the table of an indirect descriptor lies, or an error. Virtio 1.4, 2.7.5.3. */
function openTable(queue: usize, address: u64, fields: u64): i64 {
  const length = <u32>fields;
  if (!(load<u32>(queue, QUEUE_FLAGS) & QUEUE_FLAG_INDIRECT_DESC)) return ERROR_INDIRECT_NOT_NEGOTIATED;
  if (fields & HAS_NEXT) return ERROR_INDIRECT_AND_NEXT;
  if (length == 0 || length % VIRTQ_DESC_SIZE != 0) return ERROR_INDIRECT_SIZE;
  if (length > <u32>MAX_INDIRECT_ENTRIES * VIRTQ_DESC_SIZE) return ERROR_INDIRECT_SIZE;
  const table = resolveRange(load<u32>(queue, QUEUE_REGIONS), address, length);
  return table < 0 ? ERROR_ADDRESS : table;
}

/**
 * Appends the pieces of a range that crosses from one region into the next, as walkChain does with a range in one.
 * Returns the next free entry, or an error.
 */
function appendPieces(
  regions: usize,
  address: u64,
  length: u64,
  entry: usize,
  listEnd: usize,
  total: u64,
  segmentEnd: u64,
): i64 {
  while (length != 0) {
    const region = findRegion(regions, address);
    if (region == 0) return ERROR_ADDRESS;
    const within = address - load<u64>(region, REGION_GUEST_ADDRESS);
    const piece = min(length, load<u64>(region, REGION_SIZE_BYTES) - within);
    const offset = load<u32>(region, REGION_OFFSET) + within;
    if (offset != segmentEnd) {
      if (entry == listEnd) return ERROR_SEGMENTS;
      store<u64>(entry, segmentAt(total, offset));
      entry += SEGMENT_BYTES;
    }
    segmentEnd = offset + piece;
    total += piece;
    address += piece;
    length -= piece;
  }
  return entry;
}

/** Writes the sums of the readable list, and its terminator at `entry`. */
function endReadable(chain: usize, entry: usize, total: u64): void {
  store<u32>(chain, <u32>total, CHAIN_READABLE_BYTES);
  store<u32>(chain, <u32>(entry - chain - CHAIN_READABLE_LIST) / SEGMENT_BYTES, CHAIN_READABLE_SEGMENTS);
  store<u64>(entry, segmentAt(total, 0));
}

/** Writes the sums of the writable list, and its terminator at `entry`. */
function endWritable(chain: usize, entry: usize, total: u64): void {
  store<u32>(chain, <u32>total, CHAIN_WRITABLE_BYTES);
  store<u32>(chain, <u32>(entry - chain - CHAIN_WRITABLE_LIST) / SEGMENT_BYTES, CHAIN_WRITABLE_SEGMENTS);
  store<u64>(entry, segmentAt(total, 0));
}
