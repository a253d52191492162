import { assign, type Rect } from "../memory/rect.ts";

/** Most rectangles that a list keeps; a desktop damages a few between two frames of a screen. */
const CAPACITY = 16;

/**
 * What has changed since it was last asked, for a display that passes pictures on later than it is told of them. Rectangles
 * are merged where their union is one, so that no pixel is in the list that was not damaged and few are in it twice.
 */
export class DamageList {
  readonly #rects: Rect[] = Array.from({ length: CAPACITY }, () => ({ x: 0, y: 0, width: 0, height: 0 }));
  #count = 0;

  /** How many rectangles there are. */
  get count(): number {
    return this.#count;
  }

  /** Rectangle `index`, below `count`. The list owns it. */
  at(index: number): Readonly<Rect> {
    return this.#rects[index]!;
  }

  /** Adds a rectangle, which is not empty; false, with nothing changed, when the list is full: empty it first. */
  add(rect: Rect): boolean {
    const place = this.#rects[CAPACITY - 1]!;
    let index = this.#indexOfMergeable(rect);
    if (index < 0) {
      if (this.#count === CAPACITY - 1) return false;
      assign(this.#rects[this.#count++]!, rect);
      return true;
    }
    assign(place, rect);
    while (index >= 0) { // a union may complete another one
      unite(place, this.#rects[index]!);
      assign(this.#rects[index]!, this.#rects[--this.#count]!);
      index = this.#indexOfMergeable(place);
    }
    assign(this.#rects[this.#count++]!, place);
    return true;
  }

  /**
   * Adds a rectangle, which is not empty, to any list: a full one unites it with the rectangle that grows by the fewest
   * pixels. Those are damaged then, too, so that they are shown once more than they need be.
   */
  cover(rect: Rect): void {
    if (this.add(rect)) return;
    let index = 0;
    for (let other = 1; other < this.#count; other++) {
      if (growth(this.#rects[other]!, rect) < growth(this.#rects[index]!, rect)) index = other;
    }
    const united = { ...this.#rects[index]! };
    unite(united, rect);
    assign(this.#rects[index]!, this.#rects[--this.#count]!);
    this.add(united); // there is room for it now
  }

  /**
   * Moves whole rows of a rectangle from the list to `into`: as many as have at most `maxPixels` pixels, but one at least.
   * False when the list is empty.
   */
  takeRows(maxPixels: number, into: Rect): boolean {
    const rect = this.#rects[0]!;
    if (this.#count === 0) return false;
    assign(into, rect);
    into.height = Math.min(rect.height, Math.max(1, Math.floor(maxPixels / rect.width)));
    rect.y += into.height;
    rect.height -= into.height;
    if (rect.height === 0) assign(rect, this.#rects[--this.#count]!);
    return true;
  }

  /** Forgets all. */
  clear(): void {
    this.#count = 0;
  }

  #indexOfMergeable(rect: Rect): number {
    for (let index = 0; index < this.#count; index++) {
      if (isUnionRect(rect, this.#rects[index]!)) return index;
    }
    return -1;
  }
}

/** Whether two rectangles together are a rectangle: one holds the other, or they share an edge's whole span and touch. */
function isUnionRect(a: Rect, b: Rect): boolean {
  if (holds(a, b) || holds(b, a)) return true;
  const isSameColumn = a.x === b.x && a.width === b.width;
  const isSameRow = a.y === b.y && a.height === b.height;
  return (isSameColumn && a.y <= b.y + b.height && b.y <= a.y + a.height) ||
    (isSameRow && a.x <= b.x + b.width && b.x <= a.x + a.width);
}

function holds(outer: Rect, inner: Rect): boolean {
  return inner.x >= outer.x && inner.y >= outer.y && inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height;
}

/** How many pixels `rect` gets more by holding `other`, too. */
function growth(rect: Rect, other: Rect): number {
  const united = { ...rect };
  unite(united, other);
  return united.width * united.height - rect.width * rect.height;
}

/** Sets `into` to the smallest rectangle that holds both. */
function unite(into: Rect, other: Rect): void {
  const right = Math.max(into.x + into.width, other.x + other.width);
  const bottom = Math.max(into.y + into.height, other.y + other.height);
  into.x = Math.min(into.x, other.x);
  into.y = Math.min(into.y, other.y);
  into.width = right - into.x;
  into.height = bottom - into.y;
}
