// Virtio 1.4, 5.7.6.9: RESOURCE_UNMAP_BLOB; and RESOURCE_UNREF of a mapped blob.

import { assertEquals, assertNotEquals } from "@std/assert";
import { LATER } from "../../../src/protocol/outcome.ts";
import { Reasons } from "../../../src/protocol/reasons.ts";
import { BlobFlag, writeResourceUnmapBlob, writeResourceUnref } from "../../../src/protocol/wire.gen.ts";
import { PendingRequest } from "../../support/pending_request.ts";
import { startRecording } from "../../support/renderer_machine.ts";
import { scripted } from "../../support/scripted_window.ts";
import { createBlobOf } from "../blob_requests.ts";
import { createResource, unref } from "../requests.ts";
import { create3d, createContext, createHostBlob } from "../three_d_requests.ts";
import {
  blobWords,
  guestWindow,
  makeHostBlob,
  mapBlob,
  startWithWindow,
  unmapBlob,
  WINDOW_BYTES,
} from "../window_requests.ts";

const PAGE = 4096;

/** A machine with a scripted window, and blob 5 mapped at its start by a renderer that notes calls. */
async function startMapped() {
  const script = scripted();
  const machine = await startRecording({ windowBytes: WINDOW_BYTES, wrapWindow: script.wrapWindow });
  createContext(machine.driver, 1);
  createHostBlob(machine.driver, 5, { blobFlags: BlobFlag.UseMappable });
  assertEquals(mapBlob(machine.driver, 5, 0).answer, "OK_MAP_INFO");
  const window = script.made();
  window.takeCalls();
  machine.renderer.takeCalls();
  return { ...machine, window };
}

Deno.test("RESOURCE_UNMAP_BLOB keeps what the guest wrote, and takes it out of the window", async () => {
  const machine = await startWithWindow();
  const { driver, windowAddress, renderer } = machine;
  makeHostBlob(driver, 5, 2 * PAGE);
  mapBlob(driver, 5, 16 * PAGE);
  assertEquals(renderer.blobAddress(5), windowAddress + 16 * PAGE);
  guestWindow(machine).words(16 * PAGE, 2048).forEach((_, index, words) => words[index] = index * 3);
  assertEquals(unmapBlob(driver, 5), "OK_NODATA");
  assertNotEquals(renderer.blobAddress(5), windowAddress + 16 * PAGE);
  assertEquals(blobWords(machine, 5, 0, 2048), Array.from({ length: 2048 }, (_, index) => index * 3));
});

Deno.test("RESOURCE_UNMAP_BLOB frees the range for another blob, and the blob for another range", async () => {
  const { driver } = await startWithWindow();
  makeHostBlob(driver, 5, PAGE);
  makeHostBlob(driver, 6, PAGE);
  mapBlob(driver, 5, 0);
  assertEquals(mapBlob(driver, 6, 0).answer, "ERR_INVALID_PARAMETER");
  unmapBlob(driver, 5);
  assertEquals(mapBlob(driver, 6, 0).answer, "OK_MAP_INFO");
  assertEquals(mapBlob(driver, 5, PAGE).answer, "OK_MAP_INFO");
});

Deno.test("RESOURCE_UNMAP_BLOB answers ERR_INVALID_RESOURCE_ID when there is no such resource", async () => {
  const { driver } = await startWithWindow();
  assertEquals(unmapBlob(driver, 5), "ERR_INVALID_RESOURCE_ID");
  assertEquals(unmapBlob(driver, 0), "ERR_INVALID_RESOURCE_ID");
});

Deno.test("RESOURCE_UNMAP_BLOB answers ERR_UNSPEC when the resource is not mapped, of whatever kind it is", async () => {
  const machine = await startWithWindow();
  const { driver, errors } = machine;
  createResource(driver, 1, 8, 8);
  createBlobOf(machine, 2, PAGE);
  create3d(driver, 3);
  makeHostBlob(driver, 4, PAGE);
  makeHostBlob(driver, 5, PAGE);
  mapBlob(driver, 5, 0);
  unmapBlob(driver, 5);
  assertEquals([1, 2, 3, 4, 5].map((id) => unmapBlob(driver, id)), new Array(5).fill("ERR_UNSPEC"));
  assertEquals(errors.map(({ reason }) => reason), new Array(5).fill(Reasons.notMapped));
});

Deno.test("RESOURCE_UNMAP_BLOB answers ERR_UNSPEC when there is no host visible memory", async () => {
  const { driver } = await startWithWindow({ windowBytes: 0 });
  makeHostBlob(driver, 5, PAGE);
  assertEquals(unmapBlob(driver, 5), "ERR_UNSPEC");
});

Deno.test("RESOURCE_UNMAP_BLOB that the renderer refuses leaves the blob mapped", async () => {
  const machine = await startWithWindow({ isTakingBackRefused: true });
  const { driver, renderer, windowAddress } = machine;
  makeHostBlob(driver, 5, PAGE);
  mapBlob(driver, 5, PAGE);
  assertEquals(unmapBlob(driver, 5), "ERR_OUT_OF_MEMORY");
  assertEquals(mapBlob(driver, 5, PAGE).answer, "ERR_UNSPEC");
  guestWindow(machine).words(PAGE, 1)[0] = 77;
  assertEquals(blobWords(machine, 5, 0, 1), [77]);
  assertEquals(renderer.blobAddress(5), windowAddress + PAGE);
});

Deno.test("RESOURCE_UNMAP_BLOB that the window refuses moves the bytes into the range again", async () => {
  const { driver, renderer, window, windowAddress } = await startMapped();
  window.answer("unmap", Reasons.windowRefused);
  assertEquals(unmapBlob(driver, 5), "ERR_UNSPEC");
  assertEquals(renderer.takeCalls(), [["takeBlobBack", 5], ["moveBlob", 5, windowAddress]]);
  assertEquals(mapBlob(driver, 5, PAGE).answer, "ERR_UNSPEC");
  assertEquals(unmapBlob(driver, 5), "OK_NODATA");
});

Deno.test("RESOURCE_UNMAP_BLOB that nobody can undo loses the range, and not the blob", async () => {
  const { driver, renderer, window } = await startMapped();
  window.answer("unmap", Reasons.windowRefused);
  renderer.answer("moveBlob", Reasons.hostMemoryFull);
  assertEquals(unmapBlob(driver, 5), "ERR_UNSPEC");
  assertEquals(mapBlob(driver, 5, 0).answer, "ERR_INVALID_PARAMETER");
  assertEquals(mapBlob(driver, 5, PAGE).answer, "OK_MAP_INFO");
});

Deno.test("RESOURCE_UNMAP_BLOB goes on where it stopped when renderer and window answer later", async () => {
  const machine = await startMapped();
  const { renderer, window } = machine;
  renderer.answer("takeBlobBack", LATER);
  window.answer("unmap", LATER);
  const request = PendingRequest.send(machine, writeResourceUnmapBlob, { resourceId: 5 });
  assertEquals(request.answer(), undefined);
  renderer.host.resume();
  assertEquals(request.answer(), undefined);
  assertEquals({ renderer: renderer.takeCalls(), window: window.takeCalls() }, {
    renderer: [["takeBlobBack", 5], ["takeBlobBack", 5]],
    window: ["unmap 0+4096"],
  });
  window.onReady!();
  assertEquals(request.answer(), "OK_NODATA");
  assertEquals({ renderer: renderer.takeCalls(), window: window.takeCalls() }, {
    renderer: [],
    window: ["unmap 0+4096"],
  });
  assertEquals(unmapBlob(machine.driver, 5), "ERR_UNSPEC");
});

Deno.test("RESOURCE_UNMAP_BLOB that the window refuses later waits for the bytes to return", async () => {
  const machine = await startMapped();
  const { renderer, window, windowAddress } = machine;
  window.answer("unmap", LATER, Reasons.windowRefused);
  renderer.answer("moveBlob", LATER);
  const request = PendingRequest.send(machine, writeResourceUnmapBlob, { resourceId: 5 });
  window.onReady!();
  assertEquals(request.answer(), undefined);
  assertEquals(renderer.takeCalls(), [["takeBlobBack", 5], ["moveBlob", 5, windowAddress]]);
  renderer.host.resume();
  assertEquals(request.answer(), "ERR_UNSPEC");
  assertEquals(renderer.takeCalls(), [["moveBlob", 5, windowAddress]]);
  assertEquals(window.takeCalls(), ["unmap 0+4096", "unmap 0+4096"]);
  assertEquals(unmapBlob(machine.driver, 5), "OK_NODATA");
});

Deno.test("RESOURCE_UNREF of a mapped blob takes the range away, then the blob, and the range is free", async () => {
  const { driver, renderer, window } = await startMapped();
  assertEquals(unref(driver, 5), "OK_NODATA");
  assertEquals(window.takeCalls(), ["unmap 0+4096"]);
  assertEquals(renderer.takeCalls(), [["destroyResource", 5]]);
  createHostBlob(driver, 6, { blobFlags: BlobFlag.UseMappable });
  assertEquals(mapBlob(driver, 6, 0).answer, "OK_MAP_INFO");
});

Deno.test("RESOURCE_UNREF of a mapped blob waits for the window, and destroys the blob once", async () => {
  const machine = await startMapped();
  const { renderer, window } = machine;
  window.answer("unmap", LATER, LATER);
  const request = PendingRequest.send(machine, writeResourceUnref, { resourceId: 5 });
  window.onReady!();
  assertEquals(request.answer(), undefined);
  assertEquals(renderer.takeCalls(), []);
  window.onReady!();
  assertEquals(request.answer(), "OK_NODATA");
  assertEquals(renderer.takeCalls(), [["destroyResource", 5]]);
  assertEquals(unref(machine.driver, 5), "ERR_INVALID_RESOURCE_ID");
});

Deno.test("RESOURCE_UNREF destroys a blob whose range the window keeps; nobody gets the range before a reset", async () => {
  const { driver, renderer, window } = await startMapped();
  window.answer("unmap", Reasons.windowRefused);
  assertEquals(unref(driver, 5), "OK_NODATA");
  assertEquals(renderer.takeCalls(), [["destroyResource", 5]]);
  createHostBlob(driver, 6, { blobFlags: BlobFlag.UseMappable });
  assertEquals(mapBlob(driver, 6, 0).answer, "ERR_INVALID_PARAMETER");
  driver.start();
  createContext(driver, 1);
  createHostBlob(driver, 6, { blobFlags: BlobFlag.UseMappable });
  assertEquals(mapBlob(driver, 6, 0).answer, "OK_MAP_INFO");
});
