import type { TransferFromHost3d, TransferToHost3d } from "../../protocol/wire.gen.ts";

/** Bytes of the largest texel of any format. */
const MAX_TEXEL_BYTES = 16;

/**
 * How many bytes of the pages a transfer can touch at most, from its offset on, when `totalBytes` bytes are there. A row is no
 * longer than a stride. Where strides are 0 the rows are those of the whole level, `levelWidth` by `levelHeight` texels; 0
 * when the level's size is not known: it may be all then.
 */
export function transferSpan(
  { box, offset, stride, layerStride }: TransferToHost3d | TransferFromHost3d,
  totalBytes: number,
  levelWidth: number,
  levelHeight: number,
): number {
  const available = Math.max(0, totalBytes - offset);
  const { w, h, d } = box;
  if (w === 0 || h === 0 || d === 0) return 0;
  if (h === 1 && d === 1) return Math.min(available, stride === 0 ? w * MAX_TEXEL_BYTES : stride);
  const isStrideKnown = stride !== 0 || levelWidth !== 0;
  const isLayerKnown = d === 1 || layerStride !== 0 || levelHeight !== 0;
  if (!isStrideKnown || !isLayerKnown) return available;
  const rowBytes = stride === 0 ? levelWidth * MAX_TEXEL_BYTES : stride;
  const layerBytes = layerStride === 0 ? levelHeight * rowBytes : layerStride;
  return Math.min(available, (d - 1) * layerBytes + h * rowBytes);
}
