/** H19, CVE-2016-9846, CVE-2016-9912, CVE-2017-5552, CVE-2017-5578, CVE-2017-5857: host memory that a guest could keep or leak. */

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { entryWords, type MemoryEntry } from "../../src/guest/gpu_driver.ts";
import { BlobMem, writeResourceAssignUuid, writeResourceCreateBlob } from "../../src/protocol/wire.gen.ts";
import {
  answerTo,
  attach,
  createFilled,
  createResource,
  detach,
  flush,
  pixel,
  rect,
  setScanout,
  unref,
  updateCursor,
} from "../device/requests.ts";
import { type Machine, startMachine } from "../support/machine.ts";

const MIB = 1024 * 1024;
const options = { resourceBlob: true, resourceUuid: true };
/** Pages that do not adjoin, so that the list keeps every one of them. */
const scattered: MemoryEntry[] = Array.from({ length: 64 }, (_, index) => ({ addr: index * 8192, length: 4096 }));
const tooFar: MemoryEntry[] = [...scattered, { addr: 2 ** 40, length: 4096 }];

function createBlob({ driver }: Machine, entries: readonly MemoryEntry[], size: number): string {
  const fields = { resourceId: 1, blobMem: BlobMem.Guest, blobFlags: 0, nrEntries: entries.length, size };
  return answerTo(driver, writeResourceCreateBlob, { ...fields, blobIdLow: 0, blobIdHigh: 0 }, {
    trailing: entryWords(entries),
  });
}

/** What a guest may do again and again; afterwards it holds nothing. */
const cycles: [what: string, cycle: (machine: Machine) => void][] = [
  ["RESOURCE_CREATE_2D and RESOURCE_UNREF", ({ driver }) => {
    createResource(driver, 1, 64, 64);
    unref(driver, 1);
  }],
  ["RESOURCE_UNREF without RESOURCE_DETACH_BACKING (CVE-2016-9912)", ({ driver }) => {
    createResource(driver, 1, 64, 64);
    attach(driver, 1, scattered);
    unref(driver, 1);
  }],
  ["RESOURCE_ATTACH_BACKING twice (CVE-2017-5578)", ({ driver }) => {
    createResource(driver, 1, 64, 64);
    attach(driver, 1, scattered);
    attach(driver, 1, scattered);
    unref(driver, 1);
  }],
  ["RESOURCE_ATTACH_BACKING that fails at its last entry (CVE-2017-5857)", ({ driver }) => {
    createResource(driver, 1, 64, 64);
    attach(driver, 1, tooFar);
    unref(driver, 1);
  }],
  ["RESOURCE_ATTACH_BACKING and RESOURCE_DETACH_BACKING", ({ driver }) => {
    createResource(driver, 1, 64, 64);
    attach(driver, 1, scattered);
    detach(driver, 1);
    attach(driver, 1, scattered);
    detach(driver, 1);
    unref(driver, 1);
  }],
  ["RESOURCE_CREATE_2D of an id in use", ({ driver }) => {
    createResource(driver, 1, 64, 64);
    createResource(driver, 1, 32, 32);
    unref(driver, 1);
  }],
  ["a blob with pages", (machine) => {
    createBlob(machine, scattered, 4096);
    unref(machine.driver, 1);
  }],
  ["a blob that is longer than its pages", (machine) => {
    createBlob(machine, scattered, 2 ** 40);
    unref(machine.driver, 1);
  }],
  ["a blob with an entry outside of RAM", (machine) => {
    createBlob(machine, tooFar, 4096);
  }],
  ["a resource that is shown, flushed and destroyed", ({ driver }) => {
    createResource(driver, 1, 64, 64);
    setScanout(driver, 0, 1, rect(0, 0, 64, 64));
    flush(driver, 1, rect(0, 0, 64, 64));
    unref(driver, 1);
  }],
  ["a scanout that changes its size", ({ driver }) => {
    createResource(driver, 1, 64, 64);
    for (const size of [64, 1, 33]) {
      setScanout(driver, 0, 1, rect(0, 0, size, size));
      flush(driver, 1, rect(0, 0, 1, 1));
    }
    unref(driver, 1);
  }],
  ["UPDATE_CURSOR with an image (CVE-2016-9846)", ({ driver }) => {
    createResource(driver, 1, 64, 64);
    updateCursor(driver, 1);
    updateCursor(driver, 0);
    unref(driver, 1);
  }],
  ["RESOURCE_ASSIGN_UUID twice", ({ driver }) => {
    createResource(driver, 1, 64, 64);
    for (let times = 0; times < 2; times++) {
      answerTo(driver, writeResourceAssignUuid, { resourceId: 1 }, { replyBytes: 40 });
    }
    unref(driver, 1);
  }],
];

for (const isShared of [false, true]) {
  for (const [what, cycle] of cycles) {
    Deno.test(`500 times ${what} take no host memory (${isShared ? "shared" : "unshared"} memory)`, async () => {
      const machine = await startMachine({ ...options, isShared });
      cycle(machine);
      const usedBefore = machine.heap.usedBytes;
      const bytesBefore = machine.memory.buffer.byteLength;

      for (let times = 0; times < 500; times++) cycle(machine);

      assertEquals(machine.heap.usedBytes, usedBefore);
      assertEquals(machine.memory.buffer.byteLength, bytesBefore);
    });
  }
}

Deno.test("A reset gives back all that a guest held, and a thousand resets take nothing", async () => {
  const machine = await startMachine({ ...options, ramBytes: 64 * MIB });
  const { driver, pci, heap } = machine;
  pci.reset();
  const usedBefore = heap.usedBytes;

  for (let times = 0; times < 1000; times++) {
    if (times % 100 === 0) driver.start();
    createResource(driver, 1, 64, 64);
    attach(driver, 1, scattered);
    setScanout(driver, 0, 1, rect(0, 0, 64, 64));
    flush(driver, 1, rect(0, 0, 64, 64));
    updateCursor(driver, 1);
    if (times % 100 === 99) pci.reset();
  }

  assertEquals(heap.usedBytes, usedBefore);
});

Deno.test("However a guest cuts its memory up, the host's does not grow past the limit and its fragments", async () => {
  const limit = 4 * MIB;
  const machine = await startMachine({ ...options, limits: { hostMemoryBytes: limit, resources: 256 } });
  const { driver, memory } = machine;
  const bytesBefore = memory.buffer.byteLength;

  for (let times = 0; times < 4000; times++) {
    const resourceId = 1 + (times * 7) % 251;
    const size = 1 + (times * 97) % 181;
    if (unref(driver, resourceId) !== "OK_NODATA") createResource(driver, resourceId, size, size);
  }

  assertLessOrEqual(memory.buffer.byteLength - bytesBefore, 3 * limit);
});

Deno.test("Page lists of 16384 entries stop at the limit of host memory, and free again what they held", async () => {
  const limit = 8 * MIB;
  const machine = await startMachine({ ramBytes: 256 * MIB, limits: { hostMemoryBytes: limit } });
  const { driver, heap } = machine;
  const entries = Array.from({ length: 16384 }, (_, index) => ({ addr: index * 8192, length: 4096 }));
  const usedBefore = heap.usedBytes;
  const answers: string[] = [];
  for (let resourceId = 1; resourceId <= 64; resourceId++) {
    createResource(driver, resourceId, 1, 1);
    answers.push(attach(driver, resourceId, entries));
  }

  const taken = answers.filter((answer) => answer === "OK_NODATA").length;

  assert(taken > 0 && taken < 64);
  assertEquals(answers.filter((answer) => answer === "ERR_OUT_OF_MEMORY").length, 64 - taken);
  assertLessOrEqual(heap.usedBytes - usedBefore, limit + 64 * 16);
  for (let resourceId = 1; resourceId <= 64; resourceId++) unref(driver, resourceId);
  assertEquals(heap.usedBytes, usedBefore);
});

Deno.test("A guest that was refused for want of memory is served again once it has freed some", async () => {
  const machine = await startMachine({ limits: { hostMemoryBytes: MIB } });
  const { driver } = machine;
  createResource(driver, 1, 512, 512);
  assertEquals(createResource(driver, 2, 1, 1), "ERR_OUT_OF_MEMORY");
  assertEquals(attach(driver, 1, scattered), "ERR_OUT_OF_MEMORY");
  unref(driver, 1);

  createFilled(machine, 2, 4, 4, pixel);
  setScanout(driver, 0, 2, rect(0, 0, 4, 4));

  assertEquals(flush(driver, 2, rect(0, 0, 4, 4)), "OK_NODATA");
});
