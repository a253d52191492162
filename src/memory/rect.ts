/** A rectangle of pixels. Virtio 1.4, 5.7.6.7 (`virtio_gpu_rect`): every field is any u32 until it is checked. */
export interface Rect {
  /** Left edge in pixels. */
  x: number;
  /** Top edge in pixels. */
  y: number;
  /** Width in pixels. */
  width: number;
  /** Height in pixels. */
  height: number;
}

/** Whether `rect` lies inside `widthPixels` x `heightPixels`; sums of two u32 are exact in a number, so nothing wraps. */
export function isInside(rect: Rect, widthPixels: number, heightPixels: number): boolean {
  return rect.x + rect.width <= widthPixels && rect.y + rect.height <= heightPixels;
}

/** Whether `rect` has no pixels. */
export function isEmpty(rect: Rect): boolean {
  return rect.width === 0 || rect.height === 0;
}

/** Sets `into` to the part of `a` that lies in `b`, relative to `b`'s corner; false, with `into` empty, when there is none. */
export function intersect(a: Rect, b: Rect, into: Rect): boolean {
  const left = Math.max(a.x, b.x);
  const top = Math.max(a.y, b.y);
  into.x = left - b.x;
  into.y = top - b.y;
  into.width = Math.max(0, Math.min(a.x + a.width, b.x + b.width) - left);
  into.height = Math.max(0, Math.min(a.y + a.height, b.y + b.height) - top);
  return !isEmpty(into);
}

/** Whether two rectangles are the same. */
export function isEqual(a: Rect, b: Rect): boolean {
  return a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
}

/** Sets `into` to `rect`. */
export function assign(into: Rect, rect: Rect): void {
  into.x = rect.x;
  into.y = rect.y;
  into.width = rect.width;
  into.height = rect.height;
}

/** Widens `into` until it holds `rect`, too; an empty one becomes `rect`. */
export function cover(into: Rect, rect: Rect): void {
  if (isEmpty(into)) return assign(into, rect);
  const right = Math.max(into.x + into.width, rect.x + rect.width);
  const bottom = Math.max(into.y + into.height, rect.y + rect.height);
  into.x = Math.min(into.x, rect.x);
  into.y = Math.min(into.y, rect.y);
  into.width = right - into.x;
  into.height = bottom - into.y;
}
