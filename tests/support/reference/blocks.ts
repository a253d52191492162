/** Writes and reads the blocks of `layout.gen.ts` as objects, through a DataView. */

import * as layout from "../../../src/wasm/layout.gen.ts";
import type { Piece, Region } from "./region.ts";

/** A queue block's fields. */
export interface QueueBlock {
  descriptorOffset: number;
  availableOffset: number;
  usedOffset: number;
  size: number;
  nextAvailable: number;
  nextUsed: number;
  flags: number;
  regions: number;
  signalledUsed: number;
}

/** Writes a region table at `address`. */
export function writeRegions(view: DataView, address: number, regions: Region[]): void {
  view.setUint32(address + layout.REGION_COUNT, regions.length, true);
  regions.forEach((region, i) => {
    const entry = address + layout.REGION_ENTRIES + i * layout.REGION_ENTRY_BYTES;
    view.setBigUint64(entry + layout.REGION_GUEST_ADDRESS, region.guestAddress, true);
    view.setBigUint64(entry + layout.REGION_SIZE_BYTES, region.sizeBytes, true);
    view.setUint32(entry + layout.REGION_OFFSET, region.offset, true);
  });
}

/** A segment as a list holds it, with its length instead of its start. */
export interface Segment {
  offset: number;
  length: number;
}

/** Writes a segment list with its terminator at `address`. */
export function writeSegments(view: DataView, address: number, segments: Segment[]): void {
  let start = 0;
  segments.forEach((segment, i) => {
    writeSegment(view, address + i * layout.SEGMENT_BYTES, start, segment.offset);
    start += segment.length;
  });
  writeSegment(view, address + segments.length * layout.SEGMENT_BYTES, start, 0);
}

function writeSegment(view: DataView, entry: number, start: number, offset: number): void {
  view.setUint32(entry + layout.SEGMENT_START, start, true);
  view.setUint32(entry + layout.SEGMENT_OFFSET, offset, true);
}

/** Reads `count` segments at `address` and the terminator's two words. */
export function readSegments(view: DataView, address: number, count: number): { segments: Segment[]; end: number[] } {
  const start = (i: number) => view.getUint32(address + i * layout.SEGMENT_BYTES + layout.SEGMENT_START, true);
  const offset = (i: number) => view.getUint32(address + i * layout.SEGMENT_BYTES + layout.SEGMENT_OFFSET, true);
  const segments = Array.from({ length: count }, (_, i) => ({ offset: offset(i), length: start(i + 1) - start(i) }));
  return { segments, end: [start(count), offset(count)] };
}

/** The list that pieces make, as readSegments returns it. */
export function segmentsOf(pieces: Piece[]): { segments: Segment[]; end: number[] } {
  const segments = pieces.map(({ offset, length }) => ({ offset, length }));
  return { segments, end: [segments.reduce((sum, segment) => sum + segment.length, 0), 0] };
}

/** Writes a queue block at `address`. */
export function writeQueue(view: DataView, address: number, queue: QueueBlock): void {
  view.setUint32(address + layout.QUEUE_DESCRIPTOR_OFFSET, queue.descriptorOffset, true);
  view.setUint32(address + layout.QUEUE_AVAILABLE_OFFSET, queue.availableOffset, true);
  view.setUint32(address + layout.QUEUE_USED_OFFSET, queue.usedOffset, true);
  view.setUint32(address + layout.QUEUE_SIZE, queue.size, true);
  view.setUint32(address + layout.QUEUE_NEXT_AVAILABLE, queue.nextAvailable, true);
  view.setUint32(address + layout.QUEUE_NEXT_USED, queue.nextUsed, true);
  view.setUint32(address + layout.QUEUE_FLAGS, queue.flags, true);
  view.setUint32(address + layout.QUEUE_REGIONS, queue.regions, true);
  view.setUint32(address + layout.QUEUE_SIGNALLED_USED, queue.signalledUsed, true);
}
