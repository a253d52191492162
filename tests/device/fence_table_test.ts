/** `FenceTable` does what a plain model of timelines does, whatever is done with it. */

import { assertEquals, assertThrows } from "@std/assert";
import { FenceTable } from "../../src/device/fence_table.ts";
import { Random } from "../support/fuzz/random.ts";
import { makeMachine } from "../support/machine.ts";

const SEED = 20_261_101;
const STEPS = 40_000;
const CAPACITY = 24;
const QUEUES = 2;
const CONTEXTS = [0, 1, 2, 0xffff_fff1];
const RINGS = [-1, 0, 1, 63];

interface ModelFence {
  slot: number;
  state: "begun" | "parked" | "orphaned";
  isDone: boolean;
  queue: number;
  head: number;
}

/** Timelines as lists of objects; those whose turn has come stand in their queue's list. */
class Model {
  readonly timelines = new Map<string, ModelFence[]>();
  readonly ready: { timeline: string; head: number }[][] = Array.from({ length: QUEUES }, () => []);

  get parkedCount(): number {
    const waiting = [...this.timelines.values()].flat().filter(({ state }) => state === "parked");
    return waiting.length + this.ready.flat().length;
  }

  get inFlight(): number {
    return [...this.timelines.values(), ...this.ready].reduce((sum, { length }) => sum + length, 0);
  }

  timelineOf(slot: number): ModelFence[] | undefined {
    return [...this.timelines.values()].find((fences) => fences.some((fence) => fence.slot === slot));
  }

  find(slot: number): ModelFence | undefined {
    return this.timelineOf(slot)?.find((fence) => fence.slot === slot);
  }

  begin(contextId: number, ringIndex: number, slot: number): void {
    const key = `${contextId} ${ringIndex}`;
    const fences = this.timelines.get(key) ?? [];
    this.timelines.set(key, fences);
    fences.push({ slot, state: "begun", isDone: false, queue: 0, head: 0 });
  }

  done(slot: number): void {
    const fences = this.timelineOf(slot) ?? [];
    for (const fence of fences.slice(0, fences.findIndex((fence) => fence.slot === slot) + 1)) fence.isDone = true;
    this.advance();
  }

  end(slot: number): boolean {
    const fences = this.timelineOf(slot);
    if (fences === undefined) return true;
    if (fences[0]!.slot !== slot || !fences[0]!.isDone) return false;
    fences.shift();
    this.advance();
    return true;
  }

  endContext(contextId: number): void {
    for (const [key, fences] of this.timelines) {
      const isOfContext = key.startsWith(`${contextId} `) && !key.endsWith(" -1");
      if (isOfContext) { for (const fence of fences) fence.isDone = true; }
    }
    this.advance();
  }

  dropQueue(queue: number): void {
    this.ready[queue] = [];
    for (const fences of this.timelines.values()) {
      for (const fence of fences) {
        if (fence.state === "parked" && fence.queue === queue) fence.state = "orphaned";
      }
    }
    this.advance();
  }

  advance(): void {
    for (const [timeline, fences] of this.timelines) {
      while (fences.length > 0) {
        const [{ state, isDone, queue, head }] = fences as [ModelFence];
        if (state === "begun" || (state === "parked" && !isDone)) break;
        if (state === "parked") this.ready[queue]!.push({ timeline, head });
        fences.shift();
      }
    }
  }
}

async function makeTable(): Promise<FenceTable> {
  const { guest } = await makeMachine({ ramBytes: 1024 * 1024 });
  return new FenceTable(guest, CAPACITY, QUEUES);
}

Deno.test(`FenceTable equals a plain model over ${STEPS} random steps (seed ${SEED})`, async () => {
  const table = await makeTable();
  const random = new Random(SEED);
  let model = new Model();
  let heads = 0;
  const slots: number[] = []; // some of them long over
  const anySlot = () => slots[slots.length - 1 - random.below(Math.min(slots.length, 40))] ?? 0;

  const step = () => {
    const slot = anySlot();
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const [contextId, ringIndex] = [random.pick(CONTEXTS), random.pick(RINGS)];
        const begun = table.begin(contextId, ringIndex);
        assertEquals(begun === 0, model.inFlight === CAPACITY);
        if (begun === 0) return;
        model.begin(contextId, ringIndex, begun);
        slots.push(begun);
        return;
      }
      case 4:
      case 5:
      case 6: {
        const fence = model.find(slot);
        if (fence !== undefined && fence.state !== "begun") return; // a command is parked once
        const [queue, head] = [random.below(QUEUES), heads++];
        table.park(slot, queue, head, 65536, 24);
        if (fence !== undefined) Object.assign(fence, { state: "parked", queue, head });
        model.advance();
        return;
      }
      case 7:
        table.done(slot);
        return model.done(slot);
      case 8: {
        const fence = model.find(slot);
        if (fence !== undefined && fence.state !== "begun") return; // it is asked of a command in progress alone
        if (fence !== undefined) fence.isDone = true;
        table.markDone(slot);
        assertEquals(table.end(slot), model.end(slot));
        return;
      }
      case 9: {
        const fence = model.find(slot);
        if (fence !== undefined && fence.state !== "begun") return;
        table.abandon(slot);
        if (fence !== undefined) fence.state = "orphaned";
        return model.advance();
      }
      case 10: {
        if (random.oneIn(4)) {
          const contextId = random.pick(CONTEXTS.slice(1));
          table.endContext(contextId);
          return model.endContext(contextId);
        }
        if (random.oneIn(20)) {
          table.clear();
          model = new Model();
        }
        return;
      }
      case 11: {
        if (!random.oneIn(10)) return;
        const queue = random.below(QUEUES);
        table.dropQueue(queue);
        return model.dropQueue(queue);
      }
    }
  };

  for (let count = 0; count < STEPS; count++) {
    step();
    assertEquals(table.isFull, model.inFlight === CAPACITY);
    assertEquals(table.parked.length, model.parkedCount);
    assertEquals(table.hasReady, model.ready.some(({ length }) => length > 0));
    if (random.oneIn(3)) deliver(table, model, random.below(QUEUES));
    const [contextId, ringIndex] = [random.pick(CONTEXTS), random.pick(RINGS)];
    const isIdle = (model.timelines.get(`${contextId} ${ringIndex}`) ?? []).length === 0;
    assertEquals(table.isIdle(contextId, ringIndex), isIdle);
  }
});

/** Takes what is ready of a queue from both: the same chains, in the same order within each timeline. */
function deliver(table: FenceTable, model: Model, queue: number): void {
  const timelineOf = new Map(model.ready[queue]!.map(({ timeline, head }) => [head, timeline]));
  const delivered: { timeline: string | undefined; head: number }[] = [];
  for (let ready = table.nextReady(queue); ready !== 0; ready = table.nextReady(queue)) {
    const head = table.headOf(ready);
    delivered.push({ timeline: timelineOf.get(head), head });
    table.releaseReady(queue);
  }
  const byTimeline = Object.groupBy(delivered, ({ timeline }) => `${timeline}`);
  assertEquals({ ...byTimeline }, { ...Object.groupBy(model.ready[queue]!, ({ timeline }) => timeline) });
  model.ready[queue] = [];
}

Deno.test("FenceTable never gives the same slot again within half a million fences of one place", async () => {
  const table = await makeTable();
  const seen = new Set<number>();

  for (let count = 0; count < 500_000; count++) {
    const slot = table.begin(1, 0);
    seen.add(slot);
    table.done(slot);
    table.end(slot);
  }

  assertEquals(seen.size, 500_000);
  assertEquals([...seen].every((slot) => slot > 0 && slot < 2 ** 30), true);
});

Deno.test("FenceTable keeps each reply apart", async () => {
  const { guest, heap } = await makeMachine({ ramBytes: 1024 * 1024 });
  const table = new FenceTable(guest, 3, 1);
  const reply = heap.allocate(64);
  const slots = [1, 2, 3].map((value) => {
    const slot = table.begin(value, 0);
    guest.bytes.fill(value, reply, reply + 64);
    table.park(slot, 0, value, reply, value === 2 ? 24 : 64);
    return slot;
  });

  for (const slot of slots) table.done(slot);

  const kept: number[][] = [];
  for (let ready = table.nextReady(0); ready !== 0; ready = table.nextReady(0)) {
    const bytes = guest.bytes.subarray(table.replyOf(ready), table.replyOf(ready) + table.replyBytesOf(ready));
    kept.push([table.headOf(ready), bytes.length, ...new Set(bytes)]);
    table.releaseReady(0);
  }
  assertEquals(kept, [[1, 64, 1], [2, 24, 2], [3, 64, 3]]);
});

Deno.test("FenceTable throws RangeError when the heap has no room for the replies", async () => {
  const { guest } = await makeMachine({ ramBytes: 1024 * 1024 });
  Object.defineProperty(guest.heap, "allocate", { value: () => 0 });

  assertThrows(() => new FenceTable(guest, 1024, 2), RangeError, "the heap has no room");
});
