/** Fences of command streams that take their time: each is answered when what its stream does is done. Virtio 1.4, 5.7.6.7. */

import { assertEquals } from "@std/assert";
import {
  BlobMem,
  writeCtxAttachResource,
  writeResourceCreateBlob,
  writeSubmit3d,
} from "../../src/protocol/wire.gen.ts";
import { startMachine } from "../support/machine.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { delay, fill, makeBuffer, UNTIL_RELEASED } from "../support/renderer/stream.ts";
import { Random } from "../support/fuzz/random.ts";
import { FenceGuest, type Posted, type Ring } from "./fence_guest.ts";

const SEED = 20_261_103;
const BLOB = 7;
const BYTES = 4096;

/** A guest with context 1, in which a blob is attached, and context 2. */
async function start() {
  const renderer = new ReferenceRenderer();
  const machine = await startMachine({ renderer });
  const fences = new FenceGuest(machine);
  fences.createContexts(1, 2);
  const stream = Uint32Array.from(makeBuffer(1, BYTES));
  fences.post(writeSubmit3d, { ctxId: 1, size: stream.byteLength }, { trailing: stream });
  const object = { blobMem: BlobMem.Host3d, blobFlags: 0, blobIdLow: 1, blobIdHigh: 0, size: BYTES };
  fences.post(writeResourceCreateBlob, { ctxId: 1, resourceId: BLOB, nrEntries: 0, ...object });
  fences.post(writeCtxAttachResource, { ctxId: 1, resourceId: BLOB });
  fences.kick();
  assertEquals(fences.answers().map(({ answer }) => answer), ["OK_NODATA", "OK_NODATA", "OK_NODATA"]);
  const firstWord = () => machine.guest.words[renderer.blobAddress(BLOB) / 4];
  return { ...machine, renderer, fences, firstWord };
}

/** Posts a fenced stream on a ring, and kicks. */
function submit(fences: FenceGuest, ring: Ring, ...commands: number[][]): Posted {
  const stream = Uint32Array.from(commands.flat());
  const fields = { ...fences.fence(ring), ctxId: ring[0], size: stream.byteLength };
  const posted = fences.post(writeSubmit3d, fields, { trailing: stream });
  fences.kick();
  return posted;
}

Deno.test(`Streams on 64 rings of two contexts are answered as they are released, in any order (seed ${SEED})`, async () => {
  const { renderer, fences } = await start();
  const random = new Random(SEED);
  const rings = Array.from({ length: 64 }, (_, index): Ring => [1 + index % 2, index]);
  const posted = rings.map((ring) => submit(fences, ring, delay(UNTIL_RELEASED)).id);
  const behind = rings.map((ring) => submit(fences, ring).id);
  const order = rings.map((_, index) => ({ index, key: random.u32() })).toSorted((a, b) => a.key - b.key);

  const early = fences.ids();
  for (const { index } of order) renderer.release(...rings[index] as [number, number]);

  assertEquals(early, []);
  assertEquals(fences.ids(), order.flatMap(({ index }) => [posted[index]!, behind[index]!]));
});

Deno.test("A fence is answered once the bytes that its stream writes are there, and not before", async () => {
  const { renderer, fences, firstWord } = await start();

  const posted = submit(fences, [1, 3], delay(UNTIL_RELEASED), fill(BLOB, 0, BYTES, 0x1234_5678));
  const before = [fences.ids(), firstWord()];
  renderer.release(1, 3);

  assertEquals(before, [[], 0]);
  assertEquals([fences.ids(), firstWord()], [[posted.id], 0x1234_5678]);
});

Deno.test("Streams that take milliseconds are answered by their own clocks, from timers", async () => {
  const { fences } = await start();

  const slow = submit(fences, [1, 0], delay(60));
  const quick = submit(fences, [1, 1], delay(5));
  const early = fences.ids();
  await new Promise((resolve) => setTimeout(resolve, 150));

  assertEquals([early, fences.ids()], [[], [quick.id, slow.id]]);
});

Deno.test("A reset while streams are held up leaves no timer and no memory of them", async () => {
  const { fences, driver, heap } = await start();
  submit(fences, [1, 0], delay(20), fill(BLOB, 0, BYTES, 1));
  driver.start();
  const usedBytes = heap.usedBytes;

  await new Promise((resolve) => setTimeout(resolve, 60));

  assertEquals(fences.queue().pop(), undefined);
  assertEquals(heap.usedBytes, usedBytes);
});
