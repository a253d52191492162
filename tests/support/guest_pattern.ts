import type { Rect } from "../../src/memory/rect.ts";
import type { Picture } from "../../src/display/memory_display.ts";

/** Red, green and blue that the guest's programs give a pixel, as 0xrrggbb: what tests/guest_programs/pattern.h draws. */
export function patternPixel(seed: number, x: number, y: number): number {
  const color = (x & 255) << 16 | (y & 255) << 8 | (x >> 8 << 4 | y >> 8);
  return color ^ (Math.imul(seed, 0x2f6d35) & 0xffffff);
}

/** The rows from `top` on of a picture that is drawn all over with the pattern of `seed`. */
export function patternPicture(seed: number, widthPixels: number, heightPixels: number, top = 0): Picture {
  const picture = { widthPixels, heightPixels, rgba: new Uint8Array(widthPixels * heightPixels * 4) };
  for (let y = 0; y < heightPixels; y++) {
    for (let x = 0; x < widthPixels; x++) setPixel(picture, x, y, patternPixel(seed, x, y + top));
  }
  return picture;
}

/** The same picture with `rect` of it drawn on with another pattern. */
export function withPattern(picture: Picture, seed: number, rect: Rect): Picture {
  return withPixels(picture, rect, (x, y) => patternPixel(seed, x, y));
}

/** The same picture with `rect` of it in one colour, 0xrrggbb. */
export function withColor(picture: Picture, color: number, rect: Rect): Picture {
  return withPixels(picture, rect, () => color);
}

function withPixels(
  picture: Picture,
  { x, y, width, height }: Rect,
  pixelAt: (x: number, y: number) => number,
): Picture {
  const drawn = { ...picture, rgba: picture.rgba.slice() };
  for (let row = y; row < y + height; row++) {
    for (let column = x; column < x + width; column++) setPixel(drawn, column, row, pixelAt(column, row));
  }
  return drawn;
}

function setPixel({ widthPixels, rgba }: Picture, x: number, y: number, color: number): void {
  const at = (y * widthPixels + x) * 4;
  rgba[at] = color >> 16;
  rgba[at + 1] = color >> 8 & 255;
  rgba[at + 2] = color & 255;
  rgba[at + 3] = 255;
}
