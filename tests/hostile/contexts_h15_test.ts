/** H15: contexts that are unknown, made twice, 0, lost, or destroyed with what they use. */

import { assert, assertEquals } from "@std/assert";
import { BlobMem } from "../../src/protocol/wire.gen.ts";
import { createFilled, createResource, unref } from "../device/requests.ts";
import {
  attachToContext,
  create3d,
  createContext,
  createHostBlob,
  destroyContext,
  detachFromContext,
  submit,
  transferFromHost,
  transferToHost,
} from "../device/three_d_requests.ts";
import type { MachineOptions } from "../support/machine.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { copy, fill, lose, makeBuffer } from "../support/renderer/stream.ts";
import { type RendererMachine, startWithRenderer } from "../support/renderer_machine.ts";
import { needsReset } from "./raw_chain.ts";

type TestMachine = RendererMachine<ReferenceRenderer>;
const IDS = [1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

const start = (options?: MachineOptions): Promise<TestMachine> => startWithRenderer(new ReferenceRenderer(), options);

/** Everything that names a context; resource 1 is a 3D one. */
const uses: [name: string, use: (machine: TestMachine, ctxId: number) => string][] = [
  ["CTX_DESTROY", ({ driver }, ctxId) => destroyContext(driver, ctxId)],
  ["CTX_ATTACH_RESOURCE", ({ driver }, ctxId) => attachToContext(driver, ctxId, 1)],
  ["CTX_DETACH_RESOURCE", ({ driver }, ctxId) => detachFromContext(driver, ctxId, 1)],
  ["SUBMIT_3D", ({ driver }, ctxId) => submit(driver, ctxId, [])],
  ["RESOURCE_CREATE_BLOB of host memory", ({ driver }, ctxId) => createHostBlob(driver, 9, { ctxId })],
  [
    "RESOURCE_CREATE_BLOB of a default blob",
    ({ driver }, ctxId) => createHostBlob(driver, 9, { ctxId, blobMem: BlobMem.Host3dGuest }),
  ],
];
/** What names a context too, but takes 0 for "none". */
const usesWithNone: typeof uses = [
  ["TRANSFER_TO_HOST_3D", ({ driver }, ctxId) => transferToHost(driver, 1, { ctxId })],
  ["TRANSFER_FROM_HOST_3D", ({ driver }, ctxId) => transferFromHost(driver, 1, { ctxId })],
];

for (const [name, use] of [...uses, ...usesWithNone]) {
  Deno.test(`H15: ${name} answers ERR_INVALID_CONTEXT_ID for a context that never was, and for one that is gone`, async () => {
    const machine = await start();
    create3d(machine.driver, 1);
    for (const ctxId of IDS) {
      assertEquals(use(machine, ctxId), "ERR_INVALID_CONTEXT_ID");
      createContext(machine.driver, ctxId);
      destroyContext(machine.driver, ctxId);
      assertEquals(use(machine, ctxId), "ERR_INVALID_CONTEXT_ID");
    }
  });
}

for (const [name, use] of uses) {
  Deno.test(`H15: ${name} answers ERR_INVALID_CONTEXT_ID for context 0`, async () => {
    const machine = await start();
    create3d(machine.driver, 1);
    assertEquals(use(machine, 0), "ERR_INVALID_CONTEXT_ID");
  });
}

Deno.test("H15: a context that is made twice stays the first one, with what it has", async () => {
  const { driver, renderer } = await start();
  createContext(driver, 1, { debugName: "first" });
  submit(driver, 1, makeBuffer(1, 4096));

  assertEquals(createContext(driver, 1, { debugName: "second" }), "ERR_INVALID_CONTEXT_ID");
  assertEquals(renderer.context(1)!.debugName, "first");
  assertEquals(createHostBlob(driver, 5), "OK_NODATA");
});

Deno.test("H15: CTX_DESTROY gives the objects back that no blob was made of, and leaves resources as they are", async () => {
  const { driver, heap } = await start();
  const usedBefore = heap.usedBytes;
  createContext(driver, 1);
  submit(driver, 1, [...makeBuffer(1, 4096), ...makeBuffer(2, 1024 * 1024)]);
  createHostBlob(driver, 5);
  create3d(driver, 6);
  for (const id of [5, 6]) attachToContext(driver, 1, id);

  assertEquals(destroyContext(driver, 1), "OK_NODATA");

  assertEquals(heap.usedBytes - usedBefore, 8192);
  assertEquals([unref(driver, 5), unref(driver, 6)], ["OK_NODATA", "OK_NODATA"]);
  assertEquals(heap.usedBytes, usedBefore);
});

for (const order of ["unref, detach, destroy", "destroy, unref", "detach, unref, destroy", "destroy, unref, detach"]) {
  Deno.test(`H15: a resource that a context uses ends in the order: ${order}`, async () => {
    const machine = await start();
    const { driver, heap, renderer } = machine;
    const usedBefore = heap.usedBytes;
    createContext(driver, 1);
    submit(driver, 1, makeBuffer(1, 4096));
    createHostBlob(driver, 5);
    create3d(driver, 6);
    createResource(driver, 7, 8, 8);
    for (const id of [5, 6, 7]) attachToContext(driver, 1, id);

    for (const step of order.split(", ")) {
      if (step === "destroy") destroyContext(driver, 1);
      for (const id of [5, 6, 7]) {
        if (step === "unref") unref(driver, id);
        if (step === "detach") detachFromContext(driver, 1, id);
      }
    }

    assertEquals([heap.usedBytes, renderer.contextCount, renderer.resourceCount], [usedBefore, 0, 0]);
    assert(!needsReset(machine));
  });
}

for (const kind of ["2D", "3D"]) {
  Deno.test(`H15: a context that used a ${kind} resource does not use another that gets its id`, async () => {
    const machine = await start();
    const { driver, renderer } = machine;
    const make = () => kind === "2D" ? createFilled(machine, 7, 8, 8, () => 1) : create3d(driver, 7);
    createContext(driver, 1);
    create3d(driver, 6);
    attachToContext(driver, 1, 6);
    make();
    attachToContext(driver, 1, 7);
    const steal = copy({ resourceId: 6, offset: 0 }, { resourceId: 7, offset: 0 }, 64);
    submit(driver, 1, steal);
    assert(!renderer.context(1)!.isLost);

    unref(driver, 7);
    make();
    submit(driver, 1, steal);

    assert(renderer.context(1)!.isLost);
  });
}

Deno.test("H15: contexts that are lost do not disturb others, and all of them go", async () => {
  const { driver, heap } = await start();
  const usedBefore = heap.usedBytes;
  create3d(driver, 1);
  for (let ctxId = 1; ctxId <= 256; ctxId++) {
    createContext(driver, ctxId);
    attachToContext(driver, ctxId, 1);
    submit(driver, ctxId, [...makeBuffer(1, 4096), ...(ctxId % 2 === 0 ? lose() : [])]);
  }

  const answers = Array.from({ length: 256 }, (_, index) => submit(driver, index + 1, fill(1, 0, 4, index)));
  assertEquals(answers.filter((answer) => answer === "OK_NODATA").length, 128);
  assertEquals(createContext(driver, 257), "ERR_OUT_OF_MEMORY");
  for (let ctxId = 1; ctxId <= 256; ctxId++) assertEquals(destroyContext(driver, ctxId), "OK_NODATA");
  unref(driver, 1);
  assertEquals(heap.usedBytes, usedBefore);
});

Deno.test("H15: ten thousand contexts with objects, one after the other, leave nothing behind", async () => {
  const { driver, heap, memory } = await start();
  const usedBefore = heap.usedBytes;
  const turn = (ctxId: number) => {
    createContext(driver, ctxId, { debugName: "x".repeat(64) });
    submit(driver, ctxId, makeBuffer(1, 65536));
    return destroyContext(driver, ctxId);
  };
  turn(1);
  const memoryBytes = memory.buffer.byteLength;

  for (let count = 0; count < 10_000; count++) assertEquals(turn(0xffff_ffff - count), "OK_NODATA");

  assertEquals([heap.usedBytes, memory.buffer.byteLength], [usedBefore, memoryBytes]);
});

Deno.test("H15: a reset with contexts, objects, resources and blobs in every state gives everything back", async () => {
  const { driver, heap, renderer } = await start();
  driver.start();
  const usedBefore = heap.usedBytes;
  for (const ctxId of [1, 2, 3]) createContext(driver, ctxId);
  submit(driver, 1, [...makeBuffer(1, 4096), ...makeBuffer(2, 4096)]);
  createHostBlob(driver, 5, { blobMem: BlobMem.Host3dGuest }, [{ addr: 4096, length: 4096 }]);
  create3d(driver, 6);
  for (const id of [5, 6]) attachToContext(driver, 2, id);
  submit(driver, 3, lose());
  destroyContext(driver, 2);

  driver.start();

  assertEquals([heap.usedBytes, renderer.contextCount, renderer.resourceCount], [usedBefore, 0, 0]);
  assertEquals(createContext(driver, 1), "OK_NODATA");
});
