/** RESOURCE_ASSIGN_UUID, and how another device of the host finds and reads the resource. Virtio 1.4, 5.7.6.8 and 2.11. */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { writeResourceAssignUuid } from "../../../src/protocol/wire.gen.ts";
import type { GpuDriver } from "../../../src/guest/gpu_driver.ts";
import { startMachine } from "../../support/machine.ts";
import { createBlob, createBlobOf } from "../blob_requests.ts";
import { answerTo, createFilled, createResource, detach, fill, unref } from "../requests.ts";

const options = { resourceBlob: true, resourceUuid: true };

function uuidOf(driver: GpuDriver, resourceId: number): string {
  const { words } = driver.send(writeResourceAssignUuid, { resourceId }, { replyBytes: 40 });
  return new Uint8Array(words.buffer, words.byteOffset + 24, 16).toHex();
}

Deno.test("RESOURCE_ASSIGN_UUID gives a resource one UUID for good, and every resource its own", async () => {
  const { driver } = await startMachine(options);
  createResource(driver, 1, 8, 8);
  createResource(driver, 2, 8, 8);

  const first = uuidOf(driver, 1);
  assertMatch(first, /^[0-9a-f]{12}4/);
  assertEquals(uuidOf(driver, 1), first);
  assertNotEquals(uuidOf(driver, 2), first);
});

Deno.test("RESOURCE_ASSIGN_UUID gives an id that is used again another UUID", async () => {
  const { driver, gpu } = await startMachine(options);
  createResource(driver, 1, 8, 8);
  const first = uuidOf(driver, 1);
  unref(driver, 1);
  createResource(driver, 1, 8, 8);

  assertNotEquals(uuidOf(driver, 1), first);
  assertEquals(gpu.findShared(first), undefined);
});

Deno.test("RESOURCE_ASSIGN_UUID answers ERR_INVALID_RESOURCE_ID when the resource does not exist", async () => {
  const { driver } = await startMachine(options);
  const answer = answerTo(driver, writeResourceAssignUuid, { resourceId: 1 }, { replyBytes: 40 });
  assertEquals(answer, "ERR_INVALID_RESOURCE_ID");
});

Deno.test("RESOURCE_ASSIGN_UUID answers ERR_UNSPEC when RESOURCE_UUID was not negotiated", async () => {
  const { driver } = await startMachine();
  createResource(driver, 1, 8, 8);
  assertEquals(answerTo(driver, writeResourceAssignUuid, { resourceId: 1 }, { replyBytes: 40 }), "ERR_UNSPEC");
});

Deno.test("S12: RESOURCE_ASSIGN_UUID of a blob without USE_CROSS_DEVICE is allowed and reported", async () => {
  const machine = await startMachine(options);
  createBlobOf(machine, 1, 4096);

  const answer = answerTo(machine.driver, writeResourceAssignUuid, { resourceId: 1 }, { replyBytes: 40 });

  assertEquals(answer, "OK_RESOURCE_UUID");
  assertEquals(machine.errors.map(({ command, isRefused }) => [command, isRefused]), [["RESOURCE_ASSIGN_UUID", false]]);
});

Deno.test("S12: RESOURCE_ASSIGN_UUID of a blob without USE_CROSS_DEVICE answers ERR_UNSPEC in a strict device", async () => {
  const { driver } = await startMachine({ ...options, isStrict: true });
  createBlob(driver, 1, [{ addr: 4096, length: 4096 }]);
  createBlob(driver, 2, [{ addr: 4096, length: 4096 }], { blobFlags: 4 });

  assertEquals(answerTo(driver, writeResourceAssignUuid, { resourceId: 1 }, { replyBytes: 40 }), "ERR_UNSPEC");
  assertEquals(answerTo(driver, writeResourceAssignUuid, { resourceId: 2 }, { replyBytes: 40 }), "OK_RESOURCE_UUID");
});

Deno.test("findShared reads a 2D resource's pixels, and nothing past them", async () => {
  const machine = await startMachine(options);
  createFilled(machine, 1, 4, 4, (index) => index);
  const shared = machine.gpu.findShared(uuidOf(machine.driver, 1))!;
  const target = machine.guest.heap.allocate(64);

  assertEquals(shared.sizeBytes, 64);
  assert(shared.read(8, 16, target));
  assertEquals([...machine.guest.words.subarray(target >>> 2, (target >>> 2) + 5)], [2, 3, 4, 5, 0]);
  assert(!shared.read(60, 5, target));
  assert(!shared.read(-1, 1, target));
});

Deno.test("findShared reads a blob's pages as they are now, and not when they are gone", async () => {
  const machine = await startMachine(options);
  const address = createBlobOf(machine, 1, 4096);
  const shared = machine.gpu.findShared(uuidOf(machine.driver, 1))!;
  const target = machine.guest.heap.allocate(16);
  fill(machine, address, 4, (index) => index + 7);

  assert(shared.read(4, 8, target));
  assertEquals([...machine.guest.words.subarray(target >>> 2, (target >>> 2) + 3)], [8, 9, 0]);
  detach(machine.driver, 1);
  assert(!shared.read(4, 8, target));
  unref(machine.driver, 1);
  assert(!shared.read(0, 0, target));
});
