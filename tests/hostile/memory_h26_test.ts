/** H26: memory that grows, and a region table that changes, between commands and in the middle of them. */

import { assert, assertEquals } from "@std/assert";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import type { PixelSource } from "../../src/memory/pixel_source.ts";
import type { Rect } from "../../src/memory/rect.ts";
import { GpuQueue, writeGetDisplayInfo, writeGetEdid } from "../../src/protocol/wire.gen.ts";
import {
  answerTo,
  createBacked,
  createFilled,
  createResource,
  fill,
  flush,
  pixel,
  rect,
  setScanout,
  shownPixels,
  transfer,
} from "../device/requests.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { firstDifference } from "../support/fuzz/first_difference.ts";
import { copyOf, needsReset, recovers } from "./raw_chain.ts";

const RAM_BYTES = 8 * 1024 * 1024;
const RAM_OFFSET = 65536;
const whole = rect(0, 0, 8, 8);
const plain = (colour: number) => new Array(64).fill(pixel(colour));

/** A display that makes the memory grow each time it is shown something. */
class GrowingDisplay extends MemoryDisplay {
  memory: WebAssembly.Memory | undefined;

  override show(scanoutId: number, source: PixelSource, damage: Rect): void {
    this.memory?.grow(1);
    super.show(scanoutId, source, damage);
    this.memory?.grow(1);
  }
}

for (const isShared of [false, true]) {
  const kind = isShared ? "shared" : "unshared";

  Deno.test(`Commands go on when the memory has grown between them (${kind} memory)`, async () => {
    const machine = await startMachine({ ramBytes: RAM_BYTES, isShared });
    const { driver, memory } = machine;
    for (let colour = 1; colour <= 20; colour++) {
      memory.grow(1);
      createFilled(machine, colour, 8, 8, () => pixel(colour));
      memory.grow(1);
      assertEquals(shownPixels(machine, colour, 8, 8), plain(colour));
      memory.grow(1);
      assertEquals(answerTo(driver, writeGetEdid, { scanout: 0 }, { replyBytes: 1056 }), "OK_EDID");
    }
  });

  Deno.test(`A command goes on when the memory grows in its middle (${kind} memory)`, async () => {
    const display = new GrowingDisplay();
    const machine = await startMachine({ ramBytes: RAM_BYTES, isShared, display });
    display.memory = machine.memory;
    createFilled(machine, 1, 8, 8, () => pixel(0x010203));
    setScanout(machine.driver, 0, 1, whole);

    for (let times = 0; times < 20; times++) {
      assertEquals(flush(machine.driver, 1, whole), "OK_NODATA");
      assertEquals(answerTo(machine.driver, writeGetDisplayInfo, {}, { replyBytes: 408 }), "OK_DISPLAY_INFO");
    }

    assertEquals(new Set(new Uint32Array(display.picture(0)!.rgba.buffer)), new Set([pixel(0x010203)]));
  });

  Deno.test(`RESOURCE_CREATE_2D that makes the memory grow is answered, and so is what follows (${kind} memory)`, async () => {
    const machine = await startMachine({ ramBytes: RAM_BYTES, isShared });
    const bytesBefore = machine.memory.buffer.byteLength;

    for (let id = 1; id <= 8; id++) assertEquals(createResource(machine.driver, id, 1024, 1024), "OK_NODATA");

    assert(machine.memory.buffer.byteLength > bytesBefore);
    assertEquals(shownPixels(machine, 1, 8, 8), plain(0));
  });

  Deno.test(`A backing whose pages leave the region table is not read, and is read again when they are back (${kind} memory)`, async () => {
    const machine = await startMachine({ ramBytes: RAM_BYTES, isShared });
    const { driver, guest } = machine;
    const address = createFilled(machine, 1, 8, 8, () => pixel(0x0a0a0a));
    const [region] = guest.regions;
    fill(machine, address, 64, () => pixel(0x0b0b0b));

    guest.setRegions([{ ...region!, sizeBytes: address + 255 }]);
    const without = transfer(driver, 1, whole, 0);
    const shownWithout = shownPixels(machine, 1, 8, 8);
    guest.setRegions([region!]);

    assertEquals(without, "ERR_UNSPEC");
    assertEquals(shownWithout, plain(0x0a0a0a));
    assertEquals(transfer(driver, 1, whole, 0), "OK_NODATA");
    assertEquals(shownPixels(machine, 1, 8, 8), plain(0x0b0b0b));
  });

  Deno.test(`A backing follows its guest address to where the region table says it is now (${kind} memory)`, async () => {
    const machine = await startMachine({ ramBytes: RAM_BYTES, isShared });
    const { driver, guest, heap } = machine;
    const address = createFilled(machine, 1, 8, 8, () => pixel(0x0a0a0a));
    const page = heap.allocate(4096);
    guest.words.fill(pixel(0x0c0c0c), page / 4, page / 4 + 1024);

    // The page moves; the rest of RAM stays on either side of it.
    guest.setRegions([
      { guestAddress: 0, sizeBytes: address, offset: RAM_OFFSET },
      { guestAddress: address, sizeBytes: 100, offset: page },
      { guestAddress: address + 100, sizeBytes: 3996, offset: page + 100 },
      { guestAddress: address + 4096, sizeBytes: RAM_BYTES - address - 4096, offset: RAM_OFFSET + address + 4096 },
    ]);

    assertEquals(transfer(driver, 1, whole, 0), "OK_NODATA");
    assertEquals(shownPixels(machine, 1, 8, 8), plain(0x0c0c0c));
  });
}

/** What becomes of a queue that was in use and whose rings are no longer in RAM. */
async function startAndShrink(shrink: (machine: Machine) => void): Promise<Machine> {
  const machine = await startMachine({ ramBytes: RAM_BYTES });
  createResource(machine.driver, 1, 8, 8);
  shrink(machine);
  machine.driver.transport.kick(GpuQueue.Control);
  return machine;
}

Deno.test("Rings that leave the region table set DEVICE_NEEDS_RESET at the next kick", async () => {
  const machine = await startAndShrink(({ guest, driver }) =>
    guest.setRegions([{ ...guest.regions[0]!, sizeBytes: driver.queue(GpuQueue.Control).used + 8 }])
  );

  assert(needsReset(machine));
  machine.guest.setRegions([{ guestAddress: 0, sizeBytes: RAM_BYTES, offset: RAM_OFFSET }]);
  assert(recovers(machine));
});

Deno.test("An empty region table sets DEVICE_NEEDS_RESET at the next kick", async () => {
  const machine = await startAndShrink(({ guest }) => guest.setRegions([]));

  assert(needsReset(machine));
});

Deno.test("Rings that a new region table cuts in two set DEVICE_NEEDS_RESET, even if the parts adjoin", async () => {
  const machine = await startAndShrink(({ guest, driver }) => {
    const cut = driver.queue(GpuQueue.Control).used + 8;
    guest.setRegions([
      { guestAddress: 0, sizeBytes: cut, offset: RAM_OFFSET },
      { guestAddress: cut, sizeBytes: RAM_BYTES - cut, offset: RAM_OFFSET + cut },
    ]);
  });

  assert(needsReset(machine));
});

Deno.test("Rings that the region table has moved are found at their new place, and nothing is written at the old", async () => {
  const machine = await startMachine({ ramBytes: RAM_BYTES });
  const { guest, heap, driver, ram } = machine;
  createResource(driver, 1, 8, 8);
  const queue = driver.queue(GpuQueue.Control);
  queue.push(queue.writeChain([{ address: 0x1000, length: 24 }, { address: 0x2000, length: 24, isWritable: true }]));
  const moved = heap.allocate(RAM_BYTES);
  guest.bytes.copyWithin(moved, RAM_OFFSET, RAM_OFFSET + RAM_BYTES);
  const before = copyOf(ram, RAM_BYTES);
  guest.setRegions([{ guestAddress: 0, sizeBytes: RAM_BYTES, offset: moved }]);

  driver.transport.kick(GpuQueue.Control);

  assertEquals(new DataView(guest.bytes.buffer).getUint16(moved + queue.used + 2, true), 2);
  assertEquals(firstDifference(copyOf(ram, RAM_BYTES), before), -1);
});

Deno.test("RAM that shrinks while work is put off breaks the queue when it is taken up, and nothing else", async () => {
  const machine = await startMachine({ ramBytes: RAM_BYTES, limits: { workBytesPerNotify: 1 } });
  const { driver, guest, deferred, ram } = machine;
  const queue = driver.queue(GpuQueue.Control);
  const request = ram.allocate(32);
  for (let left = 3; left > 0; left--) queue.push(queue.writeChain([{ address: request, length: 24 }]));
  driver.transport.kick(GpuQueue.Control);
  const before = machine.gpu.counters.commands;

  guest.setRegions([]);
  for (const work of deferred.splice(0)) work();

  assertEquals(machine.gpu.counters.commands, before);
  assert(needsReset(machine));
});

Deno.test("A hundred changes of the region table leave a backing's host memory as it was", async () => {
  const machine = await startMachine({ ramBytes: RAM_BYTES });
  const { driver, guest, heap } = machine;
  const address = createBacked(machine, 1, 8, 8);
  const [region] = guest.regions;
  const cut = address + 128;
  const two = [{ ...region!, sizeBytes: cut }, {
    guestAddress: cut,
    sizeBytes: RAM_BYTES - cut,
    offset: RAM_OFFSET + cut,
  }];
  transfer(driver, 1, whole, 0);
  const usedBefore = heap.usedBytes;

  for (let times = 0; times < 100; times++) {
    guest.setRegions(two);
    assertEquals(transfer(driver, 1, whole, 0), "OK_NODATA");
    guest.setRegions([{ ...region!, sizeBytes: cut }]);
    assertEquals(transfer(driver, 1, whole, 0), "ERR_UNSPEC");
    guest.setRegions([region!]);
    assertEquals(transfer(driver, 1, whole, 0), "OK_NODATA");
  }

  assertEquals(heap.usedBytes, usedBefore);
});
