/** H14: a guest that sends more than the renderer's thread takes. */

import { assert, assertEquals } from "@std/assert";
import { GpuQueue, writeCtxAttachResource, writeCtxDetachResource } from "../../src/protocol/wire.gen.ts";
import { create3d, createContext } from "../device/three_d_requests.ts";
import { PendingRequest } from "../support/pending_request.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { startRemote } from "../support/renderer/remote_machine.ts";

const RING_BYTES = 65536;
const MOST = RING_BYTES / 4;

Deno.test("H14: commands that no answer holds back stand in their queue while the renderer's thread is behind", async () => {
  const machine = await startRemote(new ReferenceRenderer(), { ringBytes: RING_BYTES });
  const { driver, gpu, heap, memory, reference, remote } = machine;
  createContext(driver, 1);
  create3d(driver, 5);
  machine.stepping.isOn = false;
  const before = [heap.usedBytes, memory.buffer.byteLength];
  const kinds = [writeCtxAttachResource, writeCtxDetachResource];

  let request: PendingRequest | undefined;
  let sent = 0;
  do {
    request = PendingRequest.send(machine, kinds[sent % 2]!, { ctxId: 1, resourceId: 5 }, GpuQueue.Control);
    sent++;
  } while (request.answer() !== undefined && sent < MOST);

  assert(sent < MOST, "the queue never stands still");
  const { commands } = gpu.counters;
  for (let kick = 0; kick < 100; kick++) driver.transport.kick(GpuQueue.Control);
  assertEquals([gpu.counters.commands, heap.usedBytes, memory.buffer.byteLength], [commands, ...before]);
  machine.step();
  assertEquals([request.answer(), remote.isClosed], ["OK_NODATA", false]);
  assertEquals(reference.context(1)!.attached.has(5), sent % 2 === 1);
});
