/**
 * Measures a back end from the outside: `deno run -A tests/support/vhost_front_end/measure.ts [SECONDS]`. It starts one,
 * plays QEMU and the guest, and prints how long it took to answer, and medians over rounds of SECONDS each: how long a kick
 * with one small command takes until the guest is interrupted, how many such commands there are in a second when 64 are in
 * flight, and how many frames of 1920x1080, transferred and flushed while nobody looks.
 */

import {
  Format,
  GpuQueue,
  writeMoveCursor,
  writeResourceCreate2d,
  writeResourceFlush,
  writeSetScanout,
  writeTransferToHost2d,
} from "../../../src/protocol/wire.gen.ts";
import {
  VIRTQ_AVAIL_ELEM_SIZE,
  VIRTQ_AVAIL_IDX,
  VIRTQ_AVAIL_RING,
  VIRTQ_USED_ELEM_SIZE,
  VIRTQ_USED_IDX,
  VIRTQ_USED_RING,
} from "../../../src/virtio/virtio.gen.ts";
import { BackEndProcess } from "./back_end_process.ts";
import { FrontEndMachine } from "./front_end_machine.ts";

const IN_FLIGHT = 64;
const ROUNDS = 7;
const HEADER_BYTES = 24;
const PAGE_BYTES = 4096;
const seconds = Number(Deno.args[0] ?? 1);

/** Calls `work`, which returns how much it has done, for `seconds`, and returns how much that is a second. */
function rate(work: () => number): number {
  const began = performance.now();
  let done = 0;
  while (performance.now() - began < seconds * 1000) done += work();
  return done / (performance.now() - began) * 1000;
}

function median(measure: () => number): number {
  const values = Array.from({ length: ROUNDS }, measure).sort((a, b) => a - b);
  return values[ROUNDS >> 1]!;
}

/** One MOVE_CURSOR at a time: each is waited for. */
function roundTrips({ driver, transport, ram }: FrontEndMachine): () => number {
  const address = ram.guest.allocate(64, 64);
  const fields = { pos: { scanoutId: 0, x: 1, y: 1 }, resourceId: 0, hotX: 0, hotY: 0 };
  const length = writeMoveCursor(ram.guest.words(address, 16), 0, fields);
  const queue = driver.queue(GpuQueue.Cursor);
  return () => {
    queue.push(queue.writeChain([{ address, length }]));
    transport.kick(GpuQueue.Cursor);
    queue.pop();
    return 1;
  };
}

/**
 * 64 SET_SCANOUTs of nothing in flight. The chains and the available ring are written once, since the device takes them in
 * turn: making one available again is to raise the index.
 */
function stream({ driver, transport, ram }: FrontEndMachine): () => number {
  const queue = driver.queue(GpuQueue.Control);
  const { size } = queue;
  const available = new Uint16Array(ram.bytes.buffer, queue.available, 2 + size + 1);
  const used = new Uint16Array(ram.bytes.buffer, queue.used, (VIRTQ_USED_RING + size * VIRTQ_USED_ELEM_SIZE) / 2 + 1);
  const indexAt = VIRTQ_AVAIL_IDX / 2;
  const usedAt = VIRTQ_USED_IDX / 2;
  const usedEventAt = VIRTQ_AVAIL_RING / 2 + size;
  const first = available[indexAt]!;
  const heads = Array.from({ length: IN_FLIGHT }, () => {
    const address = ram.guest.allocate(64, 64);
    const rect = { x: 0, y: 0, width: 0, height: 0 };
    const length = writeSetScanout(ram.guest.words(address, 16), 0, { rect, scanoutId: 0, resourceId: 0 });
    const reply = { address: ram.guest.allocate(HEADER_BYTES, 64), length: HEADER_BYTES, isWritable: true };
    return queue.writeChain([{ address, length }, reply]);
  });
  for (let place = 0; place < size; place++) {
    const turn = (place - first + size) % IN_FLIGHT;
    available[(VIRTQ_AVAIL_RING + place * VIRTQ_AVAIL_ELEM_SIZE) / 2] = heads[turn]!;
  }
  let seen = used[usedAt]!;
  return () => {
    const done = (used[usedAt]! - seen) & 0xffff;
    seen = (seen + done) & 0xffff;
    const before = available[indexAt]!;
    available[usedEventAt] = seen + IN_FLIGHT / 2;
    available[indexAt] = seen + IN_FLIGHT;
    const added = (seen + IN_FLIGHT - before) & 0xffff;
    const availableEvent = used[used.length - 1]!;
    if (((seen + IN_FLIGHT - availableEvent - 1) & 0xffff) < added) transport.signalKick(GpuQueue.Control);
    const target = (seen + IN_FLIGHT / 2) & 0xffff;
    transport.waitUntil(() => ((used[usedAt]! - target) & 0xffff) < IN_FLIGHT, "the ring stands still");
    return done;
  };
}

/** Frames of a screen whose pages lie scattered, as a guest's do. */
function frames({ driver, ram }: FrontEndMachine, width: number, height: number): () => number {
  const pages = Array.from({ length: Math.ceil(width * height * 4 / PAGE_BYTES) }, () => {
    return { addr: ram.guest.allocate(PAGE_BYTES, PAGE_BYTES), length: PAGE_BYTES };
  }).reverse();
  const rect = { x: 0, y: 0, width, height };
  driver.send(writeResourceCreate2d, { resourceId: 1, format: Format.B8G8R8X8Unorm, width, height });
  driver.attachBacking(1, pages);
  driver.send(writeSetScanout, { rect, scanoutId: 0, resourceId: 1 });
  return () => {
    driver.send(writeTransferToHost2d, { rect, offset: 0, resourceId: 1 });
    driver.send(writeResourceFlush, { rect, resourceId: 1 });
    return 1;
  };
}

const began = performance.now();
await using backEnd = await BackEndProcess.start();
const machine = new FrontEndMachine(backEnd.path); // has asked for the features
console.log(`start to first reply: ${(performance.now() - began).toFixed(0)} ms`);
machine.driver.start();

const trip = roundTrips(machine);
console.log(`one command, kick to interrupt: ${(1e6 / median(() => rate(trip))).toFixed(1)} us`);
const frame = frames(machine, 1920, 1080);
console.log(`frames of 1920x1080: ${median(() => rate(frame)).toFixed(0)} a second`);
const flow = stream(machine);
console.log(`commands, ${IN_FLIGHT} in flight: ${(median(() => rate(flow)) / 1e6).toFixed(2)} million a second`);

machine.close();
