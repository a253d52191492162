import type { Picture } from "./png.ts";

const HEADER = /^P6\s+(\d+)\s+(\d+)\s+255\s/;
const HEADER_MAX_BYTES = 32;

/** Decodes a PPM file of 8-bit pixels without a comment, as QEMU writes them; throws on any other. */
export function decodePpm(file: Uint8Array): Picture {
  const header = HEADER.exec(new TextDecoder("latin1").decode(file.subarray(0, HEADER_MAX_BYTES)));
  if (header === null) throw new TypeError("Cannot decode the PPM: wanted P6 with 8 bits");
  const [widthPixels, heightPixels] = [Number(header[1]), Number(header[2])];
  const rgb = file.subarray(header[0].length);
  if (rgb.length !== widthPixels * heightPixels * 3) {
    throw new TypeError(`Cannot decode the PPM: wanted ${widthPixels}x${heightPixels} pixels, got ${rgb.length} bytes`);
  }
  const rgba = new Uint8Array(widthPixels * heightPixels * 4).fill(255);
  for (let pixel = 0; pixel < widthPixels * heightPixels; pixel++) {
    for (let color = 0; color < 3; color++) rgba[pixel * 4 + color] = rgb[pixel * 3 + color]!;
  }
  return { widthPixels, heightPixels, rgba };
}
