import { encode } from "fast-png";

/**
 * Encodes a picture as a PNG file: `rgba` holds `widthPixels` x `heightPixels` pixels of 4 bytes, row after row with no
 * gap. It is read during the call and never kept; the caller owns the result. Throws a RangeError when the size of
 * `rgba` is not that of the picture.
 */
export function encodePng(rgba: Uint8Array, widthPixels: number, heightPixels: number): Uint8Array<ArrayBuffer> {
  const wanted = widthPixels * heightPixels * 4;
  if (rgba.length !== wanted || wanted === 0) {
    throw new RangeError(
      `Cannot encode a PNG of ${widthPixels}x${heightPixels}: wanted ${wanted} bytes and at least 4, got ${rgba.length}`,
    );
  }
  return new Uint8Array(encode({ width: widthPixels, height: heightPixels, data: rgba, channels: 4, depth: 8 }));
}
