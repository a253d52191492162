/** H20 and CVE-2016-5403: kicks with more work than a guest may have done at once. Nothing here measures time. */

import { assertEquals, assertLessOrEqual } from "@std/assert";
import { COMMAND_COST_BYTES, defaultLimits } from "../../src/device/limits.ts";
import { entryWords } from "../../src/guest/gpu_driver.ts";
import {
  GpuQueue,
  writeGetEdid,
  writeResourceAttachBacking,
  writeResourceFlush,
  writeTransferToHost2d,
} from "../../src/protocol/wire.gen.ts";
import { createBacked, createResource, moveCursor, rect, setScanout, updateCursor } from "../device/requests.ts";
import { type Machine, startMachine } from "../support/machine.ts";

const MIB = 1024 * 1024;

/** How many commands each turn of the device took, from one kick until nothing is left. */
function turns(machine: Machine, request: number, length: number, count: number): number[] {
  const { driver, deferred } = machine;
  const queue = driver.queue(GpuQueue.Control);
  for (let left = count; left > 0; left--) queue.push(queue.writeChain([{ address: request, length }]));
  deferred.length = 0;
  driver.transport.kick(GpuQueue.Control);
  const taken = [take()];
  while (deferred.length > 0) {
    deferred.shift()!();
    taken.push(take());
  }
  return taken;

  function take(): number {
    let chains = 0;
    while (queue.pop() !== undefined) chains++;
    return chains;
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

Deno.test("256 transfers of a full-HD picture come in turns of eight, and the guest runs between them", async () => {
  const machine = await startMachine();
  createBacked(machine, 1, 1920, 1080);
  const request = machine.ram.allocate(64);
  const fields = { resourceId: 1, rect: rect(0, 0, 1920, 1080), offset: 0 };
  const length = writeTransferToHost2d(machine.ram.words(request, 16), 0, fields);

  const taken = turns(machine, request, length, 256);

  assertEquals(sum(taken), 256);
  assertLessOrEqual(Math.max(...taken), Math.ceil(defaultLimits.workBytesPerNotify / (1920 * 1080 * 4)));
});

const columns: [name: string, write: (words: Uint32Array, height: number) => number][] = [
  [
    "transfers",
    (words, height) => writeTransferToHost2d(words, 0, { resourceId: 1, rect: rect(3, 0, 1, height), offset: 12 }),
  ],
  ["flushes", (words, height) => writeResourceFlush(words, 0, { resourceId: 1, rect: rect(3, 0, 1, height) })],
];
for (const [name, write] of columns) {
  Deno.test(`256 ${name} of a column of pixels, few bytes in many rows, come in turns too`, async () => {
    const height = 10_000;
    const machine = await startMachine({ ramBytes: 64 * MIB });
    createBacked(machine, 1, 512, height);
    setScanout(machine.driver, 0, 1, rect(0, 0, 512, height));
    turns(machine, 0, 24, 1);
    const request = machine.ram.allocate(64);
    const length = write(machine.ram.words(request, 16), height);

    const taken = turns(machine, request, length, 256);

    assertEquals(sum(taken), 256);
    assertLessOrEqual(Math.max(...taken), 64); // 64 columns cost about what eight full-HD pictures cost
  });
}

Deno.test("256 page lists of 16384 entries come in turns", async () => {
  const machine = await startMachine();
  createResource(machine.driver, 1, 1, 1);
  const entries = new Array(16384).fill({ addr: 0, length: 4096 });
  const request = machine.ram.allocate(32 + 16 * 16384);
  writeResourceAttachBacking(machine.ram.words(request, 8), 0, { resourceId: 1, nrEntries: 16384 });
  machine.ram.words(request + 32, 4 * 16384).set(entryWords([...entries.slice(0, 16383), { addr: 0, length: 0 }]));

  const taken = turns(machine, request, 32 + 16 * 16384, 256);

  assertEquals(sum(taken), 256);
  assertLessOrEqual(Math.max(...taken), Math.ceil(defaultLimits.workBytesPerNotify / (16 * 16384)));
});

Deno.test("A kick costs a budget and at most one command more, whatever the commands are", async () => {
  const workBytesPerNotify = 256 * 1024;
  const machine = await startMachine({ limits: { workBytesPerNotify } });
  const { driver, gpu, deferred, ram } = machine;
  createBacked(machine, 1, 256, 250); // less than one budget
  const largest = 256 * 250 * 4 + COMMAND_COST_BYTES;
  const queue = driver.queue(GpuQueue.Control);
  const requests = [
    (words: Uint32Array) => writeTransferToHost2d(words, 0, { resourceId: 1, rect: rect(0, 0, 256, 250), offset: 0 }),
    (words: Uint32Array) => writeTransferToHost2d(words, 0, { resourceId: 1, rect: rect(0, 0, 1, 250), offset: 0 }),
    (words: Uint32Array) => writeGetEdid(words, 0, { scanout: 0 }),
  ];
  for (let count = 0; count < 120; count++) {
    const request = ram.allocate(64);
    const length = requests[count % 3]!(ram.words(request, 16));
    queue.push(queue.writeChain([{ address: request, length }, { address: request, length: 24, isWritable: true }]));
  }
  const costs: number[] = [];
  const work = () => driver.transport.kick(GpuQueue.Control);

  for (let turn: (() => void) | undefined = work; turn !== undefined; turn = deferred.shift()) {
    const before = gpu.counters.bytes;
    turn();
    costs.push(gpu.counters.bytes - before);
  }

  assertLessOrEqual(Math.max(...costs), workBytesPerNotify + largest);
  assertEquals(gpu.counters.commands >= 120, true);
});

Deno.test("A guest that kicks without end has one turn put off, not one for each kick (CVE-2016-5403)", async () => {
  const machine = await startMachine({ limits: { workBytesPerNotify: 1 } });
  const { driver, deferred, ram } = machine;
  const queue = driver.queue(GpuQueue.Control);
  const request = ram.allocate(32);
  for (let left = 100; left > 0; left--) queue.push(queue.writeChain([{ address: request, length: 24 }]));

  for (let kicks = 0; kicks < 1000; kicks++) driver.transport.kick(GpuQueue.Control);

  assertEquals(deferred.length, 1);
});

Deno.test("The cursor moves while the control queue has heavy commands left", async () => {
  const machine = await startMachine({ limits: { workBytesPerNotify: 64 * 1024 } });
  const { driver, display, ram } = machine;
  createBacked(machine, 1, 64, 64);
  updateCursor(driver, 1);
  const queue = driver.queue(GpuQueue.Control);
  const request = ram.allocate(64);
  const fields = { resourceId: 1, rect: rect(0, 0, 64, 64), offset: 0 };
  const length = writeTransferToHost2d(ram.words(request, 16), 0, fields);
  for (let left = 100; left > 0; left--) queue.push(queue.writeChain([{ address: request, length }]));
  driver.transport.kick(GpuQueue.Control);

  assertEquals(moveCursor(driver, 0, 5, 6), "OK_NODATA");

  assertEquals(machine.deferred.length, 1);
  assertEquals([display.cursor(0)?.x, display.cursor(0)?.y], [5, 6]);
});
