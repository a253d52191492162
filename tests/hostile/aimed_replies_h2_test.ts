/** H2 and CVE-2024-3446: replies that a driver aims at the rings, the tables and the request that they answer. */

import { assert, assertEquals } from "@std/assert";
import {
  Format,
  GpuQueue,
  ResponseType,
  writeMoveCursor,
  writeResourceCreate2d,
  writeResourceUnref,
} from "../../src/protocol/wire.gen.ts";
import type { DriverQueue } from "../../src/guest/driver_queue.ts";
import { answerTo } from "../device/requests.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { INDIRECT, needsReset, NEXT, raw, recovers, WRITE, writeTable } from "./raw_chain.ts";

const REQUEST = 0x10_0000;
const TABLE = 0x11_0000;
const CREATE_BYTES = 40;

/** Writes a request that creates resource `resourceId`, at guest address `at`. */
function writeCreate({ ram }: Machine, resourceId: number, at = REQUEST): void {
  writeResourceCreate2d(ram.words(at, 10), 0, { resourceId, format: Format.R8G8B8X8Unorm, width: 4, height: 4 });
}

/** Sends the request that creates resource 1 with its reply aimed at `target`. */
function sendAimed(machine: Machine, target: number): DriverQueue {
  writeCreate(machine, 1);
  const queue = machine.driver.queue(GpuQueue.Control);
  writeTable(machine.ram, queue.descriptors, [raw(REQUEST, CREATE_BYTES, NEXT, 1), raw(target, 24, WRITE)]);
  queue.push(0);
  machine.driver.transport.kick(GpuQueue.Control);
  return queue;
}

Deno.test("A reply aimed at its own request is written once the request was carried out", async () => {
  const machine = await startMachine();

  const queue = sendAimed(machine, REQUEST);

  assertEquals(queue.pop(), { head: 0, length: 24 });
  assertEquals(machine.ram.words(REQUEST, 1)[0], ResponseType.OkNodata);
  assertEquals(answerTo(machine.driver, writeResourceUnref, { resourceId: 1 }), "OK_NODATA");
});

Deno.test("A reply aimed at the used ring is overwritten by what belongs there", async () => {
  const machine = await startMachine();

  const queue = sendAimed(machine, machine.driver.queue(GpuQueue.Control).used);

  assertEquals(queue.pop(), { head: 0, length: 24 });
  assertEquals(queue.pop(), undefined);
  assert(!needsReset(machine));
});

Deno.test("A reply aimed at the chain's own descriptors changes nothing of this chain", async () => {
  const machine = await startMachine();

  const queue = sendAimed(machine, machine.driver.queue(GpuQueue.Control).descriptors);

  assertEquals(queue.pop(), { head: 0, length: 24 });
  assert(!needsReset(machine));
});

Deno.test("A reply aimed at the available ring breaks the queue and nothing else", async () => {
  const machine = await startMachine();

  // The reply's type is the ring's flags, and the zeroes behind it an index that jumps back.
  const queue = sendAimed(machine, machine.driver.queue(GpuQueue.Control).available);

  assertEquals(queue.pop(), { head: 0, length: 24 });
  assert(needsReset(machine));
  assert(recovers(machine));
});

Deno.test("A reply aimed at the next chain's descriptors makes a malformed chain, not a write elsewhere", async () => {
  const machine = await startMachine();
  const { driver, ram } = machine;
  const queue = driver.queue(GpuQueue.Control);
  writeCreate(machine, 1);
  writeTable(ram, queue.descriptors, [
    raw(REQUEST, CREATE_BYTES, NEXT, 1),
    raw(queue.descriptors + 2 * 16, 24, WRITE),
    raw(REQUEST, CREATE_BYTES, NEXT, 3), // of address 0x1100 and no bytes once the reply is there
    raw(REQUEST + 64, 24, WRITE),
  ]);
  queue.push(0);
  queue.push(2);

  driver.transport.kick(GpuQueue.Control);

  assertEquals(queue.pop(), { head: 0, length: 24 });
  assertEquals(queue.pop(), undefined);
  assert(needsReset(machine));
  assert(recovers(machine));
});

Deno.test("A reply aimed at the next request makes that one an unknown command", async () => {
  const machine = await startMachine();
  const { driver, ram } = machine;
  const queue = driver.queue(GpuQueue.Control);
  const second = REQUEST + 64;
  writeCreate(machine, 1);
  writeCreate(machine, 2, second);
  writeTable(ram, queue.descriptors, [
    raw(REQUEST, CREATE_BYTES, NEXT, 1),
    raw(second, 24, WRITE),
    raw(second, CREATE_BYTES, NEXT, 3),
    raw(TABLE, 24, WRITE),
  ]);
  queue.push(0);
  queue.push(2);

  driver.transport.kick(GpuQueue.Control);

  assertEquals(ram.words(TABLE, 1)[0], ResponseType.ErrUnspec);
  assertEquals(answerTo(driver, writeResourceUnref, { resourceId: 1 }), "OK_NODATA");
  assertEquals(answerTo(driver, writeResourceUnref, { resourceId: 2 }), "ERR_INVALID_RESOURCE_ID");
});

Deno.test("A reply aimed at the chain's indirect table changes nothing of this chain", async () => {
  const machine = await startMachine();
  const { driver, ram } = machine;
  const queue = driver.queue(GpuQueue.Control);
  writeCreate(machine, 1);
  writeTable(ram, TABLE, [raw(REQUEST, CREATE_BYTES, NEXT, 1), raw(TABLE, 24, WRITE)]);
  writeTable(ram, queue.descriptors, [raw(TABLE, 32, INDIRECT)]);

  queue.push(0);
  driver.transport.kick(GpuQueue.Control);

  assertEquals(queue.pop(), { head: 0, length: 24 });
  assertEquals(answerTo(driver, writeResourceUnref, { resourceId: 1 }), "OK_NODATA");
});

Deno.test("An indirect table that is the queue's own descriptors is walked as a table, once", async () => {
  const machine = await startMachine();
  const { driver, ram } = machine;
  const queue = driver.queue(GpuQueue.Control);
  writeCreate(machine, 1);
  // Descriptor 2 names the table that it lies in: entries 0 and 1 are the chain.
  writeTable(ram, queue.descriptors, [
    raw(REQUEST, CREATE_BYTES, NEXT, 1),
    raw(REQUEST + 64, 24, WRITE),
    raw(queue.descriptors, 3 * 16, INDIRECT),
  ]);

  queue.push(2);
  driver.transport.kick(GpuQueue.Control);

  assertEquals(queue.pop(), { head: 2, length: 24 });
  assert(!needsReset(machine));
});

Deno.test("A reply aimed at the other queue's available ring breaks that queue at its next kick alone", async () => {
  const machine = await startMachine();
  const { driver } = machine;

  const control = sendAimed(machine, driver.queue(GpuQueue.Cursor).available);
  assertEquals(control.pop(), { head: 0, length: 24 });
  assert(!needsReset(machine));
  driver.transport.kick(GpuQueue.Cursor);

  assert(!needsReset(machine), "the reply's zeroes are an empty ring");
  const cursor = { pos: { scanoutId: 0, x: 1, y: 1 }, resourceId: 0, hotX: 0, hotY: 0 };
  assertEquals(answerTo(driver, writeMoveCursor, cursor, { queue: GpuQueue.Cursor }), "OK_NODATA");
});

Deno.test("Reply buffers that overlap hold the reply, and the used length is the sum of the buffers written", async () => {
  const machine = await startMachine();
  const { driver, ram } = machine;
  const queue = driver.queue(GpuQueue.Control);
  writeCreate(machine, 1);
  ram.bytes(TABLE, 64).fill(0xee);
  // Bytes 0 to 15 go to TABLE, bytes 16 to 23 to TABLE too.
  writeTable(ram, queue.descriptors, [
    raw(REQUEST, CREATE_BYTES, NEXT, 1),
    raw(TABLE, 16, WRITE | NEXT, 2),
    raw(TABLE, 8, WRITE),
  ]);

  queue.push(0);
  driver.transport.kick(GpuQueue.Control);

  assertEquals(queue.pop(), { head: 0, length: 24 });
  assertEquals([...ram.bytes(TABLE + 8, 8)], new Array(8).fill(0));
  assertEquals([...ram.bytes(TABLE + 16, 48)], new Array(48).fill(0xee));
});

Deno.test("Two queues that share all their rings are each answered or broken, and the device recovers", async () => {
  const machine = await startMachine();
  const { driver, pci } = machine;
  const { descriptors, available, used } = driver.queue(GpuQueue.Control);
  const { transport } = driver;
  transport.writeStatus(0);
  transport.writeStatus(3);
  transport.writeFeatures(1, 1);
  transport.writeStatus(0xb);
  transport.enableQueue(GpuQueue.Control, driver.queue(GpuQueue.Control));
  transport.enableQueue(GpuQueue.Cursor, driver.queue(GpuQueue.Control));
  transport.writeStatus(0xf);
  machine.ram.bytes(available, 600).fill(0);
  machine.ram.bytes(used, 2100).fill(0);

  writeCreate(machine, 1);
  writeTable(machine.ram, descriptors, [raw(REQUEST, CREATE_BYTES, NEXT, 1), raw(REQUEST + 64, 24, WRITE)]);
  machine.ram.fields(available, 6).setUint16(2, 1, true);
  transport.kick(GpuQueue.Control);
  transport.kick(GpuQueue.Cursor);

  assertEquals(machine.gpu.counters.commands, 2);
  pci.reset();
  assert(recovers(machine));
});
