import { BYTES_PER_PIXEL } from "../protocol/formats.ts";

const ALPHA = 3;

/**
 * Makes colours that were multiplied by their alpha (as Linux has them) straight, as an ImageData has them, in place:
 * RGBA bytes. A colour that exceeds its alpha becomes the brightest there is.
 */
export function straightenAlpha(rgba: Uint8ClampedArray): void {
  for (let at = 0; at < rgba.length; at += BYTES_PER_PIXEL) {
    const alpha = rgba[at + ALPHA]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let channel = 0; channel < ALPHA; channel++) {
      rgba[at + channel] = rgba[at + channel]! * 255 / alpha; // rounds and saturates
    }
  }
}
