/** Contexts in a snapshot: those that the renderer has nothing in, which it makes again when their guest uses them. */

import { assertEquals, assertThrows } from "@std/assert";
import { LATER } from "../../src/protocol/outcome.ts";
import { Reasons } from "../../src/protocol/reasons.ts";
import { CtrlFlag, Format, writeSubmit3d, writeTransferToHost3d } from "../../src/protocol/wire.gen.ts";
import { NO_RING } from "../../src/renderer/renderer.ts";
import { decodeSnapshot, encodeSnapshot } from "../../src/snapshot/snapshot_file.ts";
import { Faults } from "../support/faulty.ts";
import { makeMachine } from "../support/machine.ts";
import { MovingGuest, runDeferred } from "../support/moving_guest.ts";
import { PendingRequest } from "../support/pending_request.ts";
import { RecordingRenderer } from "../support/recording_renderer.ts";
import type { RendererMachine } from "../support/renderer_machine.ts";
import { attach, createFilled, pixel, unref } from "./requests.ts";
import {
  attachToContext,
  box,
  create3d,
  createContext,
  createHostBlob,
  destroyContext,
  detachFromContext,
  submit,
  transferToHost,
} from "./three_d_requests.ts";

type TestMachine = RendererMachine<RecordingRenderer>;

const LARGE_ID = 0xfffffff0;
const contexts = [
  { id: 1, capsetId: 60, debugName: "fbcon", attached: [1, LARGE_ID] },
  { id: LARGE_ID, capsetId: 61, debugName: "schön", attached: [2] },
  { id: 4, capsetId: 60, debugName: "", attached: [] },
];
/** How a renderer hears of context 1. */
const made = [
  ["createContext", 1, 60, "fbcon"],
  ["attachResource", 1, 1],
  ["attachResource", 1, LARGE_ID],
];

async function makeEmpty(): Promise<TestMachine> {
  const renderer = new RecordingRenderer();
  return { ...await makeMachine({ ramBytes: 4 * 1024 * 1024, renderer }), renderer };
}

/** A guest with contexts that no command stream was submitted to, as Linux has as soon as its console is drawn. */
async function guestWithContexts(): Promise<MovingGuest> {
  const guest = new MovingGuest(await makeEmpty());
  const { machine } = guest;
  const { driver } = machine;
  driver.start();
  createContext(driver, 1, { debugName: "fbcon" });
  createContext(driver, 3);
  createContext(driver, LARGE_ID, { debugName: "schön", contextInit: 61 });
  for (const id of [1, 2, LARGE_ID]) createFilled(machine, id, 16, 16, pixel, Format.R8G8B8X8Unorm);
  for (const id of [1, 2, LARGE_ID]) attachToContext(driver, 1, id);
  for (const id of [1, 2]) attachToContext(driver, 3, id);
  detachFromContext(driver, 1, 2);
  attachToContext(driver, LARGE_ID, 2);
  create3d(driver, 9);
  attachToContext(driver, 1, 9);
  unref(driver, 9);
  destroyContext(driver, 3);
  createContext(driver, 4); // has nothing of the one before it
  return guest;
}

/** The same guest after its snapshot was restored, as a file, in another machine. */
async function restored(): Promise<TestMachine> {
  const guest = await guestWithContexts();
  const target = await makeEmpty();
  guest.moveTo(target, decodeSnapshot(encodeSnapshot(guest.machine.pci.snapshot())));
  return { ...guest.machine, renderer: target.renderer };
}

Deno.test("A snapshot holds the contexts that no command stream was submitted to, with what they are attached to", async () => {
  const { machine } = await guestWithContexts();

  assertEquals(machine.gpu.snapshot().contexts, contexts);
});

Deno.test("A snapshot is refused while a context is lost, though no command stream was submitted to it", async () => {
  const machine = await makeEmpty();
  machine.driver.start();
  createContext(machine.driver, 1);
  machine.renderer.host.contextLost(1);

  assertThrows(() => machine.gpu.snapshot(), Error, "1 context in use");
});

Deno.test("Restored contexts are in the next snapshot, and the renderer hears of them when they are used", async () => {
  const { gpu, driver, renderer } = await restored();
  const atRestore = renderer.takeCalls();

  assertEquals(gpu.snapshot().contexts, contexts);
  assertEquals([submit(driver, 1, [7]), submit(driver, 1, [8])], ["OK_NODATA", "OK_NODATA"]);
  assertEquals([atRestore, renderer.calls as unknown[]], [[], [
    ...made,
    ["submit", 1, [7], NO_RING, false],
    ["submit", 1, [8], NO_RING, false],
  ]]);
  assertThrows(() => gpu.snapshot(), Error, "1 context in use");
});

const uses: [name: string, use: (machine: TestMachine) => string, call: string][] = [
  ["CTX_ATTACH_RESOURCE", ({ driver }) => attachToContext(driver, 1, 2), "attachResource"],
  ["RESOURCE_CREATE_BLOB", ({ driver }) => createHostBlob(driver, 7), "createBlob"],
  ["TRANSFER_TO_HOST_3D", ({ driver }) => {
    create3d(driver, 7);
    attach(driver, 7, [{ addr: 0x10_0000, length: 4096 }]);
    return transferToHost(driver, 7, { ctxId: 1 });
  }, "transferToHost"],
];
for (const [name, use, call] of uses) {
  Deno.test(`${name} makes a restored context in the renderer before it is told of the rest`, async () => {
    const machine = await restored();
    const { renderer } = machine;

    assertEquals(use(machine), "OK_NODATA");

    const calls = renderer.calls.filter(([name]) => name !== "createResource");
    assertEquals(calls.slice(0, 3) as unknown[], made);
    assertEquals(calls.slice(3).map(([name]) => name), [call]);
  });
}

Deno.test("What a guest ends without having used it, the renderer hears nothing of", async () => {
  const { driver, renderer, gpu } = await restored();

  const answers = [
    detachFromContext(driver, 1, 1),
    unref(driver, LARGE_ID),
    unref(driver, 2),
    destroyContext(driver, LARGE_ID),
    destroyContext(driver, 4),
    destroyContext(driver, LARGE_ID),
  ];

  assertEquals(answers, [...new Array(5).fill("OK_NODATA"), "ERR_INVALID_CONTEXT_ID"]);
  assertEquals(renderer.calls, []);
  assertEquals(gpu.snapshot().contexts, [{ ...contexts[0]!, attached: [] }]);
  assertEquals([createContext(driver, LARGE_ID), submit(driver, 1, [1])], ["OK_NODATA", "OK_NODATA"]);
});

Deno.test("A renderer that makes a restored context LATER is asked the same again, and then for what the command is about", async () => {
  const machine = await restored();
  const { renderer, ram } = machine;
  renderer.answer("createContext", LATER);
  renderer.answer("submit", LATER);
  const fenced = { flags: CtrlFlag.Fence, fenceIdLow: 5, ctxId: 1, size: 8 };

  const request = PendingRequest.send(machine, writeSubmit3d, fenced, 0, Uint32Array.of(7, 8));
  assertEquals(request.answer(), undefined);
  ram.bytes(request.address, 64).fill(0xee);
  renderer.host.resume();
  assertEquals(request.answer(), undefined);
  renderer.host.resume();

  assertEquals(request.answer(), "OK_NODATA");
  const submitted = ["submit", 1, [7, 8], NO_RING, true];
  assertEquals(renderer.calls as unknown[], [made[0], ...made, submitted, submitted]);
});

Deno.test("A renderer that refuses to make a restored context refuses the command that uses it, and is asked again by the next", async () => {
  const { driver, renderer, gpu } = await restored();
  renderer.answer("createContext", Reasons.hostMemoryFull);

  assertEquals(submit(driver, 1, [7]), "ERR_OUT_OF_MEMORY");
  assertEquals(gpu.snapshot().contexts, contexts);
  assertEquals(submit(driver, 1, [7]), "OK_NODATA");
});

Deno.test("A transfer whose pages go while its restored context is made is refused: the renderer was not asked for it", async () => {
  const machine = await restored();
  const { driver, renderer, guest } = machine;
  create3d(driver, 7);
  attach(driver, 7, [{ addr: 0x30_0000, length: 4096 }]);
  renderer.answer("createContext", LATER);
  const fields = {
    box: box(0, 0, 0, 64, 1, 1),
    offset: 0,
    level: 0,
    stride: 0,
    layerStride: 0,
    resourceId: 7,
    ctxId: 1,
  };

  const request = PendingRequest.send(machine, writeTransferToHost3d, fields);
  const [ram] = guest.regions;
  guest.setRegions([{ ...ram!, sizeBytes: 0x30_0000 }]);
  renderer.host.resume();

  assertEquals(request.answer(), "ERR_UNSPEC");
  assertEquals(renderer.calls.filter(([name]) => name === "transferToHost"), []);
});

Deno.test("A snapshot of version 1, which says nothing of contexts, is restored with none", async () => {
  const guest = await guestWithContexts();
  for (const { id } of contexts) destroyContext(guest.machine.driver, id);
  const { device, ...rest } = guest.machine.pci.snapshot();
  const { contexts: _, ...old } = device as Record<string, unknown>;

  guest.moveTo(await makeEmpty(), { ...rest, version: 1, device: old });

  assertEquals(guest.machine.gpu.snapshot().contexts, []);
  assertEquals(createContext(guest.machine.driver, 1), "OK_NODATA");
});

Deno.test("A restore that a renderer throws out of loses no memory", async () => {
  const guest = await guestWithContexts();
  const faults = new Faults("instead of");
  const target = await makeMachine({ ramBytes: 4 * 1024 * 1024, renderer: faults.wrap(new RecordingRenderer()) });
  target.driver.start();
  const before = target.heap.usedBytes;
  const restoration = target.pci.prepareRestore(guest.machine.pci.snapshot());
  faults.count = 0;
  faults.at = 1;

  assertEquals(faults.survives(() => restoration.apply()), false);

  target.driver.start();
  runDeferred(target);
  assertEquals(target.heap.usedBytes, before);
});
