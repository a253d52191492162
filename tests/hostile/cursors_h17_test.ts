/** H17: cursors of nothing, of anything, and very many; the cursor queue is drained whatever comes. */

import { assert, assertEquals } from "@std/assert";
import { entryWords } from "../../src/guest/gpu_driver.ts";
import {
  BlobMem,
  Format,
  GpuQueue,
  writeMoveCursor,
  writeResourceCreateBlob,
  writeUpdateCursor,
} from "../../src/protocol/wire.gen.ts";
import {
  answerTo,
  attach,
  createFilled,
  createResource,
  detach,
  moveCursor,
  pixel,
  unref,
  updateCursor,
} from "../device/requests.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { kickRaw, needsReset, raw } from "./raw_chain.ts";

const UPDATE_BYTES = 56;

/** Puts `count` cursor commands without room for a reply into the cursor queue, as Linux does. */
function pushMoves({ driver, ram }: Machine, count: number): number {
  const queue = driver.queue(GpuQueue.Cursor);
  const request = ram.allocate(UPDATE_BYTES);
  const fields = { pos: { scanoutId: 0, x: 7, y: 8 }, resourceId: 99, hotX: 0, hotY: 0 };
  writeMoveCursor(ram.words(request, 14), 0, fields);
  for (let left = count; left > 0; left--) queue.push(queue.writeChain([{ address: request, length: UPDATE_BYTES }]));
  driver.transport.kick(GpuQueue.Cursor);
  let taken = 0;
  while (queue.pop() !== undefined) taken++;
  return taken;
}

Deno.test("A flood of 20,000 cursor commands is drained ring by ring, and takes no memory", async () => {
  const machine = await startMachine();
  pushMoves(machine, 16);
  const usedBefore = machine.heap.usedBytes;
  const bytesBefore = machine.memory.buffer.byteLength;

  for (let left = 20_000; left > 0; left -= 16) assertEquals(pushMoves(machine, 16), 16);

  assertEquals(machine.heap.usedBytes, usedBefore);
  assertEquals(machine.memory.buffer.byteLength, bytesBefore);
});

Deno.test("A flood of UPDATE_CURSOR with an image each time takes no memory", async () => {
  const machine = await startMachine();
  createFilled(machine, 1, 64, 64, pixel);
  updateCursor(machine.driver, 1);
  const usedBefore = machine.heap.usedBytes;

  for (let left = 2000; left > 0; left--) assertEquals(updateCursor(machine.driver, left % 2), "OK_NODATA");

  assertEquals(machine.heap.usedBytes, usedBefore);
});

Deno.test("The cursor queue is drained while the control queue is broken", async () => {
  const machine = await startMachine();
  kickRaw(machine, [raw(0x10_0000, 0)]);
  assert(needsReset(machine));

  assertEquals(pushMoves(machine, 16), 16);
});

Deno.test("Every combination of bad scanout and bad image is refused, and leaves cursor and place as they were", async () => {
  const machine = await startMachine({ resourceBlob: true });
  const { driver, display } = machine;
  createFilled(machine, 1, 64, 64, () => pixel(0x123456));
  createResource(driver, 2, 63, 64);
  createResource(driver, 3, 64, 65);
  createResource(driver, 4, 1, 4096); // as many bytes
  const blob = { blobMem: BlobMem.Guest, blobFlags: 0, nrEntries: 0, blobIdLow: 0, blobIdHigh: 0 };
  answerTo(driver, writeResourceCreateBlob, { ...blob, resourceId: 5, size: 16383 });
  answerTo(driver, writeResourceCreateBlob, { ...blob, resourceId: 6, size: 16384 }); // no pages
  updateCursor(driver, 1, { pos: { scanoutId: 0, x: 3, y: 4 }, hotX: 1, hotY: 2 });
  const before = display.cursor(0);

  const answers: string[] = [];
  for (const resourceId of [1, 2, 3, 4, 5, 6, 7, 0xffff_ffff]) {
    for (const scanoutId of [0, 1, 16, 0x8000_0000, 0xffff_ffff]) {
      if (resourceId === 1 && scanoutId === 0) continue;
      answers.push(updateCursor(driver, resourceId, { pos: { scanoutId, x: 50, y: 60 }, hotX: 9, hotY: 9 }));
    }
  }
  answers.push(...[1, 16, 0xffff_ffff].map((scanoutId) => moveCursor(driver, scanoutId, 50, 60)));

  assertEquals(answers.filter((answer) => !answer.startsWith("ERR_")), []);
  assertEquals(display.cursor(0), before);
});

Deno.test("A hotspot of any u32 stays inside of the image, and a place of any i32 is told as it is", async () => {
  const machine = await startMachine();
  createFilled(machine, 1, 64, 64, pixel);
  const edges = [0, 63, 64, 0x7fff_ffff, -0x8000_0000, -1];

  for (const edge of edges) {
    updateCursor(machine.driver, 1, { pos: { scanoutId: 0, x: edge, y: edge }, hotX: edge >>> 0, hotY: edge >>> 0 });
    const { picture, x, y } = machine.display.cursor(0)!;
    assertEquals([x, y], [edge, edge]);
    assert(picture.hotspotX <= 63 && picture.hotspotY <= 63);
  }
});

Deno.test("A blob cursor whose pages are detached, short or gone is refused, and the old cursor stays", async () => {
  const machine = await startMachine({ resourceBlob: true });
  const { driver, ram, guest, display } = machine;
  const addr = ram.allocate(16384, 4096);
  ram.words(addr, 4096).fill(0xff00ff00);
  const blob = { blobMem: BlobMem.Guest, blobFlags: 0, nrEntries: 1, blobIdLow: 0, blobIdHigh: 0, size: 16384 };
  const trailing = entryWords([{ addr, length: 16384 }]);
  answerTo(driver, writeResourceCreateBlob, { ...blob, resourceId: 1 }, { trailing });
  assertEquals(updateCursor(driver, 1), "OK_NODATA");
  const before = display.cursor(0);
  ram.words(addr, 4096).fill(0);

  const [region] = guest.regions;
  guest.setRegions([{ ...region!, sizeBytes: addr + 8192 }]);
  const whenGone = updateCursor(driver, 1);
  guest.setRegions([region!]);
  detach(driver, 1);
  const whenDetached = updateCursor(driver, 1);

  assertEquals([whenGone, whenDetached], ["ERR_UNSPEC", "ERR_UNSPEC"]);
  assertEquals(display.cursor(0), before);
  attach(driver, 1, [{ addr, length: 16384 }]);
  assertEquals(updateCursor(driver, 1), "OK_NODATA");
});

Deno.test("UPDATE_CURSOR and RESOURCE_UNREF of one image end in either order", async () => {
  const machine = await startMachine();
  createFilled(machine, 1, 64, 64, pixel, Format.B8G8R8A8Unorm);
  assertEquals(updateCursor(machine.driver, 1), "OK_NODATA");
  assertEquals(unref(machine.driver, 1), "OK_NODATA");
  const pos = { scanoutId: 0, x: 1, y: 1 };
  const late = { pos, resourceId: 1, hotX: 0, hotY: 0 };
  assertEquals(
    answerTo(machine.driver, writeUpdateCursor, late, { queue: GpuQueue.Cursor }),
    "ERR_INVALID_RESOURCE_ID",
  );
  assert(machine.display.cursor(0) !== undefined);
});
