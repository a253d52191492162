// Virtio 1.4, 5.7.6.9: RESOURCE_MAP_BLOB.

import { assertEquals } from "@std/assert";
import { LATER } from "../../../src/protocol/outcome.ts";
import { Reasons } from "../../../src/protocol/reasons.ts";
import { BlobFlag, BlobMem, MapInfo, writeResourceMapBlob } from "../../../src/protocol/wire.gen.ts";
import { createBlobOf } from "../blob_requests.ts";
import { createResource } from "../requests.ts";
import { attachToContext, create3d, createContext, createHostBlob, submit } from "../three_d_requests.ts";
import { guestWindow, makeHostBlob, mapBlob, startWithWindow, unmapBlob, WINDOW_BYTES } from "../window_requests.ts";
import { PendingRequest } from "../../support/pending_request.ts";
import { startRecording } from "../../support/renderer_machine.ts";
import { fill } from "../../support/renderer/stream.ts";
import { scripted } from "../../support/scripted_window.ts";

const PAGE = 4096;

for (const mapInfo of [MapInfo.None, MapInfo.Cached, MapInfo.Uncached, MapInfo.Wc]) {
  Deno.test(`RESOURCE_MAP_BLOB answers OK_MAP_INFO with map_info ${mapInfo}, as the renderer says`, async () => {
    const { driver } = await startWithWindow({ mapInfo });
    makeHostBlob(driver, 5, PAGE);
    assertEquals(mapBlob(driver, 5, 3 * PAGE), { answer: "OK_MAP_INFO", mapInfo });
  });
}

Deno.test("RESOURCE_MAP_BLOB shows the guest the blob's bytes, and zeroes up to the next page", async () => {
  const machine = await startWithWindow();
  const { driver } = machine;
  makeHostBlob(driver, 5, PAGE + 8);
  attachToContext(driver, 1, 5);
  submit(driver, 1, fill(5, 0, PAGE + 8, 0x12345678));
  guestWindow(machine).words(2 * PAGE, 2048).fill(0xdeadbeef);
  assertEquals(mapBlob(driver, 5, 2 * PAGE).answer, "OK_MAP_INFO");
  const words = guestWindow(machine).words(2 * PAGE, 2048);
  assertEquals([words[0], words[1025], words[1026], words[2047]], [0x12345678, 0x12345678, 0, 0]);
});

Deno.test("RESOURCE_MAP_BLOB answers ERR_INVALID_RESOURCE_ID when there is no such resource", async () => {
  const { driver } = await startWithWindow();
  assertEquals(mapBlob(driver, 5, 0).answer, "ERR_INVALID_RESOURCE_ID");
  assertEquals(mapBlob(driver, 0, 0).answer, "ERR_INVALID_RESOURCE_ID");
});

Deno.test("RESOURCE_MAP_BLOB answers ERR_UNSPEC for every resource that is no blob of host memory alone", async () => {
  const machine = await startWithWindow();
  const { driver } = machine;
  createResource(driver, 1, 8, 8);
  createBlobOf(machine, 2, PAGE);
  create3d(driver, 3);
  makeHostBlob(driver, 4, PAGE, { blobMem: BlobMem.Host3dGuest });
  assertEquals([1, 2, 3, 4].map((id) => mapBlob(driver, id, 0).answer), new Array(4).fill("ERR_UNSPEC"));
  assertEquals(machine.errors.map(({ reason }) => reason), new Array(4).fill(Reasons.notHostBlob));
});

Deno.test("RESOURCE_MAP_BLOB answers ERR_UNSPEC when there is no host visible memory", async () => {
  const { driver, errors } = await startWithWindow({ windowBytes: 0 });
  makeHostBlob(driver, 5, PAGE);
  assertEquals(mapBlob(driver, 5, 0).answer, "ERR_UNSPEC");
  assertEquals(errors.at(-1)!.reason, Reasons.windowMissing);
});

Deno.test("RESOURCE_MAP_BLOB answers ERR_UNSPEC when the blob is mapped already, there or elsewhere", async () => {
  const { driver, errors } = await startWithWindow();
  makeHostBlob(driver, 5, PAGE);
  mapBlob(driver, 5, 0);
  assertEquals(mapBlob(driver, 5, 0).answer, "ERR_UNSPEC");
  assertEquals(mapBlob(driver, 5, PAGE).answer, "ERR_UNSPEC");
  assertEquals(errors.at(-1)!.reason, Reasons.alreadyMapped);
});

const places: [name: string, offset: number, reason: string][] = [
  ["is no multiple of 4096", 2048, "mapMisaligned"],
  ["is one byte past a page", PAGE + 1, "mapMisaligned"],
  ["leaves no room for the blob", WINDOW_BYTES - PAGE, "mapOutsideWindow"],
  ["is the window's end", WINDOW_BYTES, "mapOutsideWindow"],
  ["lies in another blob's range", 9 * PAGE, "mapOverlaps"],
  ["leaves too little room before another blob", 7 * PAGE, "mapOverlaps"],
];
for (const [name, offset, reason] of places) {
  Deno.test(`RESOURCE_MAP_BLOB answers ERR_INVALID_PARAMETER when the offset ${name}`, async () => {
    const { driver, errors } = await startWithWindow();
    makeHostBlob(driver, 4, 2 * PAGE);
    makeHostBlob(driver, 5, 2 * PAGE);
    mapBlob(driver, 4, 8 * PAGE);
    assertEquals(mapBlob(driver, 5, offset).answer, "ERR_INVALID_PARAMETER");
    assertEquals(errors.at(-1)!.reason, Reasons[reason as keyof typeof Reasons]);
    assertEquals(mapBlob(driver, 5, 6 * PAGE).answer, "OK_MAP_INFO");
  });
}

Deno.test("RESOURCE_MAP_BLOB takes multiples of blob_alignment alone once BLOB_ALIGNMENT was negotiated", async () => {
  const { driver, errors } = await startWithWindow({ blobAlignment: 16384 });
  makeHostBlob(driver, 5, 16384);
  assertEquals(mapBlob(driver, 5, PAGE).answer, "ERR_INVALID_PARAMETER");
  assertEquals(errors.at(-1)!.reason, Reasons.mapMisaligned);
  assertEquals(mapBlob(driver, 5, 16384).answer, "OK_MAP_INFO");
});

Deno.test("S12: RESOURCE_MAP_BLOB of a blob without USE_MAPPABLE is reported and allowed, and ERR_UNSPEC when strict", async () => {
  const { driver, errors } = await startWithWindow();
  makeHostBlob(driver, 5, PAGE, { blobFlags: BlobFlag.UseShareable });
  assertEquals(mapBlob(driver, 5, 0).answer, "OK_MAP_INFO");
  assertEquals(errors.map(({ reason, isRefused }) => ({ reason, isRefused })), [
    { reason: Reasons.mappableUndeclared, isRefused: false },
  ]);
  const strict = await startWithWindow({ isStrict: true });
  makeHostBlob(strict.driver, 5, PAGE, { blobFlags: BlobFlag.UseShareable });
  assertEquals(mapBlob(strict.driver, 5, 0).answer, "ERR_UNSPEC");
  assertEquals(strict.errors.at(-1)!.reason, Reasons.mappableUndeclared);
  makeHostBlob(strict.driver, 6, PAGE);
  assertEquals(mapBlob(strict.driver, 6, 0).answer, "OK_MAP_INFO");
});

Deno.test("RESOURCE_MAP_BLOB answers ERR_UNSPEC for an object that the renderer cannot have mapped", async () => {
  const { driver, errors } = await startWithWindow({ mapInfo: "unmappable" });
  makeHostBlob(driver, 5, PAGE);
  assertEquals(mapBlob(driver, 5, 0).answer, "ERR_UNSPEC");
  assertEquals(errors.at(-1)!.reason, Reasons.notMappable);
});

Deno.test("RESOURCE_MAP_BLOB that the window refuses leaves the blob unmapped and its range free", async () => {
  const script = scripted();
  const machine = await startWithWindow({ wrapWindow: script.wrapWindow });
  const { driver } = machine;
  makeHostBlob(driver, 5, PAGE);
  script.made().answer("map", Reasons.windowRefused);
  assertEquals(mapBlob(driver, 5, 0).answer, "ERR_UNSPEC");
  assertEquals(unmapBlob(driver, 5), "ERR_UNSPEC");
  assertEquals(mapBlob(driver, 5, 0).answer, "OK_MAP_INFO");
  assertEquals(script.made().takeCalls(), ["map 0+4096", "map 0+4096"]);
});

Deno.test("RESOURCE_MAP_BLOB that the renderer refuses gives the range back to the window", async () => {
  const script = scripted();
  const machine = await startWithWindow({ wrapWindow: script.wrapWindow, isMoveRefused: true });
  const { driver } = machine;
  makeHostBlob(driver, 5, 5000);
  assertEquals(mapBlob(driver, 5, 0).answer, "ERR_OUT_OF_MEMORY");
  assertEquals(script.made().takeCalls(), ["map 0+8192", "unmap 0+8192"]);
  assertEquals(mapBlob(driver, 5, 0).answer, "ERR_OUT_OF_MEMORY");
  assertEquals(unmapBlob(driver, 5), "ERR_UNSPEC");
});

Deno.test("RESOURCE_MAP_BLOB keeps a range that the window will not take back", async () => {
  const script = scripted();
  const machine = await startWithWindow({ wrapWindow: script.wrapWindow, isMoveRefused: true });
  const { driver, errors } = machine;
  makeHostBlob(driver, 5, PAGE);
  script.made().answer("unmap", Reasons.windowRefused);
  assertEquals(mapBlob(driver, 5, 0).answer, "ERR_OUT_OF_MEMORY");
  assertEquals(mapBlob(driver, 5, 0).answer, "ERR_INVALID_PARAMETER");
  assertEquals(errors.at(-1)!.reason, Reasons.mapOverlaps);
});

Deno.test("RESOURCE_MAP_BLOB goes on where it stopped when window and renderer answer later", async () => {
  const script = scripted();
  const machine = await startRecording({ windowBytes: WINDOW_BYTES, wrapWindow: script.wrapWindow });
  const { driver, renderer, windowAddress } = machine;
  createContext(driver, 1);
  createHostBlob(driver, 5, { blobFlags: BlobFlag.UseMappable });
  renderer.takeCalls();
  const window = script.made();
  window.answer("map", LATER, LATER);
  renderer.answer("moveBlob", LATER, LATER);
  const request = PendingRequest.send(machine, writeResourceMapBlob, { resourceId: 5, offset: PAGE });
  assertEquals(request.answer(), undefined);
  window.onReady!();
  assertEquals(request.answer(), undefined);
  assertEquals({ window: window.takeCalls(), renderer: renderer.takeCalls() }, {
    window: ["map 4096+4096", "map 4096+4096"],
    renderer: [],
  });
  window.onReady!();
  assertEquals(request.answer(), undefined);
  renderer.host.resume();
  assertEquals(request.answer(), undefined);
  const move = ["moveBlob", 5, windowAddress + PAGE];
  assertEquals({ window: window.takeCalls(), renderer: renderer.takeCalls() }, {
    window: ["map 4096+4096"],
    renderer: [move, move],
  });
  renderer.host.resume();
  assertEquals(request.answer(), "OK_MAP_INFO");
  assertEquals({ window: window.takeCalls(), renderer: renderer.takeCalls() }, { window: [], renderer: [move] });
});

Deno.test("RESOURCE_MAP_BLOB that the renderer refuses waits for the window to take the range back", async () => {
  const script = scripted();
  const machine = await startRecording({ windowBytes: WINDOW_BYTES, wrapWindow: script.wrapWindow });
  const { driver, renderer } = machine;
  createContext(driver, 1);
  createHostBlob(driver, 5, { blobFlags: BlobFlag.UseMappable });
  const window = script.made();
  renderer.answer("moveBlob", LATER, Reasons.hostMemoryFull);
  window.answer("unmap", LATER);
  const request = PendingRequest.send(machine, writeResourceMapBlob, { resourceId: 5, offset: 0 });
  renderer.host.resume();
  assertEquals(request.answer(), undefined);
  renderer.takeCalls();
  window.onReady!();
  assertEquals(request.answer(), "ERR_OUT_OF_MEMORY");
  assertEquals(window.takeCalls(), ["map 0+4096", "unmap 0+4096", "unmap 0+4096"]);
  assertEquals(renderer.takeCalls(), []);
  assertEquals(mapBlob(driver, 5, 0).answer, "OK_MAP_INFO");
});

Deno.test("RESOURCE_MAP_BLOB that waits when the device is reset is forgotten", async () => {
  const script = scripted();
  const machine = await startWithWindow({ wrapWindow: script.wrapWindow });
  const { driver } = machine;
  makeHostBlob(driver, 5, PAGE);
  script.made().answer("map", LATER);
  const request = PendingRequest.send(machine, writeResourceMapBlob, { resourceId: 5, offset: 0 });
  driver.start();
  script.made().onReady!();
  assertEquals(request.answer(), undefined);
  assertEquals(script.made().takeCalls(), ["map 0+4096"]);
  createContext(driver, 1);
  makeHostBlob(driver, 5, PAGE);
  assertEquals(mapBlob(driver, 5, 0).answer, "OK_MAP_INFO");
});
