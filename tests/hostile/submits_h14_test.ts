/** H14: command streams whose size is not that of their data, and what they make the device take. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { responseName, writeSubmit3d } from "../../src/protocol/wire.gen.ts";
import type { Descriptor } from "../../src/guest/driver_queue.ts";
import { createContext, destroyContext, submit } from "../device/three_d_requests.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import type { RecordingRenderer } from "../support/recording_renderer.ts";
import { type RendererMachine, startRecording, startWithRenderer } from "../support/renderer_machine.ts";
import { needsReset } from "./raw_chain.ts";

const HEADER_BYTES = 32;
const DATA_BYTES = 256;
const LIMIT_BYTES = 192;

async function start(): Promise<RendererMachine<RecordingRenderer>> {
  const machine = await startRecording({ limits: { submitBytes: LIMIT_BYTES } });
  createContext(machine.driver, 1);
  machine.renderer.takeCalls();
  return machine;
}

/** Sends a stream that says it has `size` bytes, in readable pieces of these lengths; 288 bytes follow each other there. */
function submitPieces({ driver, ram }: RendererMachine<RecordingRenderer>, size: number, lengths: readonly number[]) {
  const request = 0x100_0000; // far behind what the driver takes for its indirect tables
  const reply = 0x110_0000;
  writeSubmit3d(ram.words(request, 8), 0, { ctxId: 1, size });
  const data = ram.words(request + HEADER_BYTES, DATA_BYTES / 4);
  for (let index = 0; index < data.length; index++) data[index] = index + 1;
  const chain: Descriptor[] = [];
  let address = request;
  for (const length of lengths) {
    chain.push({ address, length });
    address += length;
  }
  driver.sendChain(0, [...chain, { address: reply, length: 24, isWritable: true }]);
  return responseName(ram.words(reply, 1)[0]!);
}

Deno.test("H14: SUBMIT_3D with any size over any data is the stream's words to the last, or refused before one is read", async () => {
  const machine = await start();
  const sizes = fc.oneof(
    fc.integer({ min: 0, max: DATA_BYTES + 8 }),
    fc.integer({ min: 0, max: 64 }).map((words) => words * 4),
    fc.constantFrom(LIMIT_BYTES, LIMIT_BYTES + 4, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffe0, 0xffffffff),
  );
  const lengths = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 12 }).filter((list) => {
    const sum = list.reduce((total, length) => total + length, 0);
    return sum >= HEADER_BYTES && sum <= HEADER_BYTES + DATA_BYTES;
  });

  fc.assert(
    fc.property(sizes, lengths, (size, pieces) => {
      const available = pieces.reduce((total, length) => total + length, 0) - HEADER_BYTES;
      const isGood = size <= available && size % 4 === 0 && size <= LIMIT_BYTES;

      const answer = submitPieces(machine, size, pieces);

      assertEquals(answer, isGood ? "OK_NODATA" : "ERR_INVALID_PARAMETER");
      const words = Array.from({ length: isGood ? size / 4 : 0 }, (_, index) => index + 1);
      assertEquals(machine.renderer.takeCalls(), isGood ? [["submit", 1, words, -1, false]] : []);
    }),
    { seed: 14, numRuns: 2000 },
  );
  assert(!needsReset(machine));
});

for (const size of [0xfffffffc, 0xffffffff, 0x80000000, 0xffffffe0]) {
  Deno.test(`H14: SUBMIT_3D of ${size} bytes takes no memory and reads nothing`, async () => {
    const machine = await start();
    const { heap, memory, gpu } = machine;
    const before = [heap.usedBytes, memory.buffer.byteLength];
    const movedBefore = gpu.counters.bytes;

    assertEquals(submitPieces(machine, size, [HEADER_BYTES + 16]), "ERR_INVALID_PARAMETER");

    assertEquals([heap.usedBytes, memory.buffer.byteLength], before);
    assertEquals(gpu.counters.bytes - movedBefore, 1024); // the command's own cost
    assertEquals(machine.renderer.calls, []);
  });
}

Deno.test("H14: streams of any words end their context at worst, and another is not disturbed", async () => {
  const machine = await startWithRenderer(new ReferenceRenderer());
  const { driver, renderer } = machine;
  createContext(driver, 2);
  const word = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 0x900 }));
  fc.assert(
    fc.property(fc.array(word), (words) => {
      createContext(driver, 1);

      assertEquals(submit(driver, 1, words), "OK_NODATA");
      const isLost = renderer.context(1)!.isLost;

      assertEquals(submit(driver, 1, []), isLost ? "ERR_UNSPEC" : "OK_NODATA");
      assertEquals(submit(driver, 2, []), "OK_NODATA");
      destroyContext(driver, 1);
    }),
    { seed: 14, numRuns: 300 },
  );
  assert(!needsReset(machine));
});

Deno.test("H14: a million bytes of streams to a lost context are refused without being copied", async () => {
  const { driver, renderer, gpu } = await startRecording();
  createContext(driver, 1);
  renderer.host.contextLost(1);
  const before = gpu.counters.bytes;
  const stream = new Array(25_000).fill(0);

  const answers = Array.from({ length: 10 }, () => submit(driver, 1, stream));

  assertEquals(answers, new Array(10).fill("ERR_UNSPEC"));
  assertEquals(gpu.counters.bytes - before, 10 * 1024);
});
