/** RESOURCE_ATTACH_BACKING and RESOURCE_DETACH_BACKING. Virtio 1.4, 5.7.6.8. */

import { assertEquals } from "@std/assert";
import { entryWords, type MemoryEntry } from "../../../src/guest/gpu_driver.ts";
import { writeResourceAttachBacking } from "../../../src/protocol/wire.gen.ts";
import { type Machine, startMachine } from "../../support/machine.ts";
import { answerTo, attach, createResource, detach, fill, pixel, rect, shownPixels, transfer } from "../requests.ts";

const RAM_BYTES = 32 * 1024 * 1024;
const whole = rect(0, 0, 8, 8);

/** A machine with a resource of 8x8 pixels that has no backing. */
async function withResource(): Promise<Machine> {
  const machine = await startMachine();
  createResource(machine.driver, 1, 8, 8);
  return machine;
}

/** Attaches backing with a count of entries that is not the count of those which follow. */
function attachCount({ driver }: Machine, nrEntries: number, entries: readonly MemoryEntry[]): string {
  return answerTo(driver, writeResourceAttachBacking, { resourceId: 1, nrEntries }, { trailing: entryWords(entries) });
}

Deno.test("RESOURCE_ATTACH_BACKING answers ERR_INVALID_RESOURCE_ID when the resource does not exist", async () => {
  const { driver } = await startMachine();

  assertEquals(attach(driver, 1, [{ addr: 4096, length: 256 }]), "ERR_INVALID_RESOURCE_ID");
  assertEquals(attach(driver, 0, [{ addr: 4096, length: 256 }]), "ERR_INVALID_RESOURCE_ID");
});

Deno.test("RESOURCE_ATTACH_BACKING of no entries answers OK_NODATA and leaves the resource without backing", async () => {
  const { driver } = await withResource();

  assertEquals(attach(driver, 1, []), "OK_NODATA");
  assertEquals(transfer(driver, 1, whole, 0), "ERR_UNSPEC");
  assertEquals(detach(driver, 1), "ERR_UNSPEC");
  assertEquals(attach(driver, 1, [{ addr: 4096, length: 256 }]), "OK_NODATA");
});

Deno.test("RESOURCE_ATTACH_BACKING answers ERR_UNSPEC when it announces more entries than follow", async () => {
  const machine = await withResource();

  assertEquals(attachCount(machine, 2, [{ addr: 4096, length: 256 }]), "ERR_UNSPEC");
  assertEquals(attachCount(machine, 1, []), "ERR_UNSPEC");
  assertEquals(detach(machine.driver, 1), "ERR_UNSPEC");
});

Deno.test("RESOURCE_ATTACH_BACKING uses the entries that it announces, and none that follow", async () => {
  const machine = await withResource();
  const entries = [{ addr: 4096, length: 256 }, { addr: 0x80000000, length: 0 }];

  assertEquals(attachCount(machine, 1, entries), "OK_NODATA");
  assertEquals(transfer(machine.driver, 1, whole, 0), "OK_NODATA");
});

Deno.test("RESOURCE_ATTACH_BACKING takes 16384 entries", async () => {
  const machine = await withResource();
  const entries = Array.from({ length: 16384 }, (_, index) => ({ addr: (16384 - index) * 16, length: 4 }));

  assertEquals(attachCount(machine, 16384, entries), "OK_NODATA");
});

Deno.test("RESOURCE_ATTACH_BACKING answers ERR_UNSPEC for 16385 entries, all of them there", async () => {
  const machine = await withResource();
  const entries = Array.from({ length: 16385 }, (_, index) => ({ addr: (16385 - index) * 16, length: 4 }));

  assertEquals(attachCount(machine, 16385, entries), "ERR_UNSPEC");
});

Deno.test("RESOURCE_ATTACH_BACKING answers ERR_UNSPEC for 0xffffffff entries, and reserves nothing for them", async () => {
  const machine = await withResource();
  const usedBytes = machine.heap.usedBytes;

  assertEquals(attachCount(machine, 0xffffffff, [{ addr: 4096, length: 256 }]), "ERR_UNSPEC");
  assertEquals(machine.heap.usedBytes, usedBytes);
});

const badEntries: [name: string, entry: MemoryEntry][] = [
  ["in the hole at 0x80000000", { addr: 0x80000000, length: 256 }],
  ["at 2^63", { addr: 2 ** 63, length: 256 }],
  ["at 2^64 - 4096, whose end wraps to 0", { addr: 2 ** 64 - 4096, length: 4096 }],
  ["that crosses the end of RAM", { addr: RAM_BYTES - 128, length: 129 }],
  ["that begins at the end of RAM", { addr: RAM_BYTES, length: 4 }],
  ["of 0xffffffff bytes", { addr: 4096, length: 0xffffffff }],
  ["of no bytes", { addr: 4096, length: 0 }],
];

for (const [name, entry] of badEntries) {
  Deno.test(`RESOURCE_ATTACH_BACKING answers ERR_UNSPEC for an entry ${name}, between good ones`, async () => {
    const { driver, heap } = await withResource();
    const usedBytes = heap.usedBytes;
    const good = { addr: 4096, length: 4096 };

    assertEquals(attach(driver, 1, [good, entry, good]), "ERR_UNSPEC");
    assertEquals(detach(driver, 1), "ERR_UNSPEC");
    assertEquals(heap.usedBytes, usedBytes);
  });
}

Deno.test("RESOURCE_ATTACH_BACKING takes an entry that ends where RAM ends", async () => {
  const { driver } = await withResource();

  assertEquals(attach(driver, 1, [{ addr: RAM_BYTES - 256, length: 256 }]), "OK_NODATA");
  assertEquals(transfer(driver, 1, whole, 0), "OK_NODATA");
});

Deno.test("RESOURCE_ATTACH_BACKING answers ERR_UNSPEC when the lengths sum to 2^32", async () => {
  const { driver } = await withResource();
  const all = { addr: 0, length: RAM_BYTES };

  assertEquals(attach(driver, 1, new Array(128).fill(all)), "ERR_UNSPEC");
  assertEquals(attach(driver, 1, new Array(127).fill(all)), "OK_NODATA");
});

Deno.test("RESOURCE_ATTACH_BACKING answers ERR_UNSPEC for a resource with backing, which keeps it", async () => {
  const machine = await withResource();
  const { driver, ram } = machine;
  const first = ram.allocate(256);
  const second = ram.allocate(256);
  fill(machine, first, 64, pixel);
  attach(driver, 1, [{ addr: first, length: 256 }]);

  assertEquals(attach(driver, 1, [{ addr: second, length: 256 }]), "ERR_UNSPEC");
  transfer(driver, 1, whole, 0);
  assertEquals(shownPixels(machine, 1, 8, 8), Array.from({ length: 64 }, (_, index) => pixel(index)));
});

Deno.test("RESOURCE_ATTACH_BACKING after RESOURCE_DETACH_BACKING lets transfers read the new pages", async () => {
  const machine = await withResource();
  const { driver, ram } = machine;
  const first = ram.allocate(256);
  const second = ram.allocate(256);
  fill(machine, second, 64, (index) => pixel(index + 1000));
  attach(driver, 1, [{ addr: first, length: 256 }]);
  transfer(driver, 1, whole, 0);

  assertEquals(detach(driver, 1), "OK_NODATA");
  assertEquals(attach(driver, 1, [{ addr: second, length: 256 }]), "OK_NODATA");
  transfer(driver, 1, whole, 0);
  assertEquals(shownPixels(machine, 1, 8, 8), Array.from({ length: 64 }, (_, index) => pixel(index + 1000)));
});

Deno.test("RESOURCE_DETACH_BACKING answers ERR_UNSPEC when nothing is attached, and after it was done", async () => {
  const { driver } = await withResource();

  assertEquals(detach(driver, 1), "ERR_UNSPEC");
  attach(driver, 1, [{ addr: 4096, length: 256 }]);
  assertEquals(detach(driver, 1), "OK_NODATA");
  assertEquals(detach(driver, 1), "ERR_UNSPEC");
});

Deno.test("RESOURCE_DETACH_BACKING answers ERR_INVALID_RESOURCE_ID when the resource does not exist", async () => {
  const { driver } = await startMachine();

  assertEquals(detach(driver, 1), "ERR_INVALID_RESOURCE_ID");
  assertEquals(detach(driver, 0), "ERR_INVALID_RESOURCE_ID");
});

Deno.test("RESOURCE_DETACH_BACKING keeps the pixels that were transferred", async () => {
  const machine = await withResource();
  const { driver, ram } = machine;
  const address = ram.allocate(256);
  fill(machine, address, 64, pixel);
  attach(driver, 1, [{ addr: address, length: 256 }]);
  transfer(driver, 1, whole, 0);

  detach(driver, 1);
  fill(machine, address, 64, () => 0);

  assertEquals(shownPixels(machine, 1, 8, 8), Array.from({ length: 64 }, (_, index) => pixel(index)));
});

Deno.test("RESOURCE_DETACH_BACKING gives the host memory of the page list back", async () => {
  const { driver, heap } = await withResource();
  const usedBytes = heap.usedBytes;
  attach(driver, 1, Array.from({ length: 1000 }, (_, index) => ({ addr: (1000 - index) * 16, length: 4 })));

  detach(driver, 1);

  assertEquals(heap.usedBytes, usedBytes);
});
