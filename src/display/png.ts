/**
 * What scanouts show, as PNG files.
 *
 * @module
 */
import type { PixelSource } from "../memory/pixel_source.ts";
import type { Rect } from "../memory/rect.ts";
import type { CursorImage, Display } from "./display.ts";
import { MemoryDisplay } from "./memory_display.ts";
import { encodePng } from "./png_encode.ts";

export { encodePng };

/** A display whose pictures are PNG files, encoded when they are asked for. */
export class PngDisplay implements Display {
  readonly #memory = new MemoryDisplay();

  show(scanoutId: number, source: PixelSource, damage: Rect): void {
    this.#memory.show(scanoutId, source, damage);
  }

  disable(scanoutId: number): void {
    this.#memory.disable(scanoutId);
  }

  setCursor(scanoutId: number, image: CursorImage | undefined): void {
    this.#memory.setCursor(scanoutId, image);
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    this.#memory.moveCursor(scanoutId, x, y);
  }

  /** A PNG file of what scanout `scanoutId` shows, without its cursor; undefined while it shows nothing. */
  png(scanoutId: number): Uint8Array<ArrayBuffer> | undefined {
    const picture = this.#memory.picture(scanoutId);
    return picture && encodePng(picture.rgba, picture.widthPixels, picture.heightPixels);
  }
}
