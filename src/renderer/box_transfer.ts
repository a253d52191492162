import type { SegmentList } from "../memory/segment_list.ts";
import { type Reason, Reasons } from "../protocol/reasons.ts";
import type { Box, TransferFromHost3d, TransferToHost3d } from "../protocol/wire.gen.ts";
import type { Kernels } from "../wasm/kernels.ts";

/** One level of an image that lies in the memory. */
export interface ImageLevel {
  /** Address of its first texel. */
  readonly address: number;
  /** Distance from a row to the next, in bytes. */
  readonly strideBytes: number;
  /** Distance from a layer to the next, in bytes. */
  readonly layerStrideBytes: number;
  /** Columns. */
  readonly widthTexels: number;
  /** Rows. */
  readonly heightTexels: number;
  /** Layers of an array, or of a volume. */
  readonly layers: number;
  /** Bytes of one texel. */
  readonly bytesPerTexel: number;
}

/** Copies a box between guest pages and an image, one row after the other: a kernel. */
type BoxKernel = Kernels["gatherBox"];

/**
 * Copies the command's box from `pages` into a level of an image that holds the whole of it. Virtio 1.4, 5.7.6.9
 * (TRANSFER_TO_HOST_3D). `offset` is where the box's first texel lies in the pages, not where the level begins. A stride of 0
 * means that rows follow each other as those of the whole level do, without gaps, and so for layers: Mesa sends 0, also with a
 * box that is a part of the level. Refused, with nothing copied, when the box is not in the level, when a stride is shorter
 * than a row of the box or a layer stride shorter than its layer, and when its bytes are not all in the pages.
 */
export function transferBoxToHost(
  kernels: Kernels,
  level: ImageLevel,
  command: TransferToHost3d,
  pages: SegmentList,
): Reason | undefined {
  return transferBox(kernels.gatherBox, level, command, pages);
}

/** Copies the command's box from a level of an image into `pages`, otherwise as `transferBoxToHost`. */
export function transferBoxFromHost(
  kernels: Kernels,
  level: ImageLevel,
  command: TransferFromHost3d,
  pages: SegmentList,
): Reason | undefined {
  return transferBox(kernels.scatterBox, level, command, pages);
}

/** Whether `box` lies in `level`; sums of two u32 are exact in a number, so nothing wraps. */
export function isBoxInside({ x, y, z, w, h, d }: Box, level: ImageLevel): boolean {
  return x + w <= level.widthTexels && y + h <= level.heightTexels && z + d <= level.layers;
}

function transferBox(
  copy: BoxKernel,
  level: ImageLevel,
  { box, offset, stride, layerStride }: TransferToHost3d | TransferFromHost3d,
  pages: SegmentList,
): Reason | undefined {
  if (!isBoxInside(box, level)) return Reasons.boxOutsideResource;
  const rowBytes = box.w * level.bytesPerTexel;
  const pageStride = stride === 0 ? level.widthTexels * level.bytesPerTexel : stride;
  const pageLayerStride = layerStride === 0 ? level.heightTexels * pageStride : layerStride;
  if (pageStride < rowBytes || pageLayerStride < box.h * pageStride) return Reasons.boxStrideTooShort;
  if (box.w === 0 || box.h === 0 || box.d === 0) return undefined;
  // A sum of 2^53 or more may be off a little, but is far too large anyway; a smaller one is exact.
  const endBytes = offset + (box.d - 1) * pageLayerStride + (box.h - 1) * pageStride + rowBytes;
  if (endBytes > pages.totalBytes) return Reasons.boxOutsideBacking; // also keeps what the kernel gets below 2^32
  if (!pages.resolve()) return Reasons.backingGone;
  const address = level.address + box.z * level.layerStrideBytes + box.y * level.strideBytes +
    box.x * level.bytesPerTexel;
  const result = copy(
    pages.segments,
    pages.segmentCount,
    offset,
    pageStride,
    pageLayerStride,
    address,
    level.strideBytes,
    level.layerStrideBytes,
    rowBytes,
    box.h,
    box.d,
  );
  return result === 0 ? undefined : Reasons.boxOutsideBacking;
}
