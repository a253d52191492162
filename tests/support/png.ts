import { decode } from "fast-png";

/** A picture of 8-bit RGBA pixels. */
export interface Picture {
  widthPixels: number;
  heightPixels: number;
  rgba: Uint8Array;
}

/** Decodes a PNG file of 8-bit RGBA pixels, as the project writes them, or RGB ones, as a screenshot has; throws on any other. */
export function decodePng(file: Uint8Array): Picture {
  const { width, height, data, channels, depth } = decode(file);
  if ((channels !== 4 && channels !== 3) || !(data instanceof Uint8Array)) {
    throw new TypeError(`Cannot decode the PNG: wanted 3 or 4 channels of 8 bits, got ${channels} of ${depth}`);
  }
  return { widthPixels: width, heightPixels: height, rgba: channels === 4 ? data : withAlpha(data) };
}

function withAlpha(rgb: Uint8Array): Uint8Array {
  const rgba = new Uint8Array(rgb.length / 3 * 4).fill(255);
  for (let pixel = 0; pixel < rgb.length / 3; pixel++) rgba.set(rgb.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
  return rgba;
}

/** The top left part of a picture. */
export function topLeft(picture: Picture, widthPixels: number, heightPixels: number): Picture {
  const rgba = new Uint8Array(widthPixels * heightPixels * 4);
  for (let y = 0; y < heightPixels; y++) {
    const start = y * picture.widthPixels * 4;
    rgba.set(picture.rgba.subarray(start, start + widthPixels * 4), y * widthPixels * 4);
  }
  return { widthPixels, heightPixels, rgba };
}
