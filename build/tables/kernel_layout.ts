/**
 * Layouts of the blocks that TypeScript and the kernels share, and the kernels' result codes.
 *
 * Everything is little endian. An address is a byte offset in the one WebAssembly.Memory. All fields are u32, except the
 * two that say u64. The generator emits these names verbatim into `src/wasm/layout.gen.ts` and `assembly/constants.gen.ts`.
 */

const maxRegions = 64;
const regionEntries = 8;
const regionEntryBytes = 24;

const maxChainSegments = 2048;
const segmentBytes = 8;
const segmentListBytes = (maxChainSegments + 1) * segmentBytes; // the segments and the terminator
const chainCommand = 32;
const chainCommandBytes = 128; // the largest fixed-size virtio-gpu command takes 96
const chainReadableList = chainCommand + chainCommandBytes;
const chainWritableList = chainReadableList + segmentListBytes;

/** The constants of the shared layouts: name, then value. */
export const kernelLayout: Record<string, number> = {
  // Region table: count, padding, then entries sorted by guest address that never overlap.
  REGION_COUNT: 0,
  REGION_ENTRIES: regionEntries,
  REGION_GUEST_ADDRESS: 0, // u64, in an entry
  REGION_SIZE_BYTES: 8, // u64
  REGION_OFFSET: 16,
  REGION_ENTRY_BYTES: regionEntryBytes,
  MAX_REGIONS: maxRegions,
  REGION_TABLE_BYTES: regionEntries + maxRegions * regionEntryBytes,

  // Segment list: {start, offset} each, then a terminator {start = total bytes, offset = 0}.
  SEGMENT_START: 0, // where the segment begins in the list's bytes: the sum of the lengths before it
  SEGMENT_OFFSET: 4, // where its bytes lie in the memory
  SEGMENT_BYTES: segmentBytes,
  GUEST_ADDRESS_BYTES: 8, // an element of a page list's parallel array, u64

  // Chain block: what queuePop found; 8-aligned.
  CHAIN_HEAD: 0,
  CHAIN_READABLE_BYTES: 4,
  CHAIN_WRITABLE_BYTES: 8,
  CHAIN_READABLE_SEGMENTS: 12,
  CHAIN_WRITABLE_SEGMENTS: 16,
  CHAIN_COMMAND: chainCommand, // a copy of the first readable bytes, zeroes after them
  CHAIN_COMMAND_BYTES: chainCommandBytes,
  CHAIN_READABLE_LIST: chainReadableList,
  CHAIN_WRITABLE_LIST: chainWritableList,
  CHAIN_BYTES: chainWritableList + segmentListBytes,
  MAX_CHAIN_SEGMENTS: maxChainSegments,
  MAX_INDIRECT_ENTRIES: 1024, // the longest table that QEMU takes, so no driver sends a longer one

  // Queue block: where the rings lie and how far the device has come. Index accesses are atomic in a shared memory, so the
  // available ring must be 2-aligned and the used ring 4-aligned, as the driver must make them anyway.
  QUEUE_DESCRIPTOR_OFFSET: 0,
  QUEUE_AVAILABLE_OFFSET: 4,
  QUEUE_USED_OFFSET: 8,
  QUEUE_SIZE: 12, // a power of two, at most 32768
  QUEUE_NEXT_AVAILABLE: 16, // 0..65535
  QUEUE_NEXT_USED: 20, // 0..65535
  QUEUE_FLAGS: 24,
  QUEUE_REGIONS: 28, // address of the region table
  QUEUE_SIGNALLED_USED: 32, // nextUsed when queueShouldSignal was last asked
  QUEUE_BYTES: 40,
  QUEUE_FLAG_EVENT_IDX: 1,
  QUEUE_FLAG_INDIRECT_DESC: 2,

  // Results of queuePop.
  CHAIN_NONE: 0,
  CHAIN_POPPED: 1,
  ERROR_INDEX_JUMP: -1, // avail.idx is more than the queue size ahead
  ERROR_HEAD_RANGE: -2, // the avail ring names a descriptor outside the table
  ERROR_NEXT_RANGE: -3, // a descriptor's next is outside its table
  ERROR_CHAIN_TOO_LONG: -4, // more descriptors than the table has: a loop too
  ERROR_ZERO_LENGTH: -5, // a descriptor of no bytes
  ERROR_WRITABLE_BEFORE_READABLE: -6, // a readable descriptor after a writable one
  ERROR_INDIRECT_NESTED: -7, // an indirect descriptor inside an indirect table
  ERROR_INDIRECT_AND_NEXT: -8, // an indirect descriptor that has a next
  ERROR_INDIRECT_SIZE: -9, // an indirect table of 0, a fraction of, or more than MAX_INDIRECT_ENTRIES descriptors
  ERROR_INDIRECT_NOT_NEGOTIATED: -10, // an indirect descriptor without the feature
  ERROR_ADDRESS: -11, // bytes that lie in no region
  ERROR_TOTAL_BYTES: -12, // readable or writable bytes >= 2^32
  ERROR_SEGMENTS: -13, // more than MAX_CHAIN_SEGMENTS pieces

  // Results of the page-list kernels.
  ERROR_PAGE_ADDRESS: -14, // bytes that lie in no region
  ERROR_PAGE_ZERO_LENGTH: -15, // an entry of no bytes
  ERROR_PAGE_TOTAL: -16, // the sum of the lengths >= 2^32
  ERROR_PAGE_CAPACITY: -17, // more segments than the caller has room for

  // Result of the copy kernels; nothing was copied.
  ERROR_OUT_OF_RANGE: -18,

  // Result of resolve.
  NOT_CONTIGUOUS: -1,
};
