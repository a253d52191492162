/** H4 and H10: memory entries that do not fit their number, RAM, 32 bits, or the blob that they are for. */

import { assertEquals } from "@std/assert";
import { entryWords, type MemoryEntry } from "../../src/guest/gpu_driver.ts";
import {
  BlobMem,
  Format,
  responseName,
  writeResourceAttachBacking,
  writeResourceCreateBlob,
  writeSetScanoutBlob,
} from "../../src/protocol/wire.gen.ts";
import { answerTo, createResource, detach, flush, rect, transfer, unref } from "../device/requests.ts";
import { type Machine, startMachine } from "../support/machine.ts";

const RAM_BYTES = 8 * 1024 * 1024;
const MIB = 1024 * 1024;
const PAGES = 0x20_0000;
const page = { addr: PAGES, length: 4096 };
const options = { ramBytes: RAM_BYTES, resourceBlob: true };

/** Attaches entries to resource 1, of which the request says that they are `nrEntries`. */
function attach({ driver }: Machine, entries: readonly MemoryEntry[], nrEntries = entries.length): string {
  const trailing = entryWords(entries);
  return answerTo(driver, writeResourceAttachBacking, { resourceId: 1, nrEntries }, { trailing });
}

/** Makes blob 2 with these entries. */
function createBlob(
  { driver }: Machine,
  entries: readonly MemoryEntry[],
  nrEntries = entries.length,
  size = 4096,
): string {
  const fields = { resourceId: 2, blobMem: BlobMem.Guest, blobFlags: 0, nrEntries, blobIdLow: 0, blobIdHigh: 0, size };
  return responseName(driver.send(writeResourceCreateBlob, fields, { trailing: entryWords(entries) }).header.type);
}

const many = (count: number, entry: MemoryEntry) => new Array<MemoryEntry>(count).fill(entry);
const invalid: [what: string, entries: MemoryEntry[], nrEntries?: number][] = [
  ["one entry more than there is", [page], 2],
  ["16384 entries, of which one is there", [page], 16384],
  ["16385 entries, all there", many(16385, page)],
  ["2^31 entries", [page], 2 ** 31],
  ["2^32 - 1 entries", [page], 2 ** 32 - 1],
  ["2^28 + 1 entries, whose bytes wrap in 32 bits to those of one", [page], 2 ** 28 + 1],
  ["an entry of no bytes", [page, { ...page, length: 0 }]],
  ["nothing but an entry of no bytes", [{ ...page, length: 0 }]],
  ["an entry of 4 GiB - 1", [{ addr: 0, length: 0xffffffff }]],
  ["an entry behind the end of RAM", [page, { addr: RAM_BYTES, length: 1 }]],
  ["an entry that ends behind the end of RAM", [page, { addr: RAM_BYTES - 4095, length: 4096 }]],
  ["an entry that RAM holds in the lower 32 bits of its address alone", [{ addr: 2 ** 32 + PAGES, length: 4096 }]],
  ["an entry at 2^63", [{ addr: 2 ** 63, length: 4096 }]],
  ["an entry whose end wraps in 64 bits", [{ addr: 2 ** 64 - 2048, length: 4096 }]],
  ["a bad entry behind 16383 good ones", [...many(16383, page), { addr: RAM_BYTES, length: 1 }]],
  ["entries that sum to 2^32", many(512, { addr: 0, length: RAM_BYTES })],
  ["entries that sum to 2^32 + 4096", [...many(512, { addr: 0, length: RAM_BYTES }), page]],
];
for (const [what, entries, nrEntries] of invalid) {
  Deno.test(`RESOURCE_ATTACH_BACKING answers ERR_UNSPEC for ${what}, and holds nothing of it`, async () => {
    const machine = await startMachine(options);
    createResource(machine.driver, 1, 8, 8);
    const usedBefore = machine.heap.usedBytes;

    assertEquals(attach(machine, entries, nrEntries), "ERR_UNSPEC");

    assertEquals(machine.heap.usedBytes, usedBefore);
    assertEquals(transfer(machine.driver, 1, rect(0, 0, 1, 1), 0), "ERR_UNSPEC");
    assertEquals(attach(machine, [page]), "OK_NODATA");
  });

  Deno.test(`RESOURCE_CREATE_BLOB answers ERR_UNSPEC for ${what}, and makes no resource`, async () => {
    const machine = await startMachine(options);
    const usedBefore = machine.heap.usedBytes;

    assertEquals(createBlob(machine, entries, nrEntries), "ERR_UNSPEC");

    assertEquals(machine.heap.usedBytes, usedBefore);
    assertEquals(unref(machine.driver, 2), "ERR_INVALID_RESOURCE_ID");
  });
}

Deno.test("Entries that sum to 2^32 - 1 are taken, and a rectangle is found in them up to their last byte", async () => {
  const machine = await startMachine(options);
  createResource(machine.driver, 1, 64, 64);
  const entries = [...many(511, { addr: 0, length: RAM_BYTES }), { addr: 0, length: RAM_BYTES - 1 }];
  const [one, whole] = [rect(0, 0, 1, 1), rect(0, 0, 64, 64)];

  assertEquals(attach(machine, entries), "OK_NODATA");

  const cases = [[one, 4], [whole, 16384], [rect(0, 0, 1, 64), 63 * 256 + 4]] as const;
  for (const [pixels, bytes] of cases) {
    assertEquals(transfer(machine.driver, 1, pixels, 2 ** 32 - 1 - bytes), "OK_NODATA");
    for (const missing of [1, 2, bytes / 2, bytes - 1, bytes]) {
      assertEquals(transfer(machine.driver, 1, pixels, 2 ** 32 - 1 - bytes + missing), "ERR_INVALID_PARAMETER");
    }
  }
});

Deno.test("16384 entries may all name the same byte, and a transfer reads it that often", async () => {
  const machine = await startMachine(options);
  machine.ram.bytes(PAGES, 1)[0] = 0x7f;
  createResource(machine.driver, 1, 64, 64);

  assertEquals(attach(machine, many(16384, { addr: PAGES, length: 1 })), "OK_NODATA");

  assertEquals(transfer(machine.driver, 1, rect(0, 0, 64, 64), 0), "OK_NODATA");
});

Deno.test("Entries may name the rings and the request itself: they are read and never written", async () => {
  const machine = await startMachine(options);
  createResource(machine.driver, 1, 64, 64);

  assertEquals(attach(machine, [{ addr: 0, length: RAM_BYTES }]), "OK_NODATA");

  for (let offset = 0; offset < MIB; offset += 4096) {
    assertEquals(transfer(machine.driver, 1, rect(0, 0, 64, 16), offset), "OK_NODATA");
  }
});

const shortBlobs: [what: string, size: number, entries: MemoryEntry[]][] = [
  ["one byte less than the blob", 4097, [page]],
  ["much less than the blob", 2 ** 32, [page]],
  ["less than a blob of 2^53 bytes", 2 ** 53, [page]],
  ["less than a blob of 2^64 - 4096 bytes", 2 ** 64 - 4096, [page]],
  ["the blob's size in its lower 32 bits alone", 2 ** 32 + 4096, [page]],
];
for (const [what, size, entries] of shortBlobs) {
  Deno.test(`RESOURCE_CREATE_BLOB answers ERR_INVALID_PARAMETER for entries of ${what}`, async () => {
    const machine = await startMachine(options);
    const usedBefore = machine.heap.usedBytes;

    assertEquals(createBlob(machine, entries, entries.length, size), "ERR_INVALID_PARAMETER");

    assertEquals(machine.heap.usedBytes, usedBefore);
    assertEquals(unref(machine.driver, 2), "ERR_INVALID_RESOURCE_ID");
  });

  Deno.test(`RESOURCE_ATTACH_BACKING answers ERR_INVALID_PARAMETER for entries of ${what}`, async () => {
    const machine = await startMachine(options);
    const { driver } = machine;
    assertEquals(createBlob(machine, [], 0, size), "OK_NODATA");
    const usedBefore = machine.heap.usedBytes;

    assertEquals(responseName(driver.attachBacking(2, entries).header.type), "ERR_INVALID_PARAMETER");

    assertEquals(machine.heap.usedBytes, usedBefore);
    assertEquals(detach(driver, 2), "ERR_UNSPEC");
  });
}

Deno.test("A blob that a scanout shows is never read past the pages attached last (CVE-2026-66021)", async () => {
  const machine = await startMachine(options);
  const { driver } = machine;
  assertEquals(createBlob(machine, [page]), "OK_NODATA");
  const whole = rect(0, 0, 32, 32);
  const picture = {
    width: 32,
    height: 32,
    format: Format.B8G8R8X8Unorm,
    strides: Uint32Array.of(128, 0, 0, 0),
    offsets: Uint32Array.of(0, 0, 0, 0),
  };
  assertEquals(
    answerTo(driver, writeSetScanoutBlob, { rect: whole, scanoutId: 0, resourceId: 2, ...picture }),
    "OK_NODATA",
  );
  flush(driver, 2, whole);
  const shown = machine.display.picture(0)!.rgba;

  detach(driver, 2);
  const shorter = driver.attachBacking(2, [{ addr: PAGES, length: 4095 }]);
  flush(driver, 2, whole);

  assertEquals(responseName(shorter.header.type), "ERR_INVALID_PARAMETER");
  assertEquals(machine.display.picture(0)!.rgba, shown);
});
