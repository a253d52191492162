/** RESOURCE_CREATE_3D, and what else a 3D resource is used for. Virtio 1.4, 5.7.6.9. */

import { assertEquals } from "@std/assert";
import { Reasons } from "../../../src/protocol/reasons.ts";
import { ReferenceRenderer } from "../../support/renderer/reference_renderer.ts";
import { startRecording, startWithRenderer } from "../../support/renderer_machine.ts";
import { attach, createResource, detach, rect, transfer, unref } from "../requests.ts";
import { create3d } from "../three_d_requests.ts";

Deno.test("RESOURCE_CREATE_3D hands the renderer every field as it came", async () => {
  const { driver, renderer } = await startRecording();
  const fields = { target: 2, format: 0xfffffffe, bind: 0x80000001, width: 3, height: 5, depth: 7, arraySize: 11 };
  const rest = { lastLevel: 13, nrSamples: 17, resourceFlags: 1 };

  assertEquals(create3d(driver, 9, { ...fields, ...rest }), "OK_NODATA");

  const [name, command] = renderer.calls[0]!;
  const header = { type: 0x204, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };
  assertEquals([name, command], ["createResource", { ...header, resourceId: 9, ...fields, ...rest }]);
});

Deno.test("RESOURCE_CREATE_3D answers ERR_INVALID_RESOURCE_ID for id 0 and for an id in use by any kind", async () => {
  const { driver, renderer } = await startRecording();
  createResource(driver, 1, 8, 8);
  create3d(driver, 2);

  assertEquals([0, 1, 2].map((id) => create3d(driver, id)), new Array(3).fill("ERR_INVALID_RESOURCE_ID"));
  assertEquals(createResource(driver, 2, 8, 8), "ERR_INVALID_RESOURCE_ID");
  assertEquals(renderer.calls.length, 1);
});

Deno.test("RESOURCE_CREATE_3D answers what the renderer refuses it for, and the resource does not exist", async () => {
  const { driver, renderer, errors } = await startRecording();
  renderer.answer("createResource", Reasons.resource3dUnknown, Reasons.hostMemoryFull);

  assertEquals(create3d(driver, 1), "ERR_INVALID_PARAMETER");
  assertEquals(create3d(driver, 1), "ERR_OUT_OF_MEMORY");
  assertEquals(errors.map(({ reason }) => reason), [Reasons.resource3dUnknown, Reasons.hostMemoryFull]);
  assertEquals(unref(driver, 1), "ERR_INVALID_RESOURCE_ID");
  assertEquals(create3d(driver, 1), "OK_NODATA");
});

Deno.test("RESOURCE_CREATE_3D answers ERR_OUT_OF_MEMORY past the limit of resources, and asks the renderer nothing", async () => {
  const { driver, renderer } = await startRecording({ limits: { resources: 2 } });
  createResource(driver, 1, 8, 8);
  create3d(driver, 2);

  assertEquals(create3d(driver, 3), "ERR_OUT_OF_MEMORY");
  assertEquals(renderer.calls.length, 1);
});

Deno.test("RESOURCE_CREATE_3D counts the memory that the renderer takes as work, unless it was refused", async () => {
  const { driver, gpu } = await startWithRenderer(new ReferenceRenderer(), { limits: { hostMemoryBytes: 100_000 } });
  const before = gpu.counters.bytes;

  create3d(driver, 1, { width: 65536 });
  assertEquals(gpu.counters.bytes - before, 1024 + 65536);
  assertEquals(create3d(driver, 2, { width: 65536 }), "ERR_OUT_OF_MEMORY");
  assertEquals(gpu.counters.bytes - before, 2 * 1024 + 65536);
});

Deno.test("RESOURCE_UNREF ends a 3D resource at the renderer, once", async () => {
  const { driver, renderer } = await startRecording();
  create3d(driver, 1);
  renderer.takeCalls();

  assertEquals(unref(driver, 1), "OK_NODATA");
  assertEquals(unref(driver, 1), "ERR_INVALID_RESOURCE_ID");
  assertEquals(renderer.calls, [["destroyResource", 1]]);
});

Deno.test("RESOURCE_ATTACH_BACKING and RESOURCE_DETACH_BACKING give a 3D resource pages of any length, and take them. Virtio 1.4, 5.7.6.8", async () => {
  const { driver, heap } = await startRecording();
  create3d(driver, 1);
  const usedBefore = heap.usedBytes;

  assertEquals(detach(driver, 1), "ERR_UNSPEC");
  assertEquals(attach(driver, 1, [{ addr: 4096, length: 16 }]), "OK_NODATA");
  assertEquals(attach(driver, 1, [{ addr: 4096, length: 16 }]), "ERR_UNSPEC");
  assertEquals(detach(driver, 1), "OK_NODATA");
  assertEquals(heap.usedBytes, usedBefore);
});

Deno.test("RESOURCE_UNREF gives the page list of a 3D resource back", async () => {
  const { driver, heap } = await startRecording();
  const usedBefore = heap.usedBytes;
  create3d(driver, 1);
  attach(driver, 1, [{ addr: 4096, length: 16 }, { addr: 16384, length: 16 }]);
  unref(driver, 1);
  assertEquals(heap.usedBytes, usedBefore);
});

Deno.test("TRANSFER_TO_HOST_2D answers ERR_UNSPEC for a 3D resource, which takes boxes. Virtio 1.4, 5.7.6.8", async () => {
  const { driver, errors } = await startRecording();
  create3d(driver, 1);
  attach(driver, 1, [{ addr: 4096, length: 4096 }]);

  assertEquals(transfer(driver, 1, rect(0, 0, 1, 1), 0), "ERR_UNSPEC");
  assertEquals(errors.map(({ reason }) => reason), [Reasons.transferOfBoxes]);
});

Deno.test("A reset ends 3D resources at the renderer. Virtio 1.4, 2.4", async () => {
  const { driver, renderer } = await startRecording();
  create3d(driver, 1);
  create3d(driver, 2);
  driver.start();

  assertEquals(renderer.alive, { contexts: [], resources: [] });
  assertEquals(create3d(driver, 1), "OK_NODATA");
});
