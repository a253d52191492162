import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { compileForGuest } from "../../build/guest/compile.ts";
import { makeGuestImage } from "../../build/guest/image.ts";
import { bundleScripts, v86Wasm } from "../../build/page/bundle.ts";
import { serveFiles } from "../../build/page/file_server.ts";
import { pageFiles } from "../../build/page/page_image.ts";
import { FILES } from "../../examples/v86/guest_files.ts";
import { attach } from "../../src/hosts/v86.ts";
import { openPage, startBrowser } from "../../tests/support/browser/browser.ts";
import { readyState } from "../../tests/support/guest_state.ts";
import type { DrawRun, Readings, Way } from "./machine_calls.ts";
import type { FiguresPage } from "./page.ts";

declare const figures: FiguresPage;

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const HEADERS = fileURLToPath(new URL("../../tests/guest_programs", import.meta.url));
const MEMORY_BYTES = 128 << 20;
const VIEWPORT = { width: 1280, height: 960 };
const HTML = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<style>body { margin: 0 } canvas { display: block }</style>
<body><script type="module" src="page.js"></script>`;

/** The page of the figures in a headless Chromium, with a machine for each way. */
export class FiguresInBrowser {
  /** Chromium's version. */
  readonly version: string;
  readonly #page: Page;
  readonly #problems: string[];

  private constructor(version: string, page: Page, problems: string[]) {
    this.version = version;
    this.#page = page;
    this.#problems = problems;
  }

  /** Calls `use` with the page, and ends browser and server after it. Throws what goes wrong in the page. */
  static async with<T>(ways: readonly Way[], use: (figures: FiguresInBrowser) => Promise<T>): Promise<T> {
    const server = serveFiles(await servedFiles(), 0);
    const browser = await startBrowser();
    try {
      const { page, problems } = await openPage(browser, server.url, { context: { viewport: VIEWPORT } });
      page.setDefaultTimeout(0);
      await page.waitForFunction(() => "figures" in globalThis);
      for (const way of ways) await page.evaluate((way) => figures.start(way), way);
      return await use(new FiguresInBrowser(browser.version(), page, problems));
    } finally {
      await browser.close();
      await server.stop();
    }
  }

  /** Lets the guest of `ways[machine]` draw, while the others stand still. */
  async draw(machine: number, kind: string, milliseconds: number): Promise<DrawRun> {
    const run = await this.#page.evaluate((args) => figures.draw(...args), [machine, kind, milliseconds] as const);
    this.#check();
    return run;
  }

  /** Lets the guest of `ways[machine]` show one picture; see `FiguresPage.watch`. */
  async watch(machine: number, kind: string, frames: number): Promise<{ before: Readings; after: Readings }> {
    const seen = await this.#page.evaluate((args) => figures.watch(...args), [machine, kind, frames] as const);
    this.#check();
    return seen;
  }

  #check(): void {
    if (this.#problems.length > 0) throw new Error(`The page has a problem: ${this.#problems.join("\n")}`);
  }
}

/** The page, and a Debian guest that has just booted, with the program of guest/draw.c. */
async function servedFiles(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const program = await compileForGuest(`${FOLDER}/guest`, "draw.c", [`-I${HEADERS}`]);
  const image = await makeGuestImage({ files: [{ path: "/bin/draw", mode: 0o755, bytes: program }] });
  const manifest = { commandLine: image.commandLine, memoryBytes: MEMORY_BYTES, start: "" };
  const files = await bundleScripts(FOLDER, ["page.ts", "machine_worker.ts"]);
  files.set("index.html", new TextEncoder().encode(HTML));
  for (const [name, bytes] of pageFiles({ image, manifest }, await v86Wasm())) files.set(`guest/${name}`, bytes);
  const options = {
    image,
    memoryBytes: MEMORY_BYTES,
    beforeRun: async (emulator: object) => void await attach(emulator),
  };
  files.set(`guest/${FILES.bootedState}`, new Uint8Array(await readyState(options, "figures")));
  return files;
}
