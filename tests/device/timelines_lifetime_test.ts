/** Fences that are in flight when something ends: the context, the queue, the device, the guest's memory. */

import { assertEquals, assertThrows } from "@std/assert";
import { VirtioGpu } from "../../src/device/virtio_gpu.ts";
import { LATER } from "../../src/protocol/outcome.ts";
import {
  GpuQueue,
  writeCtxCreate,
  writeCtxDestroy,
  writeMoveCursor,
  writeSubmit3d,
} from "../../src/protocol/wire.gen.ts";
import { DeviceStatus, MmioRegister } from "../../src/virtio/virtio.gen.ts";
import { runDeferred } from "../support/moving_guest.ts";
import { FenceGuest, type FenceMachine, startFences } from "./fence_guest.ts";
import { HandRenderer, slotsOf } from "./hand_renderer.ts";

/** Stops a queue behind virtio-mmio. */
function stopQueue({ mmio }: FenceMachine, queue: GpuQueue): void {
  mmio.write(MmioRegister.QueueSel, 4, queue);
  mmio.write(MmioRegister.QueueReady, 4, 0);
}

function needsReset({ driver }: FenceMachine): boolean {
  return (driver.transport.readStatus() & DeviceStatus.DeviceNeedsReset) !== 0;
}

for (const transport of ["pci", "mmio"] as const) {
  Deno.test(`A reset over ${transport} drops what is in flight, and later reports of it are ignored`, async () => {
    const machine = await startFences({ transport });
    const { renderer, fences, driver } = machine;
    for (let ringIndex = 0; ringIndex < 64; ringIndex++) fences.submit([1, ringIndex]);
    fences.refused([1, 0]);
    const stale = slotsOf(renderer.take());
    const { used } = fences.queue();

    driver.start();
    const after = new FenceGuest(machine);
    after.createContexts(1);
    const posted = [after.submit([1, 0]), after.submit([1, 1])];
    for (const slot of stale) renderer.done(slot);
    const early = after.ids();
    renderer.doneAt(0);

    assertEquals(machine.ram.fields(used, 4).getUint16(2, true), 2); // the contexts, and nothing since
    assertEquals(early, []);
    assertEquals(after.ids(), [posted[0]!.id]);
  });
}

Deno.test("A reset forgets a command that waits: resume asks for nothing", async () => {
  const machine = await startFences();
  const { renderer, fences, driver } = machine;
  renderer.outcomes.push(LATER);
  fences.submit([1, 0]);
  renderer.calls.splice(0);

  driver.start();
  renderer.host.resume();
  runDeferred(machine);
  const after = new FenceGuest(machine);
  after.createContexts(1);

  assertEquals(renderer.calls, ["reset", "createContext 1 60 "]);
});

/** Lets the driver start anew in the middle of a command, and returns it with a context. */
function startWithin(machine: FenceMachine): FenceGuest {
  machine.renderer.onSubmit = undefined;
  machine.renderer.onCreateContext = undefined;
  machine.driver.start();
  return new FenceGuest(machine);
}

Deno.test("A reset within a command leaves nothing of its fence, which would begin after it", async () => {
  const machine = await startFences();
  const { renderer, fences } = machine;
  let after: FenceGuest | undefined;
  renderer.onCreateContext = () => after = startWithin(machine);

  fences.post(writeCtxCreate, { ...fences.fence(), ctxId: 9, contextInit: 0, nlen: 0 });
  fences.kick();
  for (const slot of slotsOf(renderer.take())) renderer.done(slot);
  runDeferred(machine);

  assertEquals(after!.queue().pop(), undefined);
  after!.createContexts(1);
});

Deno.test("A reset within a command that answers LATER leaves nothing to ask again", async () => {
  const machine = await startFences();
  const { renderer, fences } = machine;
  let after: FenceGuest | undefined;
  renderer.outcomes.push(LATER);
  renderer.onSubmit = () => after = startWithin(machine);

  fences.submit([1, 0]);
  renderer.calls.splice(0);
  runDeferred(machine);
  after!.createContexts(1);

  assertEquals(renderer.calls, ["createContext 1 60 "]);
});

Deno.test("CTX_DESTROY is answered after all fences of the context's rings, and ends no others", async () => {
  const { renderer, fences } = await startFences();
  const ofContext = [fences.submit([1, 0]), fences.submit([1, 0]), fences.refused([1, 0]), fences.submit([1, 63])];
  const others = [fences.submit([2, 0]), fences.submit()];
  const slots = slotsOf(renderer.take());

  const destroyed = fences.destroyContext(1);
  const answered = fences.ids();
  for (const slot of slots) renderer.done(slot);

  assertEquals(answered, [...ofContext.map(({ id }) => id), destroyed.id]);
  assertEquals(fences.ids(), others.map(({ id }) => id));
});

Deno.test("CTX_DESTROY with a fence on a ring of its own context is on no ring: the next context has it", async () => {
  const { renderer, fences } = await startFences();
  const work = fences.submit([1, 4]);

  const posted = fences.post(writeCtxDestroy, { ...fences.fence([1, 4]), ctxId: 1 });
  fences.kick();
  const ended = fences.ids();
  fences.createContexts(1);
  const destroyed = fences.destroyContext(1);
  const meanwhile = fences.ids();
  for (const slot of slotsOf(renderer.take())) renderer.done(slot);

  assertEquals([ended, meanwhile, fences.ids()], [[work.id], [destroyed.id], [posted.id]]);
});

Deno.test("A context with the id of one that was destroyed has new timelines", async () => {
  const { renderer, fences } = await startFences();
  fences.submit([1, 0]);
  fences.destroyContext(1);
  fences.ids();
  fences.createContexts(1);
  const [stale] = slotsOf(renderer.take()) as [number];

  const posted = fences.submit([1, 0]);
  renderer.done(stale);
  const early = fences.ids();
  renderer.doneAt(0);

  assertEquals([early, fences.ids()], [[], [posted.id]]);
});

Deno.test("contextLost ends the fences of the context's rings, with what was held back behind them", async () => {
  const { renderer, fences } = await startFences();
  const posted = [fences.submit([1, 0]), fences.refused([1, 0]), fences.submit([1, 1])];
  fences.submit([2, 0]);

  renderer.host.contextLost(1);
  const answered = fences.ids();
  const later = fences.submit([1, 0]);

  assertEquals(answered, posted.map(({ id }) => id));
  assertEquals(fences.answers().map(({ id, answer }) => [id, answer]), [[later.id, "ERR_UNSPEC"]]);
});

Deno.test("contextLost within submit ends the fence of that submit too", async () => {
  const { renderer, fences } = await startFences();
  const first = fences.submit([1, 0]);
  renderer.onSubmit = () => renderer.host.contextLost(1);

  const second = fences.submit([1, 0]);

  assertEquals(fences.ids(), [first.id, second.id]);
});

Deno.test("contextLost of a context that does not exist does nothing", async () => {
  const { renderer, fences } = await startFences();
  fences.submit();

  renderer.host.contextLost(99);
  renderer.host.contextLost(0);

  assertEquals(fences.ids(), []);
});

Deno.test("A queue that the driver stops takes its chains with it, and other queues' fences have their turn", async () => {
  const machine = await startFences({ transport: "mmio" });
  const { renderer, fences, driver } = machine;
  const cursor = { pos: { scanoutId: 0, x: 1, y: 1 }, resourceId: 0, hotX: 0, hotY: 0 };
  fences.submit();
  fences.submit();
  const moved = fences.post(writeMoveCursor, { ...cursor, ...fences.fence() }, { queue: GpuQueue.Cursor });
  fences.kick(GpuQueue.Cursor);
  const before = fences.ids(GpuQueue.Cursor);

  stopQueue(machine, GpuQueue.Control);
  const after = fences.ids(GpuQueue.Cursor);
  driver.transport.enableQueue(GpuQueue.Control, fences.queue());
  renderer.doneAt(1);

  assertEquals([before, after, fences.ids()], [[], [moved.id], []]);
  assertEquals(needsReset(machine), false);
});

Deno.test("A queue that is stopped in the middle of a command sets DEVICE_NEEDS_RESET: it cannot be asked again", async () => {
  const machine = await startFences({ transport: "mmio" });
  const { renderer, fences } = machine;
  renderer.outcomes.push(LATER);
  fences.submit([1, 0]);

  stopQueue(machine, GpuQueue.Control);

  assertEquals(needsReset(machine), true);
});

Deno.test("A queue that is stopped in the middle of a command holds no fence of the other queue back", async () => {
  const machine = await startFences({ transport: "mmio" });
  const { renderer, fences } = machine;
  const cursor = { pos: { scanoutId: 0, x: 1, y: 1 }, resourceId: 0, hotX: 0, hotY: 0 };
  renderer.outcomes.push(LATER);
  fences.submit();
  const moved = fences.post(writeMoveCursor, { ...cursor, ...fences.fence() }, { queue: GpuQueue.Cursor });
  fences.kick(GpuQueue.Cursor);
  const before = fences.ids(GpuQueue.Cursor);

  stopQueue(machine, GpuQueue.Control);

  assertEquals([before, fences.ids(GpuQueue.Cursor)], [[], [moved.id]]);
});

Deno.test("A renderer that throws ends its command and no other", async () => {
  const { renderer, fences, deferred } = await startFences({ limits: { fencesInFlight: 1 } });
  renderer.onSubmit = () => {
    throw new Error("a renderer's fault");
  };

  assertThrows(() => fences.submit([1, 0]), Error, "a renderer's fault");
  renderer.onSubmit = undefined;
  const next = fences.submit([1, 0]); // there is a slot again
  renderer.done(slotsOf(renderer.work).at(-1)!);

  assertEquals(fences.ids(), [next.id]);
  assertEquals(deferred.length, 0);
});

Deno.test("A renderer that throws the second time it is asked ends its command too", async () => {
  const machine = await startFences();
  const { renderer, fences } = machine;
  renderer.outcomes.push(LATER);
  fences.submit([1, 0]);
  renderer.onSubmit = () => {
    throw new Error("a renderer's fault");
  };

  renderer.host.resume();
  assertThrows(() => runDeferred(machine), Error, "a renderer's fault");
  renderer.onSubmit = undefined;
  const next = fences.submit([1, 0]);
  renderer.done(slotsOf(renderer.work).at(-1)!);

  assertEquals(fences.ids(), [next.id]);
});

Deno.test("fenceDone before a throw is delivered all the same", async () => {
  const { renderer, fences } = await startFences();
  const first = fences.submit([1, 0]);
  renderer.onSubmit = () => {
    renderer.doneAt(0);
    throw new Error("a renderer's fault");
  };

  assertThrows(() => fences.submit([2, 0]), Error, "a renderer's fault");

  assertEquals(fences.ids(), [first.id]);
});

Deno.test("snapshot throws while fences are in flight, and says how many", async () => {
  const { renderer, fences, gpu } = await startFences();
  fences.submit([1, 0]);
  fences.submit([1, 1]);

  assertThrows(() => gpu.snapshot(), Error, "2 commands in flight");
  renderer.doneAt(0);
  assertThrows(() => gpu.snapshot(), Error, "1 command in flight");
});

for (const fencesInFlight of [0, -1, 65536, 1.5, NaN]) {
  Deno.test(`VirtioGpu with a renderer throws RangeError for ${fencesInFlight} fences in flight`, async () => {
    const { guest } = await startFences();

    const make = () => new VirtioGpu(guest, { renderer: new HandRenderer(), limits: { fencesInFlight } });

    assertThrows(make, RangeError, `must be 1 to 65535, got ${fencesInFlight}`);
  });
}

Deno.test("H26: a fence is answered where the guest's memory lies when it is done", async () => {
  const { renderer, fences, guest, memory, ram } = await startFences();
  const posted = fences.submit([1, 0]);
  const { guestAddress, sizeBytes, offset } = guest.regions[0]!;

  const moved = memory.grow(sizeBytes / 65536) * 65536;
  guest.bytes.copyWithin(moved, offset, offset + sizeBytes);
  guest.setRegions([{ guestAddress, sizeBytes, offset: moved }]);
  renderer.doneAt(0);

  const header = guest.words.slice((moved + posted.reply) / 4, (moved + posted.reply) / 4 + 6);
  assertEquals([...header], [0x1100, 3, posted.id, 0, 1, 0]);
  assertEquals([...ram.words(posted.reply, 6)], [0, 0, 0, 0, 0, 0]);
});

Deno.test("H21: what a guest makes of a parked chain's descriptors is checked anew", async () => {
  const outcomes = await Promise.all(
    [changeToLoop, changeToOutside, changeToShort, changeToNothing].map(async (change) => {
      const machine = await startFences();
      const { renderer, fences } = machine;
      const posted = fences.submit([1, 0]);
      fences.submit([1, 1]);
      change(machine, posted.head);
      renderer.doneAt(0);
      renderer.doneAt(1);
      const answered = fences.answers().map(({ id, usedLength }) => [id - posted.id, usedLength]);
      return [change.name, answered, needsReset(machine)];
    }),
  );

  assertEquals(outcomes, [
    ["changeToLoop", [], true],
    ["changeToOutside", [], true],
    ["changeToShort", [[0, 8], [1, 24]], false],
    ["changeToNothing", [[0, 0], [1, 24]], false],
  ]);
});

function changeToLoop({ fences, ram }: FenceMachine, head: number): void {
  const fields = ram.fields(fences.queue().descriptors + head * 16, 16);
  fields.setUint16(12, 1, true); // VIRTQ_DESC_F_NEXT
  fields.setUint16(14, head, true);
}

function changeToOutside({ fences, ram }: FenceMachine, head: number): void {
  ram.fields(fences.queue().descriptors + head * 16, 16).setUint32(4, 0xffff_ffff, true);
}

function changeToShort({ fences, ram }: FenceMachine, head: number): void {
  ram.fields(fences.queue().descriptors + (head + 1) * 16, 16).setUint32(8, 8, true);
}

function changeToNothing({ fences, ram }: FenceMachine, head: number): void {
  ram.fields(fences.queue().descriptors + head * 16, 16).setUint16(12, 0, true); // no next one
}

Deno.test("H21: an indirect table that a guest changes is read as it is when the fence is done", async () => {
  const { renderer, fences, ram } = await startFences();
  const posted = fences.submit([1, 0], { isIndirect: true });
  const table = ram.fields(fences.queue().descriptors + posted.head * 16, 16).getUint32(0, true);
  const elsewhere = ram.allocate(64);

  ram.fields(table + 16, 16).setUint32(0, elsewhere, true);
  renderer.doneAt(0);

  assertEquals(fences.ids(), [posted.id]);
  assertEquals([...ram.words(elsewhere, 3)], [0x1100, 3, posted.id]);
  assertEquals(ram.words(posted.reply, 1)[0], 0);
});

Deno.test("A head that a guest makes available twice is answered twice, each with its own reply", async () => {
  const { renderer, fences } = await startFences();
  const posted = fences.submit([1, 0]);
  fences.queue().push(posted.head);
  fences.kick();

  renderer.doneAt(1);
  const used = [fences.queue().pop(), fences.queue().pop(), fences.queue().pop()];

  assertEquals(used.map((chain) => chain?.head), [posted.head, posted.head, undefined]);
});

Deno.test("A fence without room for a reply is done all the same, with a used length of 0", async () => {
  const { renderer, fences } = await startFences();
  const posted = fences.post(
    writeSubmit3d,
    { ctxId: 1, ...fences.fence([1, 0]), size: 0 },
    { replyBytes: 0 },
  );
  fences.kick();
  const before = fences.ids();
  renderer.doneAt(0);

  assertEquals(before, []);
  assertEquals(fences.answers(), [{ id: posted.id, answer: "", usedLength: 0 }]);
});
