import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Arena } from "../../src/memory/host_heap.ts";
import { GuestMemory } from "../../src/memory/guest_memory.ts";
import { PageListScratch } from "../../src/memory/page_list.ts";
import { instantiateKernels } from "../../src/wasm/kernels.ts";
import {
  type Entry,
  expectedBytes,
  HALF_BYTES,
  lower,
  LOWER_OFFSET,
  makeList,
  makePages,
  parsePages,
  readList,
  upper,
  UPPER_OFFSET,
} from "./page_fixture.ts";

const RAM_BYTES = 2 * HALF_BYTES;
const scattered: Entry[] = [
  { address: 70000, length: 100 },
  { address: 5, length: 4096 },
  { address: HALF_BYTES + 77, length: 9 },
];

Deno.test("PageList reads the bytes of its entries one after the other", async () => {
  const pages = await makePages();

  const list = makeList(pages, scattered);

  assertEquals(list.totalBytes, 100 + 4096 + 9);
  assertEquals(list.segmentCount, 3);
  assertEquals(readList(pages, list), expectedBytes(scattered));
});

Deno.test("PageList makes one segment of entries that follow each other", async () => {
  const pages = await makePages();
  const entries = Array.from({ length: 50 }, (_, index) => ({ address: 4096 + index * 4096, length: 4096 }));

  const list = makeList(pages, entries);

  assertEquals(list.segmentCount, 1);
  assertEquals(readList(pages, list), expectedBytes(entries));
});

Deno.test("PageList reads an entry that crosses from one region into the next", async () => {
  const pages = await makePages();
  const entries = [{ address: HALF_BYTES - 10, length: 30 }];

  const list = makeList(pages, entries);

  assertEquals(list.segmentCount, 2);
  assertEquals(readList(pages, list), expectedBytes(entries));
});

Deno.test("PageList reads all of guest memory by one entry", async () => {
  const pages = await makePages();
  const entries = [{ address: 0, length: RAM_BYTES }];

  assertEquals(readList(pages, makeList(pages, entries)), expectedBytes(entries));
});

const invalid: [name: string, entry: Entry][] = [
  ["of no bytes", { address: 4096, length: 0 }],
  ["that ends after guest memory", { address: RAM_BYTES - 1, length: 2 }],
  ["behind guest memory", { address: RAM_BYTES, length: 1 }],
  ["far outside", { address: 2 ** 40, length: 1 }],
  ["that wraps", { address: 2 ** 64 - 2048, length: 4096 }],
];

for (const [name, entry] of invalid) {
  Deno.test(`PageList.parse answers "invalid" for an entry ${name}, and keeps no memory`, async () => {
    const pages = await makePages();
    const { usedBytes } = pages.heap;

    assertEquals(parsePages(pages, [scattered[0]!, entry, scattered[1]!]), "invalid");
    assertEquals(pages.heap.usedBytes, usedBytes);
  });
}

Deno.test('PageList.parse answers "invalid" when the lengths sum to 2^32', async () => {
  const count = 2 ** 32 / HALF_BYTES;
  const pages = await makePages(count);
  const half = { address: 0, length: HALF_BYTES };

  assertEquals(parsePages(pages, new Array(count).fill(half)), "invalid");
  assertEquals(makeList(pages, new Array(count - 1).fill(half)).totalBytes, 2 ** 32 - HALF_BYTES);
});

Deno.test('PageList.parse answers "full" for more segments than there is room for', async () => {
  const pages = await makePages(4);
  const apart = (count: number) => Array.from({ length: count }, (_, index) => ({ address: index * 100, length: 50 }));

  assertEquals(parsePages(pages, apart(5)), "full");
  assertEquals(makeList(pages, apart(4)).segmentCount, 4);
});

Deno.test("PageList.release gives back what the list took", async () => {
  const pages = await makePages();
  const { usedBytes } = pages.heap;
  const list = makeList(pages, scattered);
  const taken = pages.heap.usedBytes - usedBytes;

  list.release();

  assertEquals(pages.heap.usedBytes, usedBytes);
  assertEquals(taken >= list.hostBytes && list.hostBytes > 0, true);
});

Deno.test("PageList.resolve follows a region that moved", async () => {
  const pages = await makePages();
  const { guest, heap } = pages;
  const list = makeList(pages, scattered);
  const elsewhere = heap.allocate(HALF_BYTES);
  guest.bytes.copyWithin(elsewhere, LOWER_OFFSET, LOWER_OFFSET + HALF_BYTES);
  guest.bytes.fill(0, LOWER_OFFSET, LOWER_OFFSET + HALF_BYTES);

  guest.setRegions([{ ...lower, offset: elsewhere }, upper]);

  assertEquals(readList(pages, list), expectedBytes(scattered));
});

Deno.test("PageList.resolve follows regions that were exchanged", async () => {
  const pages = await makePages();
  const list = makeList(pages, [{ address: 100, length: 50 }]);

  pages.guest.setRegions([{ ...lower, offset: UPPER_OFFSET }, { ...upper, offset: LOWER_OFFSET }]);

  assertEquals(readList(pages, list), expectedBytes([{ address: HALF_BYTES + 100, length: 50 }]));
});

Deno.test("PageList.resolve splits segments at the borders of regions that were split", async () => {
  const pages = await makePages();
  const { guest, heap } = pages;
  const list = makeList(pages, [{ address: 0, length: 1000 }]);
  const elsewhere = heap.allocate(HALF_BYTES);
  guest.bytes.copyWithin(elsewhere, LOWER_OFFSET, LOWER_OFFSET + HALF_BYTES);
  guest.bytes.fill(0, LOWER_OFFSET + 300, LOWER_OFFSET + 600);

  guest.setRegions([
    { guestAddress: 0, sizeBytes: 300, offset: LOWER_OFFSET },
    { guestAddress: 300, sizeBytes: 300, offset: elsewhere + 300 },
    { guestAddress: 600, sizeBytes: HALF_BYTES - 600, offset: LOWER_OFFSET + 600 },
  ]);

  assertEquals(readList(pages, list), expectedBytes([{ address: 0, length: 1000 }]));
  assertEquals(list.segmentCount, 3);
});

Deno.test("PageList.resolve joins segments again when the regions do", async () => {
  const pages = await makePages();
  const list = makeList(pages, [{ address: HALF_BYTES - 10, length: 30 }]);

  pages.guest.setRegions([{ guestAddress: 0, sizeBytes: RAM_BYTES, offset: LOWER_OFFSET }]);

  assertEquals(list.resolve(), true);
  assertEquals(list.segmentCount, 1);
});

Deno.test("PageList.resolve is false while a page is gone, and finds it again when it comes back", async () => {
  const pages = await makePages();
  const { guest } = pages;
  const list = makeList(pages, scattered);

  guest.setRegions([lower]);
  const whileGone = [list.resolve(), list.resolve()];
  guest.setRegions([upper]);
  const withOther = list.resolve();
  guest.setRegions([lower, upper]);

  assertEquals([...whileGone, withOther], [false, false, false]);
  assertEquals(readList(pages, list), expectedBytes(scattered));
});

Deno.test("PageList.resolve is false when a page lost only its last byte", async () => {
  const pages = await makePages();
  const list = makeList(pages, [{ address: 0, length: 100 }]);

  pages.guest.setRegions([{ ...lower, sizeBytes: 99 }]);

  assertEquals(list.resolve(), false);
});

Deno.test("PageList.resolve is false when the regions were split into more pieces than there is room for", async () => {
  const pages = await makePages(4);
  const list = makeList(pages, [{ address: 0, length: 1000 }]);
  const cut = Array.from({ length: 10 }, (_, index) => ({
    guestAddress: index * 100,
    sizeBytes: 100,
    offset: LOWER_OFFSET + (9 - index) * 100,
  }));

  pages.guest.setRegions(cut);
  const whileCut = list.resolve();
  pages.guest.setRegions([lower, upper]);

  assertEquals(whileCut, false);
  assertEquals(readList(pages, list), expectedBytes([{ address: 0, length: 1000 }]));
});

Deno.test("PageList.release after a list grew gives all of it back", async () => {
  const pages = await makePages();
  const { usedBytes } = pages.heap;
  const list = makeList(pages, [{ address: 0, length: 1000 }]);
  const cut = [0, 1, 2, 3].map((index) => ({
    guestAddress: index * 250,
    sizeBytes: 250,
    offset: LOWER_OFFSET + (3 - index) * 250,
  }));

  pages.guest.setRegions(cut);
  list.resolve();
  list.release();

  assertEquals(pages.heap.usedBytes, usedBytes);
});

Deno.test("PageList reads the same bytes over any entries and any change of where guest memory lies", async () => {
  const pages = await makePages(400);
  const { guest, heap } = pages;
  const image = expectedBytes([{ address: 0, length: RAM_BYTES }]);
  const places = [heap.allocate(RAM_BYTES), heap.allocate(RAM_BYTES)];
  for (const place of places) guest.bytes.set(image, place);
  const entry = fc.nat(RAM_BYTES - 1).chain((address) =>
    fc.integer({ min: 1, max: Math.min(5000, RAM_BYTES - address) }).map((length) => ({ address, length }))
  );
  // Where guest memory is cut, and in which of two copies each part then lies.
  const layouts = fc.array(fc.uniqueArray(fc.integer({ min: 1, max: RAM_BYTES - 1 }), { maxLength: 20 }), {
    minLength: 1,
    maxLength: 4,
  });

  fc.assert(fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), layouts, (entries, series) => {
    guest.setRegions([lower, upper]);
    const list = makeList(pages, entries);
    const expected = Uint8Array.from(
      entries.flatMap(({ address, length }) => [...image.subarray(address, address + length)]),
    );
    for (const cuts of series) {
      const borders = [0, ...cuts.toSorted((a, b) => a - b), RAM_BYTES];
      guest.setRegions(
        borders.slice(1).map((end, index) => ({
          guestAddress: borders[index]!,
          sizeBytes: end - borders[index]!,
          offset: places[index % 2]! + borders[index]!,
        })),
      );
      assertEquals(readList(pages, list), expected);
    }
    list.release();
  }));
});

const reports: [start: number, ranges: [offset: number, bytes: number][]][] = [
  [0, [[LOWER_OFFSET + 4096, 100], [UPPER_OFFSET + 8, 50]]],
  [99, [[LOWER_OFFSET + 4096 + 99, 1], [UPPER_OFFSET + 8, 50]]],
  [100, [[UPPER_OFFSET + 8, 50]]],
  [120, [[UPPER_OFFSET + 28, 30]]],
  [150, []],
  [2 ** 53, []],
];
for (const [start, ranges] of reports) {
  Deno.test(`reportWritten tells onWrite where the bytes from ${start} on lie`, async () => {
    const pages = await makePages();
    const list = makeList(pages, [{ address: 4096, length: 100 }, { address: HALF_BYTES + 8, length: 50 }]);
    const told: [number, number][] = [];
    list.reportWritten(start); // nobody listens
    pages.guest.onWrite = (offset, bytes) => told.push([offset, bytes]);

    list.reportWritten(start);

    assertEquals(told, ranges);
  });
}

Deno.test("PageListScratch throws a RangeError when the heap has no room for it", async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  let extents = [{ address: 16, bytes: 4096 }];
  const heap = new Arena(memory, () => {
    const [extent] = extents;
    extents = [];
    return extent;
  });
  const guest = new GuestMemory(memory, await instantiateKernels(memory), heap);

  assertThrows(() => new PageListScratch(guest, 1000), RangeError, "1000 segments");
});
