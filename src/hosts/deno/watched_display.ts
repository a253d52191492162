import type { CursorImage, Display } from "../../display/display.ts";
import type { PixelSource } from "../../memory/pixel_source.ts";
import type { Rect } from "../../memory/rect.ts";
import type { SharedScreens } from "./shared_screens.ts";

/** Passes everything on to another display, and says in `SharedScreens` what the scanouts show. */
export class WatchedDisplay implements Display {
  readonly #display: Display;
  readonly #screens: SharedScreens;
  readonly #tellChange: () => void;

  /** Passes on to `display`. `tellChange` is called when a size changes that nobody was told of yet. */
  constructor(display: Display, screens: SharedScreens, tellChange: () => void) {
    this.#display = display;
    this.#screens = screens;
    this.#tellChange = tellChange;
  }

  show(scanoutId: number, source: PixelSource, damage: Rect): void {
    this.#display.show(scanoutId, source, damage);
    if (this.#screens.write(scanoutId, source.widthPixels, source.heightPixels)) this.#tellChange();
  }

  disable(scanoutId: number): void {
    this.#display.disable(scanoutId);
    if (this.#screens.write(scanoutId, 0, 0)) this.#tellChange();
  }

  setCursor(scanoutId: number, image: CursorImage | undefined): void {
    this.#display.setCursor(scanoutId, image);
    this.#screens.countCursor(scanoutId);
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    this.#display.moveCursor(scanoutId, x, y);
    this.#screens.countCursor(scanoutId);
  }
}
