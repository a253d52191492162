import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { bundlePage, v86Wasm } from "../../../build/page/bundle.ts";
import { type ServedFiles, serveFiles } from "../../../build/page/file_server.ts";
import { makePageImage, pageFiles } from "../../../build/page/page_image.ts";
import { FILES } from "../../../examples/v86/guest_files.ts";
import type { PageForTests } from "../../../examples/v86/page.ts";
import { attach } from "../../../src/hosts/v86.ts";
import type { Picture } from "../../../src/display/memory_display.ts";
import { comparePictures } from "../golden.ts";
import { readyState } from "../guest_state.ts";
import { decodePng } from "../png.ts";
import { type OpenOptions, openPage, startBrowser } from "./browser.ts";

declare const scanout: PageForTests;

const VIEWPORT = { width: 1280, height: 960 };
/** Generous: two cores, and somebody else's work on them. */
const PATIENCE = { timeout: 60_000 };
/** What the page draws over the guest's picture. */
const UNCOVERED = ".screen .cursor { display: none }";

let files: Promise<Map<string, Uint8Array<ArrayBuffer>>> | undefined;

/** The page of examples/v86 with everything that it fetches, and the state of its guest when it had booted. */
export function guestPageFiles(): Promise<ServedFiles> {
  return files ??= makeFiles();
}

async function makeFiles(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const guest = await makePageImage();
  const served = await bundlePage();
  for (const [name, bytes] of pageFiles(guest, await v86Wasm())) served.set(`guest/${name}`, bytes);
  const { image, manifest: { memoryBytes } } = guest;
  const options = { image, memoryBytes, beforeRun: async (emulator: object) => void await attach(emulator) };
  served.set(`guest/${FILES.bootedState}`, new Uint8Array(await readyState(options, "page")));
  return served;
}

/** A page with a guest in it, as a test sees it. */
export class GuestPage {
  readonly page: Page;
  /** The user's eyes on the first monitor, and on the second. */
  readonly monitors = ["#monitor-0", "#monitor-1"];

  constructor(page: Page) {
    this.page = page;
  }

  /** Waits until the guest's desktop asks for the mouse, which it does when it has drawn everything. */
  async waitForDesktop(): Promise<void> {
    await this.page.waitForFunction(
      () => scanout.events.some((event) => event.type === "mouse" && event.wants === "place"),
      undefined,
      PATIENCE,
    );
  }

  /** Waits until a monitor shows a picture of this size, after `since` events; undefined: until it shows nothing. */
  async waitForSize(monitor: number, size: string | undefined, since = 0): Promise<void> {
    await this.page.waitForFunction(
      ([monitor, wanted, since]) => {
        const shown = scanout.events.slice(since).filter((event) => event.type === "screen")
          .filter((event) => event.monitor === monitor).at(-1);
        if (shown === undefined) return false;
        return wanted === (shown.size ? `${shown.size.widthPixels}x${shown.size.heightPixels}` : undefined);
      },
      [monitor, size, since] as const,
      PATIENCE,
    );
  }

  /** How many events there have been. */
  eventCount(): Promise<number> {
    return this.page.evaluate(() => scanout.events.length);
  }

  /** Runs a command in the guest. */
  run(command: string): Promise<string> {
    return this.page.evaluate((command) => scanout.machine.runInGuest(command), command);
  }

  /** Waits until a command in the guest succeeds. */
  async waitInGuest(command: string): Promise<void> {
    await this.run(`for i in $(seq 200); do if ${command}; then exit 0; fi; sleep 0.1; done; exit 1`);
  }

  /** What the device shows on a monitor. */
  async devicePicture(monitor: number): Promise<Picture> {
    const { rgba, ...size } = await this.page.evaluate(async (monitor) => {
      const picture = await scanout.machine.picture(monitor);
      return { ...picture!, rgba: picture!.rgba.toBase64() };
    }, monitor);
    return { ...size, rgba: Uint8Array.fromBase64(rgba) };
  }

  /** Stops the machine, and asserts that a monitor's canvas has, on the screen, the pixels that the device shows. */
  async assertShown(monitor: number): Promise<void> {
    const { page } = this;
    await page.evaluate(() => scanout.machine.setRunning(false));
    const style = await page.addStyleTag({ content: UNCOVERED });
    await page.evaluate(async () => {
      for (let count = 0; count < 10; count++) await new Promise(requestAnimationFrame); // the Worker's frames arrive
    });
    const picture = await this.devicePicture(monitor);
    const clip = await page.locator(`${this.monitors[monitor]} .gpu`).boundingBox();
    const screen = decodePng(new Uint8Array(await page.screenshot({ clip: clip! })));
    assertEquals(comparePictures(screen, picture), undefined);
    await style.evaluate((element) => (element as Element).remove());
    await page.evaluate(() => scanout.machine.setRunning(true));
  }
}

/** Runs `test` with the page, opened with this query, and asserts that nothing has gone wrong in it. */
export async function withGuestPage(
  query: string,
  test: (guest: GuestPage) => Promise<void>,
  options: OpenOptions = {},
): Promise<void> {
  const server = serveFiles(await guestPageFiles(), 0);
  const browser = await startBrowser(query.includes("webgpu"));
  try {
    const context = { viewport: VIEWPORT, ...options.context };
    const { page, problems } = await openPage(browser, `${server.url}?booted&picture&${query}`, {
      ...options,
      context,
    });
    page.setDefaultTimeout(PATIENCE.timeout);
    await page.waitForFunction(() => "scanout" in globalThis);
    await test(new GuestPage(page));
    assertEquals(problems, []);
    assertEquals(await page.locator("#problem").textContent(), "");
  } finally {
    await browser.close();
    await server.stop();
  }
}
