import type { Format } from "../protocol/wire.gen.ts";
import { BYTES_PER_PIXEL, conversionTo, type PixelLayout } from "../protocol/formats.ts";
import type { GuestMemory } from "./guest_memory.ts";
import { isInside, type Rect } from "./rect.ts";
import type { SegmentList } from "./segment_list.ts";

/**
 * Where a picture's pixels are. They belong to the device: a display reads them during a call that hands it the source,
 * or later as long as it was not told of another source, and never writes them.
 */
export interface PixelSource {
  /** The memory that holds them. */
  readonly guest: GuestMemory;
  /** Format of the pixels, 4 bytes each. */
  format: Format;
  /** Width in pixels. */
  widthPixels: number;
  /** Height in pixels. */
  heightPixels: number;
  /** Distance from a row to the next, in bytes. */
  strideBytes: number;
  /**
   * Where the first pixel lies: an offset in the memory, or, with `pages`, a position in the page list; `NO_PIXELS` while
   * they are not in the memory. It changes when the bytes move: read it at each use.
   */
  offsetBytes: number;
  /** The guest's own pages, for a picture that is read where it lies; undefined for one contiguous range. */
  pages: SegmentList | undefined;
  /** The same picture in a form that only displays of the same renderer know, as a texture of a GPU; mostly undefined. */
  texture?: unknown;
}

/** An `offsetBytes` that is nowhere. */
export const NO_PIXELS = -1;

/** Where converted pixels go: a block of the heap of the source's memory, owned by the caller. */
export interface PixelTarget {
  /** Address of the pixel that the rectangle's first one is converted to. */
  address: number;
  /** Distance from a row to the next, in bytes. */
  strideBytes: number;
  /** Order of the bytes of a pixel. */
  layout: PixelLayout;
}

/**
 * Gathers and converts the pixels of `rect` into `target` in one pass; false, with nothing written, when the rectangle
 * is not inside the source or its pixels are not there (any more).
 */
export function readPixels(source: PixelSource, rect: Rect, target: PixelTarget): boolean {
  if (!isInside(rect, source.widthPixels, source.heightPixels) || source.offsetBytes === NO_PIXELS) return false;
  const { kernels } = source.guest;
  const { lanes, opaque } = conversionTo(target.layout, source.format);
  const start = source.offsetBytes + rect.y * source.strideBytes + rect.x * BYTES_PER_PIXEL;
  const { address, strideBytes } = target;
  if (source.pages === undefined) {
    kernels.convertRect(
      start,
      source.strideBytes,
      address,
      strideBytes,
      rect.width,
      rect.height,
      lanes,
      opaque,
    );
    return true;
  }
  if (!source.pages.resolve() || start > 0xffffffff) return false;
  const { segments, segmentCount } = source.pages;
  return kernels.gatherConvertRect(
    segments,
    segmentCount,
    start,
    source.strideBytes,
    address,
    strideBytes,
    rect.width,
    rect.height,
    lanes,
    opaque,
  ) === 0;
}
