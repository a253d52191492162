import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Register, RegisterBlock } from "../../src/transport/registers.ts";

const BLOCK_BYTES = 16;

/** A register over a place in `store`, that counts how often it is read and written. */
function register(store: DataView, offset: number, bytes: number, counts = { reads: 0, writes: 0 }): Register {
  return {
    offset,
    bytes,
    read() {
      counts.reads++;
      let value = 0;
      for (let index = bytes - 1; index >= 0; index--) value = value * 256 + store.getUint8(offset + index);
      return value;
    },
    write(value) {
      counts.writes++;
      for (let index = 0; index < bytes; index++) store.setUint8(offset + index, value >>> (8 * index));
    },
  };
}

// 0 1 2 3 | 4 5 | 6 | 7 | - | 9 10 | - | 12 13 14 15
const places: [offset: number, bytes: number][] = [[0, 4], [4, 2], [6, 1], [7, 1], [9, 2], [12, 4]];

/** A block of registers over `store`, with gaps at 8 and 11, and an access that is like a driver's. */
const cases = fc.record({
  contents: fc.uint8Array({ minLength: BLOCK_BYTES, maxLength: BLOCK_BYTES }),
  offset: fc.nat(BLOCK_BYTES - 1),
  bytes: fc.constantFrom(1, 2, 4),
  value: fc.integer({ min: 0, max: 0xffffffff }),
});

function blockOver(contents: Uint8Array): { block: RegisterBlock; store: Uint8Array } {
  const store = contents.slice();
  store[8] = 0;
  store[11] = 0;
  const view = new DataView(store.buffer);
  const block = new RegisterBlock(BLOCK_BYTES, places.map(([offset, bytes]) => register(view, offset, bytes)));
  return { block, store };
}

Deno.test("RegisterBlock.read of 1, 2 and 4 bytes anywhere reads what the registers hold, and 0 between them", () => {
  fc.assert(fc.property(cases, ({ contents, offset, bytes }) => {
    const { block, store } = blockOver(contents);

    const value = block.read(offset, bytes);

    const expected = Array.from({ length: bytes }, (_, index) => (store[offset + index] ?? 0) * 256 ** index);
    assertEquals(value, expected.reduce((sum, part) => sum + part));
  }));
});

Deno.test("RegisterBlock.write of 1, 2 and 4 bytes anywhere changes those bytes of registers, and no others", () => {
  fc.assert(fc.property(cases, ({ contents, offset, bytes, value }) => {
    const { block, store } = blockOver(contents);
    const expected = store.slice();
    for (let index = 0; index < bytes; index++) expected[offset + index] = value >>> (8 * index);
    expected[8] = 0;
    expected[11] = 0;

    block.write(offset, bytes, value);

    assertEquals(store, expected);
  }));
});

Deno.test("RegisterBlock reads each register that an access touches once, and no other", () => {
  const counts = places.map(() => ({ reads: 0, writes: 0 }));
  const store = new DataView(new ArrayBuffer(BLOCK_BYTES));
  const block = new RegisterBlock(
    BLOCK_BYTES,
    places.map(([at, bytes], index) => register(store, at, bytes, counts[index])),
  );

  block.read(4, 4);

  assertEquals(counts.map(({ reads }) => reads), [0, 1, 1, 1, 0, 0]);
});

Deno.test("RegisterBlock writes a whole register without reading it first", () => {
  const counts = { reads: 0, writes: 0 };
  const store = new DataView(new ArrayBuffer(BLOCK_BYTES));
  const block = new RegisterBlock(BLOCK_BYTES, [register(store, 4, 4, counts)]);

  block.write(4, 4, 0xdeadbeef);

  assertEquals(counts, { reads: 0, writes: 1 });
  assertEquals(store.getUint32(4, true), 0xdeadbeef);
});
