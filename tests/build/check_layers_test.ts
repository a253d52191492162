import { assertEquals } from "@std/assert";
import { checkLayers } from "../../build/check_layers.ts";

const importMap = { "@std/assert": "./tests/support/std/assert.ts", "fast-png": "npm:fast-png@8.0.0" };

function check(path: string, text: string): string[] {
  return checkLayers([{ path, text }], importMap);
}

const allowed: [path: string, text: string][] = [
  ["src/memory/guest_memory.ts", `import { instantiate } from "../wasm/module.ts";`],
  ["src/memory/guest_memory.ts", `import { PageList } from "./page_list.ts";`],
  ["src/device/gpu.ts", `import type { Display } from "../display/display.ts";`],
  ["src/display/png.ts", `import { encode } from "fast-png";`],
  ["src/display/png_encode.ts", `import { encode } from "npm:fast-png@8.0.0";`],
  ["src/guest/driver.ts", `import { Command } from "../protocol/wire.gen.ts";`],
  ["src/guest/driver.ts", `import * as virtio from "../virtio/virtio.gen.ts";`],
  ["src/hosts/v86.ts", `import { VirtioGpu } from "../device/gpu.ts";`],
  ["src/hosts/deno/memory.ts", `import process from "node:process";`],
  ["src/cli/demo.ts", `import { program } from "commander";\nimport { V86Host } from "../hosts/v86.ts";`],
  ["src/cli/demo.ts", `const { pack } = await import("../../build/guest/pack.ts");`],
  ["src/mod.ts", `export { VirtioGpu } from "./device/gpu.ts";\nexport * from "./memory/guest_memory.ts";`],
  ["assembly/index.ts", `export { resolve } from "./resolve";`],
  ["tests/device/gpu_test.ts", `import { assert } from "@std/assert";\nimport fc from "npm:fast-check";`],
];

for (const [path, text] of allowed) {
  Deno.test(`checkLayers allows ${path}: ${text}`, () => {
    assertEquals(check(path, text), []);
  });
}

const refused: [path: string, text: string, problem: string][] = [
  [
    "src/protocol/formats.ts",
    `import { GuestMemory } from "../memory/guest_memory.ts";`,
    "src/protocol/formats.ts imports ../memory/guest_memory.ts: src/protocol/ may import nothing but itself",
  ],
  [
    "src/transport/pci.ts",
    `import {\n  VirtioGpu,\n  type Limits,\n} from "../device/gpu.ts";`,
    "src/transport/pci.ts imports ../device/gpu.ts: src/transport/ may import itself, src/virtio/, src/memory/, " +
    "src/snapshot/",
  ],
  [
    "src/wasm/module.ts",
    `import "npm:fast-check";`,
    "src/wasm/module.ts imports npm:fast-check: src/wasm/ may import nothing but itself",
  ],
  [
    "src/wasm/module.ts",
    `export * from "fast-png";`,
    "src/wasm/module.ts imports fast-png: src/wasm/ may import nothing but itself",
  ],
  [
    "src/wasm/module.ts",
    `  const fs = await import("node:fs");`,
    "src/wasm/module.ts imports node:fs: src/wasm/ may import nothing but itself",
  ],
  [
    "src/memory/arena.ts",
    `import { assert } from "@std/assert";`,
    "src/memory/arena.ts imports @std/assert: src/memory/ may import itself, src/wasm/, src/protocol/",
  ],
  [
    "src/guest/driver.ts",
    `import { pixelFormat } from "../protocol/formats.ts";`,
    "src/guest/driver.ts imports ../protocol/formats.ts: src/guest/ may import itself, " +
    "src/protocol/wire.gen.ts, src/virtio/virtio.gen.ts",
  ],
  [
    "src/device/gpu.ts",
    `import { MemoryDisplay } from "../display/memory.ts";`,
    "src/device/gpu.ts imports ../display/memory.ts: src/device/ may import itself, src/protocol/, src/wasm/, " +
    "src/memory/, src/virtio/, src/snapshot/, types of src/renderer/renderer.ts, types of src/display/display.ts",
  ],
  ["src/extra/thing.ts", "", "src/extra/thing.ts is in no folder of the import table: add its folder"],
];

for (const [path, text, problem] of refused) {
  Deno.test(`checkLayers refuses ${path}: ${text}`, () => {
    assertEquals(check(path, text), [problem]);
  });
}

Deno.test("checkLayers refuses a display's value where only its type is allowed", () => {
  const asValue = `import { Display } from "../display/display.ts";`;
  assertEquals(check("src/device/gpu.ts", asValue).length, 1);
});

Deno.test("checkLayers reads no import in a comment", () => {
  const text = `/**\n * import { attach } from "../hosts/v86.ts";\n * await import("../hosts/v86.ts")\n */`;
  assertEquals(check("src/memory/arena.ts", text), []);
});

Deno.test("checkLayers refuses a hand-written file of 401 lines, and takes a generated one", () => {
  const text = "// line\n".repeat(401);
  assertEquals(check("src/device/gpu.ts", text), [
    "src/device/gpu.ts has 401 lines, at most 400 can be read in one go: split it",
  ]);
  assertEquals(check("assembly/copy.ts", text).length, 1);
  assertEquals(check("src/device/gpu.ts", "// line\n".repeat(400)), []);
  assertEquals(check("src/protocol/wire.gen.ts", text), []);
});

Deno.test("checkLayers refuses a path of one machine", () => {
  const home = "/" + "home/somebody";
  assertEquals(check("README.md", `cd ${home}/scanout`), [
    `README.md names ${home}, a path of one machine: take it out`,
  ]);
  assertEquals(check("README.md", "see docs/work/plan.md"), []);
});
