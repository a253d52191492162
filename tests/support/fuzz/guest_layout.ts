import type { Region } from "../../../src/memory/guest_memory.ts";

/*
 * Guest RAM of the fuzzer: `low` and `next` adjoin in the guest but not in the memory; `high` needs 33 address bits.
 * The image holds the bytes of all three, one after the other.
 *
 *   guest    0 ──── low ──── 20000 ── next ── 30000      1_0000_0000 ── high ── 1_0001_0000
 *   image    0               20000            30000                            40000
 *   memory   guard | next | guard | low | guard | high | guard | heap …
 */

const KIB = 1024;

/** Size of a Wasm page and of each guard, in bytes. */
export const PAGE_BYTES: number = 64 * KIB;

/** A part of guest RAM. */
export interface RamPart extends Region {
  /** Where its bytes lie in the image. */
  readonly imageOffset: number;
}

const NEXT_AT = PAGE_BYTES;
const LOW_AT = NEXT_AT + 64 * KIB + PAGE_BYTES;
const HIGH_AT = LOW_AT + 128 * KIB + PAGE_BYTES;
const LAST_GUARD_AT = HIGH_AT + 64 * KIB;

/** The parts of guest RAM by ascending guest address. */
export const ramParts: readonly RamPart[] = [
  { guestAddress: 0, sizeBytes: 128 * KIB, offset: LOW_AT, imageOffset: 0 },
  { guestAddress: 128 * KIB, sizeBytes: 64 * KIB, offset: NEXT_AT, imageOffset: 128 * KIB },
  { guestAddress: 2 ** 32, sizeBytes: 64 * KIB, offset: HIGH_AT, imageOffset: 192 * KIB },
];

/** Bytes of guest RAM. */
export const IMAGE_BYTES: number = 256 * KIB;

/** Where the memory's guards are: bytes that nobody owns, before, between and behind the parts. */
export const guardOffsets: readonly number[] = [0, LOW_AT - PAGE_BYTES, HIGH_AT - PAGE_BYTES, LAST_GUARD_AT];

/** Length of the host visible memory, a block of the heap that the guest sees besides its RAM. */
export const WINDOW_BYTES: number = 32 * KIB;

/** Where the heap may begin. */
export const HEAP_AT: number = LAST_GUARD_AT + PAGE_BYTES;

/** Where guests mostly have the pages of resources, away from their rings and buffers: the end of `next` and of `high`. */
export const pageAreas: readonly { guestAddress: number; sizeBytes: number }[] = ramParts.slice(1).map((part) => ({
  guestAddress: part.guestAddress + part.sizeBytes - 20 * KIB,
  sizeBytes: 20 * KIB,
}));

/** The image offset of an offset in the memory, which must be in RAM. */
export function imageOffsetOfMemory(offset: number): number {
  const part = ramParts.find((part) => offset >= part.offset && offset - part.offset < part.sizeBytes);
  return part!.imageOffset + offset - part!.offset;
}

/** The image offset of a guest address, which must be in RAM. */
export function imageOffsetOf(guestAddress: number): number {
  const part = ramParts.find((part) =>
    guestAddress >= part.guestAddress && guestAddress - part.guestAddress < part.sizeBytes
  );
  return part!.imageOffset + guestAddress - part!.guestAddress;
}
