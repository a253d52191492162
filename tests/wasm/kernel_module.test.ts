import { assertEquals } from "@std/assert";
import { instantiateKernels } from "../../src/wasm/kernels.ts";
import { kernelBytes } from "../../src/wasm/module.ts";

const kernelNames = [
  "convertRect",
  "gatherBox",
  "gatherBytes",
  "gatherConvertRect",
  "gatherRect",
  "pageListParse",
  "pageListResolve",
  "queueComplete",
  "queuePop",
  "queueRewalk",
  "queueShouldSignal",
  "resolve",
  "scatterBox",
  "scatterBytes",
  "scatterRect",
];

// The sections that plain functions need: types, imports, functions, exports, code (and custom ones, which do
// nothing). A table (4), memory (5), globals (6), start function (8), elements (9), data (11) or tags (13) would be
// state of our own.
const allowedSections = [0, 1, 2, 3, 7, 10];

for (const isShared of [false, true]) {
  const kind = isShared ? "shared" : "unshared";

  Deno.test(`the ${kind} kernel module imports env.memory alone`, async () => {
    const module = await WebAssembly.compile(await kernelBytes(isShared));
    assertEquals(WebAssembly.Module.imports(module), [{ module: "env", name: "memory", kind: "memory" }]);
  });

  Deno.test(`the ${kind} kernel module exports the kernels alone`, async () => {
    const module = await WebAssembly.compile(await kernelBytes(isShared));
    const exports = WebAssembly.Module.exports(module).toSorted((a, b) => a.name < b.name ? -1 : 1);
    assertEquals(exports, kernelNames.map((name) => ({ name, kind: "function" as const })));
  });

  Deno.test(`the ${kind} kernel module has no table, memory, globals, start function, elements or data`, async () => {
    const sections = sectionIds(await kernelBytes(isShared));
    assertEquals(sections.filter((id) => !allowedSections.includes(id)), []);
  });
}

Deno.test("instantiateKernels accepts a memory without a maximum and with one", async () => {
  await instantiateKernels(new WebAssembly.Memory({ initial: 1 }));
  await instantiateKernels(new WebAssembly.Memory({ initial: 1, maximum: 65536 }));
});

Deno.test("instantiateKernels accepts a shared memory of any maximum", async () => {
  await instantiateKernels(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  await instantiateKernels(new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true }));
});

/** The ids of a Wasm module's sections: after 8 bytes of header, each is an id, a LEB128 length, and its bytes. */
function sectionIds(module: Uint8Array): number[] {
  const ids: number[] = [];
  let at = 8;
  while (at < module.length) {
    ids.push(module[at]!);
    const length = readLeb128(module, at + 1);
    at = length.end + length.value;
  }
  return ids;
}

function readLeb128(bytes: Uint8Array, at: number): { value: number; end: number } {
  let value = 0;
  let shift = 0;
  let end = at;
  let byte = 0;
  do {
    byte = bytes[end++]!;
    value |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte & 0x80);
  return { value, end };
}
