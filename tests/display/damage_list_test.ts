import { assert, assertEquals, assertFalse } from "@std/assert";
import fc from "fast-check";
import { DamageList } from "../../src/display/damage_list.ts";
import type { Rect } from "../../src/memory/rect.ts";

const SIZE = 12;

const rects = fc.array(
  fc.record({
    x: fc.nat(SIZE - 4),
    y: fc.nat(SIZE - 4),
    width: fc.integer({ min: 1, max: 4 }),
    height: fc.integer({ min: 1, max: 4 }),
  }),
  { maxLength: 30 },
);

function pixelsOf(list: Iterable<Readonly<Rect>>): Set<number> {
  const pixels = new Set<number>();
  for (const { x, y, width, height } of list) {
    for (let row = y; row < y + height; row++) {
      for (let column = x; column < x + width; column++) pixels.add(row * SIZE + column);
    }
  }
  return pixels;
}

function rectsOf(list: DamageList): Rect[] {
  return Array.from({ length: list.count }, (_, index) => ({ ...list.at(index) }));
}

Deno.test("DamageList holds exactly the pixels that were added, whatever the rectangles", () => {
  fc.assert(
    fc.property(rects, (added) => {
      const list = new DamageList();
      const taken = added.filter((rect) => list.add(rect));
      assertEquals(pixelsOf(rectsOf(list)), pixelsOf(taken));
    }),
    { seed: 1, numRuns: 1000 },
  );
});

Deno.test("DamageList merges what touches along a whole edge, and the unions that follow from it", () => {
  const list = new DamageList();
  list.add({ x: 0, y: 0, width: 4, height: 4 });
  list.add({ x: 4, y: 4, width: 4, height: 4 });
  list.add({ x: 0, y: 4, width: 4, height: 4 });
  list.add({ x: 4, y: 0, width: 4, height: 4 });
  assertEquals(rectsOf(list), [{ x: 0, y: 0, width: 8, height: 8 }]);
});

Deno.test("DamageList drops a rectangle that another holds", () => {
  const list = new DamageList();
  list.add({ x: 1, y: 1, width: 2, height: 2 });
  list.add({ x: 0, y: 0, width: 8, height: 8 });
  list.add({ x: 3, y: 3, width: 1, height: 1 });
  assertEquals(rectsOf(list), [{ x: 0, y: 0, width: 8, height: 8 }]);
});

Deno.test("DamageList refuses a rectangle when it is full, and takes it once it was cleared", () => {
  const list = new DamageList();
  const separate = Array.from({ length: 15 }, (_, index) => ({ x: index * 2, y: index * 2, width: 1, height: 1 }));
  assert(separate.every((rect) => list.add(rect)));
  assertFalse(list.add({ x: 100, y: 0, width: 1, height: 1 }));
  assertEquals(list.count, 15);
  list.clear();
  assert(list.add({ x: 100, y: 0, width: 1, height: 1 }));
});
