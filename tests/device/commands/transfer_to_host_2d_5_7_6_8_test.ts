/** TRANSFER_TO_HOST_2D. Virtio 1.4, 5.7.6.8. */

import { assertEquals } from "@std/assert";
import { responseName, writeTransferToHost2d } from "../../../src/protocol/wire.gen.ts";
import { type Machine, startMachine } from "../../support/machine.ts";
import { attach, createBacked, createResource, fill, pixel, rect, shownPixels, transfer } from "../requests.ts";

const SIZE = 8;
const STRIDE_BYTES = SIZE * 4;
const BACKING_BYTES = SIZE * STRIDE_BYTES;

/** A machine with a resource of 8x8 black pixels whose backing has pixel number n at place n. */
async function withNumberedBacking(): Promise<Machine> {
  const machine = await startMachine();
  const address = createBacked(machine, 1, SIZE, SIZE);
  fill(machine, address, SIZE * SIZE, pixel);
  return machine;
}

/** An 8x8 picture that is black but for pixels [x, y, number]. */
function blackBut(...pixels: [x: number, y: number, number: number][]): number[] {
  const picture = new Array<number>(SIZE * SIZE).fill(pixel(0));
  for (const [x, y, number] of pixels) picture[y * SIZE + x] = pixel(number);
  return picture;
}

const nothing = blackBut();
const two = rect(2, 3, 2, 2);
const offsetOfTwo = 2 * 4 + 3 * STRIDE_BYTES;

Deno.test("TRANSFER_TO_HOST_2D takes the offset as the place of the rectangle's first pixel in the backing", async () => {
  const machine = await withNumberedBacking();

  assertEquals(offsetOfTwo, 104);
  assertEquals(transfer(machine.driver, 1, two, 104), "OK_NODATA");

  assertEquals(shownPixels(machine, 1, SIZE, SIZE), blackBut([2, 3, 26], [3, 3, 27], [2, 4, 34], [3, 4, 35]));
});

Deno.test("TRANSFER_TO_HOST_2D with offset 0 takes the rectangle from the backing's beginning", async () => {
  const machine = await withNumberedBacking();

  transfer(machine.driver, 1, two, 0);

  assertEquals(shownPixels(machine, 1, SIZE, SIZE), blackBut([2, 3, 0], [3, 3, 1], [2, 4, 8], [3, 4, 9]));
});

Deno.test("TRANSFER_TO_HOST_2D keeps the offset rule when the backing is scattered and out of order", async () => {
  const machine = await startMachine();
  const { driver, ram } = machine;
  createResource(driver, 1, SIZE, SIZE);
  const lengths = [100, 3, 9, 30, 1, 113]; // pages that end in the middle of rows and of pixels
  const bytes = new Uint8Array(Uint32Array.from({ length: SIZE * SIZE }, (_, index) => pixel(index)).buffer);
  let start = BACKING_BYTES;
  const entries = lengths.toReversed().map((length) => {
    start -= length;
    const addr = ram.allocate(length + 8, 1) + 5;
    ram.bytes(addr, length).set(bytes.subarray(start, start + length));
    return { addr, length };
  }).reverse();
  attach(driver, 1, entries);

  assertEquals(transfer(driver, 1, two, offsetOfTwo), "OK_NODATA");
  assertEquals(shownPixels(machine, 1, SIZE, SIZE), blackBut([2, 3, 26], [3, 3, 27], [2, 4, 34], [3, 4, 35]));

  assertEquals(transfer(driver, 1, rect(0, 0, SIZE, SIZE), 0), "OK_NODATA");
  assertEquals(shownPixels(machine, 1, SIZE, SIZE), Array.from({ length: SIZE * SIZE }, (_, index) => pixel(index)));
});

Deno.test("TRANSFER_TO_HOST_2D answers ERR_INVALID_RESOURCE_ID when the resource does not exist", async () => {
  const { driver } = await startMachine();

  assertEquals(transfer(driver, 1, two, 0), "ERR_INVALID_RESOURCE_ID");
  assertEquals(transfer(driver, 0, two, 0), "ERR_INVALID_RESOURCE_ID");
});

Deno.test("TRANSFER_TO_HOST_2D answers ERR_UNSPEC when the resource has no backing", async () => {
  const { driver } = await startMachine();
  createResource(driver, 1, SIZE, SIZE);

  assertEquals(transfer(driver, 1, two, 0), "ERR_UNSPEC");
});

const outside = [
  rect(1, 0, SIZE, SIZE),
  rect(0, 1, SIZE, SIZE),
  rect(SIZE, 0, 1, 1),
  rect(0, SIZE, 1, 1),
  rect(0xffffffff, 0, 2, 1), // x + width wraps to 1 in 32 bits
  rect(0, 0xffffffff, 1, 2),
  rect(2, 0, 0xffffffff, 1),
  rect(0, 2, 1, 0xffffffff),
  rect(SIZE + 1, 0, 0, 0),
  rect(0, 0xffffffff, 0, 0),
];

for (const where of outside) {
  Deno.test(`TRANSFER_TO_HOST_2D answers ERR_INVALID_PARAMETER for ${JSON.stringify(where)} of 8x8`, async () => {
    const machine = await withNumberedBacking();

    assertEquals(transfer(machine.driver, 1, where, 0), "ERR_INVALID_PARAMETER");
    assertEquals(shownPixels(machine, 1, SIZE, SIZE), nothing);
  });
}

for (const where of [rect(0, 0, 0, 0), rect(SIZE, 0, 0, SIZE), rect(0, SIZE, SIZE, 0), rect(3, 3, 0, 2)]) {
  Deno.test(`TRANSFER_TO_HOST_2D of no pixels, ${JSON.stringify(where)}, answers OK_NODATA`, async () => {
    const machine = await withNumberedBacking();

    assertEquals(transfer(machine.driver, 1, where, 0), "OK_NODATA");
    assertEquals(shownPixels(machine, 1, SIZE, SIZE), nothing);
  });
}

const pastTheEnd: [name: string, offset: number][] = [
  ["whose last row ends 1 byte after the backing", BACKING_BYTES - STRIDE_BYTES - 8 + 1],
  ["at the backing's end", BACKING_BYTES],
  ["2^32, which is 0 in 32 bits", 2 ** 32],
  ["2^32 + 4, which is 4 in 32 bits", 2 ** 32 + 4],
  ["2^53", 2 ** 53],
  ["2^64 - 2048", 2 ** 64 - 2048],
];

for (const [name, offset] of pastTheEnd) {
  Deno.test(`TRANSFER_TO_HOST_2D answers ERR_INVALID_PARAMETER for an offset ${name}, and copies nothing`, async () => {
    const machine = await withNumberedBacking();

    assertEquals(transfer(machine.driver, 1, two, offset), "ERR_INVALID_PARAMETER");
    assertEquals(shownPixels(machine, 1, SIZE, SIZE), nothing);
  });
}

Deno.test("TRANSFER_TO_HOST_2D answers ERR_INVALID_PARAMETER for offset 2^64 - 16, and copies nothing", async () => {
  const machine = await withNumberedBacking();

  const { header } = machine.driver.send((words, at, fields) => {
    const size = writeTransferToHost2d(words, at, fields);
    words.set([0xfffffff0, 0xffffffff], at + 10); // no number holds it exactly
    return size;
  }, { resourceId: 1, rect: two, offset: 0 });

  assertEquals(responseName(header.type), "ERR_INVALID_PARAMETER");
  assertEquals(shownPixels(machine, 1, SIZE, SIZE), nothing);
});

Deno.test("TRANSFER_TO_HOST_2D takes an offset whose last row ends with the backing", async () => {
  const machine = await withNumberedBacking();

  assertEquals(transfer(machine.driver, 1, two, BACKING_BYTES - STRIDE_BYTES - 8), "OK_NODATA");
  assertEquals(shownPixels(machine, 1, SIZE, SIZE), blackBut([2, 3, 54], [3, 3, 55], [2, 4, 62], [3, 4, 63]));
});

Deno.test("TRANSFER_TO_HOST_2D reads as far as a backing that is shorter than the resource goes", async () => {
  const machine = await startMachine();
  const { driver, ram } = machine;
  const addr = ram.allocate(2 * STRIDE_BYTES);
  fill(machine, addr, 2 * SIZE, pixel);
  createResource(driver, 1, SIZE, SIZE);
  attach(driver, 1, [{ addr, length: 2 * STRIDE_BYTES }]);

  assertEquals(transfer(driver, 1, rect(0, 0, SIZE, 3), 0), "ERR_INVALID_PARAMETER");
  assertEquals(shownPixels(machine, 1, SIZE, SIZE), nothing);
  assertEquals(transfer(driver, 1, rect(0, 0, SIZE, 2), 0), "OK_NODATA");
  assertEquals(
    shownPixels(machine, 1, SIZE, SIZE).slice(0, 16),
    Array.from({ length: 16 }, (_, index) => pixel(index)),
  );
});

Deno.test("TRANSFER_TO_HOST_2D takes an offset that is no multiple of a pixel", async () => {
  const machine = await withNumberedBacking();

  transfer(machine.driver, 1, rect(0, 0, 1, 1), 1); // bytes 00 00 ff 01: of pixels 0 and 1

  assertEquals(shownPixels(machine, 1, SIZE, SIZE)[0], 0xffff0000);
});

Deno.test("TRANSFER_TO_HOST_2D is not seen on the scanout before the flush", async () => {
  const machine = await withNumberedBacking();
  const before = shownPixels(machine, 1, SIZE, SIZE);

  transfer(machine.driver, 1, rect(0, 0, SIZE, SIZE), 0);

  const { rgba } = machine.display.picture(0)!;
  assertEquals([...new Uint32Array(rgba.buffer)], before);
});
