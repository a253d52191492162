import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MemoryRanges } from "../../../src/hosts/deno/memory_ranges.ts";

const PAGE = 65536;
const makeMemory = (maximum = 256) => new WebAssembly.Memory({ initial: 1, maximum, shared: true });

Deno.test("the first range begins where the memory ended", () => {
  const memory = makeMemory();
  const ranges = new MemoryRanges(memory);

  assertEquals(ranges.take(3 * PAGE, 4096), PAGE);

  assertEquals(memory.buffer.byteLength, 4 * PAGE);
});

Deno.test("a range that was given back is taken again, and the memory does not grow", () => {
  const memory = makeMemory();
  const ranges = new MemoryRanges(memory);
  const first = ranges.take(4 * PAGE, 4096)!;
  const second = ranges.take(4 * PAGE, 4096)!;
  const size = memory.buffer.byteLength;

  ranges.give(second, 4 * PAGE);
  ranges.give(first, 4 * PAGE);

  assertEquals(ranges.take(8 * PAGE, 4096), first);
  assertEquals(memory.buffer.byteLength, size);
});

Deno.test("a free range at the end of the memory is made longer", () => {
  const memory = makeMemory();
  const ranges = new MemoryRanges(memory);
  const first = ranges.take(4 * PAGE, 4096)!;
  ranges.give(first, 4 * PAGE);

  assertEquals(ranges.take(6 * PAGE, 4096), first);

  assertEquals(memory.buffer.byteLength, 7 * PAGE);
});

Deno.test("what somebody else has grown meanwhile is not taken", () => {
  const memory = makeMemory();
  const ranges = new MemoryRanges(memory);
  const first = ranges.take(PAGE, 4096)!;
  ranges.give(first, PAGE);
  memory.grow(1);

  assertEquals(ranges.take(2 * PAGE, 4096), 3 * PAGE);
});

Deno.test("there is no range beyond the memory's maximum, and nothing is lost by asking", () => {
  const ranges = new MemoryRanges(makeMemory(4));

  assertEquals(ranges.take(4 * PAGE, 4096), undefined);

  assertEquals(ranges.take(3 * PAGE, 4096), PAGE);
});

Deno.test("ranges lie where they were asked for, overlap with nothing, and are whole again at the end", () => {
  const takes = fc.record({
    pages: fc.integer({ min: 1, max: 40 }),
    alignment: fc.constantFrom(1, 16, 32),
    remainder: fc.integer({ min: 0, max: 15 }),
    isGivenBack: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(takes, { maxLength: 30 }), (steps) => {
    const memory = makeMemory(65536);
    const ranges = new MemoryRanges(memory);
    const held: { offset: number; bytes: number }[] = [];
    for (const { pages, alignment, remainder, isGivenBack } of steps) {
      const bytes = pages * 4096;
      const offset = ranges.take(bytes, alignment * 4096, remainder % alignment * 4096)!;
      assertEquals(offset % (alignment * 4096), remainder % alignment * 4096);
      assert(offset >= PAGE && offset + bytes <= memory.buffer.byteLength);
      assert(held.every((other) => offset + bytes <= other.offset || other.offset + other.bytes <= offset));
      held.push({ offset, bytes });
      const given = isGivenBack ? held.splice(held.length >> 1, 1) : [];
      for (const range of given) ranges.give(range.offset, range.bytes);
    }
    for (const { offset, bytes } of held) ranges.give(offset, bytes);
    const total = memory.buffer.byteLength - PAGE;
    assert(total === 0 || ranges.take(total, 4096) === PAGE);
  }));
});

Deno.test("a memory that another thread makes longer meanwhile gives ranges that are nobody else's", () => {
  const memory = makeMemory();
  const others: number[] = [];
  const raced = {
    get buffer() {
      return memory.buffer;
    },
    grow(pages: number): number {
      if (others.length < 2) others.push(memory.grow(3) * PAGE); // just before
      return memory.grow(pages);
    },
  } as WebAssembly.Memory;
  const ranges = new MemoryRanges(raced);

  const first = ranges.take(4 * PAGE, 8 * PAGE, PAGE)!;
  const second = ranges.take(4 * PAGE, 4096)!;

  assertEquals([first % (8 * PAGE), first + 4 * PAGE <= memory.buffer.byteLength], [PAGE, true]);
  for (const begin of others) {
    for (const range of [first, second]) assert(range + 4 * PAGE <= begin || range >= begin + 3 * PAGE);
  }
  assert(Math.abs(first - second) >= 4 * PAGE);
});
