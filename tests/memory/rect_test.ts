import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { cover, intersect, isEmpty, isInside, type Rect } from "../../src/memory/rect.ts";

const u32 = fc.oneof(fc.nat(10), fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0xffffffff, 0x80000000));
const rects = fc.record({ x: u32, y: u32, width: u32, height: u32 });
const small = fc.record({ x: fc.nat(8), y: fc.nat(8), width: fc.nat(8), height: fc.nat(8) });

/** The pixels of a rectangle, as "x,y". */
function pixelsOf({ x, y, width, height }: Rect): string[] {
  const columns = Array.from({ length: width }, (_, index) => x + index);
  const rows = Array.from({ length: height }, (_, index) => y + index);
  return rows.flatMap((row) => columns.map((column) => `${column},${row}`));
}

Deno.test("isInside compares sums that do not wrap, for every rectangle of u32", () => {
  fc.assert(fc.property(rects, u32, u32, ({ x, y, width, height }, widthPixels, heightPixels) => {
    const expected = BigInt(x) + BigInt(width) <= BigInt(widthPixels) &&
      BigInt(y) + BigInt(height) <= BigInt(heightPixels);

    assertEquals(isInside({ x, y, width, height }, widthPixels, heightPixels), expected);
  }));
});

for (const [width, height, expected] of [[0, 0, true], [0, 5, true], [5, 0, true], [1, 1, false]] as const) {
  Deno.test(`isEmpty of ${width}x${height} is ${expected}`, () => {
    assertEquals(isEmpty({ x: 3, y: 4, width, height }), expected);
  });
}

Deno.test("intersect gives the common pixels relative to the second rectangle, and says whether there are any", () => {
  fc.assert(
    fc.property(small, small, (a, b) => {
      const into = { x: 99, y: 99, width: 99, height: 99 };

      const hasPixels = intersect(a, b, into);

      const inB = new Set(pixelsOf(b));
      const common = pixelsOf(a).filter((pixel) => inB.has(pixel));
      assertEquals(hasPixels, common.length > 0);
      assertEquals(pixelsOf({ ...into, x: into.x + b.x, y: into.y + b.y }), common);
    }),
    { numRuns: 500 },
  );
});

Deno.test("cover widens a rectangle to the smallest that holds both; an empty one becomes the other", () => {
  fc.assert(fc.property(small, small, (a, b) => {
    const into = { ...a };

    cover(into, b);

    if (isEmpty(a)) return assertEquals(into, { ...b });
    assertEquals([into.x, into.y], [Math.min(a.x, b.x), Math.min(a.y, b.y)]);
    const right = Math.max(a.x + a.width, b.x + b.width);
    const bottom = Math.max(a.y + a.height, b.y + b.height);
    assertEquals([into.x + into.width, into.y + into.height], [right, bottom]);
  }));
});

Deno.test("intersect of rectangles of u32 stays inside both", () => {
  fc.assert(fc.property(rects, rects, (a, b) => {
    const into = { x: 0, y: 0, width: 0, height: 0 };

    const hasPixels = intersect(a, b, into);

    const isInB = into.x + into.width <= b.width && into.y + into.height <= b.height;
    const left = into.x + b.x;
    const top = into.y + b.y;
    const isInA = left >= a.x && left + into.width <= a.x + a.width && top >= a.y &&
      top + into.height <= a.y + a.height;
    assertEquals(!hasPixels || (isInA && isInB), true);
  }));
});
