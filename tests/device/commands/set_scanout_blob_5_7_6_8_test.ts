/** SET_SCANOUT_BLOB. Virtio 1.4, 5.7.6.8. */

import { assertEquals } from "@std/assert";
import { Format } from "../../../src/protocol/wire.gen.ts";
import { createBlob, createBlobOf, setScanoutBlob, startBlobMachine } from "../blob_requests.ts";
import { createBacked, fill, flush, pictureWords, pixel, rect } from "../requests.ts";
import type { Machine } from "../../support/machine.ts";

const whole = rect(0, 0, 8, 8);
const BYTES = 8 * 8 * 4;

function shown({ display }: Machine): number[] {
  return pictureWords(display.picture(0)!.rgba);
}

Deno.test("S15: SET_SCANOUT_BLOB and RESOURCE_FLUSH show a blob", async () => {
  const machine = await startBlobMachine();
  fill(machine, createBlobOf(machine, 1, BYTES), 64, pixel);

  assertEquals(setScanoutBlob(machine.driver, 1), "OK_NODATA");
  assertEquals(flush(machine.driver, 1, whole), "OK_NODATA");
  assertEquals(shown(machine), Array.from({ length: 64 }, (_, index) => pixel(index)));
});

Deno.test("S14: SET_SCANOUT_BLOB shows one blob as two pictures of other sizes, strides, formats and places", async () => {
  const machine = await startBlobMachine();
  const { driver, display } = machine;
  fill(machine, createBlobOf(machine, 1, 4096), 1024, pixel);

  setScanoutBlob(driver, 1, { width: 4, height: 2, stride: 64, offset: 128, rect: rect(0, 0, 4, 2) });
  flush(driver, 1, rect(0, 0, 4, 2));
  assertEquals(shown(machine), [32, 33, 34, 35, 48, 49, 50, 51].map(pixel));

  const format = Format.B8G8R8X8Unorm;
  setScanoutBlob(driver, 1, { width: 2, height: 3, stride: 12, offset: 4, format, rect: rect(0, 0, 2, 3) });
  flush(driver, 1, rect(0, 0, 2, 3));
  const blue = (word: number) => (0xff000000 | word << 16) >>> 0;
  assertEquals(shown(machine), [1, 2, 4, 5, 7, 8].map(blue));
  assertEquals([display.picture(0)!.widthPixels, display.picture(0)!.heightPixels], [2, 3]);
});

Deno.test("S14: SET_SCANOUT_BLOB takes a stride and an offset that are multiples of nothing", async () => {
  const machine = await startBlobMachine();
  const address = createBlobOf(machine, 1, 1024);
  const bytes = machine.ram.bytes(address, 1024);
  bytes.set([1, 2, 3, 0, 4, 5, 6, 0], 7);
  bytes.set([7, 8, 9, 0, 10, 11, 12, 0], 7 + 13);

  setScanoutBlob(machine.driver, 1, { width: 2, height: 2, stride: 13, offset: 7, rect: rect(0, 0, 2, 2) });
  flush(machine.driver, 1, rect(0, 0, 2, 2));

  assertEquals([...machine.display.picture(0)!.rgba], [1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 10, 11, 12, 255]);
});

Deno.test("SET_SCANOUT_BLOB shows pixels that lie in two pages each", async () => {
  const machine = await startBlobMachine();
  const { driver, ram } = machine;
  const pieces = Array.from({ length: 86 }, () => ({ addr: ram.allocate(64, 64), length: 3 }));
  pieces.forEach(({ addr }, index) => ram.bytes(addr, 3).set([index * 3, index * 3 + 1, index * 3 + 2]));
  createBlob(driver, 1, pieces, { size: BYTES });

  setScanoutBlob(driver, 1);
  flush(driver, 1, whole);

  const expected = Array.from({ length: 256 }, (_, index) => index % 4 === 3 ? 255 : index);
  assertEquals([...machine.display.picture(0)!.rgba], expected);
});

Deno.test("S16: SET_SCANOUT_BLOB has no modifier: rows follow each other in the blob", async () => {
  const machine = await startBlobMachine();
  fill(machine, createBlobOf(machine, 1, BYTES), 64, pixel);

  setScanoutBlob(machine.driver, 1, { rect: rect(6, 1, 2, 2) });
  flush(machine.driver, 1, whole);

  assertEquals(shown(machine), [14, 15, 22, 23].map(pixel));
});

Deno.test("S17: SET_SCANOUT_BLOB looks at plane 0 alone", async () => {
  const machine = await startBlobMachine();
  fill(machine, createBlobOf(machine, 1, BYTES), 64, pixel);
  const strides = Uint32Array.of(32, 0xffffffff, 1, 7);
  const offsets = Uint32Array.of(0, 0xffffffff, 0xffffffff, 0xffffffff);

  assertEquals(setScanoutBlob(machine.driver, 1, { strides, offsets }), "OK_NODATA");
});

Deno.test("SET_SCANOUT_BLOB answers ERR_INVALID_SCANOUT_ID, ERR_INVALID_RESOURCE_ID, in this order", async () => {
  const machine = await startBlobMachine();
  createBlobOf(machine, 1, BYTES);

  assertEquals(setScanoutBlob(machine.driver, 9, { scanoutId: 1 }), "ERR_INVALID_SCANOUT_ID");
  assertEquals(setScanoutBlob(machine.driver, 9, { format: 0 }), "ERR_INVALID_RESOURCE_ID");
});

Deno.test("SET_SCANOUT_BLOB of resource 0 disables the scanout", async () => {
  const machine = await startBlobMachine();
  createBlobOf(machine, 1, BYTES);
  setScanoutBlob(machine.driver, 1);
  flush(machine.driver, 1, whole);

  assertEquals(setScanoutBlob(machine.driver, 0), "OK_NODATA");
  assertEquals(machine.display.picture(0), undefined);
});

Deno.test("SET_SCANOUT_BLOB answers ERR_INVALID_PARAMETER for a 2D resource", async () => {
  const machine = await startBlobMachine();
  createBacked(machine, 1, 8, 8);
  assertEquals(setScanoutBlob(machine.driver, 1), "ERR_INVALID_PARAMETER");
});

Deno.test("SET_SCANOUT_BLOB answers ERR_UNSPEC for a blob without backing", async () => {
  const { driver } = await startBlobMachine();
  createBlob(driver, 1, [], { size: BYTES });
  assertEquals(setScanoutBlob(driver, 1), "ERR_UNSPEC");
});

const refused: [what: string, fields: Parameters<typeof setScanoutBlob>[2]][] = [
  ["format 0", { format: 0 }],
  ["format 3,000,000,000", { format: 3000000000 }],
  ["an empty rectangle", { rect: rect(0, 0, 0, 8) }],
  ["a rectangle outside the frame buffer", { rect: rect(1, 0, 8, 8) }],
  ["a rectangle whose sum wraps", { rect: rect(0xffffffff, 0, 2, 1) }],
  ["stride 0", { stride: 0 }],
  ["a stride shorter than a row", { stride: 31 }],
  ["a row more than the blob has", { height: 9, rect: rect(0, 0, 8, 9) }],
  ["an offset by which the last pixel ends after the blob", { offset: 1 }],
  ["an offset of 2^32 - 1", { offset: 0xffffffff }],
  ["a stride of 2^32 - 1", { stride: 0xffffffff }],
  ["a frame buffer of 2^32 - 1 rows", { height: 0xffffffff, rect: rect(0, 0xfffffffe, 8, 1) }],
];

for (const [what, fields] of refused) {
  Deno.test(`SET_SCANOUT_BLOB answers ERR_INVALID_PARAMETER for ${what}, and shows what it did`, async () => {
    const machine = await startBlobMachine();
    fill(machine, createBlobOf(machine, 1, BYTES), 64, pixel);
    setScanoutBlob(machine.driver, 1);

    assertEquals(setScanoutBlob(machine.driver, 1, fields), "ERR_INVALID_PARAMETER");
    flush(machine.driver, 1, whole);
    assertEquals(shown(machine)[63], pixel(63));
  });
}

Deno.test("SET_SCANOUT_BLOB takes a frame buffer that is larger than the blob where its rectangle is not", async () => {
  const machine = await startBlobMachine();
  createBlobOf(machine, 1, BYTES);
  assertEquals(setScanoutBlob(machine.driver, 1, { height: 1000, rect: rect(0, 0, 8, 8) }), "OK_NODATA");
  assertEquals(setScanoutBlob(machine.driver, 1, { height: 1000, rect: rect(0, 1, 8, 8) }), "ERR_INVALID_PARAMETER");
});

Deno.test("RESOURCE_FLUSH of a blob answers OK for any rectangle, and shows the part that the scanout has", async () => {
  const machine = await startBlobMachine();
  fill(machine, createBlobOf(machine, 1, BYTES), 64, pixel);
  setScanoutBlob(machine.driver, 1, { rect: rect(4, 4, 4, 4) });

  assertEquals(flush(machine.driver, 1, rect(100, 100, 0xffffffff, 0xffffffff)), "OK_NODATA");
  assertEquals(machine.display.picture(0), undefined);
  assertEquals(flush(machine.driver, 1, rect(0, 0, 0xffffffff, 0xffffffff)), "OK_NODATA");
  assertEquals(shown(machine)[0], pixel(36));
});
