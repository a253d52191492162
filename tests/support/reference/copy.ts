/** The copy and conversion kernels, a byte at a time. */

import type { Segment } from "./blocks.ts";

/** A rectangle of bytes in a segment list and in contiguous memory. */
export interface RowCopy {
  start: number;
  strideBytes: number;
  contiguous: number;
  contiguousStrideBytes: number;
  rowBytes: number;
  rows: number;
}

/** The memory address of every byte of a segment list. */
export function byteAddresses(segments: Segment[]): number[] {
  return segments.flatMap(({ offset, length }) => Array.from({ length }, (_, i) => offset + i));
}

/** Tells whether the last row ends within the list; a copy of nothing always fits. */
export function rowsFitReference(segments: Segment[], copy: RowCopy): boolean {
  if (copy.rows === 0 || copy.rowBytes === 0) return true;
  const total = segments.reduce((sum, segment) => sum + segment.length, 0);
  const end = BigInt(copy.start) + BigInt(copy.rows - 1) * BigInt(copy.strideBytes) + BigInt(copy.rowBytes);
  return end <= BigInt(total);
}

/** Copies rows from the list to contiguous memory. */
export function gatherReference(memory: Uint8Array, segments: Segment[], copy: RowCopy): void {
  const addresses = byteAddresses(segments);
  forEachByte(copy, (position, contiguous) => {
    memory[contiguous] = memory[addresses[position]!]!;
  });
}

/** Copies rows from contiguous memory into the list. */
export function scatterReference(memory: Uint8Array, segments: Segment[], copy: RowCopy): void {
  const addresses = byteAddresses(segments);
  forEachByte(copy, (position, contiguous) => {
    memory[addresses[position]!] = memory[contiguous]!;
  });
}

function forEachByte(copy: RowCopy, visit: (position: number, contiguous: number) => void): void {
  for (let row = 0; row < copy.rows; row++) {
    for (let i = 0; i < copy.rowBytes; i++) {
      visit(copy.start + row * copy.strideBytes + i, copy.contiguous + row * copy.contiguousStrideBytes + i);
    }
  }
}

/** Converts the pixels of contiguous rows in place: `lanes` and `opaque` as in Kernels.convertRect. */
export function convertReference(
  memory: Uint8Array,
  target: number,
  targetStrideBytes: number,
  widthPixels: number,
  rows: number,
  lanes: number,
  opaque: number,
): void {
  for (let row = 0; row < rows; row++) {
    for (let x = 0; x < widthPixels; x++) {
      const at = target + row * targetStrideBytes + x * 4;
      const pixel = memory.slice(at, at + 4);
      for (let i = 0; i < 4; i++) {
        const lane = (lanes >>> (8 * i)) & 3;
        memory[at + i] = pixel[lane]! | ((opaque >>> (8 * i)) & 0xff);
      }
    }
  }
}
