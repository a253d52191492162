/** The device's side of a split virtqueue. Virtio 1.4, 2.7. */

import { assertEquals } from "@std/assert";
import { PopResult } from "../../src/virtio/split_queue.ts";
import { VIRTQ_USED_FLAGS } from "../../src/virtio/virtio.gen.ts";
import * as layout from "../../src/wasm/layout.gen.ts";
import { completeAll, makeRing, passChains, pushChains, RAM_BYTES, RAM_OFFSET } from "./ring_fixture.ts";

for (const size of [1, 2, 8, 256]) {
  Deno.test(`SplitQueue of ${size} descriptors passes 70000 chains, each back to the driver with its head`, async () => {
    const ring = await makeRing({ size });

    let wrong = 0;
    for (let count = 0; count < 70000; count++) {
      const head = ring.driver.writeChain([{ address: 4096, length: 1 }]);
      ring.driver.push(head);
      ring.device.pop();
      ring.device.complete(0, 0);
      wrong += ring.driver.pop()?.head === head ? 0 : 1;
    }

    assertEquals(wrong, 0);
    assertEquals(ring.driver.pop(), undefined);
  });
}

Deno.test("SplitQueue passes full queues again and again, in the order in which they were made available", async () => {
  const ring = await makeRing({ size: 8 });

  const rounds = Array.from({ length: 9000 }, () => {
    const heads = Array.from({ length: 8 }, () => ring.driver.writeChain([{ address: 4096, length: 1 }]));
    for (const head of heads) ring.driver.push(head);
    const taken = completeAll(ring);
    const used = heads.map(() => ring.driver.pop()!.head);
    return taken === 8 && used.every((head, index) => head === heads[index]);
  });

  assertEquals(rounds.every((isRight) => isRight), true);
});

Deno.test("SplitQueue uses chains in the order of the available ring, whatever their heads are", async () => {
  const { driver, device } = await makeRing();
  const heads = Array.from({ length: 5 }, () => driver.writeChain([{ address: 4096, length: 1 }]));

  for (const head of heads.toReversed()) driver.push(head);
  for (const _ of heads) {
    device.pop();
    device.complete(0, 0);
  }

  assertEquals(heads.map(() => driver.pop()!.head), heads.toReversed());
});

Deno.test("SplitQueue.pop finds an empty queue empty, and a chain as soon as there is one", async () => {
  const ring = await makeRing();

  assertEquals(ring.device.pop(), PopResult.Empty);
  pushChains(ring, 1);
  assertEquals(ring.device.pop(), PopResult.Chain);
  assertEquals(ring.device.pop(), PopResult.Empty);
});

Deno.test("SplitQueue.complete writes as much as there is room for, and says how much", async () => {
  const { driver, device, guest, heap, ram } = await makeRing();
  const response = heap.allocate(32);
  guest.bytes.fill(0x5a, response, response + 32);
  const reply = ram.allocate(64);
  const chain = [{ address: reply, length: 7, isWritable: true }, { address: reply + 32, length: 5, isWritable: true }];

  driver.push(driver.writeChain(chain));
  device.pop();
  device.complete(response, 20);

  assertEquals(driver.pop()!.length, 12);
  const expected = new Uint8Array(64).fill(0x5a, 0, 7).fill(0x5a, 32, 37);
  assertEquals(ram.bytes(reply, 64), expected);
});

Deno.test("SplitQueue.complete with a shorter response leaves the rest of the buffer alone", async () => {
  const { driver, device, guest, heap, ram } = await makeRing();
  const response = heap.allocate(32);
  guest.bytes.fill(0x5a, response, response + 32);
  const reply = ram.allocate(32);
  ram.bytes(reply, 32).fill(0xaa);

  driver.push(driver.writeChain([{ address: reply, length: 32, isWritable: true }]));
  device.pop();
  device.complete(response, 24);

  assertEquals(driver.pop()!.length, 24);
  assertEquals(ram.bytes(reply, 32), new Uint8Array(32).fill(0x5a, 0, 24).fill(0xaa, 24));
});

Deno.test("SplitQueue never touches the used ring's flags or the available ring", async () => {
  const ring = await makeRing();
  const before = ring.ram.bytes(ring.driver.available, 4 + 8 * 2).slice();

  passChains(ring, 3);

  const after = ring.ram.bytes(ring.driver.available, 4 + 8 * 2).slice();
  before.set(after.subarray(2, 10), 2); // what the driver itself wrote: the index, three heads
  assertEquals(after, before);
  assertEquals(ring.ram.fields(ring.driver.used, 4).getUint16(VIRTQ_USED_FLAGS, true), 0);
});

Deno.test("Chain.read copies readable bytes over descriptor borders, and refuses what the chain has not", async () => {
  const { driver, device, guest, heap, ram } = await makeRing();
  const request = ram.allocate(64);
  ram.bytes(request, 64).set(Array.from({ length: 64 }, (_, index) => index));
  const target = heap.allocate(16);
  driver.push(driver.writeChain([{ address: request, length: 5 }, { address: request + 20, length: 7 }]));
  device.pop();
  const { chain } = device;

  const answers = [
    chain.read(3, 6, target),
    chain.read(3, 10, target),
    chain.read(12, 1, target),
    chain.read(12, 0, target),
  ];

  assertEquals(answers, [true, false, false, true]);
  assertEquals(chain.readableBytes, 12);
  assertEquals(chain.writableBytes, 0);
  assertEquals([...guest.bytes.subarray(target, target + 8)], [3, 4, 20, 21, 22, 23, 0, 0]);
});

Deno.test("Chain.command holds the first readable bytes and zeroes behind them, of this chain alone", async () => {
  const { driver, device, guest, ram } = await makeRing();
  const request = ram.allocate(256);
  ram.bytes(request, 256).fill(0xee);
  const command = () => guest.bytes.slice(device.chain.command, device.chain.command + 128);

  driver.push(driver.writeChain([{ address: request, length: 256 }]));
  device.pop();
  const long = command();
  device.complete(0, 0);
  driver.push(driver.writeChain([{ address: request, length: 3 }]));
  device.pop();

  assertEquals(long, new Uint8Array(128).fill(0xee));
  assertEquals(command(), new Uint8Array(128).fill(0xee, 0, 3));
});

const misplaced: [name: string, shift: [number, number, number]][] = [
  ["whose descriptor table is not aligned to 16", [8, 0, 0]],
  ["whose available ring is not aligned to 2", [0, 1, 0]],
  ["whose used ring is not aligned to 4", [0, 0, 2]],
  ["whose descriptor table is outside of guest memory", [RAM_BYTES, 0, 0]],
  ["whose available ring is outside of guest memory", [0, RAM_BYTES, 0]],
  ["whose used ring is outside of guest memory", [0, 0, RAM_BYTES]],
  ["whose used ring is beyond 2^53", [0, 0, 2 ** 53]],
];

for (const [name, shift] of misplaced) {
  Deno.test(`SplitQueue.pop finds a queue malformed ${name}, and writes nothing`, async () => {
    const ring = await makeRing({ shift });
    pushChains(ring, 1);
    const before = ring.ram.bytes(0, RAM_BYTES).slice();

    assertEquals(ring.device.pop(), PopResult.Malformed);
    assertEquals(ring.device.errorCode, layout.ERROR_ADDRESS);
    assertEquals(ring.ram.bytes(0, RAM_BYTES), before);
  });
}

const AVAILABLE_BYTES = 4 + 8 * 2 + 2; // flags and index, eight elements, used_event

for (const [beyond, found] of [[0, PopResult.Empty], [2, PopResult.Malformed]] as const) {
  Deno.test(`SplitQueue.pop gives ${found} for an available ring that ends ${beyond} bytes after guest memory`, async () => {
    const { driver } = await makeRing();
    const shift = RAM_BYTES - AVAILABLE_BYTES + beyond - driver.available;

    const { device } = await makeRing({ shift: [0, shift, 0] });

    assertEquals(device.pop(), found);
  });
}

Deno.test("A malformed queue stands still: what is put right afterwards is not looked at", async () => {
  const { driver, device } = await makeRing();
  driver.push(driver.writeChain([{ address: 4096, length: 0 }]));
  const first = device.pop();

  driver.writeDescriptor(driver.descriptors, 0, { address: 4096, length: 4 }, undefined);

  assertEquals([first, device.pop()], [PopResult.Malformed, PopResult.Malformed]);
  assertEquals(device.errorCode, layout.ERROR_ZERO_LENGTH);
});

Deno.test("SplitQueue finds its rings again after guest memory has moved", async () => {
  const ring = await makeRing();
  const { guest, heap, driver, device } = ring;
  passChains(ring, 3);
  const elsewhere = heap.allocate(RAM_BYTES);
  guest.bytes.copyWithin(elsewhere, RAM_OFFSET, RAM_OFFSET + RAM_BYTES);
  guest.bytes.fill(0xff, RAM_OFFSET, RAM_OFFSET + RAM_BYTES);

  guest.setRegions([{ guestAddress: 0, sizeBytes: RAM_BYTES, offset: elsewhere }]);
  const view = new DataView(guest.bytes.buffer, elsewhere, RAM_BYTES);
  view.setUint16(driver.available + 4 + 3 * 2, 3, true); // the fourth chain, written where the RAM is now
  view.setBigUint64(driver.descriptors + 3 * 16, 4096n, true);
  view.setUint32(driver.descriptors + 3 * 16 + 8, 1, true);
  view.setUint16(driver.available + 2, 4, true);

  assertEquals(device.pop(), PopResult.Chain);
  device.complete(0, 0);
  assertEquals(view.getUint16(driver.used + 2, true), 4);
});

Deno.test("SplitQueue finds a queue malformed when its rings are gone from guest memory", async () => {
  const ring = await makeRing();
  passChains(ring, 1);

  ring.guest.setRegions([{ guestAddress: 2 ** 32, sizeBytes: RAM_BYTES, offset: RAM_OFFSET }]);

  assertEquals(ring.device.pop(), PopResult.Malformed);
});

Deno.test("SplitQueue finds a queue malformed whose ring is split over two regions", async () => {
  const ring = await makeRing();
  const middle = ring.driver.descriptors + 16;

  ring.guest.setRegions([
    { guestAddress: 0, sizeBytes: middle, offset: RAM_OFFSET },
    { guestAddress: middle, sizeBytes: RAM_BYTES - middle, offset: RAM_OFFSET + middle },
  ]);

  assertEquals(ring.device.pop(), PopResult.Malformed);
});

Deno.test("SplitQueue.release gives its memory back", async () => {
  const ring = await makeRing();
  const used = ring.heap.usedBytes;

  ring.device.release();

  assertEquals(used - ring.heap.usedBytes >= layout.CHAIN_BYTES + layout.QUEUE_BYTES, true);
  assertEquals(ring.device.pop(), PopResult.Malformed);
});

Deno.test("SplitQueue without INDIRECT_DESC finds an indirect descriptor malformed", async () => {
  const { driver, device } = await makeRing({ hasIndirectDesc: false });
  driver.push(driver.writeIndirectChain([{ address: 4096, length: 8 }]));

  assertEquals(device.pop(), PopResult.Malformed);
  assertEquals(device.errorCode, layout.ERROR_INDIRECT_NOT_NEGOTIATED);
});

for (const count of [1, 8, 9, 1024]) {
  Deno.test(`SplitQueue of 8 descriptors takes an indirect table of ${count} entries`, async () => {
    const { driver, device } = await makeRing();
    const chain = Array.from({ length: count }, (_, index) => ({ address: 4096 + index * 16, length: 8 }));
    driver.push(driver.writeIndirectChain(chain));

    assertEquals(device.pop(), PopResult.Chain);
    assertEquals(device.chain.readableBytes, count * 8);
  });
}

Deno.test("SplitQueue finds an indirect table of 1025 entries malformed", async () => {
  const { driver, device } = await makeRing();
  const chain = Array.from({ length: 1025 }, () => ({ address: 4096, length: 8 }));
  driver.push(driver.writeIndirectChain(chain));

  assertEquals(device.pop(), PopResult.Malformed);
  assertEquals(device.errorCode, layout.ERROR_INDIRECT_SIZE);
});
