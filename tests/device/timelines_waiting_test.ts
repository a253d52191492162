/** Commands that cannot be carried out yet: a full table of fences, large replies, a renderer that answers later. */

import { assertEquals } from "@std/assert";
import { LATER } from "../../src/protocol/outcome.ts";
import {
  GpuQueue,
  writeCtxCreate,
  writeGetCapset,
  writeGetCapsetInfo,
  writeGetDisplayInfo,
  writeGetEdid,
  writeMoveCursor,
  writeSubmit3d,
} from "../../src/protocol/wire.gen.ts";
import { runDeferred } from "../support/moving_guest.ts";
import { type FenceGuest, startFences } from "./fence_guest.ts";
import { slotsOf } from "./hand_renderer.ts";

const cursor = { pos: { scanoutId: 0, x: 1, y: 1 }, resourceId: 0, hotX: 0, hotY: 0 };
const threeFences = { limits: { fencesInFlight: 3 } };

/** Posts a CTX_CREATE with its number as name and kicks. */
function createContext(fences: FenceGuest, ctxId: number) {
  const posted = fences.post(writeCtxCreate, { ctxId, contextInit: 0, nlen: 0 });
  fences.kick();
  return posted;
}

Deno.test("limits.fencesInFlight holds the queue back, in order, until a fence is done", async () => {
  const machine = await startFences(threeFences);
  const { renderer, fences } = machine;

  const posted = [0, 1, 2, 3, 4].map((ringIndex) => fences.submit([1, ringIndex]));
  const begun = slotsOf(renderer.work).length;
  const whileFull = machine.deferred.length;
  renderer.doneAt(1);
  runDeferred(machine);
  const begunThen = slotsOf(renderer.work).length;
  const answered = fences.ids();
  for (const index of [0, 2, 3]) renderer.doneAt(index);
  runDeferred(machine);
  renderer.doneAt(4);

  assertEquals([begun, whileFull, begunThen], [3, 0, 4]);
  assertEquals(answered, [posted[1]!.id]);
  assertEquals(fences.ids(), [0, 2, 3, 4].map((index) => posted[index]!.id));
});

Deno.test("A full table of fences holds unfenced commands behind a fenced one back, and no other queue's", async () => {
  const machine = await startFences(threeFences);
  const { renderer, fences } = machine;
  for (const ringIndex of [0, 1, 2]) fences.submit([1, ringIndex]);

  const fenced = fences.refused();
  const behind = fences.post(writeSubmit3d, { ctxId: 1, size: 0 });
  const moved = fences.post(writeMoveCursor, cursor, { queue: GpuQueue.Cursor });
  fences.kick();
  fences.kick(GpuQueue.Cursor);
  const whileFull = [fences.ids(), fences.ids(GpuQueue.Cursor)];
  renderer.doneAt(0);
  runDeferred(machine);

  assertEquals(whileFull, [[], [moved.id]]);
  assertEquals(fences.ids().slice(1), [fenced.id, behind.id]);
});

Deno.test("Thousands of fences pass through three slots, and come back in their order", async () => {
  const machine = await startFences(threeFences);
  const { renderer, fences } = machine;
  const wrong: number[] = [];

  for (let round = 0; round < 2000; round++) {
    const posted = [0, 1, 2].map((ringIndex) => fences.submit([1 + round % 2, ringIndex * 21]).id);
    const order = [[0, 1, 2], [2, 1, 0], [1, 2, 0]][round % 3]!;
    for (const index of order) renderer.doneAt(index);
    renderer.take();
    const answered = fences.ids();
    if (answered.some((id, index) => id !== posted[order[index]!])) wrong.push(round);
  }

  assertEquals(wrong, []);
});

const largeReplies = [
  ["GET_DISPLAY_INFO", 408, "OK_DISPLAY_INFO", writeGetDisplayInfo, {}],
  ["GET_EDID", 1056, "OK_EDID", writeGetEdid, { scanout: 0 }],
  ["GET_CAPSET", 24 + 64, "OK_CAPSET", writeGetCapset, { capsetId: 60, capsetVersion: 1 }],
] as const;

for (const [name, replyBytes, answer, write, fields] of largeReplies) {
  Deno.test(`${name} with a fence waits for the fences before it, and its reply is whole`, async () => {
    const machine = await startFences();
    const { renderer, fences } = machine;
    const first = fences.submit();

    // deno-lint-ignore no-explicit-any -- the fields fit the writer beside them
    const posted = fences.post(write as any, { ...fields, ...fences.fence() }, { replyBytes });
    const behind = fences.refused();
    const before = fences.ids();
    renderer.doneAt(0);
    runDeferred(machine);

    assertEquals(before, []);
    const answers = fences.answers().map(({ id, answer, usedLength }) => [id, answer, usedLength]);
    assertEquals(answers, [
      [first.id, "OK_NODATA", 24],
      [posted.id, answer, replyBytes],
      [behind.id, "ERR_INVALID_RESOURCE_ID", 24],
    ]);
    assertEquals(fences.header(posted).fenceIdLow, posted.id);
  });

  Deno.test(`${name} waits for no other timeline, and without a fence for none`, async () => {
    const { fences } = await startFences();
    fences.submit([1, 0]);

    // deno-lint-ignore no-explicit-any -- the fields fit the writer beside them
    const fenced = fences.post(write as any, { ...fields, ...fences.fence() }, { replyBytes });
    fences.kick();
    const shared = fences.ids();
    fences.submit();
    // deno-lint-ignore no-explicit-any -- the fields fit the writer beside them
    const unfenced = fences.post(write as any, fields, { replyBytes });
    fences.kick();

    assertEquals([shared, fences.ids()], [[fenced.id], [unfenced.id]]);
  });
}

Deno.test("GET_CAPSET_INFO that waits for its turn keeps its reply's data", async () => {
  const { renderer, fences, ram } = await startFences();
  fences.submit();

  const posted = fences.post(writeGetCapsetInfo, { capsetIndex: 0, ...fences.fence() }, { replyBytes: 40 });
  createContext(fences, 9); // has a reply of its own
  const before = fences.ids().length;
  renderer.doneAt(0);

  assertEquals(before, 1);
  assertEquals(fences.answers()[1], { id: posted.id, answer: "OK_CAPSET_INFO", usedLength: 40 });
  assertEquals([...ram.words(posted.reply + 24, 4)], [60, 1, 64, 0]);
});

Deno.test("A command that is answered LATER is asked again after resume, once, and not by a kick", async () => {
  const machine = await startFences();
  const { renderer, fences, deferred } = machine;
  renderer.outcomes.push(LATER, LATER);

  const posted = createContext(fences, 5);
  const behind = fences.refused();
  fences.kick();
  const first = renderer.calls.splice(0);
  const deferredBefore = deferred.length;
  renderer.host.resume();
  runDeferred(machine);
  const second = renderer.calls.splice(0);
  renderer.host.resume();
  renderer.host.resume();
  runDeferred(machine);

  const call = "createContext 5 60 ";
  assertEquals([first, deferredBefore, second, renderer.calls], [[call], 0, [call], [call]]);
  assertEquals(fences.ids(), [posted.id, behind.id]);
});

Deno.test("resume within the call that answers LATER asks again with the next turn", async () => {
  const machine = await startFences();
  const { renderer, fences } = machine;
  renderer.outcomes.push(LATER);
  renderer.onSubmit = () => renderer.host.resume();

  const posted = fences.submit([1, 0]);
  runDeferred(machine);

  assertEquals(renderer.calls, ["submit 1 0 3 later", "submit 1 0 3"]);
  renderer.doneAt(0);
  assertEquals(fences.ids(), [posted.id]);
});

Deno.test("A command that is answered LATER has its slot, so that a table that fills up meanwhile does not hold it back", async () => {
  const machine = await startFences({ limits: { fencesInFlight: 2 } });
  const { renderer, fences } = machine;
  const first = fences.submit();
  renderer.outcomes.push(LATER);
  const posted = createFencedContext(fences, 5);

  const moved = fences.post(writeMoveCursor, { ...cursor, ...fences.fence() }, { queue: GpuQueue.Cursor });
  fences.kick(GpuQueue.Cursor);
  renderer.host.resume();
  runDeferred(machine);
  const calls = renderer.calls.filter((call) => call.startsWith("createContext"));
  renderer.doneAt(0);
  renderer.doneAt(1);
  runDeferred(machine);

  assertEquals(calls, ["createContext 5 60 ", "createContext 5 60 "]);
  assertEquals([fences.ids(), fences.ids(GpuQueue.Cursor)], [[first.id, posted.id], [moved.id]]);
});

Deno.test("A command that is answered LATER comes before what the other queue has begun meanwhile, and may be refused", async () => {
  const machine = await startFences();
  const { renderer, fences } = machine;
  renderer.outcomes.push(LATER, { response: 0x1205, text: "a test refuses", clause: "none" });
  const posted = createFencedContext(fences, 5);

  const moved = fences.post(writeMoveCursor, { ...cursor, ...fences.fence() }, { queue: GpuQueue.Cursor });
  fences.kick(GpuQueue.Cursor);
  const before = fences.ids(GpuQueue.Cursor);
  renderer.host.resume();
  runDeferred(machine);

  assertEquals(before, []);
  const answers = fences.answers().map(({ id, answer }) => [id, answer]);
  assertEquals([answers, fences.ids(GpuQueue.Cursor)], [[[posted.id, "ERR_INVALID_PARAMETER"]], [moved.id]]);
});

Deno.test("resume without a command that waits does nothing", async () => {
  const { renderer, fences, deferred } = await startFences();
  fences.submit([1, 0]);

  renderer.host.resume();

  assertEquals(deferred.length, 0);
});

Deno.test("SUBMIT_3D that is asked again has the slot of the first time, whose fence may be done by then", async () => {
  const machine = await startFences();
  const { renderer, fences } = machine;
  renderer.outcomes.push(LATER);
  const slots: number[] = [];
  renderer.onSubmit = ({ slot }) => slots.push(slot);

  const posted = fences.submit([1, 0]);
  renderer.done(slots[0]!);
  const before = fences.ids();
  renderer.host.resume();
  runDeferred(machine);

  assertEquals(before, []);
  assertEquals(slots[0], slots[1]);
  assertEquals(fences.ids(), [posted.id]);
});

Deno.test("SUBMIT_3D that is refused the second time ends its fence", async () => {
  const machine = await startFences();
  const { renderer, fences } = machine;
  renderer.outcomes.push(LATER, { response: 0x1205, text: "a test refuses", clause: "none" });

  const posted = fences.submit([1, 0]);
  renderer.host.resume();
  runDeferred(machine);
  const next = fences.submit([1, 0]);
  renderer.doneAt(0);

  assertEquals(fences.answers().map(({ id, answer }) => [id, answer]), [
    [posted.id, "ERR_INVALID_PARAMETER"],
    [next.id, "OK_NODATA"],
  ]);
});

Deno.test("The cursor queue goes on while the control queue waits", async () => {
  const { renderer, fences } = await startFences();
  renderer.outcomes.push(LATER);
  fences.submit([1, 0]);

  const moved = fences.post(writeMoveCursor, cursor, { queue: GpuQueue.Cursor });
  fences.kick(GpuQueue.Cursor);

  assertEquals(fences.ids(GpuQueue.Cursor), [moved.id]);
});

Deno.test("H21: a guest that changes a command while it waits changes nothing of it", async () => {
  const machine = await startFences();
  const { renderer, fences, ram } = machine;
  renderer.outcomes.push(LATER, LATER);

  const posted = fences.submit([1, 0]);
  ram.bytes(posted.request, 256).fill(0xff); // header, size and stream
  const { descriptors } = fences.queue();
  ram.fields(descriptors + posted.head * 16, 16).setUint32(8, 4, true); // four bytes are left of it
  renderer.host.resume();
  runDeferred(machine);
  ram.bytes(posted.request, 256).fill(0);
  renderer.host.resume();
  runDeferred(machine);
  renderer.doneAt(0);

  assertEquals(renderer.calls, ["submit 1 0 3 later", "submit 1 0 3 later", "submit 1 0 3"]);
  assertEquals(fences.ids(), [posted.id]);
  assertEquals(fences.header(posted).fenceIdLow, posted.id);
});

Deno.test("H21: a command that waits for a slot is the one that was sent, whatever stands in its place", async () => {
  const machine = await startFences({ limits: { fencesInFlight: 1 } });
  const { renderer, fences, ram } = machine;
  fences.submit([1, 0]);

  const posted = createFencedContext(fences, 7);
  ram.bytes(posted.request, 32).fill(0xff);
  renderer.doneAt(0);
  runDeferred(machine);

  assertEquals(renderer.calls.at(-1), "createContext 7 60 ");
});

function createFencedContext(fences: FenceGuest, ctxId: number) {
  const posted = fences.post(writeCtxCreate, { ...fences.fence(), ctxId, contextInit: 0, nlen: 0 });
  fences.kick();
  return posted;
}
