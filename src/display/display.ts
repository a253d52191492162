import type { GuestMemory } from "../memory/guest_memory.ts";
import type { PixelSource } from "../memory/pixel_source.ts";
import type { Rect } from "../memory/rect.ts";

/** The picture of a cursor: RGBA bytes, rows without gaps. The alpha is the guest's: Linux multiplies colours by it. */
export interface CursorImage {
  /** The memory that holds them. */
  readonly guest: GuestMemory;
  /** Address of the first pixel. The device owns the bytes; copy them during the call. */
  readonly address: number;
  /** Width in pixels. */
  readonly widthPixels: number;
  /** Height in pixels. */
  readonly heightPixels: number;
  /** Column of the pixel that points, inside the image. */
  readonly hotspotX: number;
  /** Its row. */
  readonly hotspotY: number;
}

/**
 * Something that shows what scanouts display. Scanouts are numbered from 0. Calls come while a command is carried out:
 * they must not throw, wait, or call the device. An object handed over is valid during the call only, unless it says
 * otherwise.
 */
export interface Display {
  /**
   * Scanout `scanoutId` shows `source`, of which `damage` (in pixels of the source, inside it, not empty) has changed
   * since the last call. The first call for another size, and the first after `disable`, damages all of it. Read the
   * pixels by `readPixels` now: afterwards the guest may draw the next frame.
   */
  show(scanoutId: number, source: PixelSource, damage: Rect): void;
  /** Scanout `scanoutId` shows nothing any more. */
  disable(scanoutId: number): void;
  /** The cursor of scanout `scanoutId` has the picture `image` from now on, or is hidden (undefined). */
  setCursor(scanoutId: number, image: CursorImage | undefined): void;
  /** The top left pixel of the cursor of scanout `scanoutId` is at `x`, `y`, in pixels; either may be negative. */
  moveCursor(scanoutId: number, x: number, y: number): void;
}
