/** Chains that a device completes later than it took others, by their heads. Virtio 1.4, 2.7. */

import { assertEquals } from "@std/assert";
import { PopResult, SplitQueue } from "../../src/virtio/split_queue.ts";
import * as layout from "../../src/wasm/layout.gen.ts";
import { makeRing, passChains, RAM_BYTES, RAM_OFFSET, type RingFixture } from "./ring_fixture.ts";

/** Where the replies of the device lie, eight bytes of one value each. */
function replyOf({ guest, heap }: RingFixture, value: number): number {
  const address = heap.allocate(8);
  guest.bytes.fill(value, address, address + 8);
  return address;
}

/** Makes a chain of a readable and a writable buffer available, and lets the device take it. */
function take({ driver, device, ram }: RingFixture, isIndirect = false) {
  const reply = ram.allocate(16);
  const chain = [{ address: 4096, length: 1 }, { address: reply, length: 8, isWritable: true }];
  const head = isIndirect ? driver.writeIndirectChain(chain) : driver.writeChain(chain);
  driver.push(head);
  assertEquals(device.pop(), PopResult.Chain);
  assertEquals(device.chain.head, head);
  return { head, reply };
}

for (const isIndirect of [false, true]) {
  Deno.test(`completeParked answers ${isIndirect ? "indirect" : "direct"} chains in any order, each with its reply`, async () => {
    const ring = await makeRing();
    const taken = [0, 1, 2].map(() => take(ring, isIndirect));
    const replies = [0x11, 0x22, 0x33].map((value) => replyOf(ring, value));

    for (const index of [2, 0, 1]) ring.device.completeParked(taken[index]!.head, replies[index]!, 8);

    const used = [0, 1, 2].map(() => ring.driver.pop());
    assertEquals(used, [2, 0, 1].map((index) => ({ head: taken[index]!.head, length: 8 })));
    assertEquals(taken.map(({ reply }) => ring.ram.bytes(reply, 9)[7]), [0x11, 0x22, 0x33]);
  });
}

Deno.test("completeParked leaves the chain that is in progress as it is", async () => {
  const ring = await makeRing();
  const parked = take(ring);
  const current = take(ring);
  const { chain } = ring.device;
  const before = ring.guest.bytes.slice(chain.address, chain.address + layout.CHAIN_BYTES);

  ring.device.completeParked(parked.head, replyOf(ring, 0x11), 8);
  const after = ring.guest.bytes.slice(chain.address, chain.address + layout.CHAIN_BYTES);
  ring.device.complete(replyOf(ring, 0x22), 8);

  assertEquals(after, before);
  assertEquals([ring.driver.pop()?.head, ring.driver.pop()?.head], [parked.head, current.head]);
  assertEquals([ring.ram.bytes(parked.reply, 1)[0], ring.ram.bytes(current.reply, 1)[0]], [0x11, 0x22]);
});

Deno.test("completeParked writes no more than there is room for", async () => {
  const ring = await makeRing();
  const { head, reply } = take(ring);
  ring.ram.fields(ring.driver.descriptors + (head + 1) * 16, 16).setUint32(8, 3, true);

  ring.device.completeParked(head, replyOf(ring, 0x11), 8);

  assertEquals(ring.driver.pop(), { head, length: 3 });
  assertEquals([...ring.ram.bytes(reply, 4)], [0x11, 0x11, 0x11, 0]);
});

const faults: [name: string, errorCode: number, spoil: (ring: RingFixture, head: number) => number][] = [
  ["a head outside the table", layout.ERROR_HEAD_RANGE, (ring) => ring.driver.size],
  ["a loop", layout.ERROR_CHAIN_TOO_LONG, ({ ram, driver }, head) => {
    ram.fields(driver.descriptors + head * 16, 16).setUint16(14, head, true);
    return head;
  }],
  ["a next that is outside the table", layout.ERROR_NEXT_RANGE, ({ ram, driver }, head) => {
    ram.fields(driver.descriptors + head * 16, 16).setUint16(14, driver.size, true);
    return head;
  }],
  ["a buffer outside guest memory", layout.ERROR_ADDRESS, ({ ram, driver }, head) => {
    ram.fields(driver.descriptors + head * 16, 16).setUint32(4, 1, true);
    return head;
  }],
];

for (const [name, errorCode, spoil] of faults) {
  Deno.test(`completeParked of a chain that has become ${name} stops the queue and answers nothing`, async () => {
    const ring = await makeRing();
    const { head } = take(ring);
    const other = take(ring);

    const isCompleted = ring.device.completeParked(spoil(ring, head), 0, 0);
    const isOtherCompleted = ring.device.completeParked(other.head, 0, 0);

    assertEquals([isCompleted, isOtherCompleted], [false, false]);
    assertEquals(ring.device.errorCode, errorCode);
    assertEquals(ring.device.pop(), PopResult.Malformed);
    assertEquals(ring.driver.pop(), undefined);
  });
}

Deno.test("completeParked finds rings and buffers where the memory lies now", async () => {
  const ring = await makeRing();
  const { guest } = ring;
  const { head, reply } = take(ring);
  const moved = ring.heap.allocate(RAM_BYTES);
  guest.bytes.copyWithin(moved, RAM_OFFSET, RAM_OFFSET + RAM_BYTES);
  guest.setRegions([{ guestAddress: 0, sizeBytes: RAM_BYTES, offset: moved }]);

  const isCompleted = ring.device.completeParked(head, replyOf(ring, 0x11), 8);

  const usedIndex = guest.bytes[moved + ring.driver.used + 2];
  assertEquals([isCompleted, usedIndex, guest.bytes[moved + reply]], [true, 1, 0x11]);
});

Deno.test("completeParked does nothing for a ring that is in no region any more, or was released", async () => {
  const ring = await makeRing();
  const { head } = take(ring);
  ring.guest.setRegions([]);
  const withoutMemory = ring.device.completeParked(head, 0, 0);
  ring.device.release();

  assertEquals([withoutMemory, ring.device.completeParked(head, 0, 0)], [false, false]);
  assertEquals(ring.device.isReleased, true);
});

Deno.test("A queue that is made anew where another was completes the other's chains", async () => {
  const ring = await makeRing();
  passChains(ring, 3);
  const { head } = take(ring);
  const { nextAvailable } = ring.device;
  ring.device.release();

  const again = remake(ring);
  again.resumeAt(nextAvailable);

  assertEquals(again.completeParked(head, 0, 0), true);
  assertEquals(ring.driver.pop()?.head, head);
});

function remake({ guest, driver }: RingFixture): SplitQueue {
  const { size, descriptors: descriptorAddress, available: availableAddress, used: usedAddress } = driver;
  const addresses = { descriptorAddress, availableAddress, usedAddress };
  return new SplitQueue(guest, { size, ...addresses, hasEventIdx: true, hasIndirectDesc: true }, () => {});
}

Deno.test("signal after completeParked interrupts as EVENT_IDX asks, once for all that were completed", async () => {
  const ring = await makeRing();
  const heads = [0, 1, 2].map(() => take(ring).head);
  ring.driver.requestInterrupt(1); // after the second

  ring.device.completeParked(heads[2]!, 0, 0);
  ring.device.signal();
  const afterFirst = ring.interrupts;
  ring.device.completeParked(heads[0]!, 0, 0);
  ring.device.completeParked(heads[1]!, 0, 0);
  ring.device.signal();
  ring.device.signal();

  assertEquals([afterFirst, ring.interrupts], [0, 1]);
});

Deno.test("A host hears what completeParked writes", async () => {
  const ring = await makeRing();
  const { head, reply } = take(ring);
  const written: number[][] = [];
  ring.guest.onWrite = (offset, bytes) => written.push([offset, bytes]);

  ring.device.completeParked(head, replyOf(ring, 0x11), 8);

  assertEquals(written, [[RAM_OFFSET + reply, 8]]);
});
