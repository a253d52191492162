/** What the blocks of an EDID have in common: their size, little-endian numbers and checksums. */

/** Bytes of the base block and of every extension. */
export const EDID_BLOCK_BYTES = 128;

/** Writes the low 16 bits of `value` at `at`. */
export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
}

/** Writes the byte at `end` that makes the sum of `start` to `end`, inclusive, a multiple of 256. */
export function writeChecksum(bytes: Uint8Array, start: number, end: number): void {
  let sum = 0;
  for (let i = start; i < end; i++) sum += bytes[i]!;
  bytes[end] = -sum;
}

/** Millimetres of `pixels` at 96 dots per inch, a fraction. */
export function millimetres(pixels: number): number {
  return pixels * 25.4 / 96;
}
