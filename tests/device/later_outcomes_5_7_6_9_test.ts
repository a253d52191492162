/** Commands that the renderer cannot answer yet: it is asked the same again, and nothing else before. Virtio 1.4, 5.7.6.9. */

import { assertEquals } from "@std/assert";
import { LATER } from "../../src/protocol/outcome.ts";
import { Reasons } from "../../src/protocol/reasons.ts";
import {
  writeCtxCreate,
  writeResourceCreate3d,
  writeSubmit3d,
  writeTransferFromHost3d,
  writeTransferToHost3d,
} from "../../src/protocol/wire.gen.ts";
import { PendingRequest } from "../support/pending_request.ts";
import type { Question, RecordingRenderer } from "../support/recording_renderer.ts";
import { type RendererMachine, startRecording } from "../support/renderer_machine.ts";
import { attach } from "./requests.ts";
import { box, create3d, createContext } from "./three_d_requests.ts";

type TestMachine = RendererMachine<RecordingRenderer>;

const stream = Uint32Array.of(1, 2, 3);
const resource = { target: 0, format: 0, bind: 0, width: 4096, height: 1, depth: 1, arraySize: 1, lastLevel: 0 };
const transfer = { box: box(0, 0, 0, 64, 1, 1), offset: 0, level: 0, stride: 0, layerStride: 0 };

// Context 1 exists, and the 3D resource 1 with pages.
const commands: [name: string, question: Question, send: (machine: TestMachine) => PendingRequest][] = [
  [
    "CTX_CREATE",
    "createContext",
    (machine) => PendingRequest.send(machine, writeCtxCreate, { ctxId: 2, nlen: 4, contextInit: 61 }),
  ],
  [
    "SUBMIT_3D",
    "submit",
    (machine) => PendingRequest.send(machine, writeSubmit3d, { ctxId: 1, size: 12 }, 0, stream),
  ],
  [
    "RESOURCE_CREATE_3D",
    "createResource",
    (machine) =>
      PendingRequest.send(machine, writeResourceCreate3d, {
        ...resource,
        resourceId: 2,
        nrSamples: 0,
        resourceFlags: 0,
      }),
  ],
  [
    "TRANSFER_TO_HOST_3D",
    "transferToHost",
    (machine) => PendingRequest.send(machine, writeTransferToHost3d, { ...transfer, resourceId: 1 }),
  ],
  [
    "TRANSFER_FROM_HOST_3D",
    "transferFromHost",
    (machine) => PendingRequest.send(machine, writeTransferFromHost3d, { ...transfer, resourceId: 1 }),
  ],
];

async function start(): Promise<TestMachine> {
  const machine = await startRecording();
  createContext(machine.driver, 1);
  create3d(machine.driver, 1);
  attach(machine.driver, 1, [{ addr: 0x100_0000, length: 4096 }]);
  machine.renderer.takeCalls();
  return machine;
}

for (const [name, question, send] of commands) {
  Deno.test(`${name} that the renderer answers later is asked the same again, whatever the guest makes of it meanwhile`, async () => {
    const machine = await start();
    const { renderer, ram } = machine;
    renderer.answer(question, LATER, LATER);

    const request = send(machine);
    assertEquals(request.answer(), undefined);
    const [first] = renderer.calls;
    ram.bytes(request.address, 128).fill(0xee);
    renderer.host.resume();
    assertEquals(request.answer(), undefined);
    renderer.host.resume();

    assertEquals(request.answer(), "OK_NODATA");
    assertEquals(renderer.calls, [first, first, first] as typeof renderer.calls);
  });

  Deno.test(`${name} is not carried out while one before it waits for the renderer`, async () => {
    const machine = await start();
    const { renderer } = machine;
    renderer.answer("createResource", LATER);
    const before = PendingRequest.send(machine, writeResourceCreate3d, {
      ...resource,
      resourceId: 9,
      nrSamples: 0,
      resourceFlags: 0,
    });
    renderer.takeCalls();

    const request = send(machine);
    assertEquals([before.answer(), renderer.takeCalls()], [undefined, []]);
    renderer.host.resume();

    assertEquals([before.answer(), request.answer()], ["OK_NODATA", "OK_NODATA"]);
    assertEquals(renderer.calls.length, 2);
  });

  Deno.test(`${name} that the renderer refuses later has done nothing`, async () => {
    const machine = await start();
    const { renderer, errors } = machine;
    const aliveBefore = renderer.alive;
    renderer.answer(question, LATER, Reasons.hostMemoryFull);

    const request = send(machine);
    renderer.host.resume();

    assertEquals(request.answer(), "ERR_OUT_OF_MEMORY");
    assertEquals(errors.map(({ reason, isRefused }) => [reason, isRefused]), [[Reasons.hostMemoryFull, true]]);
    assertEquals(renderer.alive, aliveBefore);
  });

  Deno.test(`${name} that waits for the renderer is gone after a reset, and never answered. Virtio 1.4, 2.4`, async () => {
    const machine = await start();
    const { driver, renderer } = machine;
    renderer.answer(question, LATER);
    const request = send(machine);
    driver.start();
    renderer.takeCalls();

    renderer.host.resume();

    assertEquals(request.answer(), undefined);
    assertEquals(renderer.calls, []);
    assertEquals(createContext(driver, 1), "OK_NODATA");
  });
}

for (const [name, question, send] of commands.filter(([, question]) => question.startsWith("transfer"))) {
  Deno.test(`${name} is asked to the end though its pages leave guest memory meanwhile: the renderer looks again`, async () => {
    const machine = await start();
    const { renderer, guest } = machine;
    renderer.answer(question, LATER, Reasons.backingGone);
    const request = send(machine);
    const [ram] = guest.regions;
    guest.setRegions([{ ...ram!, sizeBytes: 0x100_0000 }]);
    renderer.host.resume();

    assertEquals(request.answer(), "ERR_UNSPEC");
    assertEquals(renderer.calls.length, 2);
  });
}

Deno.test("SUBMIT_3D that waits for the renderer is asked to the end, though its context is lost meanwhile", async () => {
  const machine = await start();
  const { renderer } = machine;
  renderer.answer("submit", LATER, Reasons.contextLost);
  const request = PendingRequest.send(machine, writeSubmit3d, { ctxId: 1, size: 12 }, 0, stream);
  renderer.host.contextLost(1);
  renderer.host.resume();

  assertEquals(request.answer(), "ERR_UNSPEC");
  assertEquals(renderer.calls.length, 2);
});
