import { assert, assertEquals } from "@std/assert";
import { growingArena } from "../../src/memory/host_heap.ts";

const BLOCKS = 200;
const BLOCK_BYTES = 65536 - 64;
const LIMIT_BYTES = 64 * 1024 * 1024;

const WORKER = `
  import { growingArena } from "${import.meta.resolve("../../src/memory/host_heap.ts")}";
  globalThis.onmessage = ({ data: memory }) => {
    const ready = new Int32Array(memory.buffer, 0, 1);
    Atomics.store(ready, 0, 1);
    while (Atomics.load(ready, 0) === 1);
    const arena = growingArena(memory, ${LIMIT_BYTES});
    globalThis.postMessage(Array.from({ length: ${BLOCKS} }, () => arena.allocate(${BLOCK_BYTES})));
    globalThis.close();
  };`;

Deno.test("growingArena on two threads at a time: no two blocks of one shared memory overlap", async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const ready = new Int32Array(memory.buffer, 0, 1);
  const worker = new Worker(`data:application/javascript,${encodeURIComponent(WORKER)}`, { type: "module" });
  const theirs = new Promise<number[]>((resolve) => worker.onmessage = ({ data }) => resolve(data));
  worker.postMessage(memory);
  while (Atomics.load(ready, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));

  Atomics.store(ready, 0, 2);
  const arena = growingArena(memory, LIMIT_BYTES);
  const ours = Array.from({ length: BLOCKS }, () => arena.allocate(BLOCK_BYTES));

  const all = [...ours, ...await theirs].sort((a, b) => a - b);
  assertEquals(all.length, 2 * BLOCKS);
  for (let index = 1; index < all.length; index++) assert(all[index]! - all[index - 1]! >= BLOCK_BYTES);
  assert(all[0]! > 0);
});
