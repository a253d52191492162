/** What of a device's resources its renderer, and other devices of the host, can read. */

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { responseName, writeResourceAssignUuid } from "../../src/protocol/wire.gen.ts";
import { type RendererMachine, startRecording } from "../support/renderer_machine.ts";
import type { RecordingRenderer } from "../support/recording_renderer.ts";
import { createBlobOf } from "./blob_requests.ts";
import { createFilled, createResource, detach, fill, unref } from "./requests.ts";
import { create3d, createContext, createHostBlob } from "./three_d_requests.ts";

function shared({ driver, gpu }: RendererMachine<RecordingRenderer>, resourceId: number) {
  const { header, words } = driver.send(writeResourceAssignUuid, { resourceId }, { replyBytes: 40 });
  assertEquals(responseName(header.type), "OK_RESOURCE_UUID");
  return gpu.findShared(new Uint8Array(words.buffer, words.byteOffset + 24, 16).toHex())!;
}

Deno.test("RendererHost.resource reads a 2D resource and a guest blob, as they are now", async () => {
  const machine = await startRecording();
  const { driver, renderer, guest, heap } = machine;
  createFilled(machine, 1, 4, 4, (index) => 10 + index);
  const address = createBlobOf(machine, 2, 4096);
  fill(machine, address, 4, (index) => 20 + index);
  const target = heap.allocate(64);
  const read = (resourceId: number, start: number, lengthBytes: number) => {
    assert(renderer.host.resource(resourceId)!.read(start, lengthBytes, target));
    return [...guest.words.subarray(target >>> 2, (target + lengthBytes) >>> 2)];
  };

  assertEquals([1, 2].map((id) => renderer.host.resource(id)!.sizeBytes), [64, 4096]);
  assertEquals([read(1, 8, 8), read(2, 4, 8)], [[12, 13], [21, 22]]);
  fill(machine, address, 4, () => 99);
  assertEquals(read(2, 4, 8), [99, 99]);
  assert(!renderer.host.resource(1)!.read(60, 8, target));
  detach(driver, 2);
  assert(!renderer.host.resource(2)!.read(0, 4, target));
});

Deno.test("RendererHost.resource knows no resource of the renderer's own, none that is gone, and none that never was", async () => {
  const { driver, renderer, heap } = await startRecording();
  createContext(driver, 1);
  createResource(driver, 1, 8, 8);
  create3d(driver, 2);
  createHostBlob(driver, 3);
  const before = renderer.host.resource(1)!;
  const target = heap.allocate(64);
  unref(driver, 1);

  assertEquals([0, 1, 2, 3, 4].map((id) => renderer.host.resource(id)), new Array(5).fill(undefined));
  createResource(driver, 1, 8, 8);
  assert(!before.read(0, 4, target)); // another resource with its id
  assert(renderer.host.resource(1)!.read(0, 4, target));
});

Deno.test("RendererHost.resource makes nothing anew for a resource that is used again", async () => {
  const { driver, renderer } = await startRecording();
  createResource(driver, 1, 8, 8);
  assertStrictEquals(renderer.host.resource(1), renderer.host.resource(1));
});

Deno.test("findShared reads a host blob where its bytes lie now, and not when they lie nowhere", async () => {
  const machine = await startRecording();
  const { driver, renderer, guest, heap } = machine;
  createContext(driver, 1);
  createHostBlob(driver, 5, { size: 64 });
  const [first, second, target] = [heap.allocate(64), heap.allocate(64), heap.allocate(64)];
  guest.words.fill(0x11, first >>> 2, (first + 64) >>> 2);
  guest.words.fill(0x22, second >>> 2, (second + 64) >>> 2);
  const blob = shared(machine, 5);
  const readWord = (start: number) => blob.read(start, 4, target) && guest.words[target >>> 2]!;

  assertEquals([blob.sizeBytes, readWord(0)], [64, false]);
  renderer.addresses.set(5, first);
  assertEquals(readWord(60), 0x11);
  renderer.addresses.set(5, second);
  assertEquals([readWord(60), readWord(61)], [0x22, false]);
  unref(driver, 5);
  assertEquals(readWord(0), false);
});

Deno.test("findShared finds a 3D resource, of which no byte can be read", async () => {
  const machine = await startRecording({ isStrict: true });
  create3d(machine.driver, 5);
  machine.renderer.addresses.set(5, machine.heap.allocate(64));
  const resource = shared(machine, 5);

  assertEquals([resource.sizeBytes, resource.read(0, 4, 0), resource.read(0, 0, 0)], [0, false, false]);
});
