/** Cursors whose picture is a renderer's: of 3D resources and of host blobs. Virtio 1.4, 5.7.6.10 (UPDATE_CURSOR); H9, H17. */

import { assertEquals } from "@std/assert";
import { PIXEL_FORMATS } from "../../src/protocol/formats.ts";
import { LATER } from "../../src/protocol/outcome.ts";
import { Reasons } from "../../src/protocol/reasons.ts";
import { BlobMem, Format, GpuQueue, writeUpdateCursor } from "../../src/protocol/wire.gen.ts";
import { PendingRequest } from "../support/pending_request.ts";
import { startRecording } from "../support/renderer_machine.ts";
import { fill, fillRect } from "../support/renderer/stream.ts";
import type { Machine } from "../support/machine.ts";
import { createFilled, pictureWords, rect, unref, updateCursor } from "./requests.ts";
import { attachToContext, create3d, createContext, createHostBlob, submit } from "./three_d_requests.ts";
import { guestWindow, makeHostBlob, mapBlob, startWithWindow, unmapBlob } from "./window_requests.ts";

const SIZE = 64;
const BYTES = SIZE * SIZE * 4;
const TRANSLUCENT = 0x40302010;
const square = { target: 2, format: Format.R8G8B8A8Unorm, width: SIZE, height: SIZE };

/** The pixels of scanout 0's cursor, each once; undefined while it is hidden. */
function colors({ display }: Machine): number[] | undefined {
  const cursor = display.cursor(0);
  return cursor && [...new Set(pictureWords(cursor.picture.rgba))];
}

for (const { format, name } of PIXEL_FORMATS) {
  Deno.test(`UPDATE_CURSOR shows a 3D resource of format ${name}, whose fourth byte is alpha`, async () => {
    const machine = await startWithWindow();
    const { driver, display } = machine;
    const bytes = Uint8Array.from([...name.replaceAll("8", "")], (channel) => ({ R: 16, G: 32, B: 48 })[channel] ?? 64);
    create3d(driver, 5, { ...square, format });
    attachToContext(driver, 1, 5);
    submit(driver, 1, fillRect(5, rect(0, 0, SIZE, SIZE), new Uint32Array(bytes.buffer)[0]!));
    const place = { pos: { scanoutId: 0, x: 7, y: -3 >>> 0 }, hotX: 5, hotY: 6 };
    assertEquals(updateCursor(driver, 5, place), "OK_NODATA");
    assertEquals(colors(machine), [TRANSLUCENT]);
    const { picture: { hotspotX, hotspotY, widthPixels }, x, y } = display.cursor(0)!;
    assertEquals({ hotspotX, hotspotY, widthPixels, x, y }, {
      hotspotX: 5,
      hotspotY: 6,
      widthPixels: SIZE,
      x: 7,
      y: -3,
    });
  });
}

const wrong: [name: string, fields: Partial<typeof square> & { format?: Format }, reason: keyof typeof Reasons][] = [
  ["is 63 pixels wide", { width: 63 }, "cursorSize"],
  ["is 65 pixels high", { height: 65 }, "cursorSize"],
  ["is of a format that no scanout has", { format: 177 as never }, "formatUnknown"],
];
for (const [name, fields, reason] of wrong) {
  Deno.test(`UPDATE_CURSOR answers ERR_INVALID_PARAMETER when the 3D resource ${name}, and the cursor stays`, async () => {
    const machine = await startRecording();
    const { driver, errors } = machine;
    createFilled(machine, 1, SIZE, SIZE, () => TRANSLUCENT, Format.R8G8B8A8Unorm);
    updateCursor(driver, 1);
    create3d(driver, 5, { ...square, ...fields });
    assertEquals(updateCursor(driver, 5), "ERR_INVALID_PARAMETER");
    assertEquals(errors.at(-1)!.reason, Reasons[reason]);
    assertEquals(colors(machine), [TRANSLUCENT]);
  });
}

Deno.test("UPDATE_CURSOR takes a 3D resource of another size where the limits allow it", async () => {
  const machine = await startWithWindow({ limits: { cursorSizePixels: 128 } });
  create3d(machine.driver, 5, { ...square, width: 100, height: 128 });
  assertEquals(updateCursor(machine.driver, 5), "OK_NODATA");
  const { widthPixels, heightPixels } = machine.display.cursor(0)!.picture;
  assertEquals([widthPixels, heightPixels], [100, 128]);
});

Deno.test("UPDATE_CURSOR waits for a 3D resource's picture; the cursor before it stays meanwhile", async () => {
  const machine = await startRecording();
  const { driver, renderer, guest } = machine;
  createFilled(machine, 1, SIZE, SIZE, () => 1, Format.R8G8B8A8Unorm);
  updateCursor(driver, 1);
  const address = guest.heap.allocate(BYTES);
  guest.words.fill(TRANSLUCENT, address >>> 2, (address + BYTES) >>> 2);
  renderer.picture = { address, strideBytes: SIZE * 4, texture: undefined };
  create3d(driver, 5, square);
  renderer.takeCalls();
  renderer.answer("readPicture", LATER);
  const fields = { pos: { scanoutId: 0, x: 30, y: 40 }, hotX: 0, hotY: 0, resourceId: 5 };
  const request = PendingRequest.send(machine, writeUpdateCursor, fields, GpuQueue.Cursor);
  assertEquals([request.answer(), colors(machine), machine.display.cursor(0)!.x], [undefined, [1], 0]);
  renderer.host.resume();
  assertEquals([request.answer(), colors(machine), machine.display.cursor(0)!.x], ["OK_NODATA", [TRANSLUCENT], 30]);
  assertEquals(renderer.takeCalls(), new Array(2).fill(["readPicture", 5, rect(0, 0, SIZE, SIZE)]));
});

Deno.test("UPDATE_CURSOR of a 3D resource without a picture in memory answers why, and the cursor stays", async () => {
  const machine = await startRecording();
  const { driver, renderer } = machine;
  create3d(driver, 5, square);
  assertEquals(updateCursor(driver, 5), "ERR_UNSPEC");
  renderer.answer("readPicture", Reasons.resource3dUnknown);
  assertEquals(updateCursor(driver, 5), "ERR_INVALID_PARAMETER");
  assertEquals(colors(machine), undefined);
});

for (const blobMem of [BlobMem.Host3d, BlobMem.Host3dGuest]) {
  Deno.test(`UPDATE_CURSOR shows the first 64x64 pixels of a blob of memory kind ${blobMem}`, async () => {
    const machine = await startWithWindow();
    const { driver } = machine;
    makeHostBlob(driver, 5, BYTES + 4096, { blobMem });
    attachToContext(driver, 1, 5);
    submit(driver, 1, fill(5, 0, BYTES, TRANSLUCENT));
    assertEquals(updateCursor(driver, 5), "OK_NODATA");
    const swapped = 0x40102030; // a blob's cursor is B8G8R8A8
    assertEquals(colors(machine), [swapped]);
  });
}

Deno.test("UPDATE_CURSOR shows a mapped blob as the guest has written it; unmapping and destroying it change nothing", async () => {
  const machine = await startWithWindow();
  const { driver } = machine;
  makeHostBlob(driver, 5, BYTES);
  mapBlob(driver, 5, 0);
  guestWindow(machine).words(0, BYTES / 4).fill(0x01010101);
  assertEquals(updateCursor(driver, 5), "OK_NODATA");
  guestWindow(machine).words(0, BYTES / 4).fill(0x02020202);
  unmapBlob(driver, 5);
  unref(driver, 5);
  assertEquals(colors(machine), [0x01010101]);
});

Deno.test("UPDATE_CURSOR answers ERR_INVALID_PARAMETER for a host blob of fewer than 16,384 bytes", async () => {
  const { driver, errors } = await startWithWindow();
  makeHostBlob(driver, 5, BYTES - 1);
  assertEquals(updateCursor(driver, 5), "ERR_INVALID_PARAMETER");
  assertEquals(errors.at(-1)!.reason, Reasons.cursorSize);
});

Deno.test("UPDATE_CURSOR answers ERR_UNSPEC for a host blob whose bytes are not in memory", async () => {
  const { driver, errors } = await startRecording();
  createContext(driver, 1);
  createHostBlob(driver, 5, { size: BYTES });
  assertEquals(updateCursor(driver, 5), "ERR_UNSPEC");
  assertEquals(errors.at(-1)!.reason, Reasons.blobBytesAway);
});
