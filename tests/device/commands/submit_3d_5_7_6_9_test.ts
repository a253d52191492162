/** SUBMIT_3D. Virtio 1.4, 5.7.6.9. */

import { assertEquals } from "@std/assert";
import { Reasons } from "../../../src/protocol/reasons.ts";
import { responseName, writeSubmit3d } from "../../../src/protocol/wire.gen.ts";
import { startRecording } from "../../support/renderer_machine.ts";
import { answerTo } from "../requests.ts";
import { createContext, destroyContext, submit } from "../three_d_requests.ts";

const NO_RING = -1;

Deno.test("SUBMIT_3D hands the renderer the words of the stream, and the context", async () => {
  const { driver, renderer } = await startRecording();
  createContext(driver, 7);
  renderer.takeCalls();

  assertEquals(submit(driver, 7, [1, 0xffffffff, 3]), "OK_NODATA");
  assertEquals(renderer.calls, [["submit", 7, [1, 0xffffffff, 3], NO_RING, false]]);
});

Deno.test("SUBMIT_3D takes a stream of no bytes: Linux makes fences that way", async () => {
  const { driver, renderer } = await startRecording();
  createContext(driver, 1);
  renderer.takeCalls();

  assertEquals(submit(driver, 1, []), "OK_NODATA");
  assertEquals(renderer.calls, [["submit", 1, [], NO_RING, false]]);
});

Deno.test("SUBMIT_3D reads a stream in pieces of any length, and ignores what follows it", async () => {
  const { driver, renderer, ram } = await startRecording();
  createContext(driver, 1);
  renderer.takeCalls();
  const request = ram.allocate(64);
  writeSubmit3d(ram.words(request, 16), 0, { ctxId: 1, size: 16 });
  ram.words(request + 32, 8).set([10, 11, 12, 13, 14, 15]);
  const reply = ram.allocate(24);
  const pieces = [[0, 30], [30, 7], [37, 1], [38, 18]] as const;
  const readable = pieces.map(([start, length]) => ({ address: request + start, length }));

  driver.sendChain(0, [...readable, { address: reply, length: 24, isWritable: true }]);

  assertEquals(responseName(ram.words(reply, 1)[0]!), "OK_NODATA");
  assertEquals(renderer.calls, [["submit", 1, [10, 11, 12, 13], NO_RING, false]]);
});

for (const ctxId of [0, 2, 0xffffffff]) {
  Deno.test(`SUBMIT_3D answers ERR_INVALID_CONTEXT_ID for ${ctxId}, which no context has`, async () => {
    const { driver, renderer } = await startRecording();
    createContext(driver, 1);
    renderer.takeCalls();

    assertEquals(submit(driver, ctxId, [1]), "ERR_INVALID_CONTEXT_ID");
    assertEquals(renderer.calls, []);
  });
}

const refused: [name: string, size: number, words: number, reason: keyof typeof Reasons][] = [
  ["a stream that is longer than the request", 12, 2, "streamMissing"],
  ["a stream of 4 GiB", 0xfffffffc, 2, "streamMissing"],
  ["a stream of half a word", 6, 2, "streamUnaligned"],
  ["a stream of 1 byte", 1, 1, "streamUnaligned"],
  ["a stream over the limit", 68, 17, "streamTooLong"],
];

for (const [name, size, words, reason] of refused) {
  Deno.test(`SUBMIT_3D answers ERR_INVALID_PARAMETER for ${name}`, async () => {
    const { driver, renderer, errors } = await startRecording({ limits: { submitBytes: 64 } });
    createContext(driver, 1);
    renderer.takeCalls();

    const answer = answerTo(driver, writeSubmit3d, { ctxId: 1, size }, { trailing: new Uint32Array(words) });

    assertEquals(answer, "ERR_INVALID_PARAMETER");
    assertEquals(errors.map((error) => error.reason), [Reasons[reason]]);
    assertEquals(renderer.calls, []);
  });
}

Deno.test("SUBMIT_3D takes a stream of just the limit", async () => {
  const { driver } = await startRecording({ limits: { submitBytes: 64 } });
  createContext(driver, 1);
  assertEquals(submit(driver, 1, new Array(16).fill(0)), "OK_NODATA");
});

Deno.test("SUBMIT_3D answers ERR_UNSPEC for a lost context, until the driver makes it anew", async () => {
  const { driver, renderer, errors } = await startRecording();
  createContext(driver, 1);
  createContext(driver, 2);
  renderer.host.contextLost(1);
  renderer.takeCalls();

  assertEquals([submit(driver, 1, [5]), submit(driver, 2, [5])], ["ERR_UNSPEC", "OK_NODATA"]);
  assertEquals(renderer.calls, [["submit", 2, [5], NO_RING, false]]);
  assertEquals(errors.map(({ reason }) => reason), [Reasons.contextLost]);
  destroyContext(driver, 1);
  createContext(driver, 1);
  assertEquals(submit(driver, 1, [5]), "OK_NODATA");
});

Deno.test("contextLost of a context that is gone, or never was, changes nothing", async () => {
  const { driver, renderer } = await startRecording();
  createContext(driver, 1);
  renderer.host.contextLost(0);
  renderer.host.contextLost(2);
  assertEquals(submit(driver, 1, []), "OK_NODATA");
});

Deno.test("SUBMIT_3D answers what the renderer refuses it for", async () => {
  const { driver, renderer } = await startRecording();
  createContext(driver, 1);
  renderer.answer("submit", Reasons.hostMemoryFull);
  assertEquals(submit(driver, 1, [1]), "ERR_OUT_OF_MEMORY");
});

Deno.test("SUBMIT_3D takes no memory from the heap", async () => {
  const { driver, heap } = await startRecording();
  createContext(driver, 1);
  const usedBefore = heap.usedBytes;
  submit(driver, 1, new Array(1000).fill(7));
  assertEquals(heap.usedBytes, usedBefore);
});

Deno.test("SUBMIT_3D counts its bytes as work", async () => {
  const { driver, gpu } = await startRecording();
  createContext(driver, 1);
  const before = gpu.counters.bytes;
  submit(driver, 1, new Array(1000).fill(7));
  assertEquals(gpu.counters.bytes - before, 1024 + 4000);
});
