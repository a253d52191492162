/** A host blob that everything uses at once, and the commands that end those uses, each with the answer that it deserves. */

import { assertEquals } from "@std/assert";
import { entryWords, type Writer } from "../../src/guest/gpu_driver.ts";
import {
  BlobFlag,
  BlobMem,
  CtrlFlag,
  Format,
  GpuQueue,
  responseName,
  writeCtxDestroy,
  writeResourceCreateBlob,
  writeResourceDetachBacking,
  writeSetScanoutBlob,
  writeSubmit3d,
} from "../../src/protocol/wire.gen.ts";
import { answerTo, attach, flush, rect, setScanout, unref, updateCursor } from "../device/requests.ts";
import {
  attachToContext,
  box,
  createContext,
  detachFromContext,
  submit,
  transferToHost,
} from "../device/three_d_requests.ts";
import { mapBlob, unmapBlob, WINDOW_BYTES } from "../device/window_requests.ts";
import type { HostAccount } from "../../src/device/host_account.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import * as stream from "../support/renderer/stream.ts";
import { type RendererMachine, startWithRenderer } from "../support/renderer_machine.ts";

/** A machine of these tests. */
export type SceneMachine = RendererMachine<ReferenceRenderer>;

/** The blob, which two contexts use. */
export const BLOB = 5;
/** Its size: a picture of a cursor's size, and no more. */
export const SIDE_PIXELS = 64;
const SIZE_BYTES = SIDE_PIXELS * SIDE_PIXELS * 4;
const WHOLE = rect(0, 0, SIDE_PIXELS, SIDE_PIXELS);
const ALL_FLAGS = BlobFlag.UseMappable | BlobFlag.UseShareable | BlobFlag.UseCrossDevice;
const WINDOW_OFFSET = 4096;
const QUEUE_SIZE = 128; // so that no place is used twice while the fenced command waits

/** What the device keeps for its guest now. */
export interface Footprint {
  readonly accountBytes: number;
  readonly heapBytes: number;
  readonly contexts: number;
  readonly resources: number;
}

/** What exists of a scene, as its commands have left it. */
export interface Scene {
  isAlive: boolean;
  isMapped: boolean;
  isShown: boolean;
  hasPages: boolean;
  isContextAlive: boolean;
  /** Whether the fenced command was answered. */
  isFenceDone: boolean;
}

/** A command that ends something, and what it deserves now. */
export interface Ending {
  readonly name: string;
  act(machine: SceneMachine, scene: Scene): void;
}

/** Makes a machine whose driver has started the device. */
export function makeSceneMachine(): Promise<SceneMachine> {
  return startWithRenderer(new ReferenceRenderer(), { windowBytes: WINDOW_BYTES, ramBytes: 64 * 1024 * 1024 });
}

/** Resets the device, starts it anew, and tells what it keeps then. */
export function restart({ driver, pci, ...machine }: SceneMachine): Footprint {
  pci.reset();
  driver.start(undefined, QUEUE_SIZE);
  return footprint({ driver, pci, ...machine });
}

/** What the device keeps for its guest. */
export function footprint({ heap, renderer }: SceneMachine): Footprint {
  return {
    accountBytes: (renderer.host.account as HostAccount).usedBytes,
    heapBytes: heap.usedBytes,
    contexts: renderer.contextCount,
    resources: renderer.resourceCount,
  };
}

/** Makes the blob of host memory, with all that can use it: window, scanout, cursor, two contexts, a fence. */
export function buildHostBlob(machine: SceneMachine): Scene {
  makeBlob(machine, BlobMem.Host3d, []);
  assertEquals(mapBlob(machine.driver, BLOB, WINDOW_OFFSET).answer, "OK_MAP_INFO");
  return useBlob(machine, true, false);
}

/** The same with a blob that has guest pages instead of a place in the window. */
export function buildDefaultBlob(machine: SceneMachine): Scene {
  makeBlob(machine, BlobMem.Host3dGuest, pages(machine));
  return useBlob(machine, false, true);
}

/** Maps a new blob of context 2 where the other one was. */
export function mapAnother({ driver }: SceneMachine): string {
  const ids = { resourceId: BLOB + 1, ctxId: 2, blobIdLow: 7, blobIdHigh: 0 };
  submit(driver, 2, stream.makeBuffer(7, SIZE_BYTES));
  const fields = { ...ids, blobMem: BlobMem.Host3d, blobFlags: ALL_FLAGS, nrEntries: 0, size: SIZE_BYTES };
  answerTo(driver, writeResourceCreateBlob, fields);
  return mapBlob(driver, BLOB + 1, WINDOW_OFFSET).answer;
}

function makeBlob({ driver }: SceneMachine, blobMem: BlobMem, entries: { addr: number; length: number }[]): void {
  const ids = { resourceId: BLOB, ctxId: 1, blobIdLow: 7, blobIdHigh: 0 };
  const fields = { ...ids, blobMem, blobFlags: ALL_FLAGS, nrEntries: entries.length, size: SIZE_BYTES };
  const answers = [
    createContext(driver, 1),
    createContext(driver, 2),
    submit(driver, 1, stream.makeImage(7, SIDE_PIXELS, SIDE_PIXELS)),
    answerTo(driver, writeResourceCreateBlob, fields, { trailing: entryWords(entries) }),
    attachToContext(driver, 1, BLOB),
    attachToContext(driver, 2, BLOB),
  ];
  assertEquals(answers, new Array(6).fill("OK_NODATA"));
}

function useBlob(machine: SceneMachine, isMapped: boolean, hasPages: boolean): Scene {
  const { driver } = machine;
  const picture = { width: SIDE_PIXELS, height: SIDE_PIXELS, format: Format.R8G8B8A8Unorm };
  const planes = { strides: Uint32Array.of(SIDE_PIXELS * 4, 0, 0, 0), offsets: new Uint32Array(4) };
  const shown = { rect: WHOLE, scanoutId: 0, resourceId: BLOB, ...picture, ...planes };
  assertEquals(answerTo(driver, writeSetScanoutBlob, shown), "OK_NODATA");
  assertEquals(updateCursor(driver, BLOB), "OK_NODATA");
  postFenced(machine);
  return { isAlive: true, isMapped, isShown: true, hasPages, isContextAlive: true, isFenceDone: false };
}

/** Sends a fenced stream whose ring a delay holds up, and which fills the blob afterwards; does not wait for it. */
function postFenced(machine: SceneMachine): void {
  const commands = [stream.delay(stream.UNTIL_RELEASED), stream.fill(BLOB, 0, SIZE_BYTES, 0x0a0b0c0d)].flat();
  const header = { flags: CtrlFlag.Fence | CtrlFlag.InfoRingIdx, fenceIdLow: 9, ctxId: 1, ringIdx: 3 };
  post(machine, FENCED, writeSubmit3d, { ...header, size: commands.length * 4 }, commands);
  assertEquals(machine.driver.queue(GpuQueue.Control).pop(), undefined, "the fenced command waits");
}

/** Sends a request whose buffers lie at `place`, and does not wait for the answer. */
function post<F>({ driver, ram }: SceneMachine, place: number, write: Writer<F>, fields: F, trailing: number[]): void {
  const words = ram.words(place, 64);
  const length = write(words, 0, fields) + trailing.length * 4;
  words.set(trailing, length / 4 - trailing.length);
  ram.words(place + REPLY_AT, 6).fill(0);
  const queue = driver.queue(GpuQueue.Control);
  const reply = { address: place + REPLY_AT, length: 24, isWritable: true };
  queue.push(queue.writeChain([{ address: place, length }, reply]));
  driver.transport.kick(GpuQueue.Control);
}

/** Takes the next answer, which must be that of the request at `place`. */
function takeAnswer({ driver, ram }: SceneMachine, place: number): string {
  assertEquals(driver.queue(GpuQueue.Control).pop()?.length, 24, "the command is answered");
  return responseName(ram.words(place + REPLY_AT, 1)[0]!);
}

/** Takes the fenced command's answer, which must be there now unless it was before. */
function takeFence(machine: SceneMachine, scene: Scene): void {
  if (!scene.isFenceDone) assertEquals(takeAnswer(machine, FENCED), "OK_NODATA");
  scene.isFenceDone = true;
}

/** Guest pages for the blob, others each time. */
function pages({ ram }: SceneMachine): { addr: number; length: number }[] {
  pageTurn ^= 1;
  const first = PAGES_ADDRESS + pageTurn * SIZE_BYTES;
  ram.bytes(first, SIZE_BYTES).fill(0x40 + pageTurn);
  return [{ addr: first + 4096, length: SIZE_BYTES - 4096 }, { addr: first, length: 4096 }];
}

let pageTurn = 0;
// Behind all that the drivers of one machine ever allocate.
const FENCED = 63 * 1024 * 1024;
const ENDING = FENCED + 8192;
const REPLY_AT = 4096;
const PAGES_ADDRESS = FENCED + 65536;

const known = (scene: Scene, answer = "OK_NODATA") => scene.isAlive ? answer : "ERR_INVALID_RESOURCE_ID";

/** The endings that all blobs know. */
export const ENDINGS: readonly Ending[] = [
  {
    name: "unref",
    act({ driver }, scene) {
      assertEquals(unref(driver, BLOB), known(scene));
      scene.isAlive =
        scene.isMapped =
        scene.isShown =
        scene.hasPages =
          false;
    },
  },
  {
    name: "detach from the other context",
    act({ driver }, scene) {
      assertEquals(detachFromContext(driver, 2, BLOB), known(scene));
    },
  },
  {
    name: "end the context",
    act(machine, scene) {
      post(machine, ENDING, writeCtxDestroy, { ctxId: 1 }, []);
      takeFence(machine, scene); // its fences end first
      assertEquals(takeAnswer(machine, ENDING), "OK_NODATA");
      scene.isContextAlive = false;
    },
  },
  {
    name: "end the fence",
    act(machine, scene) {
      assertEquals(machine.renderer.release(1, 3), scene.isContextAlive);
      takeFence(machine, scene);
    },
  },
  {
    name: "switch the scanout off",
    act({ driver }, scene) {
      assertEquals(setScanout(driver, 0, 0, rect(0, 0, 0, 0)), "OK_NODATA");
      scene.isShown = false;
    },
  },
];

/** How a blob leaves the window. */
export const UNMAP: Ending = {
  name: "unmap",
  act({ driver }, scene) {
    assertEquals(unmapBlob(driver, BLOB), known(scene, scene.isMapped ? "OK_NODATA" : "ERR_UNSPEC"));
    scene.isMapped = false;
  },
};

/** How a cursor ends that was made of the blob. */
export const HIDE_CURSOR: Ending = {
  name: "hide the cursor",
  act({ driver }) {
    assertEquals(updateCursor(driver, 0), "OK_NODATA");
  },
};

/** How a blob loses its guest pages, and gets others. */
export const SWAP_PAGES: readonly Ending[] = [
  {
    name: "detach the pages",
    act({ driver }, scene) {
      const answer = answerTo(driver, writeResourceDetachBacking, { resourceId: BLOB });
      assertEquals(answer, known(scene, scene.hasPages ? "OK_NODATA" : "ERR_UNSPEC"));
      scene.hasPages = false;
    },
  },
  {
    name: "attach other pages",
    act(machine, scene) {
      const answer = attach(machine.driver, BLOB, pages(machine));
      assertEquals(answer, known(scene, scene.hasPages ? "ERR_UNSPEC" : "OK_NODATA"));
      scene.hasPages = scene.isAlive;
    },
  },
];

/** What must be so between any two commands. */
export function checkScene({ driver, display, gpu, renderer }: SceneMachine, scene: Scene): void {
  assertEquals(flush(driver, BLOB, WHOLE), known(scene));
  assertEquals(gpu.shownResource(0), scene.isShown ? BLOB : undefined);
  assertEquals(display.picture(0) !== undefined, scene.isShown);
  assertEquals(renderer.resourceCount, scene.isAlive ? 1 : 0);
  assertEquals(renderer.contextCount, scene.isContextAlive ? 2 : 1);
  const whole = { ctxId: scene.isContextAlive ? 1 : 2, box: box(0, 0, 0, SIDE_PIXELS, SIDE_PIXELS, 1) };
  const transferred = scene.isMapped || scene.hasPages ? "OK_NODATA" : "ERR_UNSPEC";
  if (scene.hasPages || !scene.isAlive) assertEquals(transferToHost(driver, BLOB, whole), known(scene, transferred));
}
