// docs/embedding.md: its blocks for pages run in Chromium, and what they show is on the screen.

import { assertEquals } from "@std/assert";
import { build, stop } from "esbuild";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { v86Wasm } from "../../build/page/bundle.ts";
import { serveFiles } from "../../build/page/file_server.ts";
import { denoConfig } from "../../build/package/manifest.ts";
import { pixel } from "../device/requests.ts";
import { openPage, startBrowser } from "../support/browser/browser.ts";
import { codeBlock } from "../support/code_block.ts";
import { comparePictures } from "../support/golden.ts";
import { decodePng } from "../support/png.ts";

const ROOT = new URL("../../", import.meta.url);
const GUIDE = new URL("docs/embedding.md", ROOT);

/** What the pages' scripts leave for the tests. */
interface Guest {
  /** Draws a picture in the colours from `first` on, on a scanout. */
  draw(widthPixels: number, heightPixels: number, first?: number, scanoutId?: number): void;
  /** Sizes of the monitors that are plugged in, as the device tells its driver. */
  monitors(): string[];
  /** Sets the cursor to 64x64 pixels of a green that is half transparent, with the hotspot at 3, 4. */
  setCursor(): void;
  disable(): void;
}
declare const guest: Guest;
/** What the block by WebGPU has made. */
declare const webGpu: {
  readonly device: GPUDevice;
  /** Resolves when the display has another device. */
  readonly renewed: Promise<void>;
  /** Shows the picture on another canvas, by its 2D context. */
  moveTo(canvas: string): void;
};

/** Plays the guest of `machine`, which has a driver. */
const GUEST = `
import * as requests from "./tests/device/requests.ts";
import { Format, readRespDisplayInfo, writeGetDisplayInfo } from "./src/protocol/wire.gen.ts";
let resourceId = 0;
function guestOf(machine) {
  const { driver } = machine;
  return {
    draw(width, height, first = 0, scanoutId = 0) {
      requests.createFilled(machine, ++resourceId, width, height, (index) => requests.pixel(first + index));
      requests.setScanout(driver, scanoutId, resourceId, requests.rect(0, 0, width, height));
      requests.flush(driver, resourceId, requests.rect(0, 0, width, height));
    },
    monitors() {
      const { words } = driver.send(writeGetDisplayInfo, {}, { replyBytes: 408 });
      const plugged = readRespDisplayInfo(words, 0).pmodes.filter(({ enabled }) => enabled === 1);
      return plugged.map(({ rect }) => rect.x + " " + rect.width + "x" + rect.height);
    },
    setCursor() {
      requests.createFilled(machine, ++resourceId, 64, 64, () => 0x80008000, Format.B8G8R8A8Unorm);
      requests.updateCursor(driver, resourceId, { hotX: 3, hotY: 4 });
    },
    disable() {
      requests.setScanout(driver, 0, 0, requests.rect(0, 0, 0, 0));
    },
  };
}
`;
/** A machine of the tests' own, whose device shows on the block's display. */
const WITH_MACHINE = `
import { startMachine as startTestMachine } from "./tests/support/machine.ts";
globalThis.guest = guestOf(await startTestMachine({ display }));
`;
const WATCH_WEBGPU = `
import { CanvasDisplay } from "@scanout/scanout/displays/canvas";
const { useDevice } = display;
const renewed = new Promise((resolve) => display.useDevice = (next) => resolve(useDevice.call(display, next)));
function moveTo(canvas) {
  const { picture } = display;
  const whole = { x: 0, y: 0, width: picture.widthPixels, height: picture.heightPixels };
  new CanvasDisplay(document.querySelector(canvas)).show(0, picture, whole);
}
globalThis.webGpu = { device, renewed, moveTo };
`;
/** A v86 for the block, which has not loaded, or has. */
const V86_OPTIONS = `
import { cpuOf, emulatorOptions, loadEmulator } from "./tests/support/guest_emulator.ts";
import { driverFor } from "./tests/support/guest_ports.ts";
import { RomProgram } from "./tests/support/guest_rom.ts";
const machine = emulatorOptions({ memory_size: 32 << 20, bios: { buffer: new RomProgram().image() } });
`;
const LOADED_V86 = `${V86_OPTIONS}const emulator = await loadEmulator(machine);\n`;
const WITH_V86 = `
const driver = driverFor(cpuOf(emulator));
driver.start();
globalThis.guest = guestOf({ driver, ram: driver.ram });
`;

/** The tests' emulator asks Deno where v86 is; here the page's import map answers. */
const PAGE = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<style>body { margin: 0 } canvas { display: block }</style>
<script type="importmap">{ "imports": { "v86": "./libv86.mjs", "node:url": "./node_url.js" } }</script>
<canvas id="first"></canvas><canvas id="second"></canvas><script type="module" src="page.js"></script>`;
const NODE_URL = "export const fileURLToPath = String;";

/** The exports of this project by the names that a user imports. */
const ENTRIES = Object.entries(denoConfig().exports).reverse().map(([entry, path]) =>
  [`@scanout/scanout${entry.slice(1)}`, fileURLToPath(new URL(path, ROOT))] as const
);

async function bundle(script: string): Promise<string> {
  const result = await build({
    stdin: { contents: script, resolveDir: fileURLToPath(ROOT), loader: "ts" },
    alias: { ...Object.fromEntries(ENTRIES), v86: fileURLToPath(import.meta.resolve("v86")) },
    external: ["crypto", "fs", "fs/promises", "perf_hooks", "node:*"],
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "silent",
  });
  await stop();
  return result.outputFiles[0]!.text;
}

/** Runs `test` with a page of two canvases and these scripts, and asserts that nothing goes wrong in it. */
async function withPage(
  scripts: Record<string, string>,
  test: (page: Page) => Promise<void>,
  hasWebGpu = false,
): Promise<void> {
  const files = new Map([["v86.wasm", await v86Wasm()]]);
  const add = (name: string, text: string) => files.set(name, new TextEncoder().encode(text));
  add("index.html", PAGE);
  add("node_url.js", NODE_URL);
  for (const [name, script] of Object.entries(scripts)) add(name, await bundle(script));
  const server = serveFiles(files, 0);
  const browser = await startBrowser(hasWebGpu);
  try {
    const { page, problems } = await openPage(browser, server.url);
    await test(page);
    assertEquals(problems, []);
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** Runs `test` when the block's script is done. */
function withGuest(script: string, test: (page: Page) => Promise<void>, hasWebGpu = false): Promise<void> {
  return withPage({ "page.js": GUEST + script }, async (page) => {
    await page.waitForFunction(() => "guest" in globalThis);
    await test(page);
  }, hasWebGpu);
}

/** Asserts that a canvas has this size and, on the screen, the colours from `first` on. */
async function assertShown(page: Page, canvas: string, size: [number, number], first = 0): Promise<void> {
  const [widthPixels, heightPixels] = size;
  await page.evaluate(async () => {
    for (let count = 0; count < 5; count++) await new Promise(requestAnimationFrame);
  });
  const { width, height, ...corner } = (await page.locator(canvas).boundingBox())!;
  assertEquals([width, height], size);
  const screen = await page.screenshot({ clip: { ...corner, width, height } });
  const words = Uint32Array.from({ length: widthPixels * heightPixels }, (_, index) => pixel(first + index));
  const wanted = { widthPixels, heightPixels, rgba: new Uint8Array(words.buffer) };
  assertEquals(comparePictures(decodePng(new Uint8Array(screen)), wanted), undefined);
}

Deno.test("docs/embedding.md: the way into v86 puts what a guest draws on the page's canvas", async () => {
  const block = await codeBlock(GUIDE, "## Into v86, on a canvas");
  await withGuest(V86_OPTIONS + block + WITH_V86, async (page) => {
    await page.evaluate(() => guest.draw(64, 48));
    await assertShown(page, "#first", [64, 48]);
  });
});

Deno.test("docs/embedding.md: its canvas shows pictures of any size, the cursor by CSS, and is hidden without a picture", async () => {
  const block = await codeBlock(GUIDE, "## A canvas");
  await withGuest(block + WITH_MACHINE, async (page) => {
    await page.evaluate(() => guest.draw(64, 48));
    await assertShown(page, "#first", [64, 48]);
    await page.evaluate(() => guest.draw(96, 20, 1000));
    await assertShown(page, "#first", [96, 20], 1000);

    await page.evaluate(() => guest.setCursor());
    const cursor = await page.locator("#first").evaluate((canvas) => canvas.style.cursor);
    const [, png, ...hotspot] = /^url\("data:image\/png;base64,(.*)"\) (\d+) (\d+), default$/.exec(cursor)!;
    const picture = decodePng(Uint8Array.fromBase64(png!));
    assertEquals(hotspot, ["3", "4"]);
    assertEquals([...picture.rgba.subarray(0, 4)], [0, 255, 0, 128]);
    await page.evaluate(() => guest.disable());
    assertEquals(await page.locator("#first").isVisible(), false);
  });
});

Deno.test("docs/embedding.md: its WebGPU canvas goes on with another device when one is lost, whole picture first", async () => {
  const block = await codeBlock(GUIDE, "### By WebGPU");
  await withGuest(block + WATCH_WEBGPU + WITH_MACHINE, async (page) => {
    await page.evaluate(() => guest.draw(64, 48));
    await assertShown(page, "#first", [64, 48]);
    await page.evaluate(async () => {
      const { renewed } = webGpu;
      webGpu.device.destroy();
      guest.draw(96, 20, 1000);
      await renewed;
    });
    await assertShown(page, "#first", [96, 20], 1000);

    await page.evaluate(() => webGpu.moveTo("#second"));
    await assertShown(page, "#second", [96, 20], 1000);
  }, true);
});

Deno.test("docs/embedding.md: each of its monitors has a canvas, and the guest finds them as they are set", async () => {
  const block = await codeBlock(GUIDE, "## Monitors");
  await withGuest(LOADED_V86 + block + WITH_V86, async (page) => {
    assertEquals(await page.evaluate(() => guest.monitors()), ["0 1280x720", "1280 1024x768"]);
    await page.evaluate(() => guest.draw(64, 48, 0, 0));
    await page.evaluate(() => guest.draw(32, 24, 1000, 1));
    await assertShown(page, "#first", [64, 48]);
    await assertShown(page, "#second", [32, 24], 1000);
  });
});

Deno.test("docs/embedding.md: its Worker draws on the page's canvas, and tells the page of sizes", async () => {
  const scripts = {
    "page.js": await codeBlock(GUIDE, "## In a Worker"),
    "machine_worker.js": `${GUEST}
      import { startMachine as startTestMachine } from "./tests/support/machine.ts";
      async function startMachine(display) {
        guestOf(await startTestMachine({ display })).draw(64, 48);
      }
      ${await codeBlock(GUIDE, "## In a Worker", "ts", 1)}`,
  };
  await withPage(scripts, async (page) => {
    await page.waitForFunction(() => document.querySelector("canvas")!.title === "64x48");
    await assertShown(page, "#first", [64, 48]);
  });
});
