/** Resources that are not the renderer's, as a renderer on another thread reads them. */

import { assert, assertEquals } from "@std/assert";
import type { Region } from "../../src/memory/guest_memory.ts";
import { GpuQueue, writeResourceUnref } from "../../src/protocol/wire.gen.ts";
import { createBlob, createBlobOf } from "../device/blob_requests.ts";
import { attach, createFilled, createResource, detach, fill, unref } from "../device/requests.ts";
import {
  attachToContext,
  createContext,
  destroyContext,
  detachFromContext,
  submit,
} from "../device/three_d_requests.ts";
import { makeHostBlob } from "../device/window_requests.ts";
import { PendingRequest } from "../support/pending_request.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { type RemoteMachine, startRemote } from "../support/renderer/remote_machine.ts";
import { copy } from "../support/renderer/stream.ts";

const OK = "OK_NODATA";
const TARGET = 5;
const [FOREIGN, OTHER] = [9, 10];
const PAGE = 4096;
/** So many foreign resources the renderer finds. */
const MOST = 1024;

/** A machine with context 1, which is attached to the host blob `TARGET`. */
async function start(): Promise<RemoteMachine<ReferenceRenderer>> {
  const machine = await startRemote(new ReferenceRenderer(), { ramBytes: 32 * 1024 * 1024 });
  createContext(machine.driver, 1);
  makeHostBlob(machine.driver, TARGET, PAGE);
  attachToContext(machine.driver, 1, TARGET);
  return machine;
}

/** Copies two words of a foreign resource to the beginning of the target. */
function copyWords({ driver }: RemoteMachine<ReferenceRenderer>, resourceId: number, offset: number): string {
  return submit(driver, 1, copy({ resourceId: TARGET, offset: 0 }, { resourceId, offset }, 8));
}

/** The first two words of the target. */
function words({ guest, reference }: RemoteMachine<ReferenceRenderer>): number[] {
  const first = reference.blobAddress(TARGET) / 4;
  return [...guest.words.subarray(first, first + 2)];
}

/** Whether context 1 can be used no more. */
function isLost({ driver }: RemoteMachine<ReferenceRenderer>): boolean {
  return submit(driver, 1, []) !== OK;
}

Deno.test("S12: a stream reads a 2D resource and a guest blob of several pages as they are then", async () => {
  const machine = await start();
  const { driver, ram } = machine;
  createFilled(machine, FOREIGN, 4, 4, (index) => 100 + index);
  const pages = [0, 1].map(() => ram.allocate(2 * PAGE, PAGE)); // they do not follow each other
  createBlob(driver, OTHER, pages.map((addr) => ({ addr, length: PAGE })));
  for (const resourceId of [FOREIGN, OTHER]) assertEquals(attachToContext(driver, 1, resourceId), OK);
  fill(machine, pages[0]!, 1024, (index) => index);
  fill(machine, pages[1]!, 1024, (index) => 5000 + index);

  copyWords(machine, FOREIGN, 8);
  assertEquals(words(machine), [102, 103]);
  copyWords(machine, OTHER, PAGE - 4);
  assertEquals(words(machine), [1023, 5000]);
  fill(machine, pages[1]!, 1, () => 7);
  copyWords(machine, OTHER, PAGE - 4);
  assertEquals(words(machine), [1023, 7]);
});

Deno.test("S12: a stream reads the pages that a guest blob has when the stream is handed over", async () => {
  const machine = await start();
  const { driver, ram, heap, guest } = machine;
  createBlobOf(machine, FOREIGN, PAGE);
  attachToContext(driver, 1, FOREIGN);
  const usedBytes = heap.usedBytes;

  detach(driver, FOREIGN);
  const addr = ram.allocate(PAGE, PAGE);
  assertEquals(attach(driver, FOREIGN, [{ addr, length: PAGE }]), OK);
  fill(machine, addr, 2, (index) => 30 + index);
  copyWords(machine, FOREIGN, 0);
  assertEquals(words(machine), [30, 31]);

  submit(driver, 1, []);
  assertEquals(heap.usedBytes, usedBytes);

  const offset = heap.allocate(PAGE); // where the page lies from now on
  const [{ sizeBytes, offset: ramOffset }] = guest.regions as [Region];
  const behind = addr + PAGE;
  guest.setRegions([
    { guestAddress: 0, sizeBytes: addr, offset: ramOffset },
    { guestAddress: addr, sizeBytes: PAGE, offset },
    { guestAddress: behind, sizeBytes: sizeBytes - behind, offset: ramOffset + behind },
  ]);
  guest.words[offset / 4] = 77;
  copyWords(machine, FOREIGN, 0);
  assertEquals(words(machine), [77, 0]);
});

Deno.test("S12: what a stream cannot read of a foreign resource loses its context", async () => {
  const offsets = [PAGE - 4, 0xfffffffc];
  for (const offset of offsets) {
    const machine = await start();
    createBlobOf(machine, FOREIGN, PAGE);
    attachToContext(machine.driver, 1, FOREIGN);
    copyWords(machine, FOREIGN, offset);
    assertEquals(isLost(machine), true);
  }
  const machine = await start();
  createBlobOf(machine, FOREIGN, PAGE);
  attachToContext(machine.driver, 1, FOREIGN);
  detach(machine.driver, FOREIGN);
  copyWords(machine, FOREIGN, 0);
  assertEquals(isLost(machine), true);
});

Deno.test("H9: RESOURCE_UNREF waits until the streams before it have read what they name", async () => {
  const machine = await start();
  const { driver, stepping, step } = machine;
  createFilled(machine, FOREIGN, 4, 4, (index) => 100 + index);
  attachToContext(driver, 1, FOREIGN);
  stepping.isOn = false;
  copyWords(machine, FOREIGN, 0);
  detachFromContext(driver, 1, FOREIGN);

  const end = PendingRequest.send(machine, writeResourceUnref, { resourceId: FOREIGN }, GpuQueue.Control);
  assertEquals(end.answer(), undefined);
  step();

  assertEquals([end.answer(), words(machine)], [OK, [100, 101]]);
});

Deno.test("H9: a resource with the number of one that has ended is attached to no context", async () => {
  const machine = await start();
  const { driver } = machine;
  createFilled(machine, FOREIGN, 4, 4, () => 1);
  attachToContext(driver, 1, FOREIGN);
  assertEquals(unref(driver, FOREIGN), OK);
  createFilled(machine, FOREIGN, 4, 4, () => 2);
  createContext(driver, 2);
  assertEquals(attachToContext(driver, 2, FOREIGN), OK);

  copyWords(machine, FOREIGN, 0);

  assertEquals(isLost(machine), true);
});

Deno.test("H19: foreign resources that come, change and go leave nothing, and a reset takes what is left", async () => {
  const machine = await start();
  const { driver, heap, remote, server, ram } = machine;
  const addr = ram.allocate(PAGE, PAGE);
  const comeAndGo = () => {
    createResource(driver, FOREIGN, 8, 8);
    createBlob(driver, OTHER, [{ addr, length: PAGE }]);
    for (const id of [FOREIGN, OTHER]) attachToContext(driver, 1, id);
    copyWords(machine, OTHER, 0);
    detach(driver, OTHER);
    submit(driver, 1, []);
    for (const id of [FOREIGN, OTHER]) assertEquals(unref(driver, id), OK);
  };
  comeAndGo();
  const before = heap.usedBytes;
  for (let count = 0; count < 50; count++) comeAndGo();
  assertEquals(heap.usedBytes, before);

  createBlob(driver, OTHER, [{ addr, length: PAGE }]);
  attachToContext(driver, 1, OTHER);
  machine.stepping.isOn = false;
  driver.transport.writeStatus(0);
  remote.poll();
  const whileRead = heap.usedBytes; // the renderer has not heard of the reset
  server.serve();
  remote.poll();
  assert(heap.usedBytes < whileRead);
});

Deno.test("H19: of foreign resources a renderer on another thread finds so many, and more when some have ended", async () => {
  const machine = await start();
  const { driver } = machine;
  const first = 100;
  for (let id = first; id <= first + MOST; id++) {
    createResource(driver, id, 1, 2);
    assertEquals(attachToContext(driver, 1, id), OK);
  }
  copyWords(machine, first + MOST - 1, 0);
  assertEquals(isLost(machine), false);
  unref(driver, first);
  assertEquals(attachToContext(driver, 1, first + MOST), OK);
  copyWords(machine, first + MOST, 0);
  assertEquals(isLost(machine), false);

  createResource(driver, first, 1, 2);
  assertEquals(attachToContext(driver, 1, first), OK);
  copyWords(machine, first, 0);

  assertEquals([isLost(machine), destroyContext(driver, 1)], [true, OK]);
});
