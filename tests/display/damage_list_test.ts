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

Deno.test("DamageList.cover unites a rectangle that has no place with the one that grows least", () => {
  const list = new DamageList();
  for (let index = 0; index < 15; index++) list.add({ x: 100 * index, y: 0, width: 1, height: 1 });

  list.cover({ x: 502, y: 0, width: 1, height: 1 });

  const rects = Array.from({ length: list.count }, (_, index) => ({ ...list.at(index) }));
  assertEquals(list.count, 15);
  assertEquals(rects.find(({ x }) => x === 500), { x: 500, y: 0, width: 3, height: 1 });
});

Deno.test("DamageList.takeRows takes rectangles out, whole rows at a time and one row at least", () => {
  const list = new DamageList();
  const rect = { x: 0, y: 0, width: 0, height: 0 };
  const taken: { x: number; y: number; width: number; height: number }[] = [];
  list.add({ x: 1, y: 2, width: 3, height: 3 });
  list.add({ x: 10, y: 0, width: 100, height: 1 });

  while (list.takeRows(8, rect)) taken.push({ ...rect });

  assertEquals(taken, [
    { x: 1, y: 2, width: 3, height: 2 },
    { x: 1, y: 4, width: 3, height: 1 },
    { x: 10, y: 0, width: 100, height: 1 },
  ]);
});
