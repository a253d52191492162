// The packages as those who install them have them: from the tarball, by npm, in a folder that knows nothing of this project.

import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { serveFiles } from "../../build/page/file_server.ts";
import { denoConfig } from "../../build/package/manifest.ts";
import { pack, type Packages } from "../../build/pack.ts";
import { expectedPicture } from "../consumers/machine.ts";
import { openPage, startBrowser } from "../support/browser/browser.ts";
import { codeBlock } from "../support/code_block.ts";
import { comparePictures } from "../support/golden.ts";
import { decodePng } from "../support/png.ts";
import { build, stop } from "esbuild";

const ROOT = new URL("../../", import.meta.url);
const DOC = new URL("docs/packages.md", ROOT);
const EXPORTS = denoConfig().exports;

/** The reader's emulator, and the guest in it, which the consumers have beside what they install. */
const MACHINE = "tests/consumers/machine.ts";
const MACHINE_FILES = [
  MACHINE,
  "src/protocol/wire.gen.ts",
  "src/virtio/virtio.gen.ts",
  "src/guest/driver_queue.ts",
  "src/guest/driver_transport.ts",
  "src/guest/gpu_driver.ts",
  "src/guest/guest_ram.ts",
  "src/guest/mmio_driver_transport.ts",
];
const IMPORT_MACHINE = `import { machine } from "./${MACHINE}";\n`;

const NODE_TYPES = { "@types/node": "20.19.43" };
const TYPESCRIPT = { typescript: "7.0.2" };
const VITE = { vite: "8.3.8" };
const TYPES = { strict: true, skipLibCheck: false, target: "es2022", types: ["node"] };

let packages: Promise<Packages> | undefined;

/** Makes the packages once for all tests. */
function packed(): Promise<Packages> {
  return packages ??= pack(new URL("out/packages_test/", ROOT));
}

/** Runs `test` in a fresh folder with `files`, the machine, and the package and `development` installed from the tarball. */
async function withConsumer(
  files: Record<string, string>,
  development: Record<string, string>,
  test: (folder: URL) => Promise<void>,
): Promise<void> {
  const { tarball } = await packed();
  const folder = new URL(`file://${await Deno.makeTempDir()}/`);
  try {
    await Deno.copyFile(tarball, new URL("scanout.tgz", folder));
    const manifest = {
      type: "module",
      dependencies: { "@scanout/scanout": "file:scanout.tgz" },
      devDependencies: development,
    };
    await write(folder, "package.json", JSON.stringify(manifest));
    for (const [name, text] of Object.entries(files)) await write(folder, name, text);
    for (const name of MACHINE_FILES) await write(folder, name, await Deno.readTextFile(new URL(name, ROOT)));
    await run(folder, "npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"]);
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function write(folder: URL, name: string, text: string): Promise<void> {
  const file = new URL(name, folder);
  await Deno.mkdir(new URL(".", file), { recursive: true });
  await Deno.writeTextFile(file, text);
}

/** Runs a program in `folder` and returns what it prints; a failure is one of the test. */
async function run(folder: URL, program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, cwd: folder }).output();
  const output = new TextDecoder().decode(stdout);
  assert(success, `${program} ${args.join(" ")}:\n${output}${new TextDecoder().decode(stderr)}`);
  return output;
}

/** Asserts that the types of `main.ts` are right as TypeScript resolves imports in this way, and compiles it to out/. */
async function compile(folder: URL, module: string, moduleResolution: string): Promise<void> {
  const compilerOptions = { ...TYPES, module, moduleResolution, rewriteRelativeImportExtensions: true, outDir: "out" };
  await write(folder, "tsconfig.json", JSON.stringify({ compilerOptions, files: ["main.ts", "entries.ts"] }));
  await run(folder, "npx", ["tsc", "--project", "."]);
}

/** Asserts that the example has written the guest's frame into screen.png. */
async function assertFrame(folder: URL): Promise<void> {
  const png = new URL("screen.png", folder);
  assertEquals(comparePictures(decodePng(await Deno.readFile(png)), expectedPicture()), undefined);
  await Deno.remove(png);
}

/** A program that prints which names each entry exports. */
function printNames(): string {
  const imports = Object.keys(EXPORTS).map((entry, index) =>
    `import * as entry${index} from "@scanout/scanout${entry.slice(1)}";\n`
  );
  const lists = imports.map((_, index) => `Object.keys(entry${index}).sort()`);
  return `${imports.join("")}console.log(JSON.stringify([${lists.join(", ")}]));\n`;
}

async function namesOfSources(): Promise<string[][]> {
  const modules = await Promise.all(Object.values(EXPORTS).map((source) => import(new URL(source, ROOT).href)));
  return modules.map((module) => Object.keys(module).sort());
}

/** Asserts that a page of `files` shows the guest's frame in its top left corner, and that nothing goes wrong in it. */
async function assertPageShowsFrame(files: Map<string, Uint8Array<ArrayBuffer>>): Promise<void> {
  const server = serveFiles(files, 0);
  const browser = await startBrowser();
  try {
    const { page, problems } = await openPage(browser, server.url);
    const { widthPixels: width, heightPixels: height } = expectedPicture();
    await page.waitForFunction((width) => document.querySelector("canvas")!.width === width, width);
    await page.evaluate(async () => {
      for (let count = 0; count < 3; count++) await new Promise(requestAnimationFrame);
    });
    const { x, y } = (await page.locator("canvas").boundingBox())!;
    const screen = decodePng(new Uint8Array(await page.screenshot({ clip: { x, y, width, height } })));
    assertEquals(comparePictures(screen, expectedPicture()), undefined);
    assertEquals(problems, []);
  } finally {
    await browser.close();
    await server.stop();
  }
}

Deno.test("The npm package in Node: its types are right, its entries complete, and the example draws the guest's frame", async () => {
  const example = IMPORT_MACHINE + await codeBlock(DOC, "## Node and Deno");
  const files = { "main.ts": example, "entries.ts": printNames() };
  await withConsumer(files, { ...NODE_TYPES, ...TYPESCRIPT }, async (folder) => {
    await compile(folder, "esnext", "bundler");
    await compile(folder, "nodenext", "nodenext");
    assertEquals(JSON.parse(await run(folder, "node", ["out/entries.js"])), await namesOfSources());
    await run(folder, "node", ["out/main.js"]);
    await assertFrame(folder);
  });
});

Deno.test("The npm package in Deno: its types are right, its entries complete, and the example draws the guest's frame", async () => {
  const example = IMPORT_MACHINE + await codeBlock(DOC, "## Node and Deno");
  const files = { "main.ts": example, "entries.ts": printNames(), "deno.json": `{ "nodeModulesDir": "manual" }` };
  await withConsumer(files, NODE_TYPES, async (folder) => {
    const deno = Deno.execPath();
    assertEquals(JSON.parse(await run(folder, deno, ["run", "--check", "entries.ts"])), await namesOfSources());
    await run(folder, deno, ["run", "--check", "--allow-write=screen.png", "main.ts"]);
    await assertFrame(folder);
  });
});

Deno.test("The npm package in a page that Vite builds, without a setting, shows the guest's frame", async () => {
  const example = IMPORT_MACHINE + await codeBlock(DOC, "## Vite and other bundlers");
  const page =
    `<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,"><canvas style="display: block"></canvas>
    <script type="module" src="./main.ts"></script>`;
  await withConsumer({ "main.ts": example, "index.html": page }, VITE, async (folder) => {
    await run(folder, "npx", ["vite", "build"]);
    await assertPageShowsFrame(await filesUnder(new URL("dist/", folder)));
  });
});

Deno.test("The script tag's file, in a plain page, shows the guest's frame", async () => {
  const page = await codeBlock(DOC, "## A script tag", "html");
  const { scriptTag } = await packed();
  const machine = await build({
    entryPoints: [fileURLToPath(new URL(MACHINE, ROOT))],
    bundle: true,
    format: "esm",
    write: false,
  });
  await stop();
  await assertPageShowsFrame(
    new Map([
      ["index.html", new TextEncoder().encode(page)],
      ["favicon.ico", new Uint8Array()],
      ["machine.js", new Uint8Array(machine.outputFiles[0]!.contents)],
      ["scanout.min.js", await Deno.readFile(scriptTag)],
    ]),
  );
});

async function filesUnder(folder: URL, prefix = ""): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = new URL(name, folder);
    if (!isDirectory) files.set(prefix + name, await Deno.readFile(path));
    else for (const entry of await filesUnder(new URL(`${name}/`, folder), `${prefix}${name}/`)) files.set(...entry);
  }
  return files;
}
