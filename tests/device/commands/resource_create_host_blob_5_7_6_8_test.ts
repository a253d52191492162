/** RESOURCE_CREATE_BLOB of host memory, with guest pages and without, and what else such a blob is used for. Virtio 1.4, 5.7.6.8. */

import { assertEquals } from "@std/assert";
import { LATER } from "../../../src/protocol/outcome.ts";
import { Reasons } from "../../../src/protocol/reasons.ts";
import { BlobFlag, BlobMem, GpuFeature, writeResourceCreateBlob } from "../../../src/protocol/wire.gen.ts";
import { entryWords } from "../../../src/guest/gpu_driver.ts";
import { PendingRequest } from "../../support/pending_request.ts";
import { type RendererMachine, startRecording } from "../../support/renderer_machine.ts";
import type { MachineOptions } from "../../support/machine.ts";
import type { RecordingRenderer } from "../../support/recording_renderer.ts";
import { attach, createResource, detach, rect, transfer, unref } from "../requests.ts";
import { createContext, createHostBlob, destroyContext } from "../three_d_requests.ts";

const { Host3d, Host3dGuest } = BlobMem;
const entries = [{ addr: 0x4000, length: 4096 }, { addr: 0x8000, length: 4096 }];

/** A machine with context 1, whose renderer was asked nothing yet. */
async function startWithContext(options?: MachineOptions): Promise<RendererMachine<RecordingRenderer>> {
  const machine = await startRecording(options);
  createContext(machine.driver, 1);
  machine.renderer.takeCalls();
  return machine;
}

Deno.test("S10: RESOURCE_CREATE_BLOB of host memory looks its object up by the context and the whole blob id", async () => {
  const { driver, renderer } = await startWithContext();
  createContext(driver, 0xffffffff);
  renderer.takeCalls();

  createHostBlob(driver, 5, { ctxId: 1, blobIdLow: 7, blobIdHigh: 8, size: 12 });
  createHostBlob(driver, 6, { ctxId: 0xffffffff, blobIdLow: 7, blobIdHigh: 0xffffffff, size: 0xffffffff });
  createHostBlob(driver, 7, { ctxId: 1, blobIdLow: 0, blobIdHigh: 0, blobMem: Host3dGuest });

  assertEquals(renderer.calls, [
    ["createBlob", 1, 7, 8, 5, 12],
    ["createBlob", 0xffffffff, 7, 0xffffffff, 6, 0xffffffff],
    ["createBlob", 1, 0, 0, 7, 4096],
  ]);
});

Deno.test("S11: RESOURCE_CREATE_BLOB of host memory takes no host memory but the page list of a default blob", async () => {
  const { driver, heap } = await startWithContext();
  const usedBefore = heap.usedBytes;

  createHostBlob(driver, 5, { size: 0xffffffff });
  assertEquals(heap.usedBytes, usedBefore);
  createHostBlob(driver, 6, { blobMem: Host3dGuest, size: 8192 }, entries);
  assertEquals(heap.usedBytes - usedBefore, 64);
});

Deno.test("S2: RESOURCE_CREATE_BLOB of host memory alone answers ERR_INVALID_PARAMETER when it has entries", async () => {
  const { driver, renderer, errors } = await startWithContext();

  assertEquals(createHostBlob(driver, 5, {}, entries), "ERR_INVALID_PARAMETER");
  assertEquals(createHostBlob(driver, 5, { nrEntries: 0xffffffff }), "ERR_INVALID_PARAMETER");
  assertEquals(errors.map(({ reason }) => reason), new Array(2).fill(Reasons.hostBlobWithEntries));
  assertEquals(renderer.calls, []);
});

Deno.test("S3: RESOURCE_CREATE_BLOB of a default blob takes its pages with the command, or later", async () => {
  const { driver } = await startWithContext();

  assertEquals(createHostBlob(driver, 5, { blobMem: Host3dGuest, size: 8192 }, entries), "OK_NODATA");
  assertEquals(attach(driver, 5, entries), "ERR_UNSPEC"); // it has them
  assertEquals(createHostBlob(driver, 6, { blobMem: Host3dGuest, size: 8192, blobIdLow: 2 }), "OK_NODATA");
  assertEquals(attach(driver, 6, entries), "OK_NODATA");
});

for (const blobMem of [Host3d, Host3dGuest]) {
  Deno.test(`S9: RESOURCE_CREATE_BLOB answers ERR_INVALID_PARAMETER for memory kind ${blobMem} when VIRGL was not negotiated`, async () => {
    const { driver, renderer, errors } = await startRecording();
    driver.start([~(1 << GpuFeature.Virgl) >>> 0, 0xffffffff]);

    assertEquals(createHostBlob(driver, 5, { blobMem }), "ERR_INVALID_PARAMETER");
    assertEquals(createHostBlob(driver, 5, { blobMem, ctxId: 0 }), "ERR_INVALID_PARAMETER");
    assertEquals(errors.map(({ reason }) => reason), new Array(2).fill(Reasons.blobMemUnknown));
    assertEquals(renderer.calls, []);
  });

  Deno.test(`S11: RESOURCE_CREATE_BLOB answers ERR_UNSPEC for memory kind ${blobMem} without such an object, and keeps nothing`, async () => {
    const { driver, renderer, heap, errors } = await startWithContext();
    const usedBefore = heap.usedBytes;
    renderer.answer("createBlob", Reasons.blobIdUnknown);

    assertEquals(createHostBlob(driver, 5, { blobMem }, blobMem === Host3d ? [] : entries), "ERR_UNSPEC");
    assertEquals(errors.map(({ reason }) => reason), [Reasons.blobIdUnknown]);
    assertEquals(heap.usedBytes, usedBefore);
    assertEquals(unref(driver, 5), "ERR_INVALID_RESOURCE_ID");
    assertEquals(createHostBlob(driver, 5, { blobMem }), "OK_NODATA");
  });

  Deno.test(`S10: RESOURCE_CREATE_BLOB of memory kind ${blobMem} answers ERR_INVALID_CONTEXT_ID for a context that does not exist`, async () => {
    const { driver, renderer } = await startWithContext();
    const answers = [0, 2, 0xffffffff].map((ctxId) => createHostBlob(driver, 5, { blobMem, ctxId }));
    assertEquals(answers, new Array(3).fill("ERR_INVALID_CONTEXT_ID"));
    assertEquals(renderer.calls, []);
  });
}

Deno.test("RESOURCE_CREATE_BLOB of host memory answers ERR_INVALID_RESOURCE_ID for id 0 and for an id in use", async () => {
  const { driver, renderer } = await startWithContext();
  createResource(driver, 1, 8, 8);
  createHostBlob(driver, 2);
  renderer.takeCalls();

  assertEquals([0, 1, 2].map((id) => createHostBlob(driver, id)), new Array(3).fill("ERR_INVALID_RESOURCE_ID"));
  assertEquals(renderer.calls, []);
});

const sizes: [size: number, answer: string, reason?: keyof typeof Reasons][] = [
  [0, "ERR_INVALID_PARAMETER", "blobSizeInvalid"],
  [1, "OK_NODATA"],
  [2 ** 32 - 1, "OK_NODATA"],
  [2 ** 32, "ERR_INVALID_PARAMETER", "hostBlobTooLarge"],
  [2 ** 53, "ERR_INVALID_PARAMETER", "hostBlobTooLarge"],
];
for (const [size, answer, reason] of sizes) {
  Deno.test(`RESOURCE_CREATE_BLOB of host memory answers ${answer} for a size of ${size}`, async () => {
    const { driver, errors } = await startWithContext();
    assertEquals(createHostBlob(driver, 5, { size }), answer);
    assertEquals(errors.map((error) => error.reason), reason === undefined ? [] : [Reasons[reason]]);
  });
}

Deno.test("RESOURCE_CREATE_BLOB of host memory wants a multiple of blob_alignment once BLOB_ALIGNMENT is negotiated", async () => {
  const { driver } = await startWithContext({ blobAlignment: 16384 });
  assertEquals(createHostBlob(driver, 5, { size: 4096 }), "ERR_INVALID_PARAMETER");
  assertEquals(createHostBlob(driver, 5, { size: 32768 }), "OK_NODATA");
});

Deno.test("RESOURCE_CREATE_BLOB of host memory takes flags up to 7 and answers ERR_INVALID_PARAMETER for others", async () => {
  const { driver } = await startWithContext();
  assertEquals(createHostBlob(driver, 5, { blobFlags: 7 }), "OK_NODATA");
  assertEquals(createHostBlob(driver, 6, { blobFlags: 8 }), "ERR_INVALID_PARAMETER");
  assertEquals(createHostBlob(driver, 6, { blobFlags: 0x80000000 }), "ERR_INVALID_PARAMETER");
});

const badEntries: [name: string, answer: string, nrEntries: number, entries: { addr: number; length: number }[]][] = [
  ["entries that are shorter than the blob", "ERR_INVALID_PARAMETER", 1, [{ addr: 0x4000, length: 8191 }]],
  ["fewer entries than it announces", "ERR_UNSPEC", 3, entries],
  ["16,385 entries", "ERR_UNSPEC", 16385, entries],
  ["an entry outside guest memory", "ERR_UNSPEC", 1, [{ addr: 2 ** 40, length: 8192 }]],
];
for (const [name, answer, nrEntries, list] of badEntries) {
  Deno.test(`RESOURCE_CREATE_BLOB of a default blob with ${name} answers ${answer}, and the object is not used up`, async () => {
    const { driver, renderer, heap } = await startWithContext();
    const usedBefore = heap.usedBytes;

    assertEquals(createHostBlob(driver, 5, { blobMem: Host3dGuest, size: 8192, nrEntries }, list), answer);
    assertEquals(renderer.calls, []);
    assertEquals(heap.usedBytes, usedBefore);
  });
}

Deno.test("RESOURCE_CREATE_BLOB of host memory answers ERR_OUT_OF_MEMORY past the limit of resources", async () => {
  const { driver, renderer } = await startWithContext({ limits: { resources: 1 } });
  createHostBlob(driver, 5);
  assertEquals(createHostBlob(driver, 6), "ERR_OUT_OF_MEMORY");
  assertEquals(renderer.calls.length, 1);
});

Deno.test("RESOURCE_CREATE_BLOB answers ERR_UNSPEC for a lost context, whose objects are gone", async () => {
  const { driver, renderer, errors } = await startWithContext();
  renderer.host.contextLost(1);
  assertEquals(createHostBlob(driver, 5), "ERR_UNSPEC");
  assertEquals(errors.map(({ reason }) => reason), [Reasons.contextLost]);
  assertEquals(renderer.calls, []);
});

Deno.test("S2: RESOURCE_ATTACH_BACKING and RESOURCE_DETACH_BACKING answer ERR_UNSPEC for host memory alone", async () => {
  const { driver, errors } = await startWithContext();
  createHostBlob(driver, 5);

  assertEquals(attach(driver, 5, entries), "ERR_UNSPEC");
  assertEquals(attach(driver, 5, []), "ERR_UNSPEC");
  assertEquals(detach(driver, 5), "ERR_UNSPEC");
  assertEquals(errors.map(({ reason }) => reason), new Array(3).fill(Reasons.hostBlobHasNoPages));
});

Deno.test("S7: RESOURCE_ATTACH_BACKING and RESOURCE_DETACH_BACKING swap the pages of a default blob", async () => {
  const { driver, heap } = await startWithContext();
  createHostBlob(driver, 5, { blobMem: Host3dGuest, size: 8192 }, entries);
  const usedBefore = heap.usedBytes;

  assertEquals(detach(driver, 5), "OK_NODATA");
  assertEquals(detach(driver, 5), "ERR_UNSPEC");
  assertEquals(attach(driver, 5, entries.slice(1)), "ERR_INVALID_PARAMETER");
  assertEquals(attach(driver, 5, entries.toReversed()), "OK_NODATA");
  assertEquals(heap.usedBytes, usedBefore);
});

Deno.test("RESOURCE_UNREF ends a host blob at the renderer, and gives its page list back", async () => {
  const { driver, renderer, heap } = await startWithContext();
  const usedBefore = heap.usedBytes;
  createHostBlob(driver, 5);
  createHostBlob(driver, 6, { blobMem: Host3dGuest, size: 8192 }, entries);
  renderer.takeCalls();

  assertEquals([unref(driver, 5), unref(driver, 6)], ["OK_NODATA", "OK_NODATA"]);
  assertEquals(renderer.calls, [["destroyResource", 5], ["destroyResource", 6]]);
  assertEquals(heap.usedBytes, usedBefore);
});

Deno.test("A blob of host memory outlives its context, and a reset ends it at the renderer", async () => {
  const { driver, renderer } = await startWithContext();
  createHostBlob(driver, 5);
  createHostBlob(driver, 6);

  destroyContext(driver, 1);
  assertEquals(renderer.alive, { contexts: [], resources: [5, 6] });
  assertEquals(unref(driver, 5), "OK_NODATA");
  driver.start();
  assertEquals(renderer.alive, { contexts: [], resources: [] });
});

Deno.test("TRANSFER_TO_HOST_2D answers ERR_UNSPEC for a host blob", async () => {
  const { driver } = await startWithContext();
  createHostBlob(driver, 5);
  assertEquals(transfer(driver, 5, rect(0, 0, 1, 1), 0), "ERR_UNSPEC");
});

const defaultBlob = {
  resourceId: 5,
  ctxId: 1,
  blobMem: Host3dGuest,
  blobFlags: BlobFlag.UseMappable,
  nrEntries: 2,
  blobIdLow: 1,
  blobIdHigh: 0,
  size: 8192,
};

Deno.test("H21: RESOURCE_CREATE_BLOB that the renderer answers later keeps the entries that it has read", async () => {
  const machine = await startWithContext();
  const { driver, renderer, ram } = machine;
  renderer.answer("createBlob", LATER, LATER);
  const request = PendingRequest.send(machine, writeResourceCreateBlob, defaultBlob, 0, entryWords(entries));
  assertEquals(request.answer(), undefined);

  ram.bytes(request.address, 56 + 32).fill(0xff); // another command, with entries nowhere
  renderer.host.resume();
  assertEquals(request.answer(), undefined);
  renderer.host.resume();

  assertEquals(request.answer(), "OK_NODATA");
  assertEquals(renderer.takeCalls(), new Array(3).fill(["createBlob", 1, 1, 0, 5, 8192]));
  assertEquals(unref(driver, 5), "OK_NODATA");
});

Deno.test("RESOURCE_CREATE_BLOB that is refused later gives its page list back", async () => {
  const machine = await startWithContext();
  const { renderer, heap } = machine;
  const usedBefore = heap.usedBytes;
  renderer.answer("createBlob", LATER, Reasons.blobIdUnknown);
  const request = PendingRequest.send(machine, writeResourceCreateBlob, defaultBlob, 0, entryWords(entries));
  renderer.host.resume();

  assertEquals(request.answer(), "ERR_UNSPEC");
  assertEquals(heap.usedBytes, usedBefore);
});

Deno.test("A reset while RESOURCE_CREATE_BLOB waits for the renderer gives its page list back. Virtio 1.4, 2.4", async () => {
  const machine = await startWithContext();
  const { driver, renderer, heap } = machine;
  const usedBefore = heap.usedBytes;
  renderer.answer("createBlob", LATER);
  PendingRequest.send(machine, writeResourceCreateBlob, defaultBlob, 0, entryWords(entries));
  assertEquals(heap.usedBytes - usedBefore, 64);

  driver.start();
  assertEquals(heap.usedBytes, usedBefore);
});

Deno.test("RESOURCE_CREATE_BLOB that waits for the renderer is asked to the end, though its context is lost meanwhile", async () => {
  const machine = await startWithContext();
  const { renderer } = machine;
  renderer.answer("createBlob", LATER, Reasons.contextLost);
  const request = PendingRequest.send(machine, writeResourceCreateBlob, defaultBlob, 0, entryWords(entries));
  renderer.host.contextLost(1);
  renderer.host.resume();

  assertEquals(request.answer(), "ERR_UNSPEC");
  assertEquals(renderer.calls.length, 2);
});
