/** CTX_ATTACH_RESOURCE and CTX_DETACH_RESOURCE. Virtio 1.4, 5.7.6.9. */

import { assertEquals } from "@std/assert";
import { Reasons } from "../../../src/protocol/reasons.ts";
import { BlobFlag } from "../../../src/protocol/wire.gen.ts";
import { startRecording } from "../../support/renderer_machine.ts";
import { createBlobOf } from "../blob_requests.ts";
import { createResource, unref } from "../requests.ts";
import {
  attachToContext,
  create3d,
  createContext,
  createHostBlob,
  destroyContext,
  detachFromContext,
} from "../three_d_requests.ts";

Deno.test("CTX_ATTACH_RESOURCE and CTX_DETACH_RESOURCE take resources of every kind", async () => {
  const machine = await startRecording();
  const { driver, renderer } = machine;
  createContext(driver, 1);
  createResource(driver, 10, 8, 8);
  createBlobOf(machine, 11, 4096);
  create3d(driver, 12);
  createHostBlob(driver, 13);
  renderer.takeCalls();

  for (const resourceId of [10, 11, 12, 13]) {
    assertEquals(attachToContext(driver, 1, resourceId), "OK_NODATA");
    assertEquals(detachFromContext(driver, 1, resourceId), "OK_NODATA");
    assertEquals(renderer.takeCalls(), [["attachResource", 1, resourceId], ["detachResource", 1, resourceId]]);
  }
  assertEquals(machine.errors, []);
});

for (const [name, send] of [["CTX_ATTACH", attachToContext], ["CTX_DETACH", detachFromContext]] as const) {
  Deno.test(`${name}_RESOURCE answers ERR_INVALID_CONTEXT_ID when the context does not exist`, async () => {
    const { driver, renderer } = await startRecording();
    create3d(driver, 1);
    renderer.takeCalls();

    assertEquals(send(driver, 0, 1), "ERR_INVALID_CONTEXT_ID");
    assertEquals(send(driver, 1, 1), "ERR_INVALID_CONTEXT_ID");
    assertEquals(renderer.calls, []);
  });

  Deno.test(`${name}_RESOURCE answers ERR_INVALID_RESOURCE_ID when the resource does not exist`, async () => {
    const { driver, renderer } = await startRecording();
    createContext(driver, 1);
    create3d(driver, 1);
    unref(driver, 1);
    renderer.takeCalls();

    assertEquals(send(driver, 1, 0), "ERR_INVALID_RESOURCE_ID");
    assertEquals(send(driver, 1, 1), "ERR_INVALID_RESOURCE_ID");
    assertEquals(renderer.calls, []);
  });

  Deno.test(`${name}_RESOURCE is carried out for a lost context, so that a driver can clean up`, async () => {
    const { driver, renderer } = await startRecording();
    createContext(driver, 1);
    create3d(driver, 1);
    renderer.host.contextLost(1);

    assertEquals(send(driver, 1, 1), "OK_NODATA");
  });
}

Deno.test("RESOURCE_UNREF detaches a resource that is not the renderer's from all contexts that are attached, and others from none", async () => {
  const { driver, renderer } = await startRecording();
  createContext(driver, 1);
  createContext(driver, 2);
  createContext(driver, 3);
  for (const id of [0xfffffff0, 11]) createResource(driver, id, 8, 8);
  create3d(driver, 12);
  for (const id of [0xfffffff0, 12]) attachToContext(driver, 2, id);
  for (const ctxId of [1, 3]) attachToContext(driver, ctxId, 0xfffffff0);
  detachFromContext(driver, 1, 0xfffffff0);
  renderer.takeCalls();

  for (const id of [0xfffffff0, 11, 12]) unref(driver, id);

  assertEquals(renderer.takeCalls(), [
    ["detachResource", 2, 0xfffffff0],
    ["detachResource", 3, 0xfffffff0],
    ["destroyResource", 12],
  ]);
  createResource(driver, 0xfffffff0, 8, 8);
  unref(driver, 0xfffffff0);
  assertEquals(renderer.calls, []);
});

Deno.test("CTX_DETACH_RESOURCE of a resource that is not attached is answered OK", async () => {
  const { driver } = await startRecording();
  createContext(driver, 1);
  create3d(driver, 1);
  assertEquals(detachFromContext(driver, 1, 1), "OK_NODATA");
});

Deno.test("S12: CTX_ATTACH_RESOURCE of another context's blob without USE_SHAREABLE is allowed and reported", async () => {
  const { driver, renderer, errors } = await startRecording();
  createContext(driver, 1);
  createContext(driver, 2);
  createHostBlob(driver, 5, { ctxId: 1 });
  renderer.takeCalls();

  assertEquals(attachToContext(driver, 2, 5), "OK_NODATA");
  assertEquals(renderer.calls, [["attachResource", 2, 5]]);
  assertEquals(errors.map(({ command, reason, isRefused }) => [command, reason, isRefused]), [
    ["CTX_ATTACH_RESOURCE", Reasons.shareableUndeclared, false],
  ]);
});

Deno.test("S12: CTX_ATTACH_RESOURCE in a strict device wants USE_SHAREABLE of another context's blob, and of that alone", async () => {
  const machine = await startRecording({ isStrict: true });
  const { driver, renderer } = machine;
  createContext(driver, 1);
  createContext(driver, 2);
  createHostBlob(driver, 5, { ctxId: 1, blobFlags: BlobFlag.UseMappable | BlobFlag.UseCrossDevice });
  createHostBlob(driver, 6, { ctxId: 1, blobFlags: BlobFlag.UseShareable });
  create3d(driver, 7);
  createBlobOf(machine, 8, 4096);
  renderer.takeCalls();

  assertEquals(attachToContext(driver, 2, 5), "ERR_UNSPEC");
  assertEquals(renderer.calls, []);
  assertEquals(attachToContext(driver, 1, 5), "OK_NODATA");
  assertEquals([6, 7, 8].map((resourceId) => attachToContext(driver, 2, resourceId)), new Array(3).fill("OK_NODATA"));
});

Deno.test("S12: a blob is another context's for a new context that has the id of the one that it was made from", async () => {
  const { driver } = await startRecording({ isStrict: true });
  createContext(driver, 1);
  createHostBlob(driver, 5);
  destroyContext(driver, 1);
  createContext(driver, 1);
  assertEquals(attachToContext(driver, 1, 5), "ERR_UNSPEC");
});
