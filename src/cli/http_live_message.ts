import type { Picture } from "../display/memory_display.ts";

/**
 * What is sent to a live page: one message for each change, little-endian words before the pixels.
 *
 * ```
 * kind | scanout | x | y | width | height | RGBA of width x height pixels
 * ```
 */
export const LiveMessage = {
  /** The scanout has this size from now on, and is black; 0 by 0 when it shows nothing. */
  Size: 0,
  /** A rectangle of it has these pixels from now on. */
  Pixels: 1,
  /** The cursor has these pixels from now on, and its top left pixel is at x, y; it is hidden when there are none. */
  Cursor: 2,
  /** The cursor's top left pixel is at x, y from now on. */
  CursorPlace: 3,
} as const;
/** One of the values of `LiveMessage`. */
export type LiveMessage = typeof LiveMessage[keyof typeof LiveMessage];

/** Where something is and how large. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const HEADER_WORDS = 6;
/** Rows that are compared at a time: what changed in them is one rectangle. */
const BAND_ROWS = 32;

/** Makes a message whose pixels are to be filled in. */
export function liveMessage(kind: LiveMessage, scanoutId: number, area: Area, pixelBytes = 0): Uint8Array<ArrayBuffer> {
  const buffer = new ArrayBuffer(HEADER_WORDS * 4 + pixelBytes);
  new Int32Array(buffer, 0, HEADER_WORDS).set([kind, scanoutId, area.x, area.y, area.width, area.height]);
  return new Uint8Array(buffer);
}

/** Makes a message with the pixels of `area` of a picture, which holds it. */
export function pixelsMessage(kind: LiveMessage, scanoutId: number, { rgba, widthPixels }: Picture, area: Area) {
  const message = liveMessage(kind, scanoutId, area, area.width * area.height * 4);
  for (let row = 0; row < area.height; row++) {
    const begin = ((area.y + row) * widthPixels + area.x) * 4;
    message.set(rgba.subarray(begin, begin + area.width * 4), HEADER_WORDS * 4 + row * area.width * 4);
  }
  return message;
}

/** The rectangles in which two pictures of one size differ, one for each band of rows. */
export function differences(before: Picture, after: Picture): Area[] {
  const { widthPixels, heightPixels } = after;
  const a = new Uint32Array(before.rgba.buffer);
  const b = new Uint32Array(after.rgba.buffer);
  const areas: Area[] = [];
  for (let top = 0; top < heightPixels; top += BAND_ROWS) {
    const area = differenceOfRows(a, b, widthPixels, top, Math.min(BAND_ROWS, heightPixels - top));
    if (area !== undefined) areas.push(area);
  }
  return areas;
}

function differenceOfRows(a: Uint32Array, b: Uint32Array, width: number, top: number, rows: number): Area | undefined {
  let left = width;
  let right = 0;
  let first = top + rows;
  let last = top;
  for (let y = top; y < top + rows; y++) {
    const begin = y * width;
    let x = 0;
    while (x < width && a[begin + x] === b[begin + x]) x++;
    if (x === width) continue;
    let end = width;
    while (a[begin + end - 1] === b[begin + end - 1]) end--;
    left = Math.min(left, x);
    right = Math.max(right, end);
    first = Math.min(first, y);
    last = y;
  }
  return right === 0 ? undefined : { x: left, y: first, width: right - left, height: last + 1 - first };
}
