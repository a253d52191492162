import type { CursorImage, Display } from "../../src/display/display.ts";
import type { PixelSource } from "../../src/memory/pixel_source.ts";
import type { Rect } from "../../src/memory/rect.ts";

/** A display that notes what it is told, one line for each call, and reads no pixel. */
export class RecordingDisplay implements Display {
  /** The calls so far: "show 0: 1,2 3x4 of 8x8" is scanout 0, damage of 3x4 at 1,2, a source of 8x8. */
  readonly calls: string[] = [];

  show(scanoutId: number, { widthPixels, heightPixels }: PixelSource, { x, y, width, height }: Rect): void {
    this.calls.push(`show ${scanoutId}: ${x},${y} ${width}x${height} of ${widthPixels}x${heightPixels}`);
  }

  disable(scanoutId: number): void {
    this.calls.push(`disable ${scanoutId}`);
  }

  setCursor(scanoutId: number, image: CursorImage | undefined): void {
    const what = image === undefined ? "hidden" : `${image.widthPixels}x${image.heightPixels}`;
    this.calls.push(`cursor ${scanoutId}: ${what}`);
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    this.calls.push(`cursor ${scanoutId}: at ${x},${y}`);
  }

  /** Takes the calls so far. */
  take(): string[] {
    return this.calls.splice(0);
  }
}
