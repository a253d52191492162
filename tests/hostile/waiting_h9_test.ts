/** H9, H14, H15: a reset, and the other queue, while the renderer has not answered a command yet. */

import { assert, assertEquals } from "@std/assert";
import type { HostAccount } from "../../src/device/host_account.ts";
import { entryWords, type Writer } from "../../src/guest/gpu_driver.ts";
import {
  BlobFlag,
  BlobMem,
  Format,
  GpuQueue,
  responseName,
  writeCtxAttachResource,
  writeCtxCreate,
  writeResourceAttachBacking,
  writeResourceCreate3d,
  writeResourceCreateBlob,
  writeResourceFlush,
  writeResourceMapBlob,
  writeResourceUnmapBlob,
  writeResourceUnref,
  writeSetScanout,
  writeSubmit3d,
  writeTransferFromHost3d,
  writeTransferToHost3d,
  writeUpdateCursor,
} from "../../src/protocol/wire.gen.ts";
import { rect } from "../device/requests.ts";
import { box } from "../device/three_d_requests.ts";
import { WINDOW_BYTES } from "../device/window_requests.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import * as stream from "../support/renderer/stream.ts";
import { type RendererMachine, startWithRenderer } from "../support/renderer_machine.ts";
import { recovers } from "./raw_chain.ts";

type WaitingMachine = RendererMachine<ReferenceRenderer>;

const CONTROL_PLACE = 31 * 1024 * 1024;
const CURSOR_PLACE = CONTROL_PLACE + 65536;
const PAGES = CONTROL_PLACE + 2 * 65536;
const REPLY_AT = 32768;
const SIDE_PIXELS = 64;
const SIZE_BYTES = SIDE_PIXELS * SIDE_PIXELS * 4;
const MAPPABLE = 5;
const WITH_PAGES = 6;
const TEXTURE = 7;

/** Sends a request, and does not wait for the answer. */
function post<F>(
  { driver, ram }: WaitingMachine,
  index: GpuQueue,
  write: Writer<F>,
  fields: F,
  trailing: number[],
): void {
  const place = index === GpuQueue.Control ? CONTROL_PLACE : CURSOR_PLACE;
  const words = ram.words(place, 128);
  const structBytes = write(words, 0, fields);
  words.set(trailing, structBytes / 4);
  const queue = driver.queue(index);
  const request = { address: place, length: structBytes + trailing.length * 4 };
  queue.push(queue.writeChain([request, { address: place + REPLY_AT, length: 64, isWritable: true }]));
  driver.transport.kick(index);
}

/** The answer to what was posted last, or undefined when there is none yet. */
function take({ driver, ram }: WaitingMachine, index: GpuQueue): string | undefined {
  const place = index === GpuQueue.Control ? CONTROL_PLACE : CURSOR_PLACE;
  const isAnswered = driver.queue(index).pop() !== undefined;
  return isAnswered ? responseName(ram.words(place + REPLY_AT, 1)[0]!) : undefined;
}

/** Lets the renderer answer until the device has nothing left to do. */
function settle({ renderer, deferred }: WaitingMachine): void {
  while (renderer.isWaiting || deferred.length > 0) {
    renderer.answerLater();
    for (const work of deferred.splice(0)) work();
  }
}

function request<F>(write: Writer<F>, fields: F, trailing: number[] = []) {
  return (machine: WaitingMachine) => post(machine, GpuQueue.Control, write, fields, trailing);
}

function submit(...commands: number[][]) {
  const words = commands.flat();
  return request(writeSubmit3d, { ctxId: 1, size: words.length * 4 }, words);
}

function createBlob(resourceId: number, blobMem: BlobMem, entries: { addr: number; length: number }[]) {
  const ids = { resourceId, ctxId: 1, blobIdLow: resourceId, blobIdHigh: 0, size: SIZE_BYTES };
  const fields = { ...ids, blobMem, blobFlags: BlobFlag.UseMappable, nrEntries: entries.length };
  return request(writeResourceCreateBlob, fields, [...entryWords(entries)]);
}

const pages = [{ addr: PAGES + SIZE_BYTES, length: SIZE_BYTES }];
const texture = {
  ...{ resourceId: TEXTURE, target: 2, format: Format.R8G8B8A8Unorm, bind: 0, width: SIDE_PIXELS, height: SIDE_PIXELS },
  ...{ depth: 1, arraySize: 1, lastLevel: 0, nrSamples: 0, resourceFlags: 0 },
};
const whole = { box: box(0, 0, 0, SIDE_PIXELS, SIDE_PIXELS, 1), offset: 0, level: 0, stride: 0, layerStride: 0 };
const all = rect(0, 0, SIDE_PIXELS, SIDE_PIXELS);
const scanout = request(writeSetScanout, { rect: all, scanoutId: 0, resourceId: TEXTURE });

/** Commands one after the other: each of them may wait, and those before it have been done. */
const steps: { name: string; act: (machine: WaitingMachine) => void; answer?: string }[] = [
  { name: "CTX_CREATE", act: request(writeCtxCreate, { ctxId: 1, nlen: 0, contextInit: 0 }, new Array(16).fill(0)) },
  {
    name: "SUBMIT_3D",
    act: submit(
      stream.makeImage(MAPPABLE, SIDE_PIXELS, SIDE_PIXELS),
      stream.makeImage(WITH_PAGES, SIDE_PIXELS, SIDE_PIXELS),
    ),
  },
  { name: "RESOURCE_CREATE_BLOB", act: createBlob(MAPPABLE, BlobMem.Host3d, []) },
  { name: "RESOURCE_CREATE_BLOB with pages", act: createBlob(WITH_PAGES, BlobMem.Host3dGuest, pages) },
  { name: "RESOURCE_CREATE_3D", act: request(writeResourceCreate3d, texture) },
  { name: "CTX_ATTACH_RESOURCE", act: request(writeCtxAttachResource, { ctxId: 1, resourceId: MAPPABLE }) },
  {
    name: "RESOURCE_ATTACH_BACKING",
    act: request(writeResourceAttachBacking, { resourceId: TEXTURE, nrEntries: 1 }, [PAGES, 0, SIZE_BYTES, 0]),
  },
  { name: "TRANSFER_TO_HOST_3D", act: request(writeTransferToHost3d, { ...whole, ctxId: 1, resourceId: TEXTURE }) },
  { name: "TRANSFER_FROM_HOST_3D", act: request(writeTransferFromHost3d, { ...whole, resourceId: WITH_PAGES }) },
  { name: "SET_SCANOUT", act: scanout },
  { name: "RESOURCE_FLUSH", act: request(writeResourceFlush, { rect: all, resourceId: TEXTURE }) },
  {
    name: "RESOURCE_MAP_BLOB",
    act: request(writeResourceMapBlob, { resourceId: MAPPABLE, offset: 4096 }),
    answer: "OK_MAP_INFO",
  },
  { name: "RESOURCE_UNMAP_BLOB", act: request(writeResourceUnmapBlob, { resourceId: MAPPABLE }) },
];

function start(): Promise<WaitingMachine> {
  return startWithRenderer(new ReferenceRenderer({ answersLater: "byHand" }), { windowBytes: WINDOW_BYTES });
}

/** Does the first `count` steps, each to its end. */
function doSteps(machine: WaitingMachine, count: number): void {
  for (const { name, act, answer = "OK_NODATA" } of steps.slice(0, count)) {
    act(machine);
    settle(machine);
    assertEquals(take(machine, GpuQueue.Control), answer, name);
  }
}

steps.forEach(({ name, act, answer = "OK_NODATA" }, index) => {
  Deno.test(`H9: a reset while ${name} waits for the renderer gives everything back, and a late answer does nothing`, async () => {
    const machine = await start();
    const { renderer, heap, pci, driver, deferred, gpu } = machine;
    pci.reset();
    const emptyBytes = heap.usedBytes;
    driver.start();
    doSteps(machine, index);
    act(machine);
    const waited = renderer.isWaiting;

    pci.reset();
    renderer.answerLater();
    renderer.host.resume();
    const { commands } = gpu.counters;
    for (const work of deferred.splice(0)) work();

    assertEquals(gpu.counters.commands, commands);
    assertEquals((renderer.host.account as HostAccount).usedBytes, 0);
    assertEquals([heap.usedBytes, renderer.contextCount, renderer.resourceCount], [emptyBytes, 0, 0]);
    assert(waited || /ATTACH|SET_SCANOUT/.test(name), `${name} waits`);
    driver.start();
    doSteps(machine, index + 1);
    assert(recovers(machine));
  });

  Deno.test(`H9: the cursor queue does not wait while ${name} does, nor ends what it began`, async () => {
    const machine = await start();
    doSteps(machine, index);
    act(machine);
    const waited = machine.renderer.isWaiting;

    post(machine, GpuQueue.Cursor, writeUpdateCursor, {
      pos: { scanoutId: 0, x: 0, y: 0 },
      resourceId: MAPPABLE,
      hotX: 0,
      hotY: 0,
    }, []);
    const cursorAnswer = take(machine, GpuQueue.Cursor);
    const isMade = index > 2 || (index === 2 && !waited);

    assertEquals(cursorAnswer, isMade ? "OK_NODATA" : "ERR_INVALID_RESOURCE_ID");
    settle(machine);
    if (waited) assertEquals(take(machine, GpuQueue.Control), answer);
  });
});

Deno.test("H9: RESOURCE_UNREF of a texture whose picture the cursor queue waits for ends both, and the next one is another's", async () => {
  const machine = await start();
  const { renderer } = machine;
  doSteps(machine, 7);
  const cursor = { pos: { scanoutId: 0, x: 0, y: 0 }, resourceId: TEXTURE, hotX: 0, hotY: 0 };
  post(machine, GpuQueue.Cursor, writeUpdateCursor, cursor, []);
  assertEquals([renderer.isWaiting, take(machine, GpuQueue.Cursor)], [true, undefined]);

  request(writeResourceUnref, { resourceId: TEXTURE })(machine);

  assertEquals(take(machine, GpuQueue.Control), "OK_NODATA");
  renderer.host.resume();
  settle(machine);
  assertEquals(take(machine, GpuQueue.Cursor), "ERR_INVALID_RESOURCE_ID");
  request(writeResourceCreate3d, texture)(machine);
  settle(machine);
  assertEquals(take(machine, GpuQueue.Control), "OK_NODATA");
  post(machine, GpuQueue.Cursor, writeUpdateCursor, cursor, []);
  settle(machine);
  assertEquals(take(machine, GpuQueue.Cursor), "OK_NODATA");
});
