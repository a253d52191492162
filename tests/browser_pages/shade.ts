/** A pixel with an alpha, by the letters of the channels. */
export type Shade = Record<string, number>;

/**
 * The pixel at `x`, `y` of a picture of 64x48 with every fourth alpha: colours that were multiplied by it, but for the blue
 * of the first row, which exceeds it.
 */
export function shade(x: number, y: number): Shade {
  const alpha = Math.min(255, x * 4 + (x >> 4));
  const red = Math.round(alpha * y / 47);
  return { R: red, G: alpha - red, B: y === 0 ? 255 : alpha, A: alpha, X: alpha };
}
