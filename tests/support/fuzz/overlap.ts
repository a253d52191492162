import type { OfferedChain } from "./expectation.ts";
import type { FuzzQueue } from "./fuzz_queue.ts";
import { imageOffsetOf } from "./guest_layout.ts";

/** A range of the image. */
interface Piece {
  readonly offset: number;
  readonly length: number;
}

interface Range {
  readonly begin: number;
  readonly end: number;
  readonly isWritable: boolean;
}

/**
 * Whether something that the device may write overlaps anything else that it reads or writes: rings, requests, replies, and
 * `written`, the guest's pages that transfers write, which may overlap each other.
 */
export function hasOverlap(
  queues: readonly FuzzQueue[],
  chains: readonly OfferedChain[],
  written: readonly Piece[] = [],
): boolean {
  const ranges = queues.flatMap(ringRanges);
  for (const { begin, end } of joined(written)) ranges.push({ begin, end, isWritable: true });
  for (const { readable, writable } of chains) {
    for (const { offset, length } of readable) ranges.push({ begin: offset, end: offset + length, isWritable: false });
    for (const { offset, length } of writable) ranges.push({ begin: offset, end: offset + length, isWritable: true });
  }
  ranges.sort((a, b) => a.begin - b.begin);
  let end = 0;
  let writableEnd = 0;
  for (const range of ranges) {
    if (range.begin < (range.isWritable ? end : writableEnd)) return true;
    end = Math.max(end, range.end);
    if (range.isWritable) writableEnd = Math.max(writableEnd, range.end);
  }
  return false;
}

/** Pieces as ranges that do not overlap. */
function joined(pieces: readonly Piece[]): { begin: number; end: number }[] {
  const ranges: { begin: number; end: number }[] = [];
  for (const { offset, length } of pieces.toSorted((a, b) => a.offset - b.offset)) {
    const last = ranges.at(-1);
    if (last !== undefined && offset < last.end) last.end = Math.max(last.end, offset + length);
    else ranges.push({ begin: offset, end: offset + length });
  }
  return ranges;
}

function ringRanges({ descriptors, size, available, availableBytes, used, usedBytes }: FuzzQueue): Range[] {
  return [
    ringRange(descriptors, size * 16),
    ringRange(available, availableBytes),
    ringRange(used, usedBytes),
  ];
}

function ringRange(guestAddress: number, bytes: number): Range {
  const begin = imageOffsetOf(guestAddress);
  return { begin, end: begin + bytes, isWritable: false };
}
