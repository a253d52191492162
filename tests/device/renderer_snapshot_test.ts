/** Snapshots of a device with a renderer: what they hold, and what they say they cannot hold. */

import { assertEquals, assertThrows } from "@std/assert";
import { CtrlFlag, Format, writeCtxCreate } from "../../src/protocol/wire.gen.ts";
import { LATER } from "../../src/protocol/outcome.ts";
import { decodeSnapshot, encodeSnapshot } from "../../src/snapshot/snapshot_file.ts";
import { type Machine, type MachineOptions, makeMachine } from "../support/machine.ts";
import { MovingGuest } from "../support/moving_guest.ts";
import { PendingRequest } from "../support/pending_request.ts";
import { startRecording } from "../support/renderer_machine.ts";
import { CAPSETS } from "../support/renderer/capsets.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { delay, fillRect, lose, makeBuffer, UNTIL_RELEASED } from "../support/renderer/stream.ts";
import { createFilled, flush, pictureWords, pixel, rect, setScanout, shownPixels, unref } from "./requests.ts";
import { attachToContext, create3d, createContext, destroyContext, submit } from "./three_d_requests.ts";
import { makeHostBlob, mapBlob, startWithWindow, unmapBlob, WINDOW_BYTES } from "./window_requests.ts";

const whole = rect(0, 0, 16, 16);
const pixels = Array.from({ length: 256 }, (_, index) => pixel(index));

function options(): MachineOptions & { renderer: ReferenceRenderer } {
  return { ramBytes: 4 * 1024 * 1024, windowBytes: WINDOW_BYTES, renderer: new ReferenceRenderer() };
}

/** A guest with a console, as Linux has one before any program uses 3D, on a device with a renderer. */
async function consoleGuest(): Promise<MovingGuest> {
  const guest = new MovingGuest(await makeMachine(options()));
  const { machine } = guest;
  machine.driver.start();
  createFilled(machine, 1, 16, 16, pixel, Format.R8G8B8X8Unorm);
  setScanout(machine.driver, 0, 1, whole);
  flush(machine.driver, 1, whole);
  return guest;
}

function shown({ display }: Machine): number[] {
  return pictureWords(display.picture(0)!.rgba);
}

/** What a guest makes at a renderer, and what the error then counts. */
const held: [counted: string, make: (machine: Machine) => void][] = [
  ["1 context in use", ({ driver }) => {
    for (const id of [1, 9]) createContext(driver, id);
    submit(driver, 9, []);
  }],
  ["2 contexts in use", ({ driver }) => {
    for (const id of [1, 2]) createContext(driver, id);
    submit(driver, 1, lose());
    submit(driver, 2, makeBuffer(1, 4096));
  }],
  ["1 3D resource", ({ driver }) => create3d(driver, 5)],
  ["2 3D resources", ({ driver }) => {
    createContext(driver, 1);
    for (const id of [5, 6]) create3d(driver, id);
  }],
  ["1 context in use, 1 host blob", ({ driver }) => {
    createContext(driver, 1);
    makeHostBlob(driver, 5, 4096);
  }],
  ["2 host blobs", ({ driver }) => {
    createContext(driver, 1);
    makeHostBlob(driver, 5, 4096);
    makeHostBlob(driver, 6, 4096);
    mapBlob(driver, 6, 0);
    destroyContext(driver, 1);
  }],
];
for (const [counted, make] of held) {
  Deno.test(`A snapshot is refused while the renderer holds ${counted}, and the guest goes on`, async () => {
    const { machine } = await consoleGuest();
    make(machine);
    const { message } = assertThrows(() => machine.pci.snapshot(), Error);
    const reason = "no snapshot holds what the renderer has for the guest";
    assertEquals(message, `Cannot take a snapshot: ${reason}: ${counted}`);
    assertEquals(shownPixels(machine, 1, 16, 16), pixels);
  });
}

Deno.test("A snapshot is refused while a fence is not done", async () => {
  const { driver, pci, renderer } = await startWithWindow();
  submit(driver, 1, delay(UNTIL_RELEASED));
  const fenced = { flags: CtrlFlag.Fence, fenceIdLow: 1 };
  assertThrows(() => submit(driver, 1, delay(0), fenced), Error, "left the chain");
  assertThrows(() => pci.snapshot(), Error, "1 context in use, 1 command in flight");
  renderer.release(1, -1);
});

Deno.test("Once a guest has ended all that is the renderer's, a snapshot is taken again", async () => {
  const { machine } = await consoleGuest();
  const { driver } = machine;
  createContext(driver, 1);
  makeHostBlob(driver, 5, 4096);
  create3d(driver, 6);
  mapBlob(driver, 5, 0);
  unmapBlob(driver, 5);
  for (const id of [5, 6]) unref(driver, id);
  destroyContext(driver, 1);
  assertEquals((machine.pci.snapshot().device as { resources: unknown[] }).resources.length, 1);
});

Deno.test("A console on a device with a renderer moves to another one, and uses 3D there", async () => {
  const guest = await consoleGuest();
  const target = await makeMachine(options());
  guest.moveTo(target, decodeSnapshot(encodeSnapshot(guest.machine.pci.snapshot())));
  const { machine } = guest;
  const { driver } = machine;
  assertEquals(shown(machine), pixels);
  createContext(driver, 1);
  create3d(driver, 5, { target: 2, format: Format.R8G8B8X8Unorm, width: 16, height: 16 });
  attachToContext(driver, 1, 5);
  submit(driver, 1, fillRect(5, whole, pixel(3)));
  setScanout(driver, 0, 5, whole);
  flush(driver, 5, whole);
  assertEquals([...new Set(shown(machine))], [pixel(3)]);
});

Deno.test("A snapshot names the capability sets and the window that its driver has seen", async () => {
  const { machine } = await consoleGuest();
  const { config } = machine.gpu.snapshot();
  assertEquals(config.capsets, [...CAPSETS]);
  assertEquals(config.hostVisibleBytes, WINDOW_BYTES);
  const plain = await makeMachine();
  const { capsets, hostVisibleBytes } = plain.gpu.snapshot().config;
  assertEquals([capsets, hostVisibleBytes], [[], 0]);
});

Deno.test("A snapshot of a device without a renderer goes to one with a renderer: its driver uses none", async () => {
  const guest = new MovingGuest(await makeMachine({ ramBytes: 4 * 1024 * 1024 }));
  const { machine } = guest;
  machine.driver.start();
  createFilled(machine, 1, 16, 16, pixel, Format.R8G8B8X8Unorm);
  setScanout(machine.driver, 0, 1, whole);
  flush(machine.driver, 1, whole);
  guest.moveTo(await makeMachine(options()));
  assertEquals(shown(guest.machine), pixels);
  assertEquals(createContext(guest.machine.driver, 1), "ERR_UNSPEC");
});

Deno.test("A restore ends all that the guest of before had at the renderer, gives its memory back, and frees the window", async () => {
  const guest = await consoleGuest();
  const given = options();
  const target = await makeMachine(given);
  target.driver.start();
  const before = target.heap.usedBytes;
  createContext(target.driver, 1);
  for (const id of [5, 6]) makeHostBlob(target.driver, id, 1024 * 1024);
  mapBlob(target.driver, 6, 0);
  create3d(target.driver, 7, { target: 2, format: Format.R8G8B8X8Unorm, width: 640, height: 480 });
  setScanout(target.driver, 0, 7, whole);
  flush(target.driver, 7, whole);
  guest.moveTo(target);
  const { renderer } = given;
  assertEquals([renderer.contextCount, renderer.resourceCount], [0, 0]);
  assertEquals(shown(guest.machine), pixels);
  const { driver } = guest.machine;
  createContext(driver, 1);
  makeHostBlob(driver, 5, 4096);
  assertEquals(mapBlob(driver, 5, 0).answer, "OK_MAP_INFO");
  driver.start();
  assertEquals(target.heap.usedBytes, before);
});

Deno.test("A command that waits for the renderer is forgotten by a restore, and answered where its snapshot goes", async () => {
  const machine = await startRecording();
  const { renderer } = machine;
  renderer.answer("createContext", LATER);
  const fence = { flags: CtrlFlag.Fence, fenceIdLow: 7 };
  const request = PendingRequest.send(machine, writeCtxCreate, { ...fence, ctxId: 1, nlen: 0, contextInit: 0 });
  assertEquals(request.answer(), undefined);
  const snapshot = machine.pci.snapshot();
  renderer.takeCalls();
  machine.pci.restore(snapshot);
  assertEquals(request.answer(), "OK_NODATA");
  assertEquals(renderer.takeCalls().map(([name]) => name), ["createContext"]);
  assertEquals(renderer.alive.contexts, [1]);
});
