/** A renderer on one thread and the device on another. */

import { assertEquals } from "@std/assert";
import type { RendererConnection } from "../../src/renderer/remote/connection.ts";
import { RendererServer } from "../../src/renderer/remote/renderer_server.ts";
import { serveWithAtomics } from "../../src/renderer/remote/serve_with_atomics.ts";
import { Reasons } from "../../src/protocol/reasons.ts";
import { CtrlFlag, GpuQueue, writeSubmit3d } from "../../src/protocol/wire.gen.ts";
import { create3d, createContext, submit } from "../device/three_d_requests.ts";
import { makeMemory, startMachine } from "../support/machine.ts";
import { PendingRequest } from "../support/pending_request.ts";
import { type BlockingMachine, startBlocking, WITHOUT_EVENT_IDX } from "../support/renderer/blocking_machine.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { type RendererScene, runRendererScene } from "../support/renderer/renderer_scene.ts";
import { delay, UNTIL_RELEASED } from "../support/renderer/stream.ts";

const TIMES = 5;
const FENCE = { flags: CtrlFlag.Fence, fenceIdLow: 1, fenceIdHigh: 0 };

/** What the scene gives with the renderer on the device's thread. */
async function expectedScene(): Promise<RendererScene> {
  const machine = await startMachine({ renderer: new ReferenceRenderer() });
  return runRendererScene(machine, 0);
}

/** A Worker that serves the reference renderer. */
function startServing(memory: WebAssembly.Memory): Promise<{ worker: Worker; connection: RendererConnection }> {
  const worker = new Worker(new URL("../support/renderer/renderer_worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve } = Promise.withResolvers<{ worker: Worker; connection: RendererConnection }>();
  worker.onmessage = ({ data }) => resolve({ worker, connection: data });
  worker.postMessage(memory);
  return promise;
}

/** The Worker of `device_worker.ts` has said what it has to say. */
function heardFrom(worker: Worker): Promise<{ scenes: RendererScene[]; fences: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ scenes: RendererScene[]; fences: number }>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  return promise;
}

/** Polls with the event loop's help until `isDone`. */
async function pollUntil({ remote, deferred }: BlockingMachine, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    await remote.nextBell();
    remote.poll();
    for (const work of deferred.splice(0)) work();
  }
}

Deno.test("A renderer in a Worker answers a device on the main thread as one beside it does", async () => {
  const memory = makeMemory(true);
  const { worker, connection } = await startServing(memory);
  const machine = await startBlocking(memory, connection);

  for (let time = 0; time < TIMES; time++) {
    assertEquals(runRendererScene(machine, 1), await expectedScene());
    machine.driver.start(WITHOUT_EVENT_IDX);
  }

  worker.postMessage("close");
  await pollUntil(machine, () => machine.remote.isClosed);
  assertEquals(createContext(machine.driver, 1), "ERR_UNSPEC");
});

Deno.test("A renderer on the main thread serves a device whose thread blocks", async () => {
  const memory = makeMemory(true);
  const server = await RendererServer.create(memory, new ReferenceRenderer());
  const served = serveWithAtomics(server);
  const worker = new Worker(new URL("../support/renderer/device_worker.ts", import.meta.url), { type: "module" });
  worker.postMessage({ memory, connection: server.connection, times: TIMES });

  const { scenes, fences } = await heardFrom(worker);

  assertEquals(scenes, new Array(TIMES).fill(await expectedScene()));
  assertEquals(fences, 0);
  server.close();
  await served;
});

Deno.test("A fence that ends while the device's thread sleeps in its event loop is heard of", async () => {
  const memory = makeMemory(true);
  const { worker, connection } = await startServing(memory);
  const machine = await startBlocking(memory, connection);
  createContext(machine.driver, 1);
  machine.blocking.isOn = false;
  const words = Uint32Array.from(delay(30));

  const request = PendingRequest.send(machine, writeSubmit3d, { ...FENCE, ctxId: 1, size: 8 }, GpuQueue.Control, words);
  assertEquals(request.answer(), undefined);
  await pollUntil(machine, () => machine.line.isAsserted);

  assertEquals(request.answer(), "OK_NODATA");
  worker.terminate();
});

Deno.test("When the renderer's thread has ended, fences are done, contexts are lost and commands are refused", async () => {
  const memory = makeMemory(true);
  const { worker, connection } = await startServing(memory);
  const machine = await startBlocking(memory, connection);
  createContext(machine.driver, 1);
  machine.blocking.isOn = false;
  const words = Uint32Array.from(delay(UNTIL_RELEASED));
  const request = PendingRequest.send(machine, writeSubmit3d, { ...FENCE, ctxId: 1, size: 8 }, GpuQueue.Control, words);
  worker.terminate();

  machine.remote.lose();

  assertEquals([request.answer(), machine.remote.fenceCount], ["OK_NODATA", 0]);
  machine.blocking.isOn = true;
  assertEquals(submit(machine.driver, 1, delay(0), FENCE), "ERR_UNSPEC");
  assertEquals([createContext(machine.driver, 2), create3d(machine.driver, 3)], ["ERR_UNSPEC", "ERR_UNSPEC"]);
  assertEquals(machine.errors.at(-1)!.reason, Reasons.rendererGone);
});
