/** When a driver is interrupted, and when a device wants a kick. Virtio 1.4, 2.7.7 and 2.7.10. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { PopResult } from "../../src/virtio/split_queue.ts";
import { VIRTQ_AVAIL_F_NO_INTERRUPT, VIRTQ_AVAIL_FLAGS } from "../../src/virtio/virtio.gen.ts";
import {
  availEvent,
  completeAll,
  makeRing,
  passChains,
  pushChains,
  type RingFixture,
  usedEvent,
} from "./ring_fixture.ts";

/** Completes `count` chains, asks for an interrupt once, and returns how many there were. */
function interruptsFor(ring: RingFixture, count: number): number {
  const before = ring.interrupts;
  pushChains(ring, count);
  completeAll(ring);
  ring.device.signal();
  return ring.interrupts - before;
}

/** The rule of Virtio 1.4, 2.7.10: whether `event` is among the indices from `before` to `after`, less one. */
function isPassed(event: number, before: number, after: number): boolean {
  for (let index = before; index !== after; index = (index + 1) & 0xffff) {
    if (index === event) return true;
  }
  return false;
}

// The used index before, the driver's used_event, how many chains are completed at once.
const cases: [before: number, event: number, count: number, interrupts: number][] = [
  [0, 0, 1, 1],
  [0, 0, 8, 1],
  [0, 7, 8, 1],
  [0, 8, 8, 0],
  [0, 1, 1, 0],
  [0, 0xffff, 8, 0],
  [5, 4, 3, 0],
  [5, 5, 3, 1],
  [5, 7, 3, 1],
  [5, 8, 3, 0],
  [65533, 65532, 8, 0],
  [65533, 65535, 2, 0],
  [65533, 65535, 3, 1],
  [65533, 0, 3, 0],
  [65533, 0, 4, 1],
  [65533, 4, 8, 1],
  [65533, 5, 8, 0],
];

for (const [before, event, count, interrupts] of cases) {
  Deno.test(`With EVENT_IDX, used_event ${event} gives ${interrupts} interrupts for ${count} from ${before} on`, async () => {
    const ring = await makeRing();
    passChains(ring, before);
    ring.device.signal();
    usedEvent(ring).setUint16(0, event, true);

    assertEquals(interruptsFor(ring, count), interrupts);
  });
}

Deno.test("With EVENT_IDX, any series of completions interrupts exactly when used_event is passed", async () => {
  const steps = fc.array(fc.record({ count: fc.integer({ min: 0, max: 8 }), ahead: fc.integer({ min: -9, max: 9 }) }));
  const rings = [await makeRing(), await makeRing()];
  passChains(rings[1]!, 65500);
  rings[1]!.device.signal();

  let used = [0, 65500];
  fc.assert(fc.property(steps, (series) => {
    for (const { count, ahead } of series) {
      rings.forEach((ring, index) => {
        const before = used[index]!;
        const event = (before + ahead) & 0xffff;
        usedEvent(ring).setUint16(0, event, true);
        const expected = isPassed(event, before, (before + count) & 0xffff);
        assertEquals(interruptsFor(ring, count), expected ? 1 : 0);
        while (ring.driver.pop() !== undefined);
      });
      used = used.map((before) => (before + count) & 0xffff);
    }
  }));
});

Deno.test("With EVENT_IDX, NO_INTERRUPT in the available ring's flags does not count", async () => {
  const ring = await makeRing();
  ring.ram.fields(ring.driver.available, 4).setUint16(VIRTQ_AVAIL_FLAGS, VIRTQ_AVAIL_F_NO_INTERRUPT, true);

  assertEquals(interruptsFor(ring, 1), 1);
});

Deno.test("Without EVENT_IDX, each batch of completions interrupts once, whatever is behind the ring", async () => {
  const ring = await makeRing({ hasEventIdx: false });
  usedEvent(ring).setUint16(0, 1000, true);

  assertEquals([interruptsFor(ring, 1), interruptsFor(ring, 5), interruptsFor(ring, 2)], [1, 1, 1]);
});

Deno.test("Without EVENT_IDX, NO_INTERRUPT keeps interrupts away as long as it is set", async () => {
  const ring = await makeRing({ hasEventIdx: false });
  const flags = ring.ram.fields(ring.driver.available, 4);

  flags.setUint16(VIRTQ_AVAIL_FLAGS, VIRTQ_AVAIL_F_NO_INTERRUPT, true);
  const suppressed = interruptsFor(ring, 3);
  flags.setUint16(VIRTQ_AVAIL_FLAGS, 0, true);
  const wanted = interruptsFor(ring, 1);

  assertEquals([suppressed, wanted], [0, 1]);
});

for (const hasEventIdx of [true, false]) {
  Deno.test(`Nothing completed interrupts nobody, EVENT_IDX ${hasEventIdx}`, async () => {
    const ring = await makeRing({ hasEventIdx });
    const first = interruptsFor(ring, 1);

    assertEquals([first, interruptsFor(ring, 0), interruptsFor(ring, 0)], [1, 0, 0]);
  });
}

Deno.test("With EVENT_IDX, an empty queue asks for a kick for the next chain, over the wrap of the index too", async () => {
  const ring = await makeRing();
  const wanted: number[] = [];

  for (const count of [3, 5, 65527, 1, 1]) {
    passChains(ring, count);
    wanted.push(availEvent(ring).getUint16(0, true));
  }

  assertEquals(wanted, [3, 8, 65535, 0, 1]);
});

Deno.test("With EVENT_IDX, a queue that is not empty yet asks for no kick", async () => {
  const ring = await makeRing();
  completeAll(ring);
  pushChains(ring, 3);

  ring.device.pop();

  assertEquals(availEvent(ring).getUint16(0, true), 0);
});

Deno.test("Without EVENT_IDX, the place of avail_event is left alone", async () => {
  const ring = await makeRing({ hasEventIdx: false });
  availEvent(ring).setUint16(0, 0xabcd, true);

  passChains(ring, 10);

  assertEquals(ring.device.pop(), PopResult.Empty);
  assertEquals(availEvent(ring).getUint16(0, true), 0xabcd);
});
