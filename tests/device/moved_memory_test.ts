/** Guest memory that moves, vanishes, is split or grows while the device holds pages of it. */

import { assertEquals } from "@std/assert";
import { GpuQueue } from "../../src/protocol/wire.gen.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { attach, createFilled, createResource, detach, pixel, rect, shownPixels, transfer, unref } from "./requests.ts";

const EXTRA = 2 ** 32; // guest address of RAM besides that with the rings
const EXTRA_BYTES = 4096;
const whole = rect(0, 0, 8, 8);

/** Puts a block of numbered pixels into the memory, counting from `first`; returns where. */
function numbered({ guest, heap }: Machine, first: number): number {
  const offset = heap.allocate(EXTRA_BYTES);
  for (let index = 0; index < EXTRA_BYTES / 4; index++) guest.words[offset / 4 + index] = pixel(first + index);
  return offset;
}

/** What a machine with these parts of extra RAM looks like to the device. */
function setExtra({ guest }: Machine, ...extra: { at: number; bytes: number; offset: number }[]): void {
  const ram = guest.regions[0]!;
  guest.setRegions([
    ram,
    ...extra.map(({ at, bytes, offset }) => ({ guestAddress: EXTRA + at, sizeBytes: bytes, offset })),
  ]);
}

/** A machine with extra RAM of numbered pixels, at the start of which lies the backing of an 8x8 resource. */
async function withExtra(): Promise<{ machine: Machine; offset: number }> {
  const machine = await startMachine();
  const offset = numbered(machine, 0);
  setExtra(machine, { at: 0, bytes: EXTRA_BYTES, offset });
  createResource(machine.driver, 1, 8, 8);
  attach(machine.driver, 1, [{ addr: EXTRA, length: 256 }]);
  return { machine, offset };
}

function numbers(first: number): number[] {
  return Array.from({ length: 64 }, (_, index) => pixel(first + index));
}

Deno.test("TRANSFER_TO_HOST_2D reads a page where it lies after the region moved", async () => {
  const { machine } = await withExtra();
  const elsewhere = numbered(machine, 1000);

  setExtra(machine, { at: 0, bytes: EXTRA_BYTES, offset: elsewhere });

  assertEquals(transfer(machine.driver, 1, whole, 0), "OK_NODATA");
  assertEquals(shownPixels(machine, 1, 8, 8), numbers(1000));
});

Deno.test("TRANSFER_TO_HOST_2D reads a page that was split between two regions", async () => {
  const { machine, offset } = await withExtra();
  const elsewhere = numbered(machine, 2000);

  setExtra(
    machine,
    { at: 0, bytes: 128, offset: elsewhere },
    { at: 128, bytes: EXTRA_BYTES - 128, offset: offset + 128 },
  );

  assertEquals(transfer(machine.driver, 1, whole, 0), "OK_NODATA");
  assertEquals(shownPixels(machine, 1, 8, 8), [...numbers(2000).slice(0, 32), ...numbers(0).slice(32)]);
});

Deno.test("TRANSFER_TO_HOST_2D answers ERR_UNSPEC while a page is gone, and reads nothing", async () => {
  const { machine, offset } = await withExtra();
  transfer(machine.driver, 1, whole, 0);
  machine.guest.words.fill(pixel(9999), offset / 4, offset / 4 + 64);

  setExtra(machine);
  assertEquals(transfer(machine.driver, 1, whole, 0), "ERR_UNSPEC");
  assertEquals(shownPixels(machine, 1, 8, 8), numbers(0));

  setExtra(machine, { at: 0, bytes: EXTRA_BYTES, offset });
  assertEquals(transfer(machine.driver, 1, whole, 0), "OK_NODATA");
  assertEquals(shownPixels(machine, 1, 8, 8), new Array(64).fill(pixel(9999)));
});

Deno.test("TRANSFER_TO_HOST_2D answers ERR_UNSPEC when only a part is gone that the rectangle does not need", async () => {
  const { machine, offset } = await withExtra();

  setExtra(machine, { at: 0, bytes: 255, offset });

  assertEquals(transfer(machine.driver, 1, rect(0, 0, 1, 1), 0), "ERR_UNSPEC");
});

Deno.test("RESOURCE_DETACH_BACKING and RESOURCE_UNREF work while the pages are gone, and free everything", async () => {
  const { machine } = await withExtra();
  const { driver, heap } = machine;
  const usedBytes = heap.usedBytes;
  createResource(driver, 2, 8, 8);
  attach(driver, 2, [{ addr: EXTRA, length: 256 }, { addr: EXTRA + 1024, length: 256 }]);

  setExtra(machine);
  transfer(driver, 2, whole, 0);

  assertEquals(detach(driver, 2), "OK_NODATA");
  assertEquals(unref(driver, 2), "OK_NODATA");
  assertEquals(heap.usedBytes, usedBytes);
});

Deno.test("RESOURCE_ATTACH_BACKING takes an entry over the border of adjoining regions", async () => {
  const machine = await startMachine();
  const first = numbered(machine, 0);
  const second = numbered(machine, 5000);
  setExtra(machine, { at: 0, bytes: EXTRA_BYTES, offset: first }, {
    at: EXTRA_BYTES,
    bytes: EXTRA_BYTES,
    offset: second,
  });
  createResource(machine.driver, 1, 8, 8);

  assertEquals(attach(machine.driver, 1, [{ addr: EXTRA + EXTRA_BYTES - 40, length: 256 }]), "OK_NODATA");
  assertEquals(transfer(machine.driver, 1, whole, 0), "OK_NODATA");

  assertEquals(shownPixels(machine, 1, 8, 8), [...numbers(1024 - 10).slice(0, 10), ...numbers(5000).slice(0, 54)]);
});

for (const isShared of [false, true]) {
  Deno.test(`Commands go on over growth of the memory, shared ${isShared}`, async () => {
    const machine = await startMachine({ isShared });
    createFilled(machine, 1, 8, 8, pixel);
    const memoryBytes = machine.memory.buffer.byteLength;

    createResource(machine.driver, 2, 2048, 2048);
    machine.memory.grow(1);
    createFilled(machine, 3, 8, 8, (index) => pixel(index + 100));

    assertEquals(machine.memory.buffer.byteLength > memoryBytes, true);
    assertEquals(shownPixels(machine, 1, 8, 8), numbers(0));
    assertEquals(shownPixels(machine, 3, 8, 8), numbers(100));
    assertEquals(machine.driver.queue(GpuQueue.Control).pop(), undefined);
  });
}
