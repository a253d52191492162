import type { PixelSource } from "../memory/pixel_source.ts";
import type { Rect } from "../memory/rect.ts";
import type { CursorImage, Display } from "./display.ts";

/** Several displays that show the same. */
export class Displays implements Display {
  readonly #displays: readonly Display[];

  /** Passes everything on to each of `displays`, in their order. */
  constructor(displays: readonly Display[]) {
    this.#displays = displays;
  }

  show(scanoutId: number, source: PixelSource, damage: Rect): void {
    for (const display of this.#displays) display.show(scanoutId, source, damage);
  }

  disable(scanoutId: number): void {
    for (const display of this.#displays) display.disable(scanoutId);
  }

  setCursor(scanoutId: number, image: CursorImage | undefined): void {
    for (const display of this.#displays) display.setCursor(scanoutId, image);
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    for (const display of this.#displays) display.moveCursor(scanoutId, x, y);
  }
}
