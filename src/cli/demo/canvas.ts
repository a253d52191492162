import type { Picture } from "../../display/memory_display.ts";

/** Red, green and blue, 0 to 255 each; fractions count until the picture is finished. */
export type Color = readonly [red: number, green: number, blue: number];

/** A picture that is being painted: three numbers for each pixel, row after row. */
export class Canvas {
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly #rgb: Float32Array;

  /** A black canvas. */
  constructor(widthPixels: number, heightPixels: number) {
    this.widthPixels = widthPixels;
    this.heightPixels = heightPixels;
    this.#rgb = new Float32Array(widthPixels * heightPixels * 3);
  }

  /** Covers the part `coverage` (0 to 1) of a pixel with `color`. A pixel outside of the canvas is left out. */
  blend(x: number, y: number, color: Color, coverage: number): void {
    if (x < 0 || y < 0 || x >= this.widthPixels || y >= this.heightPixels) return;
    const at = (y * this.widthPixels + x) * 3;
    for (let i = 0; i < 3; i++) this.#rgb[at + i]! += (color[i]! - this.#rgb[at + i]!) * coverage;
  }

  /** Lights a pixel by `color` times `strength`, as a lamp does. A pixel outside of the canvas is left out. */
  add(x: number, y: number, color: Color, strength: number): void {
    if (x < 0 || y < 0 || x >= this.widthPixels || y >= this.heightPixels) return;
    const at = (y * this.widthPixels + x) * 3;
    for (let i = 0; i < 3; i++) this.#rgb[at + i]! += color[i]! * strength;
  }

  /** The color at a point between pixels; beyond an edge it is the edge's. */
  sample(x: number, y: number): Color {
    const clampedX = clamp(x, 0, this.widthPixels - 1);
    const clampedY = clamp(y, 0, this.heightPixels - 1);
    const left = Math.floor(clampedX);
    const top = Math.floor(clampedY);
    const right = Math.min(left + 1, this.widthPixels - 1);
    const bottom = Math.min(top + 1, this.heightPixels - 1);
    const upper = mix(this.#at(left, top), this.#at(right, top), clampedX - left);
    const lower = mix(this.#at(left, bottom), this.#at(right, bottom), clampedX - left);
    return mix(upper, lower, clampedY - top);
  }

  /** The finished picture, rounded to bytes; the caller's. */
  toPicture(): Picture {
    const { widthPixels, heightPixels } = this;
    const rgba = new Uint8Array(widthPixels * heightPixels * 4).fill(255);
    for (let pixel = 0; pixel < widthPixels * heightPixels; pixel++) {
      for (let i = 0; i < 3; i++) rgba[pixel * 4 + i] = clamp(Math.round(this.#rgb[pixel * 3 + i]!), 0, 255);
    }
    return { widthPixels, heightPixels, rgba };
  }

  #at(x: number, y: number): Color {
    const at = (y * this.widthPixels + x) * 3;
    return [this.#rgb[at]!, this.#rgb[at + 1]!, this.#rgb[at + 2]!];
  }
}

/** `value`, or the end of the range that it is beyond. */
export function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

/** The color at `part` (0 to 1) of the way from one to the other. */
export function mix(from: Color, to: Color, part: number): Color {
  return [
    from[0] + (to[0] - from[0]) * part,
    from[1] + (to[1] - from[1]) * part,
    from[2] + (to[2] - from[2]) * part,
  ];
}

/** A gradient: the color at `at` between stops, which are in order. */
export function gradient(stops: readonly (readonly [at: number, color: Color])[], at: number): Color {
  const above = stops.findIndex(([stop]) => stop >= at);
  if (above === -1) return stops.at(-1)![1];
  if (above === 0) return stops[0]![1];
  const [low, from] = stops[above - 1]!;
  const [high, to] = stops[above]!;
  return mix(from, to, (at - low) / (high - low));
}

/**
 * About the sine of `turns` full turns. Only operations that IEEE 754 rounds exactly, so that every engine paints the
 * same picture; `Math.sin` may differ in its last bit.
 */
export function wave(turns: number): number {
  const halves = (turns - Math.floor(turns)) * 2;
  const product = (halves % 1) * (1 - halves % 1);
  const sine = 16 * product / (5 - 4 * product); // Bhaskara's, off by 0.002 at most
  return halves < 1 ? sine : -sine;
}
