import type { CursorPicture } from "../../src/display/memory_display.ts";
import { straightenAlpha } from "../../src/display/straight_alpha.ts";

/** A cursor without its transparent margins: Chromium refuses big cursors near the edge of a page. */
export interface PageCursor {
  readonly image: HTMLCanvasElement;
  /** What was cut off at the left and at the top. */
  readonly leftPixels: number;
  readonly topPixels: number;
  /** The pixel that points, inside `image`. */
  readonly hotspotX: number;
  readonly hotspotY: number;
}

/** The cursor as the page shows it; undefined when all of it is transparent. */
export function pageCursor(cursor: CursorPicture): PageCursor | undefined {
  const { widthPixels, heightPixels, rgba, hotspotX, hotspotY } = cursor;
  let [left, top, right, bottom] = [hotspotX, hotspotY, hotspotX + 1, hotspotY + 1];
  let isEmpty = true;
  for (let y = 0; y < heightPixels; y++) {
    for (let x = 0; x < widthPixels; x++) {
      if (rgba[(y * widthPixels + x) * 4 + 3] === 0) continue;
      isEmpty = false;
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x + 1), Math.max(bottom, y + 1)];
    }
  }
  if (isEmpty) return undefined;
  const image = document.createElement("canvas");
  image.width = right - left;
  image.height = bottom - top;
  const pixels = new ImageData(new Uint8ClampedArray(rgba), widthPixels, heightPixels);
  straightenAlpha(pixels.data);
  image.getContext("2d")!.putImageData(pixels, -left, -top);
  return { image, leftPixels: left, topPixels: top, hotspotX: hotspotX - left, hotspotY: hotspotY - top };
}

/**
 * The value of CSS `cursor` for a cursor whose pixels are `scale` CSS pixels wide, on a screen with `density` device pixels
 * for a CSS pixel.
 */
export function cssCursor({ image, hotspotX, hotspotY }: PageCursor, scale: number, density: number): string {
  const scaled = document.createElement("canvas");
  scaled.width = Math.max(1, Math.round(image.width * scale * density));
  scaled.height = Math.max(1, Math.round(image.height * scale * density));
  scaled.getContext("2d")!.drawImage(image, 0, 0, scaled.width, scaled.height);
  const [x, y] = [Math.floor(hotspotX * scale), Math.floor(hotspotY * scale)];
  return `image-set(url(${scaled.toDataURL()}) ${density}x) ${x} ${y}, default`;
}
