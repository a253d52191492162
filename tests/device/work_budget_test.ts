/** `Limits.workBytesPerNotify`: a kick works so long and no longer; what is left is taken up when deferred work runs. */

import { assertEquals } from "@std/assert";
import { COMMAND_COST_BYTES } from "../../src/device/limits.ts";
import type { DriverQueue } from "../../src/guest/driver_queue.ts";
import {
  GpuQueue,
  writeMoveCursor,
  writeResourceFlush,
  writeResourceUnref,
  writeTransferToHost2d,
} from "../../src/protocol/wire.gen.ts";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { createBacked, createFilled, createResource, flush, moveCursor, pixel, rect, setScanout } from "./requests.ts";

const threeCommands = { limits: { workBytesPerNotify: 3 * COMMAND_COST_BYTES } };

/** Puts `count` RESOURCE_UNREF requests into the control queue, for resources 1, 2, …, and kicks once. */
function unrefAll({ driver, ram }: Machine, count: number): DriverQueue {
  const queue = driver.queue(GpuQueue.Control);
  for (let resourceId = 1; resourceId <= count; resourceId++) {
    const request = ram.allocate(32);
    writeResourceUnref(ram.words(request, 8), 0, { resourceId });
    queue.push(queue.writeChain([{ address: request, length: 32 }]));
  }
  driver.transport.kick(GpuQueue.Control);
  return queue;
}

/** Takes all chains that are used now; returns their heads. */
function takeUsed(queue: DriverQueue): number[] {
  const heads: number[] = [];
  for (let used = queue.pop(); used !== undefined; used = queue.pop()) heads.push(used.head);
  return heads;
}

Deno.test("A kick works through a budget of commands, and deferred work through the next, in their order", async () => {
  const machine = await startMachine(threeCommands);
  const { deferred } = machine;

  const queue = unrefAll(machine, 8);
  const turns = [takeUsed(queue)];
  while (deferred.length > 0) {
    deferred.shift()!();
    turns.push(takeUsed(queue));
  }

  const perTurn = turns.map((heads) => heads.length);
  const inOrder = turns.flat();
  assertEquals(perTurn, [3, 3, 2]);
  assertEquals(inOrder, inOrder.toSorted((a, b) => a - b));
  assertEquals(machine.errors.length, 8);
});

Deno.test("A kick while work is deferred does not work, and defers nothing twice", async () => {
  const machine = await startMachine(threeCommands);
  const queue = unrefAll(machine, 8);
  takeUsed(queue);

  machine.driver.transport.kick(GpuQueue.Control);
  machine.driver.transport.kick(GpuQueue.Control);

  assertEquals(takeUsed(queue), []);
  assertEquals(machine.deferred.length, 1);
});

Deno.test("A chain that comes without a kick while work is deferred is taken up with it", async () => {
  const machine = await startMachine(threeCommands);
  const queue = unrefAll(machine, 4);
  takeUsed(queue);

  queue.push(queue.writeChain([{ address: machine.ram.allocate(32), length: 32 }]));
  machine.deferred.shift()!();

  assertEquals(takeUsed(queue).length, 2);
});

Deno.test("The cursor queue works while work of the control queue is deferred", async () => {
  const machine = await startMachine(threeCommands);
  unrefAll(machine, 8);

  assertEquals(moveCursor(machine.driver, 0, 1, 2), "OK_NODATA");
});

Deno.test("Both queues may have work deferred, each its own", async () => {
  const machine = await startMachine(threeCommands);
  const { driver, ram, deferred } = machine;
  const control = unrefAll(machine, 5);
  const cursor = driver.queue(GpuQueue.Cursor);
  const request = ram.allocate(56);
  writeMoveCursor(ram.words(request, 14), 0, { pos: { scanoutId: 0, x: 1, y: 2 }, resourceId: 0, hotX: 0, hotY: 0 });
  for (let count = 0; count < 5; count++) cursor.push(cursor.writeChain([{ address: request, length: 56 }]));
  driver.transport.kick(GpuQueue.Cursor);

  for (const work of deferred.splice(0)) work();

  assertEquals([takeUsed(control).length, takeUsed(cursor).length], [5, 5]);
});

Deno.test("The bytes of a transfer count against the budget", async () => {
  const machine = await startMachine({ limits: { workBytesPerNotify: 20000 } });
  const { driver, ram } = machine;
  createBacked(machine, 1, 64, 64); // 16384 bytes
  const queue = driver.queue(GpuQueue.Control);
  const request = ram.allocate(56);
  writeTransferToHost2d(ram.words(request, 14), 0, { resourceId: 1, rect: rect(0, 0, 64, 64), offset: 0 });
  for (let count = 0; count < 6; count++) queue.push(queue.writeChain([{ address: request, length: 56 }]));

  driver.transport.kick(GpuQueue.Control);

  assertEquals(takeUsed(queue).length, 2);
  assertEquals(machine.deferred.length, 1);
});

Deno.test("A flush counts the pixels of every scanout against the budget", async () => {
  const outputs = new Array(4).fill({ widthPixels: 64, heightPixels: 64 });
  const machine = await startMachine({ outputs, limits: { workBytesPerNotify: 4 * 16384 } });
  createResource(machine.driver, 1, 64, 64);
  for (const scanout of [0, 1, 2, 3]) setScanout(machine.driver, scanout, 1, rect(0, 0, 64, 64));
  machine.deferred.length = 0;

  flush(machine.driver, 1, rect(0, 0, 64, 64));

  assertEquals(machine.deferred.length, 1);
});

Deno.test("A reset drops deferred work, and a new session begins with its own", async () => {
  const machine = await startMachine(threeCommands);
  unrefAll(machine, 8);

  machine.driver.start();
  const queue = unrefAll(machine, 2);
  for (const work of machine.deferred.splice(0)) work();

  assertEquals(takeUsed(queue).length, 2);
  assertEquals(machine.gpu.counters.commands, 3 + 2);
});

Deno.test("A reset leaves deferred work nothing to do while no driver has started", async () => {
  const machine = await startMachine(threeCommands);
  const queue = unrefAll(machine, 8);
  takeUsed(queue);

  machine.pci.reset();
  for (const work of machine.deferred.splice(0)) work();

  assertEquals(takeUsed(queue), []);
  assertEquals(machine.gpu.counters.commands, 3);
});

/** A display that kicks the control queue whenever it is told to show something. */
class KickingDisplay extends MemoryDisplay {
  kick = () => {};

  override show(...args: Parameters<MemoryDisplay["show"]>): void {
    super.show(...args);
    this.kick();
  }
}

Deno.test("A kick from inside a command is taken up afterwards, not in the middle", async () => {
  const display = new KickingDisplay();
  const machine = await startMachine({ display });
  const { driver, ram } = machine;
  createFilled(machine, 1, 8, 8, pixel);
  setScanout(driver, 0, 1, rect(0, 0, 8, 8));
  const queue = driver.queue(GpuQueue.Control);
  const request = ram.allocate(48);
  writeResourceFlush(ram.words(request, 12), 0, { resourceId: 1, rect: rect(0, 0, 8, 8) });
  const heads = [1, 2, 3].map(() => queue.writeChain([{ address: request, length: 48 }]));
  for (const head of heads) queue.push(head);
  display.kick = () => driver.transport.kick(GpuQueue.Control);

  driver.transport.kick(GpuQueue.Control);
  display.kick = () => {};
  for (const work of machine.deferred.splice(0)) work();

  assertEquals(takeUsed(queue), heads);
});
