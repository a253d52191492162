/** H25: two queues that use one resource, in every order, also with work put off. */

import { assert, assertEquals } from "@std/assert";
import {
  GpuQueue,
  responseName,
  writeMoveCursor,
  writeResourceCreate2d,
  writeResourceUnref,
  writeUpdateCursor,
} from "../../src/protocol/wire.gen.ts";
import { Format } from "../../src/protocol/wire.gen.ts";
import { Random } from "../support/fuzz/random.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { recovers } from "./raw_chain.ts";

const REQUEST_BYTES = 64;

/** Puts a request into a queue without a kick; returns where its reply comes. */
function push({ driver, ram }: Machine, queue: GpuQueue, write: (words: Uint32Array) => number): number {
  const request = ram.allocate(2 * REQUEST_BYTES, 64);
  const length = write(ram.words(request, 16));
  const reply = request + REQUEST_BYTES;
  const ring = driver.queue(queue);
  const chain = [{ address: request, length }, { address: reply, length: 24, isWritable: true }];
  ring.push(ring.writeChain(chain));
  return reply;
}

const create = (resourceId: number) => (words: Uint32Array) =>
  writeResourceCreate2d(words, 0, { resourceId, format: Format.B8G8R8A8Unorm, width: 64, height: 64 });
const unref = (resourceId: number) => (words: Uint32Array) => writeResourceUnref(words, 0, { resourceId });
const update = (resourceId: number) => (words: Uint32Array) =>
  writeUpdateCursor(words, 0, { pos: { scanoutId: 0, x: 1, y: 2 }, resourceId, hotX: 0, hotY: 0 });
const move = (words: Uint32Array) =>
  writeMoveCursor(words, 0, { pos: { scanoutId: 0, x: 3, y: 4 }, resourceId: 0, hotX: 0, hotY: 0 });

for (const first of [GpuQueue.Control, GpuQueue.Cursor]) {
  const order = first === GpuQueue.Control ? "first" : "last";
  Deno.test(`RESOURCE_UNREF in the control queue and UPDATE_CURSOR in the other, the control queue kicked ${order}`, async () => {
    const machine = await startMachine();
    const { driver, ram } = machine;
    push(machine, GpuQueue.Control, create(1));
    driver.transport.kick(GpuQueue.Control);
    const unrefReply = push(machine, GpuQueue.Control, unref(1));
    const updateReply = push(machine, GpuQueue.Cursor, update(1));

    driver.transport.kick(first);
    driver.transport.kick(1 - first);

    const answers = [unrefReply, updateReply].map((reply) => responseName(ram.words(reply, 1)[0]!));
    assertEquals(answers, ["OK_NODATA", first === GpuQueue.Control ? "ERR_INVALID_RESOURCE_ID" : "OK_NODATA"]);
  });
}

for (const workBytesPerNotify of [1, 20_000, 64 * 1024 * 1024]) {
  Deno.test(`Two queues full of commands for the same resources are both answered, ${workBytesPerNotify} bytes a turn`, async () => {
    const machine = await startMachine({ limits: { workBytesPerNotify } });
    const { driver, deferred, heap } = machine;
    const usedBefore = heap.usedBytes;
    const random = new Random(7);
    let sent = 0;
    for (let batch = 0; batch < 40; batch++) {
      for (let count = 0; count < 8; count++) {
        const id = random.between(1, 3);
        push(machine, GpuQueue.Control, random.oneIn(2) ? create(id) : unref(id));
        push(machine, GpuQueue.Cursor, random.oneIn(4) ? move : update(id));
        sent += 2;
      }
      driver.transport.kick(random.below(2));
      driver.transport.kick(GpuQueue.Control);
      driver.transport.kick(GpuQueue.Cursor);
      while (deferred.length > 0) deferred.splice(random.below(deferred.length), 1)[0]!();
      for (const queue of [GpuQueue.Control, GpuQueue.Cursor]) while (driver.queue(queue).pop() !== undefined);
    }
    assertEquals(machine.gpu.counters.commands, sent);

    for (const id of [1, 2, 3]) push(machine, GpuQueue.Control, unref(id));
    driver.transport.kick(GpuQueue.Control);
    while (deferred.length > 0) deferred.shift()!();

    assertEquals(heap.usedBytes, usedBefore);
    assert(recovers(machine));
  });
}
