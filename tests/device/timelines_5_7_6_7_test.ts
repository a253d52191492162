/** Fences on timelines: out of order between rings and contexts, in order within one. Virtio 1.4, 5.7.6.7. */

import { assertEquals } from "@std/assert";
import {
  CtrlFlag,
  GpuFeature,
  GpuQueue,
  writeMoveCursor,
  writeResourceFlush,
  writeSubmit3d,
} from "../../src/protocol/wire.gen.ts";
import { makeMachine, TRANSPORTS } from "../support/machine.ts";
import { FenceGuest, type Ring, startFences } from "./fence_guest.ts";
import { HandRenderer, slotsOf } from "./hand_renderer.ts";
import { createResource, rect } from "./requests.ts";

for (const transport of TRANSPORTS) {
  Deno.test(`SUBMIT_3D with a fence is answered once its work is done, over ${transport}`, async () => {
    const { renderer, fences, line, driver } = await startFences({ transport });
    fences.queue().requestInterrupt(2); // two were used for the contexts
    driver.transport.takeInterrupt();

    const posted = fences.submit([1, 5]);
    const before = fences.ids();
    const risesBefore = line.rises;
    renderer.doneAt(0);

    assertEquals(before, []);
    assertEquals(fences.answers(), [{ id: posted.id, answer: "OK_NODATA", usedLength: 24 }]);
    const fence = { fenceIdLow: posted.id, fenceIdHigh: 0, ctxId: 1, ringIdx: 5 };
    assertEquals(fences.header(posted), { type: 0x1100, flags: CtrlFlag.Fence | CtrlFlag.InfoRingIdx, ...fence });
    assertEquals(line.rises - risesBefore, 1);
  });
}

Deno.test("SUBMIT_3D without a fence is answered at once, and its renderer gets no slot", async () => {
  const { renderer, fences } = await startFences();

  fences.post(writeSubmit3d, { ctxId: 1, size: 0 });
  fences.kick();

  assertEquals(fences.answers().map(({ answer }) => answer), ["OK_NODATA"]);
  assertEquals(slotsOf(renderer.work), []);
});

Deno.test("SUBMIT_3D names the ring with a fence or without, and no ring without INFO_RING_IDX", async () => {
  const { renderer, fences } = await startFences();

  fences.submit([1, 63]);
  fences.submit();
  fences.post(writeSubmit3d, { ctxId: 1, flags: CtrlFlag.InfoRingIdx, ringIdx: 7, size: 0 });
  fences.post(writeSubmit3d, { ctxId: 1, ringIdx: 7, size: 0 });
  fences.kick();

  assertEquals(renderer.take().map(({ ringIndex }) => ringIndex), [63, -1, 7, -1]);
});

Deno.test("INFO_RING_IDX means nothing when CONTEXT_INIT was not accepted: all fences are of one timeline", async () => {
  const renderer = new HandRenderer();
  const machine = await makeMachine({ renderer });
  machine.driver.start([~(1 << GpuFeature.ContextInit), 0xffffffff]);
  const fences = new FenceGuest(machine);
  fences.createContexts(1);

  const [first, second] = [fences.submit([1, 3]), fences.submit([1, 4])];
  renderer.doneAt(1);

  assertEquals(renderer.take().map(({ ringIndex }) => ringIndex), [-1, -1]);
  assertEquals(fences.ids(), [first.id, second.id]);
});

Deno.test("Fences of several rings and contexts are answered in the order in which their work is done", async () => {
  const { renderer, fences } = await startFences();
  const rings: (Ring | undefined)[] = [[1, 0], [1, 1], [2, 0], undefined];

  const posted = rings.map((ring) => fences.submit(ring));
  for (const index of [2, 0, 3, 1]) renderer.doneAt(index);

  assertEquals(fences.ids(), [2, 0, 3, 1].map((index) => posted[index]!.id));
});

Deno.test("64 rings of one context are 64 timelines", async () => {
  const { renderer, fences } = await startFences();
  const posted = Array.from({ length: 64 }, (_, ringIndex) => fences.submit([1, ringIndex]));

  for (let index = 63; index >= 0; index--) renderer.doneAt(index);

  assertEquals(fences.ids(), posted.map(({ id }) => id).toReversed());
});

Deno.test("Fences of one ring are answered in their order when the last is reported first", async () => {
  const { renderer, fences } = await startFences();
  const posted = [0, 1, 2, 3].map(() => fences.submit([1, 0]));
  const other = fences.submit([1, 1]);

  renderer.doneAt(2); // the work of a fence is done when that of the later one is
  const first = fences.ids();
  for (const index of [1, 0, 2, 3, 4]) renderer.doneAt(index);

  assertEquals(first, posted.slice(0, 3).map(({ id }) => id));
  assertEquals(fences.ids(), [posted[3]!.id, other.id]);
});

Deno.test("A refused command's fence is answered at once, but after the earlier ones of its timeline", async () => {
  const { renderer, fences } = await startFences();

  const idle = fences.refused([1, 9]);
  const atOnce = fences.answers();
  const work = fences.submit([1, 9]);
  const behind = fences.refused([1, 9]);
  const elsewhere = fences.refused([1, 10]);
  const meanwhile = fences.ids();
  renderer.doneAt(0);

  assertEquals(atOnce, [{ id: idle.id, answer: "ERR_INVALID_RESOURCE_ID", usedLength: 24 }]);
  assertEquals(meanwhile, [elsewhere.id]);
  assertEquals(fences.answers().map(({ id, answer }) => [id, answer]), [
    [work.id, "OK_NODATA"],
    [behind.id, "ERR_INVALID_RESOURCE_ID"],
  ]);
  assertEquals(fences.header(behind).fenceIdLow, behind.id);
});

Deno.test("A SUBMIT_3D that the renderer refuses is answered at once: it has no fence to report", async () => {
  const { renderer, fences } = await startFences();
  const refusal = { response: 0x1205, text: "a test refuses", clause: "none" } as const;
  renderer.outcomes.push(refusal);

  const posted = fences.submit([1, 0]);

  assertEquals(fences.answers(), [{ id: posted.id, answer: "ERR_INVALID_PARAMETER", usedLength: 24 }]);
});

Deno.test("A fence whose context does not exist is of the timeline that all contexts share", async () => {
  const { renderer, fences } = await startFences();

  const shared = fences.submit();
  const unknown = fences.refused([77, 1]);
  const before = fences.ids();
  renderer.doneAt(0);

  assertEquals(before, []);
  assertEquals(fences.ids(), [shared.id, unknown.id]);
});

for (const ringIndex of [64, 200, 255]) {
  Deno.test(`SUBMIT_3D with a fence on ring ${ringIndex} answers ERR_INVALID_PARAMETER`, async () => {
    const { renderer, fences } = await startFences();

    const posted = fences.submit([1, ringIndex]);

    assertEquals(fences.answers().map(({ id, answer }) => [id, answer]), [[posted.id, "ERR_INVALID_PARAMETER"]]);
    assertEquals(fences.header(posted).ringIdx, ringIndex);
    assertEquals(renderer.take(), []);
  });
}

Deno.test("RESOURCE_FLUSH with a fence waits for what the renderer has still to draw", async () => {
  const { renderer, fences, driver } = await startFences();
  createResource(driver, 1, 8, 8);

  const posted = fences.post(writeResourceFlush, { resourceId: 1, rect: rect(0, 0, 1, 1), ...fences.fence() });
  fences.kick();
  const before = fences.ids();
  renderer.doneAt(0);

  assertEquals(before, []);
  assertEquals(fences.ids(), [posted.id]);
});

Deno.test("Fences of the cursor queue keep the order of the timeline too, and unfenced commands do not wait", async () => {
  const { renderer, fences } = await startFences();
  const cursor = { pos: { scanoutId: 0, x: 1, y: 1 }, resourceId: 0, hotX: 0, hotY: 0 };
  const onCursorQueue = { queue: GpuQueue.Cursor };

  const work = fences.submit();
  const fenced = fences.post(writeMoveCursor, { ...cursor, ...fences.fence() }, onCursorQueue);
  const unfenced = fences.post(writeMoveCursor, cursor, onCursorQueue);
  fences.kick(GpuQueue.Cursor);
  const before = [fences.ids(), fences.ids(GpuQueue.Cursor)];
  renderer.doneAt(0);

  assertEquals(before, [[], [unfenced.id]]);
  assertEquals([fences.ids(), fences.ids(GpuQueue.Cursor)], [[work.id], [fenced.id]]);
});

Deno.test("fenceDone within submit answers with the same kick, after the fences that it ends with it", async () => {
  const { renderer, fences } = await startFences();
  const earlier = [fences.submit([1, 0]), fences.submit([1, 0]), fences.submit([2, 0])];
  const slots = slotsOf(renderer.work);
  renderer.onSubmit = ({ slot }) => {
    renderer.done(slots[2]!);
    renderer.done(slot);
  };

  const last = fences.submit([1, 0]);

  assertEquals(fences.ids(), [earlier[2]!, earlier[0]!, earlier[1]!, last].map(({ id }) => id));
});

Deno.test("A slot that is over is ignored, as are numbers that never were one", async () => {
  const { renderer, fences } = await startFences();
  fences.submit([1, 0]);
  const [stale] = slotsOf(renderer.take()) as [number];
  renderer.done(stale);
  fences.ids();

  const posted = fences.submit([1, 0]); // has the place of the one before in the table
  for (const slot of [stale, 0, -1, 1, 2 ** 30, 2 ** 31, 2 ** 53, NaN, 0.5]) renderer.done(slot);
  const before = fences.ids();
  renderer.doneAt(0);

  assertEquals(before, []);
  assertEquals(fences.ids(), [posted.id]);
});
