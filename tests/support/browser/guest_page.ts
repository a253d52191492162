import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { bundlePage, v86Wasm } from "../../../build/page/bundle.ts";
import { type ServedFiles, serveFiles } from "../../../build/page/file_server.ts";
import { makePageImage, makeWestonImage, pageFiles, type PageImage } from "../../../build/page/page_image.ts";
import { FILES, GUESTS } from "../../../examples/v86/guest_files.ts";
import type { MachineEvent } from "../../../examples/v86/machine_calls.ts";
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

type Files = Map<string, Uint8Array<ArrayBuffer>>;
let desktop: Promise<Files> | undefined;
let weston: Promise<Files> | undefined;

/** The page of examples/v86 with everything that it fetches, and the state of its guest when it had booted. */
export function guestPageFiles(): Promise<ServedFiles> {
  return desktop ??= makePageImage().then((guest) => makeFiles(guest, GUESTS.desktop, "page"));
}

/** The same with its other guest. */
export function westonPageFiles(): Promise<ServedFiles> {
  return weston ??= makeWestonImage().then((guest) => makeFiles(guest, GUESTS.weston, "weston"));
}

async function makeFiles(guest: PageImage, folder: string, stateName: string): Promise<Files> {
  const served = await bundlePage();
  for (const [name, bytes] of pageFiles(guest, await v86Wasm())) served.set(`${folder}${name}`, bytes);
  const { image, manifest: { memoryBytes } } = guest;
  const options = { image, memoryBytes, beforeRun: async (emulator: object) => void await attach(emulator) };
  served.set(`${folder}${FILES.bootedState}`, new Uint8Array(await readyState(options, stateName)));
  return served;
}

/** A pixel. */
interface Place {
  readonly x: number;
  readonly y: number;
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
    await this.waitForEvent({ type: "mouse", wants: "place" });
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

  /** Gives a monitor's box another size, in CSS pixels. */
  async resizeMonitor(monitor: number, width: number, height: number): Promise<void> {
    await this.page.locator(this.monitors[monitor]!).evaluate((element, [width, height]) => {
      element.style.width = `${width}px`;
      element.style.height = `${height}px`;
    }, [width, height] as const);
  }

  /** Where a pixel of the first monitor is in the page. */
  async placeOf({ x, y }: Place): Promise<Place> {
    const picture = (await this.page.locator("#monitor-0 .gpu").boundingBox())!;
    return { x: Math.ceil(picture.x + x), y: Math.ceil(picture.y + y) };
  }

  /** Puts the pointer on a pixel of the first monitor. */
  async pointAt(pixel: Place): Promise<void> {
    const { x, y } = await this.placeOf(pixel);
    await this.page.mouse.move(x, y);
  }

  /** Types a text on an American keyboard. */
  async type(text: string): Promise<void> {
    await this.page.locator("#monitor-0 .screen").focus();
    for (const character of text) {
      const key = character === "\n" ? "Enter" : character;
      await this.page.keyboard.press(/^[A-Z+>]$/.test(key) ? `Shift+${key}` : key);
    }
  }

  /** Which of the first monitor's canvases is to be seen: "vga", "gpu" or none. */
  visibleCanvas(): Promise<string | undefined> {
    return this.page.locator("#monitor-0 canvas:not(.cursor)").evaluateAll((canvases) =>
      canvases.find((canvas) => canvas.style.visibility !== "hidden")?.className
    );
  }

  /** Waits until the device shows this colour there, on the first monitor. */
  async waitForPixel({ x, y }: Place, color: number): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const { rgba, widthPixels } = await this.devicePicture(0);
      const [red, green, blue] = rgba.subarray((y * widthPixels + x) * 4);
      if ((red! << 16 | green! << 8 | blue!) === color) return;
      await this.page.waitForTimeout(100);
    }
    throw new Error(`There is no pixel of color ${color.toString(16)} at ${x}, ${y}`);
  }

  /** Waits for an event that the machine has told the page after `since` others, with these members. */
  async waitForEvent(members: Partial<MachineEvent>, since = 0): Promise<void> {
    await this.page.waitForFunction(
      ([members, since]) =>
        scanout.events.slice(since).some((event) =>
          Object.entries(members).every(([name, value]) => event[name as keyof MachineEvent] === value)
        ),
      [members, since] as const,
      PATIENCE,
    );
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

/** How a page with a guest is opened. */
export interface GuestPageOptions extends OpenOptions {
  /** What is served in the place of some of the page's files, or beside them. */
  readonly files?: ServedFiles;
  /** Whether the page is isolated from other origins; true when absent. */
  readonly isIsolated?: boolean;
}

/** Runs `test` with the page, opened with this query, and asserts that nothing has gone wrong in it. */
export async function withGuestPage(
  query: string,
  test: (guest: GuestPage) => Promise<void>,
  options: GuestPageOptions = {},
): Promise<void> {
  const guestFiles = query.includes("guest=weston") ? westonPageFiles() : guestPageFiles();
  const files = new Map([...await guestFiles, ...options.files ?? []]);
  const server = serveFiles(files, 0, options.isIsolated);
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
