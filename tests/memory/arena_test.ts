import { assertEquals, assertGreaterOrEqual, assertLessOrEqual, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Arena, type Extent, growingArena } from "../../src/memory/host_heap.ts";

const PAGE_BYTES = 65536;
const ALIGNMENT = 64;

/** An arena over these extents of a memory of 1 MiB, handed out one after the other. */
function arenaOver(extents: readonly Extent[]): { arena: Arena; memory: WebAssembly.Memory } {
  const memory = new WebAssembly.Memory({ initial: 16 });
  const left = extents.map((extent) => ({ ...extent }));
  const arena = new Arena(
    memory,
    (bytes) => left[0] !== undefined && left[0].bytes >= bytes ? left.shift() : undefined,
  );
  return { arena, memory };
}

/** What a program does with a heap: takes blocks, and gives back the one at a place among those that it has. */
const programs = fc.array(
  fc.oneof(
    fc.record({ allocate: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 20000 })) }),
    fc.record({ free: fc.nat() }),
  ),
  { maxLength: 200 },
);

const extents = [{ address: 4096, bytes: 32768 }, { address: 40000, bytes: 30001 }, { address: 131072, bytes: 65536 }];

Deno.test("Arena hands out zeroed blocks that are aligned, inside its extents and apart from each other", () => {
  fc.assert(fc.property(programs, (program) => {
    const { arena, memory } = arenaOver(extents);
    const bytes = new Uint8Array(memory.buffer);
    const live: { address: number; size: number; mark: number }[] = [];

    program.forEach((step, index) => {
      const mark = index % 255 + 1;
      if ("allocate" in step) {
        const size = step.allocate;
        const address = arena.allocate(size);
        if (address === 0) return;
        const isInside = extents.some((extent) =>
          address >= extent.address && address + size <= extent.address + extent.bytes
        );
        assertEquals([address % ALIGNMENT, isInside], [0, true]);
        assertEquals(bytes.subarray(address, address + size).every((byte) => byte === 0), true);
        bytes.fill(mark, address, address + size);
        live.push({ address, size, mark });
      } else if (live.length > 0) {
        const [block] = live.splice(step.free % live.length, 1);
        arena.free(block!.address);
      }
    });

    for (const { address, size, mark } of live) {
      assertEquals(bytes.subarray(address, address + size).every((byte) => byte === mark), true);
    }
    const rounded = live.reduce((sum, { size }) => sum + Math.ceil(size / ALIGNMENT) * ALIGNMENT, 0);
    assertEquals(arena.usedBytes, rounded);
  }));
});

Deno.test("Arena finds all of its room again once every block is given back, in any order", () => {
  fc.assert(fc.property(programs, fc.infiniteStream(fc.nat()), (program, order) => {
    const { arena } = arenaOver([{ address: 64, bytes: 65536 }]);
    const live: number[] = [];
    for (const step of program) {
      const address = "allocate" in step ? arena.allocate(step.allocate) : 0;
      if (address !== 0) live.push(address);
    }

    while (live.length > 0) arena.free(live.splice(order.next().value! % live.length, 1)[0]!);

    assertEquals(arena.usedBytes, 0);
    assertEquals(arena.allocate(65536 - 64), 64);
  }));
});

Deno.test("Arena answers 0 when no extent is long enough, and goes on with smaller blocks", () => {
  const { arena } = arenaOver([{ address: 64, bytes: 1088 }]);

  assertEquals(arena.allocate(1089), 0);
  assertEquals(arena.allocate(1024), 64);
  assertEquals(arena.allocate(65), 0);
  assertEquals(arena.allocate(64), 1088);
  assertEquals(arena.allocate(1), 0);
  assertEquals(arena.usedBytes, 1088);
});

Deno.test("Arena joins extents that touch into one range", () => {
  const { arena } = arenaOver([{ address: 1024, bytes: 1024 }, { address: 2048, bytes: 1024 }]);
  const first = arena.allocate(900);
  const second = arena.allocate(900);
  arena.free(first);
  arena.free(second);

  assertEquals(arena.allocate(2048), 1024);
});

Deno.test("Arena aligns blocks in an extent that begins and ends anywhere", () => {
  const { arena } = arenaOver([{ address: 1001, bytes: 1000 }]);

  assertEquals(arena.allocate(16), 1024);
  assertEquals(arena.allocate(1984 - 1088), 1088);
  assertEquals(arena.allocate(1), 0);
});

Deno.test("Arena clears a block that was written before", () => {
  const { arena, memory } = arenaOver([{ address: 64, bytes: 1088 }]);
  const address = arena.allocate(1000);
  new Uint8Array(memory.buffer).fill(0xff, address, address + 1024);
  arena.free(address);

  arena.allocate(1000);

  assertEquals(new Uint8Array(memory.buffer, address, 1024), new Uint8Array(1024));
});

for (const bytes of [0, -1, NaN]) {
  Deno.test(`Arena.allocate throws a RangeError for ${bytes} bytes`, () => {
    const { arena } = arenaOver([{ address: 64, bytes: 1088 }]);

    assertThrows(() => arena.allocate(bytes), RangeError, `bytes must be > 0, got ${bytes}`);
  });
}

Deno.test("Arena.free throws a RangeError for what is not the address of a live block, and changes nothing", () => {
  const { arena } = arenaOver([{ address: 64, bytes: 1088 }]);
  const address = arena.allocate(64);

  for (const wrong of [0, address + 16, address - 16, 99999]) {
    assertThrows(() => arena.free(wrong), RangeError, `Cannot free ${wrong}`);
  }
  arena.free(address);
  assertThrows(() => arena.free(address), RangeError, `Cannot free ${address}`);
  assertEquals(arena.usedBytes, 0);
});

Deno.test("Arena throws a RangeError for an extent at address 0, which would be no address", () => {
  const arena = new Arena(new WebAssembly.Memory({ initial: 1 }), () => ({ address: 0, bytes: 4096 }));

  assertThrows(() => arena.allocate(16), RangeError, "Cannot use the extent at 0");
});

Deno.test("growingArena grows the memory, and its blocks lie in what was grown", () => {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 1000 });
  const arena = growingArena(memory, 16 * 1024 * 1024);

  const address = arena.allocate(100);

  assertEquals(address, 2 * PAGE_BYTES);
  assertGreaterOrEqual(memory.buffer.byteLength, address + 100);
});

Deno.test("growingArena keeps to its limit, whatever that and the sizes are", () => {
  const limits = fc.integer({ min: 1, max: 2 * 1024 * 1024 });
  const sizes = fc.array(fc.integer({ min: 1, max: 2 * 1024 * 1024 }), { minLength: 1, maxLength: 30 });
  fc.assert(fc.property(limits, sizes, (limitBytes, wanted) => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1000 });
    const arena = growingArena(memory, limitBytes);

    for (const bytes of wanted) arena.allocate(bytes);

    assertLessOrEqual(memory.buffer.byteLength - PAGE_BYTES, limitBytes);
    assertLessOrEqual(arena.usedBytes, limitBytes);
  }));
});

Deno.test("growingArena gives its whole limit out, in whole pages", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1000 });
  const arena = growingArena(memory, 6.5 * PAGE_BYTES);

  const addresses = Array.from({ length: 7 }, () => arena.allocate(PAGE_BYTES - ALIGNMENT));

  assertEquals(addresses.map((address) => address !== 0), [true, true, true, true, true, true, false]);
});

Deno.test("growingArena takes nothing for a block beyond its limit", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1000 });
  const arena = growingArena(memory, 1024 * 1024);

  assertEquals(arena.allocate(1024 * 1024 + 1), 0);
  assertEquals(memory.buffer.byteLength, PAGE_BYTES);
});

Deno.test("growingArena answers 0 when the memory's maximum is reached", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 10 });
  const arena = growingArena(memory, 64 * 1024 * 1024);

  assertEquals(arena.allocate(10 * PAGE_BYTES), 0);
});

Deno.test("growingArena takes the last pages that the memory's maximum allows", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 10 });
  const arena = growingArena(memory, 64 * 1024 * 1024);

  const addresses = Array.from({ length: 10 }, () => arena.allocate(PAGE_BYTES - ALIGNMENT));

  assertEquals(addresses.filter((address) => address !== 0).length, 9);
});

Deno.test("growingArena grows no further while what was given back is enough", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1000 });
  const arena = growingArena(memory, 64 * 1024 * 1024);
  arena.free(arena.allocate(3 * 1024 * 1024));
  const memoryBytes = memory.buffer.byteLength;

  for (let count = 0; count < 100; count++) arena.free(arena.allocate(3 * 1024 * 1024));

  assertEquals(memory.buffer.byteLength, memoryBytes);
});
