import { assert, assertEquals, assertThrows } from "@std/assert";
import { GuestMemory, type Region } from "../../src/memory/guest_memory.ts";
import { Arena, growingArena } from "../../src/memory/host_heap.ts";
import { instantiateKernels } from "../../src/wasm/kernels.ts";

const PAGE_BYTES = 65536;
const MEMORY_BYTES = 16 * PAGE_BYTES;

/** A guest memory of 1 MiB with these regions, whose heap is its first page. */
async function makeGuest(regions: readonly Region[]): Promise<{ guest: GuestMemory; memory: WebAssembly.Memory }> {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 1000 });
  const heap = new Arena(memory, () => ({ address: 16, bytes: PAGE_BYTES - 16 }));
  const guest = await GuestMemory.create(memory, heap, regions);
  return { guest, memory };
}

const ram: Region = { guestAddress: 0, sizeBytes: 0x10000, offset: 0x20000 };
const above: Region = { guestAddress: 2 ** 32, sizeBytes: 0x8000, offset: 0x40000 };

const ranges: [name: string, guestAddress: number, length: number, offset: number][] = [
  ["the first byte", 0, 1, 0x20000],
  ["a whole region", 0, 0x10000, 0x20000],
  ["the last byte of a region", 0xffff, 1, 0x2ffff],
  ["a byte more than a region", 0, 0x10001, -1],
  ["bytes that begin in a region and end outside", 0xfff0, 0x11, -1],
  ["bytes behind a region", 0x10000, 1, -1],
  ["nothing", 0x100, 0, -1],
  ["bytes in a hole", 0x80000000, 16, -1],
  ["the first byte above 4 GiB", 2 ** 32, 1, 0x40000],
  ["the end of the region above 4 GiB", 2 ** 32 + 0x7ff0, 0x10, 0x47ff0],
  ["one byte too many above 4 GiB", 2 ** 32 + 0x7ff0, 0x11, -1],
  ["a length of 2^32", 0, 2 ** 32, -1],
  ["a length of 2^32 + 1, which is 1 in 32 bits", 0, 2 ** 32 + 1, -1],
  ["an address of 2^53", 2 ** 53, 1, -1],
  ["an address of 2^64, which is 0 in 64 bits", 2 ** 64, 1, -1],
  ["an address of 2^64 - 2048", 2 ** 64 - 2048, 4096, -1],
];

for (const [name, guestAddress, length, offset] of ranges) {
  Deno.test(`GuestMemory.resolve gives ${offset} for ${name}`, async () => {
    const { guest } = await makeGuest([ram, above]);

    assertEquals(guest.resolve(guestAddress, length), offset);
  });
}

Deno.test("GuestMemory.resolve gives -1 over the border of regions that adjoin, wherever they lie", async () => {
  const { guest } = await makeGuest([
    { guestAddress: 0, sizeBytes: 0x1000, offset: 0x20000 },
    { guestAddress: 0x1000, sizeBytes: 0x1000, offset: 0x21000 },
  ]);

  assertEquals(guest.resolve(0xfff, 2), -1);
  assertEquals(guest.resolve(0x1000, 2), 0x21000);
});

Deno.test("GuestMemory.resolve gives -1 for everything while there are no regions", async () => {
  const { guest } = await makeGuest([]);

  assertEquals(guest.resolve(0, 1), -1);
});

Deno.test("GuestMemory.setRegions sorts the regions and counts the change", async () => {
  const { guest } = await makeGuest([ram]);
  const { generation } = guest;

  guest.setRegions([above, ram]);

  assertEquals(guest.regions, [ram, above]);
  assertEquals(guest.generation, generation + 1);
});

Deno.test("GuestMemory.setRegions keeps copies: what the caller changes afterwards counts for nothing", async () => {
  const { guest } = await makeGuest([]);
  const mine = { ...ram };

  guest.setRegions([mine]);
  mine.offset = 0;

  assertEquals(guest.regions, [ram]);
  assertEquals(guest.resolve(0, 1), ram.offset);
});

Deno.test("GuestMemory.setRegions makes a range resolve where it now lies, or nowhere", async () => {
  const { guest } = await makeGuest([ram]);

  guest.setRegions([{ ...ram, offset: 0x60000 }]);
  const moved = guest.resolve(0x10, 4);
  guest.setRegions([above]);

  assertEquals([moved, guest.resolve(0x10, 4)], [0x60010, -1]);
});

Deno.test("GuestMemory.setRegions takes regions that touch, and two that show the same bytes", async () => {
  const { guest } = await makeGuest([
    { guestAddress: 0, sizeBytes: 0x1000, offset: 0x20000 },
    { guestAddress: 0x1000, sizeBytes: 0x1000, offset: 0x20000 },
  ]);

  assertEquals([guest.resolve(0x10, 1), guest.resolve(0x1010, 1)], [0x20010, 0x20010]);
});

Deno.test("GuestMemory.setRegions takes 64 regions, and each resolves", async () => {
  const regions = Array.from({ length: 64 }, (_, index) => ({
    guestAddress: index * 0x10000,
    sizeBytes: 0x1000,
    offset: (index % 15 + 1) * 0x10000,
  }));
  const { guest } = await makeGuest(regions);

  const resolved = regions.map(({ guestAddress }) => guest.resolve(guestAddress + 5, 1));

  assertEquals(resolved, regions.map(({ offset }) => offset + 5));
});

Deno.test("GuestMemory.setRegions takes a region that ends at 2^53, and one that ends with the memory", async () => {
  const { guest } = await makeGuest([
    { guestAddress: 2 ** 53 - 16, sizeBytes: 16, offset: MEMORY_BYTES - 16 },
  ]);

  assertEquals(guest.resolve(2 ** 53 - 1, 1), MEMORY_BYTES - 1);
});

const refused: [name: string, regions: Region[], message: string][] = [
  [
    "65 regions",
    Array.from({ length: 65 }, (_, index) => ({ guestAddress: index, sizeBytes: 1, offset: 0 })),
    "at most 64",
  ],
  ["regions that overlap", [ram, { guestAddress: 0xffff, sizeBytes: 1, offset: 0 }], "must begin at 65536 or later"],
  ["a region inside another", [{ guestAddress: 0x10, sizeBytes: 1, offset: 0 }, ram], "must begin at 65536 or later"],
  ["two of the same address", [ram, ram], "must begin at 65536 or later"],
  ["a region that ends after the memory", [{ ...ram, offset: MEMORY_BYTES - 0xffff }], `must be <= ${MEMORY_BYTES}`],
  ["a negative offset", [{ ...ram, offset: -1 }], "offset"],
  ["a region that ends after 2^53", [{ guestAddress: 2 ** 53 - 8, sizeBytes: 16, offset: 0 }], "2^53"],
  ["a negative address", [{ ...ram, guestAddress: -1 }], "Cannot set the region at guest address -1"],
  ["an empty region", [{ ...ram, sizeBytes: 0 }], "got 0 bytes"],
  ["a size that is not whole", [{ ...ram, sizeBytes: 1.5 }], "whole numbers"],
  ["an address that is no number", [{ ...ram, guestAddress: NaN }], "whole numbers"],
  ["an offset that is not whole", [{ ...ram, offset: 0.5 }], "whole numbers"],
];

for (const [name, regions, message] of refused) {
  Deno.test(`GuestMemory.setRegions throws a RangeError for ${name}, and changes nothing`, async () => {
    const { guest } = await makeGuest([ram]);
    const { generation } = guest;

    assertThrows(() => guest.setRegions(regions), RangeError, message);
    assertEquals(guest.regions, [ram]);
    assertEquals(guest.generation, generation);
    assertEquals(guest.resolve(0, 1), ram.offset);
  });
}

for (const isShared of [false, true]) {
  Deno.test(`GuestMemory has views of all of the memory after it grew, shared ${isShared}`, async () => {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 1000, shared: isShared });
    const guest = await GuestMemory.create(memory, growingArena(memory, 16 * 1024 * 1024), [ram]);
    guest.bytes[0x20000] = 0x5a;
    guest.words[0x20004 >>> 2] = 0x12345678;

    memory.grow(3);

    assertEquals(guest.bytes.length, memory.buffer.byteLength);
    assertEquals(guest.words.length, memory.buffer.byteLength / 4);
    assertEquals([guest.bytes[0x20000], guest.words[0x20004 >>> 2]], [0x5a, 0x12345678]);
    assertEquals(guest.resolve(0, 1), ram.offset);
  });
}

Deno.test("GuestMemory keeps its views while the memory does not grow", async () => {
  const { guest } = await makeGuest([ram]);

  assert(guest.bytes === guest.bytes);
  assert(guest.words === guest.words);
});

Deno.test("GuestMemory.setRegions takes a region in memory that was grown just now", async () => {
  const { guest, memory } = await makeGuest([]);
  const offset = memory.grow(1) * PAGE_BYTES;

  guest.setRegions([{ guestAddress: 0, sizeBytes: PAGE_BYTES, offset }]);

  assertEquals(guest.resolve(PAGE_BYTES - 1, 1), offset + PAGE_BYTES - 1);
});

Deno.test("GuestMemory throws a RangeError when its heap has no room for the region table", async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const kernels = await instantiateKernels(memory);

  assertThrows(() => new GuestMemory(memory, kernels, new Arena(memory, () => undefined)), RangeError, "no room");
});
