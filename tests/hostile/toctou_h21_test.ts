/** H21: requests, entries and descriptors that another thread changes while the device reads them. Each byte is read once. */

import { assert, assertEquals } from "@std/assert";
import {
  Format,
  GpuQueue,
  responseName,
  writeResourceAttachBacking,
  writeResourceCreate2d,
  writeTransferToHost2d,
} from "../../src/protocol/wire.gen.ts";
import { createBacked, createResource, rect, transfer, unref } from "../device/requests.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import type { Flip } from "./flipping_worker.ts";
import { NEXT, raw, WRITE, writeTable } from "./raw_chain.ts";

const RAM_OFFSET = 65536; // as tests/support/machine.ts has it
const STOP = 4; // a word below RAM, which nobody uses
const ROUNDS = 3000;
const HUGE = 0x2000_0000;
const TRANSFER_Y = 28; // where the rectangle's y lies in TRANSFER_TO_HOST_2D

/** Runs `work` while another thread gives the words at `addresses` in guest RAM one value and the other. */
async function whileFlipping(
  { memory }: Machine,
  addresses: readonly number[],
  values: readonly [number, number],
  work: () => void,
): Promise<void> {
  const buffer = memory.buffer as unknown as SharedArrayBuffer;
  const worker = new Worker(new URL("./flipping_worker.ts", import.meta.url), { type: "module" });
  const heard = () => new Promise((resolve) => worker.onmessage = resolve);
  try {
    const words = addresses.map((address) => (RAM_OFFSET + address) / 4);
    const flip: Flip = { buffer, words, values, stopWord: STOP };
    const started = heard();
    worker.postMessage(flip);
    await started;
    work();
    const stopped = heard();
    Atomics.store(new Uint32Array(buffer), STOP, 1);
    await stopped;
  } finally {
    worker.terminate();
  }
}

/** Sends the request at guest address `request` and returns the answer's name; undefined when it broke the queue. */
function send(machine: Machine, request: number, length: number, reply: number): string | undefined {
  const { driver, ram } = machine;
  const queue = driver.queue(GpuQueue.Control);
  const chain = [{ address: request, length }, { address: reply, length: 24, isWritable: true }];
  queue.push(queue.writeChain(chain));
  driver.transport.kick(GpuQueue.Control);
  return queue.pop() === undefined ? undefined : responseName(ram.words(reply, 1)[0]!);
}

Deno.test("RESOURCE_CREATE_2D whose size another thread changes makes a resource of one size or of none", async () => {
  const machine = await startMachine({ isShared: true });
  const { driver, heap, ram } = machine;
  const [request, reply] = [ram.allocate(64, 64), ram.allocate(64, 64)];
  const fields = { resourceId: 1, format: Format.R8G8B8X8Unorm, width: 8, height: 8 };
  const length = writeResourceCreate2d(ram.words(request, 10), 0, fields);
  const usedBefore = heap.usedBytes;
  const sizes = new Set<number>();

  await whileFlipping(machine, [request + 32, request + 36], [8, HUGE], () => {
    for (let round = 0; round < ROUNDS; round++) {
      const answer = send(machine, request, length, reply);
      sizes.add(answer === "OK_NODATA" ? heap.usedBytes - usedBefore : 0);
      assert(answer === "OK_NODATA" || answer === "ERR_OUT_OF_MEMORY", answer);
      unref(driver, 1);
      assertEquals(heap.usedBytes, usedBefore);
    }
  });

  assertEquals([...sizes].filter((size) => size !== 0 && size !== 8 * 8 * 4), []);
});

Deno.test("TRANSFER_TO_HOST_2D whose rectangle another thread changes copies what was checked, or nothing", async () => {
  const machine = await startMachine({ isShared: true });
  const { ram, guest } = machine;
  createBacked(machine, 1, 8, 8);
  const behind = machine.heap.allocate(4096); // where row 64 of the resource would be
  guest.bytes.fill(0x5c, behind, behind + 4096);
  const [request, reply] = [ram.allocate(64, 64), ram.allocate(64, 64)];
  const fields = { resourceId: 1, rect: rect(0, 0, 8, 8), offset: 0 };
  const length = writeTransferToHost2d(ram.words(request, 14), 0, fields);
  const answers = new Set<string | undefined>();

  await whileFlipping(machine, [request + TRANSFER_Y], [0, 64], () => {
    for (let round = 0; round < ROUNDS; round++) answers.add(send(machine, request, length, reply));
  });

  assertEquals([...answers].filter((answer) => answer !== "OK_NODATA" && answer !== "ERR_INVALID_PARAMETER"), []);
  assert(guest.bytes.subarray(behind, behind + 4096).every((byte) => byte === 0x5c));
});

Deno.test("Entries that another thread changes are taken as they were checked, or refused", async () => {
  const machine = await startMachine({ isShared: true });
  const { driver, ram } = machine;
  createResource(driver, 1, 8, 8);
  const [request, reply] = [ram.allocate(64, 64), ram.allocate(64, 64)];
  const length = writeResourceAttachBacking(ram.words(request, 8), 0, { resourceId: 1, nrEntries: 1 }) + 16;
  ram.words(request + 32, 4).set([0x1000, 0, 4096, 0]);
  const answers = new Set<string | undefined>();

  await whileFlipping(machine, [request + 32, request + 36], [0x1000, 0xffff_f000], () => {
    for (let round = 0; round < ROUNDS; round++) {
      const answer = send(machine, request, length, reply);
      answers.add(answer);
      if (answer === "OK_NODATA") assertEquals(transfer(driver, 1, rect(0, 0, 8, 8), 0), "OK_NODATA");
      unref(driver, 1);
      createResource(driver, 1, 8, 8);
    }
  });

  assertEquals([...answers].filter((answer) => answer !== "OK_NODATA" && answer !== "ERR_UNSPEC"), []);
});

Deno.test("A descriptor whose address another thread changes gets the whole reply at one place or the other", async () => {
  const machine = await startMachine({ isShared: true });
  const { driver, ram } = machine;
  const [request, first, second] = [ram.allocate(64, 64), ram.allocate(64, 64), ram.allocate(64, 64)];
  const queue = driver.queue(GpuQueue.Control);
  writeTable(ram, queue.descriptors, [raw(request, 24, NEXT, 1), raw(first, 24, WRITE)]);
  const places = new Set<string>();

  await whileFlipping(machine, [queue.descriptors + 16], [first, second], () => {
    for (let round = 0; round < ROUNDS; round++) {
      for (const place of [first, second]) ram.bytes(place, 64).fill(0xa5);
      queue.push(0);
      driver.transport.kick(GpuQueue.Control);
      assertEquals(queue.pop(), { head: 0, length: 24 });
      places.add([first, second].map((place) => changedBytes(ram.bytes(place, 64))).join());
    }
  });

  assertEquals([...places].filter((place) => place !== "24,0" && place !== "0,24"), []);
});

/** How many bytes are no longer the pattern. */
function changedBytes(bytes: Uint8Array): number {
  return bytes.filter((byte) => byte !== 0xa5).length;
}

Deno.test("Entries behind the header are read where the reply goes, and both are as if they were apart", async () => {
  const machine = await startMachine();
  const { driver, ram } = machine;
  createResource(driver, 1, 8, 8);
  const request = ram.allocate(64, 64);
  const pages = ram.allocate(256);
  writeResourceAttachBacking(ram.words(request, 8), 0, { resourceId: 1, nrEntries: 1 });
  ram.words(request + 32, 4).set([pages, 0, 256, 0]);

  const answer = send(machine, request, 48, request + 24);

  assertEquals(answer, "OK_NODATA");
  assertEquals(transfer(driver, 1, rect(0, 0, 8, 8), 0), "OK_NODATA");
});
