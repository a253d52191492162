/**
 * Renderers, displays and windows that throw. Their fault ends the command in progress; the device loses no memory by it, and
 * nothing in it is half done.
 */

import { assertEquals, assertGreater, assertThrows } from "@std/assert";
import { entryWords, type Writer } from "../../src/guest/gpu_driver.ts";
import {
  BlobFlag,
  BlobMem,
  Format,
  GpuQueue,
  writeCtxAttachResource,
  writeCtxCreate,
  writeCtxDestroy,
  writeCtxDetachResource,
  writeMoveCursor,
  writeResourceAttachBacking,
  writeResourceCreate2d,
  writeResourceCreate3d,
  writeResourceCreateBlob,
  writeResourceFlush,
  writeResourceMapBlob,
  writeResourceUnmapBlob,
  writeResourceUnref,
  writeSetScanout,
  writeSetScanoutBlob,
  writeSubmit3d,
  writeTransferFromHost3d,
  writeTransferToHost3d,
  writeUpdateCursor,
} from "../../src/protocol/wire.gen.ts";
import { LATER } from "../../src/protocol/outcome.ts";
import { Reasons } from "../../src/protocol/reasons.ts";
import type { Renderer } from "../../src/renderer/renderer.ts";
import { Fault, type FaultKind, Faults } from "../support/faulty.ts";
import { type Machine, makeMachine } from "../support/machine.ts";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import { PendingRequest } from "../support/pending_request.ts";
import { RecordingRenderer } from "../support/recording_renderer.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { makeImage } from "../support/renderer/stream.ts";
import { rect } from "./requests.ts";
import { box } from "./three_d_requests.ts";
import { mapBlob, unmapBlob, WINDOW_BYTES } from "./window_requests.ts";

const SIDE_PIXELS = 64;
const SIZE_BYTES = SIDE_PIXELS * SIDE_PIXELS * 4;
const PICTURE = 1;
const GUEST_BLOB = 2;
const HOST_BLOB = 5;
const WITH_PAGES = 6;
const TEXTURE = 7;

type Send = (machine: Machine) => void;

function send<F>(write: Writer<F>, fields: F, trailing: number[] = [], queue: GpuQueue = GpuQueue.Control): Send {
  return (machine) => void PendingRequest.send(machine, write, fields, queue, Uint32Array.from(trailing));
}

function createBlob(resourceId: number, blobMem: BlobMem, entries: { addr: number; length: number }[]): Send {
  const ids = { resourceId, ctxId: 1, blobIdLow: resourceId, blobIdHigh: 0, size: SIZE_BYTES };
  const fields = { ...ids, blobMem, blobFlags: BlobFlag.UseMappable, nrEntries: entries.length };
  return send(writeResourceCreateBlob, fields, [...entryWords(entries)]);
}

const stream = [...makeImage(HOST_BLOB, SIDE_PIXELS, SIDE_PIXELS), ...makeImage(WITH_PAGES, SIDE_PIXELS, SIDE_PIXELS)];
const pages = [{ addr: 0x10_0000, length: SIZE_BYTES }];
const texture = {
  ...{ target: 2, format: Format.R8G8B8A8Unorm, bind: 0, width: SIDE_PIXELS, height: SIDE_PIXELS },
  ...{ depth: 1, arraySize: 1, lastLevel: 0, nrSamples: 0, resourceFlags: 0 },
};
const part = { box: box(0, 0, 0, SIDE_PIXELS, SIDE_PIXELS, 1), offset: 0, level: 0, stride: 0, layerStride: 0 };
const whole = rect(0, 0, SIDE_PIXELS, SIDE_PIXELS);
const picture = { width: SIDE_PIXELS, height: SIDE_PIXELS, format: Format.R8G8B8A8Unorm };
const planes = { strides: Uint32Array.of(SIDE_PIXELS * 4, 0, 0, 0), offsets: new Uint32Array(4) };
const pos = { scanoutId: 0, x: 1, y: 2 };
const attachBacking = (resourceId: number) =>
  send(writeResourceAttachBacking, { resourceId, nrEntries: 1 }, [...entryWords(pages)]);
const attachTo = (ctxId: number, resourceId: number) => send(writeCtxAttachResource, { ctxId, resourceId });
const show = (scanoutId: number, resourceId: number) => send(writeSetScanout, { rect: whole, scanoutId, resourceId });
const flush = (resourceId: number) => send(writeResourceFlush, { rect: whole, resourceId });

/** What a guest does with all that an embedder has. A second round finds nothing of the first. */
const scene: readonly Send[] = [
  ...[1, 2, 3].map((ctxId) => send(writeCtxCreate, { ctxId, nlen: 0, contextInit: 0 })),
  send(writeResourceCreate2d, { ...picture, resourceId: PICTURE }),
  attachBacking(PICTURE),
  createBlob(GUEST_BLOB, BlobMem.Guest, pages),
  send(writeSubmit3d, { ctxId: 1, size: stream.length * 4 }, stream),
  createBlob(HOST_BLOB, BlobMem.Host3d, []),
  createBlob(WITH_PAGES, BlobMem.Host3dGuest, pages),
  send(writeResourceCreate3d, { ...texture, resourceId: TEXTURE }),
  attachBacking(TEXTURE),
  ...[PICTURE, GUEST_BLOB, TEXTURE].flatMap((id) => [1, 2, 3].map((ctxId) => attachTo(ctxId, id))),
  send(writeCtxDetachResource, { ctxId: 2, resourceId: PICTURE }),
  send(writeTransferToHost3d, { ...part, resourceId: TEXTURE }),
  send(writeTransferFromHost3d, { ...part, resourceId: TEXTURE }),
  show(0, TEXTURE),
  flush(TEXTURE),
  show(0, PICTURE),
  show(1, PICTURE),
  flush(PICTURE),
  send(writeResourceMapBlob, { resourceId: HOST_BLOB, offset: 0 }),
  send(writeSetScanoutBlob, { ...picture, ...planes, rect: whole, scanoutId: 1, resourceId: HOST_BLOB }),
  flush(HOST_BLOB),
  send(writeResourceUnmapBlob, { resourceId: HOST_BLOB }),
  send(writeResourceMapBlob, { resourceId: HOST_BLOB, offset: 65536 }),
  send(writeUpdateCursor, { pos, resourceId: TEXTURE, hotX: 0, hotY: 0 }, [], GpuQueue.Cursor),
  send(writeMoveCursor, { pos, resourceId: 0, hotX: 0, hotY: 0 }, [], GpuQueue.Cursor),
];
const ending: readonly Send[] = [
  send(writeCtxDestroy, { ctxId: 3 }),
  ...[PICTURE, GUEST_BLOB, HOST_BLOB, WITH_PAGES, TEXTURE].map((resourceId) =>
    send(writeResourceUnref, { resourceId })
  ),
  send(writeCtxDestroy, { ctxId: 1 }),
];

/** A machine all of whose embedder's parts have `faults`. */
async function makeFaulty(renderer: Renderer, faults: Faults): Promise<Machine> {
  const display = new MemoryDisplay();
  const machine = await makeMachine({
    ramBytes: 4 * 1024 * 1024,
    outputs: [{ widthPixels: 64, heightPixels: 64 }, { widthPixels: 64, heightPixels: 64 }],
    display: faults.wrap(display),
    renderer: faults.wrap(renderer),
    windowBytes: WINDOW_BYTES,
    wrapWindow: (window) => faults.wrap(window),
  });
  return { ...machine, display };
}

/** Lets the device do all that it has put off, or that its renderer has, until the fault: who threw answers no more. */
function settle({ deferred }: Machine, faults: Faults, renderer: ReferenceRenderer): void {
  while (!faults.isOver && (deferred.length > 0 || renderer.isWaiting)) {
    faults.survives(() => renderer.answerLater());
    for (const work of deferred.splice(0)) faults.survives(work);
  }
}

/** Plays until the fault, then resets: twice when the fault is in the reset. Returns what the heap holds then. */
function playTo(at: number, machine: Machine, faults: Faults, renderer: ReferenceRenderer): number {
  faults.count = 0;
  faults.at = at;
  for (const act of [...scene, ...ending.slice(0, 3)]) {
    if (faults.isOver) break;
    faults.survives(() => act(machine));
    settle(machine, faults, renderer);
  }
  while (!faults.survives(() => machine.driver.start()));
  machine.deferred.length = 0;
  for (const scanoutId of [0, 1]) machine.display.disable(scanoutId); // its pictures are its own business
  return machine.heap.usedBytes;
}

for (const kind of ["instead of", "after"] as const satisfies FaultKind[]) {
  for (const answersLater of ["never", "byHand"] as const) {
    Deno.test(`A device loses no memory to an embedder who throws ${kind} any call, when answers come later: ${answersLater}`, async () => {
      const faults = new Faults(kind);
      const renderer = new ReferenceRenderer({ answersLater });
      const machine = await makeFaulty(renderer, faults);
      machine.driver.start();
      const empty = machine.heap.usedBytes;
      playTo(0, machine, faults, renderer);
      const callCount = faults.count;
      const held = Array.from(
        { length: callCount },
        (_, index) => playTo(index + 1, machine, faults, renderer) - empty,
      );
      assertGreater(callCount, scene.length);
      assertEquals(held, new Array(callCount).fill(0));
    });
  }
}

Deno.test("A device keeps its promises to a renderer after any call that throws: a command is done or not", async () => {
  const faults = new Faults("instead of");
  const renderer = new RecordingRenderer();
  const machine = await makeFaulty(renderer, faults);
  const play = (at: number) => {
    machine.driver.start();
    faults.count = 0;
    faults.at = at;
    for (const act of [...scene, ...ending, ...scene, ...ending]) faults.survives(() => act(machine));
    return faults.count;
  };
  const callCount = play(0);
  for (let at = 1; at <= callCount; at++) play(at);
  assertGreater(callCount, 2 * scene.length);
});

/** Plays the scene up to the first command that calls a function with this name, whose first call throws. */
function failAt(machine: Machine, faults: Faults, name: string): void {
  machine.driver.start();
  faults.name = name;
  faults.count = 0;
  faults.at = 1;
  scene.find((act) => !faults.survives(() => act(machine)));
  faults.at = 0;
  while (machine.driver.queue(GpuQueue.Control).pop() !== undefined); // the answers up to there
}

for (const name of ["map", "moveBlob"]) {
  Deno.test(`A blob is not mapped when ${name} throws: it can be mapped elsewhere, and what the guest may see stays taken`, async () => {
    const faults = new Faults("after");
    const machine = await makeFaulty(new RecordingRenderer(), faults);

    failAt(machine, faults, name);

    const { driver } = machine;
    assertEquals(unmapBlob(driver, HOST_BLOB), "ERR_UNSPEC");
    assertEquals(mapBlob(driver, HOST_BLOB, 0).answer, "ERR_INVALID_PARAMETER");
    assertEquals(mapBlob(driver, HOST_BLOB, SIZE_BYTES).answer, "OK_MAP_INFO");
  });
}

for (const name of ["disable", "setCursor", "destroyResource"]) {
  Deno.test(`A reset that ${name} throws out of has ended everything all the same`, async () => {
    const faults = new Faults("after");
    const renderer = new RecordingRenderer();
    const machine = await makeFaulty(renderer, faults);
    machine.driver.start();
    const empty = machine.heap.usedBytes;
    for (const act of scene) act(machine);
    const resetsBefore = renderer.resets;
    faults.name = name;
    faults.count = 0;
    faults.at = 1;

    assertThrows(() => machine.pci.reset(), Fault, name);

    assertEquals(renderer.resets, resetsBefore + 1);
    assertEquals([machine.gpu.shownResource(0), machine.gpu.shownResource(1)], [undefined, undefined]);
    assertEquals(machine.driver.transport.readStatus(), 0);
    for (const scanoutId of [0, 1]) machine.display.disable(scanoutId);
    machine.driver.start();
    assertEquals(machine.heap.usedBytes, empty);
  });
}

for (const [name, outcome] of [["OK", undefined], ["LATER", LATER], ["a reason", Reasons.hostMemoryFull]] as const) {
  Deno.test(`A renderer within whose createBlob the device is reset, and who then answers ${name}, costs it no memory`, async () => {
    const renderer = new RecordingRenderer();
    const machine = await makeMachine({ ramBytes: 4 * 1024 * 1024, renderer });
    const { driver, heap } = machine;
    driver.start();
    const empty = heap.usedBytes;
    send(writeCtxCreate, { ctxId: 1, nlen: 0, contextInit: 0 })(machine);
    renderer.createBlob = () => {
      driver.start();
      return outcome;
    };
    renderer.destroyResource = () => {};

    createBlob(WITH_PAGES, BlobMem.Host3dGuest, pages)(machine);

    assertEquals(heap.usedBytes, empty);
    driver.start();
    assertEquals(heap.usedBytes, empty);
  });
}
