import { assertEquals } from "@std/assert";
import fc from "fast-check";
import * as layout from "../../src/wasm/layout.gen.ts";
import { type QueueBlock, type Segment, writeQueue, writeSegments } from "../support/reference/blocks.ts";
import { scatterReference } from "../support/reference/copy.ts";
import { segmentLists } from "./arbitraries.ts";
import { fillPattern, imageOf, kernelFixtures } from "./fixture.ts";

const queueBlock = 0x100;
const response = 0x200;
const chainBlock = 0x1000;
const available = 0x1_0000;
const used = 0x1_1000;
const pages = 0x1_2000;
const pagesEnd = 0x1_8000;

const queue: QueueBlock = {
  descriptorOffset: 0,
  availableOffset: available,
  usedOffset: used,
  size: 8,
  nextAvailable: 0,
  nextUsed: 0,
  flags: 0,
  regions: 0,
  signalledUsed: 0,
};

function writeChain(view: DataView, head: number, writable: Segment[]): void {
  const total = writable.reduce((sum, segment) => sum + segment.length, 0);
  view.setUint32(chainBlock + layout.CHAIN_HEAD, head, true);
  view.setUint32(chainBlock + layout.CHAIN_WRITABLE_BYTES, total, true);
  view.setUint32(chainBlock + layout.CHAIN_WRITABLE_SEGMENTS, writable.length, true);
  writeSegments(view, chainBlock + layout.CHAIN_WRITABLE_LIST, writable);
}

for (const { name, kernels, bytes, view } of await kernelFixtures(2)) {
  Deno.test(`queueComplete writes the response, the used element and its index, and nothing else (${name})`, () => {
    const cases = fc.record({
      writable: fc.oneof(
        fc.constant<Segment[]>([]),
        segmentLists(pages, pagesEnd, 5),
        segmentLists(pages, pagesEnd, 40),
      ),
      head: fc.nat(7),
      nextUsed: fc.nat(0xffff),
      responseBytes: fc.oneof(fc.nat(100), fc.nat(2000)),
    });
    fc.assert(fc.property(cases, ({ writable, head, nextUsed, responseBytes }) => {
      fillPattern(bytes);
      writeQueue(view, queueBlock, { ...queue, nextUsed });
      writeChain(view, head, writable);
      const expected = imageOf(bytes);
      const expectedView = new DataView(expected.buffer);
      const room = writable.reduce((sum, segment) => sum + segment.length, 0);
      const length = Math.min(responseBytes, room);
      const copy = {
        start: 0,
        strideBytes: 0,
        contiguous: response,
        contiguousStrideBytes: 0,
        rowBytes: length,
        rows: 1,
      };
      scatterReference(expected, writable, copy);
      expectedView.setUint32(used + 4 + (nextUsed % 8) * 8, head, true);
      expectedView.setUint32(used + 8 + (nextUsed % 8) * 8, length, true);
      expectedView.setUint16(used + 2, (nextUsed + 1) & 0xffff, true);
      writeQueue(expectedView, queueBlock, { ...queue, nextUsed: (nextUsed + 1) & 0xffff });

      assertEquals(kernels.queueComplete(queueBlock, chainBlock, response, responseBytes), length);
      assertEquals(imageOf(bytes), expected);
    }));
  });

  Deno.test(`queueShouldSignal follows avail.flags without EVENT_IDX. Virtio 1.4, 2.7.7 (${name})`, () => {
    const table = [
      { availFlags: 0, nextUsed: 5, signalledUsed: 5, expected: 0 },
      { availFlags: 0, nextUsed: 6, signalledUsed: 5, expected: 1 },
      { availFlags: 1, nextUsed: 6, signalledUsed: 5, expected: 0 },
      { availFlags: 2, nextUsed: 0, signalledUsed: 0xffff, expected: 1 },
    ];
    for (const { availFlags, nextUsed, signalledUsed, expected } of table) {
      writeQueue(view, queueBlock, { ...queue, nextUsed, signalledUsed });
      view.setUint16(available, availFlags, true);
      assertEquals(kernels.queueShouldSignal(queueBlock), expected);
      assertEquals(kernels.queueShouldSignal(queueBlock), 0, "asked again with nothing new");
    }
  });

  Deno.test(`queueShouldSignal with EVENT_IDX says 1 once used_event is passed. Virtio 1.4, 2.7.7 (${name})`, () => {
    const cases = fc.record({
      signalledUsed: fc.nat(0xffff),
      completed: fc.nat(8),
      distance: fc.integer({ min: -10, max: 10 }),
    });
    fc.assert(fc.property(cases, ({ signalledUsed, completed, distance }) => {
      const nextUsed = (signalledUsed + completed) & 0xffff;
      const usedEvent = (signalledUsed + distance) & 0xffff;
      writeQueue(view, queueBlock, { ...queue, nextUsed, signalledUsed, flags: layout.QUEUE_FLAG_EVENT_IDX });
      view.setUint16(available + 4 + 8 * 2, usedEvent, true);

      const passed = distance >= 0 && distance < completed;
      assertEquals(kernels.queueShouldSignal(queueBlock), passed ? 1 : 0);
      assertEquals(view.getUint32(queueBlock + layout.QUEUE_SIGNALLED_USED, true), nextUsed);
    }));
  });
}
