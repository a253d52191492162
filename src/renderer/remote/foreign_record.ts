import type { GuestMemory } from "../../memory/guest_memory.ts";
import type { SegmentList } from "../../memory/segment_list.ts";
import { SEGMENT_BYTES, SEGMENT_OFFSET, SEGMENT_START } from "../../wasm/layout.gen.ts";

/*
 * What the renderer's thread is told of a resource that is not the renderer's. Once it is told, nobody writes there.
 *
 *   0   size of the resource in bytes, low word
 *   4   and high word
 *   8   number of segments; 0 when its bytes lie nowhere
 *   12  segments (start, offset), and the end of the last one as the start of another
 */
const SIZE_LOW = 0;
const SIZE_HIGH = 1;
const COUNT = 2;
const SEGMENTS_BYTES = 12;

/** Where the bytes of a resource lie: an address, or segments; undefined for nowhere. */
export type ForeignPlace = number | SegmentList | undefined;

/** Bytes of the record of a resource whose bytes lie at `place`. */
export function foreignRecordBytes(place: ForeignPlace): number {
  return SEGMENTS_BYTES + (segmentCountOf(place) + 1) * SEGMENT_BYTES;
}

/** Writes the record of a resource of `sizeBytes` bytes to `address`. */
export function writeForeignRecord(guest: GuestMemory, address: number, sizeBytes: number, place: ForeignPlace): void {
  const { words, bytes } = guest;
  const first = address >>> 2;
  const count = segmentCountOf(place);
  const segments = address + SEGMENTS_BYTES;
  words[first + SIZE_LOW] = sizeBytes;
  words[first + SIZE_HIGH] = Math.floor(sizeBytes / 2 ** 32);
  words[first + COUNT] = count;
  if (typeof place === "object") {
    bytes.copyWithin(segments, place.segments, place.segments + (count + 1) * SEGMENT_BYTES);
  } else if (place !== undefined) {
    words[(segments + SEGMENT_START) >>> 2] = 0;
    words[(segments + SEGMENT_OFFSET) >>> 2] = place;
    words[(segments + SEGMENT_BYTES + SEGMENT_START) >>> 2] = sizeBytes;
  }
}

/** The size of the resource that the record at `address` tells of. */
export function foreignSizeBytes({ words }: GuestMemory, address: number): number {
  const first = address >>> 2;
  return words[first + SIZE_LOW]! + words[first + SIZE_HIGH]! * 2 ** 32;
}

/** Copies bytes of the resource whose record is at `address`; false, with nothing copied, when they are not there. */
export function readForeign(
  guest: GuestMemory,
  address: number,
  start: number,
  lengthBytes: number,
  target: number,
): boolean {
  const isInside = start >= 0 && lengthBytes >= 0 && start + lengthBytes <= foreignSizeBytes(guest, address);
  const count = guest.words[(address >>> 2) + COUNT]!;
  if (!isInside || count === 0) return false;
  return guest.kernels.gatherBytes(address + SEGMENTS_BYTES, count, start, target, lengthBytes) === 0;
}

function segmentCountOf(place: ForeignPlace): number {
  if (place === undefined) return 0;
  return typeof place === "number" ? 1 : place.segmentCount;
}
