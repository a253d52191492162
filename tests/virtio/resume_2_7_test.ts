/** A queue that begins where another device stopped. Virtio 1.4, 2.7. */

import { assertEquals } from "@std/assert";
import { PopResult, SplitQueue } from "../../src/virtio/split_queue.ts";
import { VIRTQ_AVAIL_IDX, VIRTQ_USED_IDX } from "../../src/virtio/virtio.gen.ts";
import { makeRing, pushChains, type RingFixture } from "./ring_fixture.ts";

/** Another device's side of the same rings. */
function anotherDevice({ guest, driver }: RingFixture, usedAddress = driver.used): SplitQueue {
  const { size, descriptors: descriptorAddress, available: availableAddress } = driver;
  const setup = { size, descriptorAddress, availableAddress, usedAddress, hasEventIdx: false, hasIndirectDesc: false };
  return new SplitQueue(guest, setup, () => {});
}

Deno.test("SplitQueue.resumeAt takes the next chain at the index and answers where the used ring says", async () => {
  const ring = await makeRing();
  pushChains(ring, 3);
  ring.device.pop();
  ring.device.complete(0, 0);
  const next = anotherDevice(ring);

  assertEquals(next.resumeAt(ring.device.nextAvailable), true);
  while (next.pop() === PopResult.Chain) next.complete(0, 0);

  assertEquals(next.nextAvailable, 3);
  assertEquals([0, 1, 2].map(() => ring.driver.pop()?.head), [0, 1, 2]);
});

Deno.test("SplitQueue.resumeAt begins at any index, up to 65535", async () => {
  const ring = await makeRing();
  ring.ram.fields(ring.driver.used, 4).setUint16(VIRTQ_USED_IDX, 65535, true);
  ring.ram.fields(ring.driver.available, 4).setUint16(VIRTQ_AVAIL_IDX, 65535, true);
  const next = anotherDevice(ring);

  assertEquals(next.resumeAt(65535), true);

  assertEquals([next.pop(), next.nextAvailable], [PopResult.Empty, 65535]);
});

Deno.test("SplitQueue.resumeAt is false when a ring is not in guest memory or misaligned", async () => {
  const ring = await makeRing();

  for (const usedAddress of [2 ** 40, 2 ** 53, ring.driver.used + 2]) {
    assertEquals(anotherDevice(ring, usedAddress).resumeAt(0), false);
  }
});

Deno.test("SplitQueue.resumeAt is false when the heap has no room for the queue", async () => {
  const ring = await makeRing();
  const blocks = [];
  for (let block = ring.heap.allocate(16384); block !== 0; block = ring.heap.allocate(16384)) blocks.push(block);

  assertEquals(anotherDevice(ring).resumeAt(0), false);
});
