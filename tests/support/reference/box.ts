/** The box kernels, a byte at a time. */

import type { Segment } from "./blocks.ts";
import { byteAddresses } from "./copy.ts";

/** Layers of rows in a segment list and in contiguous memory. */
export interface BoxCopy {
  start: number;
  strideBytes: number;
  layerStrideBytes: number;
  contiguous: number;
  contiguousStrideBytes: number;
  contiguousLayerStrideBytes: number;
  rowBytes: number;
  rows: number;
  layers: number;
}

/** Tells whether the last row of the last layer ends within the list; a copy of nothing always fits. */
export function boxFitsReference(segments: Segment[], copy: BoxCopy): boolean {
  if (copy.layers === 0 || copy.rows === 0 || copy.rowBytes === 0) return true;
  const total = segments.reduce((sum, segment) => sum + segment.length, 0);
  const lastLayer = BigInt(copy.layers - 1) * BigInt(copy.layerStrideBytes);
  const lastRow = BigInt(copy.rows - 1) * BigInt(copy.strideBytes);
  return BigInt(copy.start) + lastLayer + lastRow + BigInt(copy.rowBytes) <= BigInt(total);
}

/** Copies a box from the list to contiguous memory. */
export function gatherBoxReference(memory: Uint8Array, segments: Segment[], copy: BoxCopy): void {
  const addresses = byteAddresses(segments);
  forEachByte(copy, (position, contiguous) => {
    memory[contiguous] = memory[addresses[position]!]!;
  });
}

/** Copies a box from contiguous memory into the list. */
export function scatterBoxReference(memory: Uint8Array, segments: Segment[], copy: BoxCopy): void {
  const addresses = byteAddresses(segments);
  forEachByte(copy, (position, contiguous) => {
    memory[addresses[position]!] = memory[contiguous]!;
  });
}

function forEachByte(copy: BoxCopy, visit: (position: number, contiguous: number) => void): void {
  for (let layer = 0; layer < copy.layers; layer++) {
    for (let row = 0; row < copy.rows; row++) {
      const position = copy.start + layer * copy.layerStrideBytes + row * copy.strideBytes;
      const contiguous = copy.contiguous + layer * copy.contiguousLayerStrideBytes + row * copy.contiguousStrideBytes;
      for (let i = 0; i < copy.rowBytes; i++) visit(position + i, contiguous + i);
    }
  }
}
