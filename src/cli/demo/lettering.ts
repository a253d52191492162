/** The word "Scanout" as strokes of a round pen. Lengths are in units of which small letters are 100 high; y goes down. */

/** A point on the page. */
export type Point = readonly [x: number, y: number];

/** One pull of the pen: points that straight lines join. */
export type Stroke = readonly Point[];

/** A letter, with the baseline at y = 0 and its left edge at x = 0. */
interface Letter {
  readonly width: number;
  /** Room before and after it: straight sides need more than round or open ones to look the same. */
  readonly before: number;
  readonly after: number;
  readonly strokes: readonly Stroke[];
}

const X_HEIGHT = 100;
const CAP_HEIGHT = 148;
const LINES_PER_QUARTER = 8;

const STRAIGHT = 27;
const CURVED = 18;
const OPEN = 9;

/**
 * A part of a circle. Angles count quarter turns: 0 is to the right of the center, 1 below it, 2 to the left. A whole
 * circle is `[0, 4]`; the end may be less than the beginning.
 */
function arc(centerX: number, centerY: number, radius: number, [from, to]: readonly [number, number]): Stroke {
  const count = Math.ceil(Math.abs(to - from) * LINES_PER_QUARTER);
  return Array.from({ length: count + 1 }, (_, index) => {
    const [x, y] = onUnitCircle(from + (to - from) * index / count);
    return [centerX + x * radius, centerY + y * radius];
  });
}

/** A point of the unit circle without sines: by the tangent of half the angle, which is close to linear in a quarter. */
function onUnitCircle(quarters: number): Point {
  const whole = Math.floor(quarters);
  const t = quarters - whole;
  const x = (1 - t * t) / (1 + t * t);
  const y = 2 * t / (1 + t * t);
  const turned: Point[] = [[x, y], [-y, x], [-x, -y], [y, -x]];
  return turned[((whole % 4) + 4) % 4]!;
}

const ROUND: Stroke = arc(50, -50, 50, [0, 4]);

const LETTERS: Readonly<Record<string, Letter>> = {
  S: {
    width: 84,
    before: CURVED,
    after: OPEN,
    strokes: [[...arc(42, -CAP_HEIGHT + 37, 37, [3.7, 1]), ...arc(42, -37, 37, [-1, 1.7])]],
  },
  c: { width: 88, before: CURVED, after: OPEN, strokes: [arc(50, -50, 50, [3.55, 0.45])] },
  a: { width: 100, before: CURVED, after: STRAIGHT, strokes: [ROUND, [[100, -X_HEIGHT], [100, 0]]] },
  n: {
    width: 84,
    before: STRAIGHT,
    after: STRAIGHT,
    strokes: [[[0, -X_HEIGHT], [0, 0]], [[0, 0], ...arc(42, -58, 42, [2, 4]), [84, 0]]],
  },
  o: { width: 100, before: CURVED, after: CURVED, strokes: [ROUND] },
  u: {
    width: 84,
    before: STRAIGHT,
    after: STRAIGHT,
    strokes: [[[84, -X_HEIGHT], [84, 0]], [[0, -X_HEIGHT], ...arc(42, -42, 42, [2, 0]), [84, -X_HEIGHT]]],
  },
  t: {
    width: 62,
    before: OPEN,
    after: OPEN,
    strokes: [[[24, -CAP_HEIGHT], ...arc(56, -32, 32, [2, 1])], [[0, -X_HEIGHT], [58, -X_HEIGHT]]],
  },
};

/**
 * The strokes of each letter of `word`, in pixels: it is set with its baseline at `baselineY` and its middle at
 * `middleX`, and its small letters are `xHeightPixels` high. There are only the letters of "Scanout".
 */
export function setWord(
  word: string,
  middleX: number,
  baselineY: number,
  xHeightPixels: number,
): (readonly Stroke[])[] {
  const scale = xHeightPixels / X_HEIGHT;
  const letters = [...word].map((name) => LETTERS[name]!);
  const width = letters.reduce((sum, { before, width, after }) => sum + before + width + after, 0);
  let left = middleX - width / 2 * scale;
  return letters.map(({ before, width, after, strokes }) => {
    const origin = left + before * scale;
    left += (before + width + after) * scale;
    return strokes.map((stroke) => stroke.map(([x, y]): Point => [origin + x * scale, baselineY + y * scale]));
  });
}

/** How far a point is from the nearest of the strokes. */
export function distanceTo(strokes: readonly Stroke[], x: number, y: number): number {
  let nearest = Infinity;
  for (const stroke of strokes) {
    for (let i = 1; i < stroke.length; i++) {
      nearest = Math.min(nearest, squaredDistance(stroke[i - 1]!, stroke[i]!, x, y));
    }
  }
  return Math.sqrt(nearest);
}

function squaredDistance([ax, ay]: Point, [bx, by]: Point, x: number, y: number): number {
  const dx = bx - ax;
  const dy = by - ay;
  const along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1);
  const part = Math.max(0, Math.min(1, along));
  const restX = x - ax - dx * part;
  const restY = y - ay - dy * part;
  return restX * restX + restY * restY;
}
