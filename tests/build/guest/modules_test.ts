import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { modulesDep, readModules } from "../../../build/guest/modules.ts";

Deno.test("readModules reads the modules and what they depend on, dependencies first and each once", async () => {
  await withModules({
    "kernel/top.ko": "left,right",
    "left.ko": "base",
    "right.ko": "base",
    "base.ko": "",
    "other.ko": "",
  }, async (paths) => {
    const modules = await readModules(paths, ["top", "base"]);

    assertEquals(modules.map(({ name }) => name), ["base", "left", "right", "top"]);
    assertEquals(modules.map(({ depends }) => depends), [[], ["base"], ["base"], ["left", "right"]]);
  });
});

Deno.test("readModules gives the file's bytes", async () => {
  await withModules({ "a.ko": "" }, async (paths) => {
    const [module] = await readModules(paths, ["a"]);
    assertEquals(module!.bytes, moduleFile(""));
  });
});

Deno.test("readModules finds virtio_gpu in virtio-gpu.ko", async () => {
  await withModules({ "virtio-gpu.ko": "virtio_dma_buf", "virtio_dma_buf.ko": "" }, async (paths) => {
    const modules = await readModules(paths, ["virtio_gpu"]);
    assertEquals(modules.map(({ name }) => name), ["virtio_dma_buf", "virtio_gpu"]);
  });
});

Deno.test("readModules leaves out what no file has, since the kernel may have it built in", async () => {
  await withModules({ "a.ko": "built_in" }, async (paths) => {
    const modules = await readModules(paths, ["a", "built_in_too"]);
    assertEquals(modules.map(({ name }) => name), ["a"]);
  });
});

Deno.test("readModules takes a file without depends= for a module that needs none", async () => {
  await withModules({}, async (_, folder) => {
    const path = join(folder, "plain.ko");
    await Deno.writeFile(path, new Uint8Array([0x7f, 0x45, 0x4c, 0x46]));

    const [module] = await readModules([path], ["plain"]);

    assertEquals(module!.depends, []);
  });
});

Deno.test("modulesDep lists everything that a module needs, what is loaded first at the end", () => {
  const bytes = new Uint8Array();
  const text = modulesDep([
    { name: "base", bytes, depends: [] },
    { name: "left", bytes, depends: ["base"] },
    { name: "right", bytes, depends: ["base"] },
    { name: "top", bytes, depends: ["left", "right"] },
  ]);

  assertEquals(text.split("\n"), [
    "base.ko:",
    "left.ko: base.ko",
    "right.ko: base.ko",
    "top.ko: right.ko left.ko base.ko",
    "",
  ]);
});

Deno.test("modulesDep of no modules is empty", () => {
  assertEquals(modulesDep([]), "");
});

/** Makes files of modules, given what each depends on, and removes them afterwards. */
async function withModules(
  dependsOf: Record<string, string>,
  test: (paths: string[], folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const paths = Object.keys(dependsOf).map((name) => join(folder, name));
    for (const [index, depends] of Object.values(dependsOf).entries()) {
      await Deno.mkdir(join(paths[index]!, ".."), { recursive: true });
      await Deno.writeFile(paths[index]!, moduleFile(depends));
    }
    await test(paths, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A file with the section that says what a module is, and bytes around it that are no text. */
function moduleFile(depends: string): Uint8Array<ArrayBuffer> {
  const information = `\0license=GPL\0depends=${depends}\0name=x\0`;
  return new Uint8Array([0x7f, 0xff, 0x80, ...new TextEncoder().encode(information), 0xc3, 0x28]);
}
