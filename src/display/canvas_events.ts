import type { GuestMemory } from "../memory/guest_memory.ts";
import { BYTES_PER_PIXEL } from "../protocol/formats.ts";
import type { RequestFrame } from "./damaged_frame.ts";
import type { CursorImage } from "./display.ts";
import type { CursorPicture } from "./memory_display.ts";

/** What the page around a canvas is told; all of it is optional. Nothing here may throw. */
export interface CanvasEvents {
  /** The canvas has this size from now on, and is about to show its first picture; undefined: the scanout shows nothing. */
  readonly onSize?: (size: CanvasSize | undefined) => void;
  /** The cursor looks like this from now on, or is hidden (undefined). Its alpha is premultiplied, as Linux has it. */
  readonly onCursor?: (cursor: CursorPicture | undefined) => void;
  /** The cursor's top left pixel is there, in pixels of the scanout; either may be negative. */
  readonly onCursorMove?: (x: number, y: number) => void;
  /** The canvas was drawn on, once for all flushes since the frame before: `pixels` of it. */
  readonly onFrame?: (pixels: number) => void;
}

/** How a scanout is shown on a canvas. */
export interface CanvasDisplayOptions extends CanvasEvents {
  /** Which scanout; 0 when absent. */
  readonly scanoutId?: number;
  /**
   * Whether the page shines through where a format with an alpha (A, not X) says so; false when absent: a scanout has nothing
   * behind it. Colours count as multiplied by their alpha, which is what Linux means unless a plane says otherwise.
   */
  readonly isTransparent?: boolean;
  /** Calls its argument when the screen wants its next frame; `requestAnimationFrame` when absent. */
  readonly requestFrame?: RequestFrame;
}

/** The size of a scanout. */
export interface CanvasSize {
  /** Width in pixels. */
  readonly widthPixels: number;
  /** Height in pixels. */
  readonly heightPixels: number;
}

/** Copies a cursor's picture, whose bytes are the caller's then. */
export function copyCursor(image: CursorImage): CursorPicture {
  const { guest, address, widthPixels, heightPixels, hotspotX, hotspotY } = image;
  const rgba = copyBytes(guest, address, widthPixels * heightPixels * BYTES_PER_PIXEL);
  return { widthPixels, heightPixels, hotspotX, hotspotY, rgba };
}

function copyBytes(guest: GuestMemory, address: number, bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(guest.bytes.subarray(address, address + bytes));
}
