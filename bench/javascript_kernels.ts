/** What a device in plain JavaScript would do in place of the kernels: the same results over typed arrays. */

import * as layout from "../src/wasm/layout.gen.ts";

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
const two32 = 2 ** 32;

/** The memory as bytes, 16-bit and 32-bit words. */
export interface MemoryViews {
  bytes: Uint8Array;
  halves: Uint16Array;
  words: Uint32Array;
}

/** Views over a memory. */
export function viewsOf(memory: WebAssembly.Memory): MemoryViews {
  const { buffer } = memory;
  return { bytes: new Uint8Array(buffer), halves: new Uint16Array(buffer), words: new Uint32Array(buffer) };
}

function findSegment(words: Uint32Array, segments: number, count: number, position: number): number {
  let low = 0;
  let high = count;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (words[(segments >>> 2) + middle * 2]! <= position) low = middle;
    else high = middle;
  }
  return (segments >>> 2) + low * 2;
}

/** Copies bytes between a segment list and contiguous memory. */
export function copyBytes(
  { bytes, words }: MemoryViews,
  segments: number,
  count: number,
  start: number,
  contiguous: number,
  length: number,
  isGather: boolean,
): number {
  if (start + length > words[(segments >>> 2) + count * 2]!) return layout.ERROR_OUT_OF_RANGE;
  if (length === 0) return 0;
  let segment = findSegment(words, segments, count, start);
  let position = start;
  const end = start + length;
  while (position < end) {
    const piece = Math.min(words[segment + 2]!, end) - position;
    const scattered = words[segment + 1]! + position - words[segment]!;
    if (isGather) bytes.copyWithin(contiguous, scattered, scattered + piece);
    else bytes.copyWithin(scattered, contiguous, contiguous + piece);
    contiguous += piece;
    position += piece;
    segment += 2;
  }
  return 0;
}

/** Copies rows between a segment list and contiguous memory. */
export function copyRect(
  views: MemoryViews,
  segments: number,
  count: number,
  start: number,
  strideBytes: number,
  contiguous: number,
  contiguousStrideBytes: number,
  rowBytes: number,
  rows: number,
  isGather: boolean,
): number {
  const { bytes, words } = views;
  if (start + (rows - 1) * strideBytes + rowBytes > words[(segments >>> 2) + count * 2]!) {
    return layout.ERROR_OUT_OF_RANGE;
  }
  let begin = 0;
  let end = 0;
  let delta = 0;
  let position = start;
  for (let row = 0; row < rows; row++) {
    if (position < begin || position >= end) {
      const segment = findSegment(words, segments, count, position);
      begin = words[segment]!;
      end = words[segment + 2]!;
      delta = words[segment + 1]! - begin;
    }
    if (position + rowBytes > end) copyBytes(views, segments, count, position, contiguous, rowBytes, isGather);
    else if (isGather) bytes.copyWithin(contiguous, position + delta, position + delta + rowBytes);
    else bytes.copyWithin(position + delta, contiguous, contiguous + rowBytes);
    position += strideBytes;
    contiguous += contiguousStrideBytes;
  }
  return 0;
}

/** Copies layers of rows, each as `copyRect` does. */
export function copyBox(
  views: MemoryViews,
  segments: number,
  count: number,
  start: number,
  strideBytes: number,
  layerStrideBytes: number,
  contiguous: number,
  contiguousStrideBytes: number,
  contiguousLayerStrideBytes: number,
  rowBytes: number,
  rows: number,
  layers: number,
  isGather: boolean,
): number {
  const endBytes = start + (layers - 1) * layerStrideBytes + (rows - 1) * strideBytes + rowBytes;
  if (endBytes > views.words[(segments >>> 2) + count * 2]!) return layout.ERROR_OUT_OF_RANGE;
  for (let layer = 0; layer < layers; layer++) {
    const position = start + layer * layerStrideBytes;
    const target = contiguous + layer * contiguousLayerStrideBytes;
    copyRect(
      views,
      segments,
      count,
      position,
      strideBytes,
      target,
      contiguousStrideBytes,
      rowBytes,
      rows,
      isGather,
    );
  }
  return 0;
}

/** Parses memory entries against one region. */
export function parsePageList(
  { words }: MemoryViews,
  entries: number,
  entryCount: number,
  regions: number,
  segments: number,
  guestAddresses: number,
  capacity: number,
): number {
  const region = (regions + layout.REGION_ENTRIES) >>> 2;
  const regionBegin = words[region]! + words[region + 1]! * two32;
  const regionBytes = words[region + 2]! + words[region + 3]! * two32;
  const regionOffset = words[region + 4]!;
  let total = 0;
  let guestEnd = -1;
  let count = 0;
  for (let i = 0; i < entryCount; i++) {
    const entry = (entries >>> 2) + i * 4;
    const address = words[entry]! + words[entry + 1]! * two32;
    const length = words[entry + 2]!;
    if (length === 0) return layout.ERROR_PAGE_ZERO_LENGTH;
    const within = address - regionBegin;
    if (within < 0 || within + length > regionBytes) return layout.ERROR_PAGE_ADDRESS;
    if (address !== guestEnd) {
      if (count === capacity) return layout.ERROR_PAGE_CAPACITY;
      words[(segments >>> 2) + count * 2] = total;
      words[(segments >>> 2) + count * 2 + 1] = regionOffset + within;
      words[(guestAddresses >>> 2) + count * 2] = words[entry]!;
      words[(guestAddresses >>> 2) + count * 2 + 1] = words[entry + 1]!;
      count++;
    }
    total += length;
    guestEnd = address + length;
  }
  if (total >= two32) return layout.ERROR_PAGE_TOTAL;
  words[(segments >>> 2) + count * 2] = total;
  words[(segments >>> 2) + count * 2 + 1] = 0;
  return count;
}

/** Pops a chain, against one region. */
export function popChain({ bytes, halves, words }: MemoryViews, queue: number, chain: number): number {
  const queueWord = queue >>> 2;
  const chainWord = chain >>> 2;
  const size = words[queueWord + (layout.QUEUE_SIZE >>> 2)]!;
  const next = words[queueWord + (layout.QUEUE_NEXT_AVAILABLE >>> 2)]!;
  const available = words[queueWord + (layout.QUEUE_AVAILABLE_OFFSET >>> 2)]! >>> 1;
  const pending = (halves[available + 1]! - next) & 0xffff;
  if (pending === 0) return layout.CHAIN_NONE;
  if (pending > size) return layout.ERROR_INDEX_JUMP;
  const head = halves[available + 2 + (next & (size - 1))]!;
  if (head >= size) return layout.ERROR_HEAD_RANGE;

  const region = (words[queueWord + (layout.QUEUE_REGIONS >>> 2)]! + layout.REGION_ENTRIES) >>> 2;
  const regionBegin = words[region]! + words[region + 1]! * two32;
  const regionBytes = words[region + 2]! + words[region + 3]! * two32;
  const regionOffset = words[region + 4]!;
  let table = words[queueWord + (layout.QUEUE_DESCRIPTOR_OFFSET >>> 2)]! >>> 2;
  let tableSize = size;
  let left = size;
  let index = head;
  let isIndirect = false;
  let isWritable = false;
  let list = (chain + layout.CHAIN_READABLE_LIST) >>> 2;
  let entry = list;
  let total = 0;
  let readableBytes = 0;
  let readableSegments = 0;
  while (true) {
    if (left-- === 0) return layout.ERROR_CHAIN_TOO_LONG;
    const descriptor = table + index * 4;
    const within = words[descriptor]! + words[descriptor + 1]! * two32 - regionBegin;
    const length = words[descriptor + 2]!;
    const flags = words[descriptor + 3]! & 0xffff;
    if (length === 0) return layout.ERROR_ZERO_LENGTH;
    if (within < 0 || within + length > regionBytes) return layout.ERROR_ADDRESS;
    if (flags & INDIRECT) {
      if (isIndirect) return layout.ERROR_INDIRECT_NESTED;
      if (flags & NEXT) return layout.ERROR_INDIRECT_AND_NEXT;
      if (length % 16 !== 0 || length > 16384) return layout.ERROR_INDIRECT_SIZE;
      table = (regionOffset + within) >>> 2;
      tableSize = length >>> 4;
      left = tableSize;
      index = 0;
      isIndirect = true;
      continue;
    }
    if (!(flags & WRITE)) {
      if (isWritable) return layout.ERROR_WRITABLE_BEFORE_READABLE;
    } else if (!isWritable) {
      isWritable = true;
      readableBytes = total;
      readableSegments = (entry - list) >>> 1;
      words[entry] = total;
      words[entry + 1] = 0;
      list = (chain + layout.CHAIN_WRITABLE_LIST) >>> 2;
      entry = list;
      total = 0;
    }
    words[entry] = total;
    words[entry + 1] = regionOffset + within;
    entry += 2;
    total += length;
    if (total >= two32) return layout.ERROR_TOTAL_BYTES;
    if (!(flags & NEXT)) break;
    index = words[descriptor + 3]! >>> 16;
    if (index >= tableSize) return layout.ERROR_NEXT_RANGE;
  }
  words[entry] = total;
  words[entry + 1] = 0;
  if (!isWritable) {
    readableBytes = total;
    readableSegments = (entry - list) >>> 1;
  }
  words[chainWord + (layout.CHAIN_HEAD >>> 2)] = head;
  words[chainWord + (layout.CHAIN_READABLE_BYTES >>> 2)] = readableBytes;
  words[chainWord + (layout.CHAIN_READABLE_SEGMENTS >>> 2)] = readableSegments;
  words[chainWord + (layout.CHAIN_WRITABLE_BYTES >>> 2)] = isWritable ? total : 0;
  words[chainWord + (layout.CHAIN_WRITABLE_SEGMENTS >>> 2)] = isWritable ? (entry - list) >>> 1 : 0;

  const command = chain + layout.CHAIN_COMMAND;
  const first = words[(chain + layout.CHAIN_READABLE_LIST + layout.SEGMENT_OFFSET) >>> 2]!;
  const copied = Math.min(
    readableBytes,
    words[(chain + layout.CHAIN_READABLE_LIST) / 4 + 2]!,
    layout.CHAIN_COMMAND_BYTES,
  );
  bytes.fill(0, command, command + layout.CHAIN_COMMAND_BYTES);
  bytes.copyWithin(command, first, first + copied);
  words[queueWord + (layout.QUEUE_NEXT_AVAILABLE >>> 2)] = (next + 1) & 0xffff;
  return layout.CHAIN_POPPED;
}

/** Completes a chain whose writable bytes are one segment. */
export function completeChain(
  { bytes, halves, words }: MemoryViews,
  queue: number,
  chain: number,
  response: number,
  responseBytes: number,
): number {
  const queueWord = queue >>> 2;
  const written = Math.min(responseBytes, words[(chain + layout.CHAIN_WRITABLE_BYTES) >>> 2]!);
  const target = words[(chain + layout.CHAIN_WRITABLE_LIST + layout.SEGMENT_OFFSET) >>> 2]!;
  bytes.copyWithin(target, response, response + written);
  const used = words[queueWord + (layout.QUEUE_USED_OFFSET >>> 2)]!;
  const next = words[queueWord + (layout.QUEUE_NEXT_USED >>> 2)]!;
  const size = words[queueWord + (layout.QUEUE_SIZE >>> 2)]!;
  const element = (used >>> 2) + 1 + (next & (size - 1)) * 2;
  words[element] = words[(chain + layout.CHAIN_HEAD) >>> 2]!;
  words[element + 1] = written;
  const following = (next + 1) & 0xffff;
  words[queueWord + (layout.QUEUE_NEXT_USED >>> 2)] = following;
  halves[(used >>> 1) + 1] = following;
  return written;
}

/** Converts B8G8R8X8 to R8G8B8A8, a 32-bit word at a time. */
export function convertBgrx(
  { words }: MemoryViews,
  source: number,
  sourceStrideBytes: number,
  target: number,
  targetStrideBytes: number,
  widthPixels: number,
  rows: number,
): void {
  for (let row = 0; row < rows; row++) {
    const from = (source + row * sourceStrideBytes) >>> 2;
    const to = (target + row * targetStrideBytes) >>> 2;
    for (let x = 0; x < widthPixels; x++) {
      const pixel = words[from + x]!;
      words[to + x] = 0xff000000 | (pixel & 0xff00) | ((pixel & 0xff) << 16) | ((pixel >>> 16) & 0xff);
    }
  }
}

/** Gathers rows into `scratch` and converts them from there. */
export function gatherConvertBgrx(
  views: MemoryViews,
  segments: number,
  count: number,
  start: number,
  strideBytes: number,
  target: number,
  targetStrideBytes: number,
  widthPixels: number,
  rows: number,
  scratch: number,
): void {
  for (let row = 0; row < rows; row++) {
    copyBytes(views, segments, count, start + row * strideBytes, scratch, widthPixels * 4, true);
    convertBgrx(views, scratch, 0, target + row * targetStrideBytes, 0, widthPixels, 1);
  }
}
