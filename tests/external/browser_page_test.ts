// What the page of examples/v86 does around its guest: other browsers, lost GPUs, keyboard, mouse and fingers.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Page } from "playwright-core";
import { type GuestManifest, MANIFEST } from "../../examples/v86/guest_files.ts";
import type { PageForTests } from "../../examples/v86/page.ts";
import { decodePng } from "../support/png.ts";
import { type GuestPage, guestPageFiles, withGuestPage } from "../support/browser/guest_page.ts";

declare const scanout: PageForTests;
declare const gpuDevices: GPUDevice[];

/** Keeps the page's GPU devices for a test, and gives only `mostDevices` of them. */
function keepDevices(mostDevices: number): string {
  return `{
    const { requestDevice } = globalThis.GPUAdapter?.prototype ?? {};
    globalThis.gpuDevices = [];
    if (requestDevice) GPUAdapter.prototype.requestDevice = async function () {
      if (gpuDevices.length === ${mostDevices}) throw new Error("There is no GPU any more");
      gpuDevices.push(await requestDevice.call(this));
      return gpuDevices.at(-1);
    };
  }\n`;
}

/** The browser's GPU, where the page's device is. */
interface Gpu {
  deviceCount(): Promise<number>;
  lose(): Promise<void>;
}

/** The page with `keepDevices` in its own thread and in its Worker. */
async function withGpuPage(
  thread: string,
  mostDevices: number,
  test: (guest: GuestPage, gpu: Gpu) => Promise<void>,
): Promise<void> {
  const script = keepDevices(mostDevices);
  const worker = new TextDecoder().decode((await guestPageFiles()).get("machine_worker.js"));
  const files = new Map([["machine_worker.js", new TextEncoder().encode(script + worker)]]);
  await withGuestPage(`canvas=webgpu&thread=${thread}`, async (guest) => {
    await guest.waitForDesktop();
    await guest.assertShown(0);
    const where = thread === "main" ? guest.page : guest.page.workers()[0]!;
    await test(guest, {
      deviceCount: () => (where as Page).evaluate(() => gpuDevices.length),
      lose: () => (where as Page).evaluate(() => gpuDevices.at(-1)!.destroy()),
    });
  }, { files, initScript: script });
}

/** The guest's manifest with another command in the place of the one that starts the desktop. */
async function startingWith(start: string): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const path = `guest/${MANIFEST}`;
  const manifest: GuestManifest = JSON.parse(new TextDecoder().decode((await guestPageFiles()).get(path)));
  return new Map([[path, new TextEncoder().encode(JSON.stringify({ ...manifest, start }))]]);
}

for (const thread of ["worker", "main"]) {
  Deno.test(`The page (thread=${thread}) goes on with another GPU device when one is lost, and shows everything again`, async () => {
    await withGpuPage(thread, 3, async (guest, gpu) => {
      for (let losses = 1; losses <= 2; losses++) {
        await guest.page.evaluate(() => scanout.machine.setRunning(false)); // nothing is flushed any more
        await gpu.lose();
        while (await gpu.deviceCount() === losses) await guest.page.waitForTimeout(50);
        await guest.assertShown(0);
      }
      await guest.resizeMonitor(0, 800, 600);
      await guest.waitForSize(0, "800x600");
      await guest.assertShown(0);
    });
  });

  Deno.test(`The page (thread=${thread}) never shows an empty screen while VGA and scanout take turns`, async () => {
    await withGuestPage(`thread=${thread}`, async (guest) => {
      await guest.page.addStyleTag({ content: `.screen { background: ${EMPTY} !important }` });
      await guest.waitForEvent({ type: "running", isRunning: true });
      const colors = await colorsWhile(guest, async () => {
        await guest.waitForDesktop();
        await guest.resizeMonitor(0, 800, 600);
        await guest.waitForSize(0, "800x600");
        const since = await guest.eventCount();
        await guest.page.click("#reset");
        await guest.waitForEvent({ type: "reset" }, since);
      });
      assert(colors.length > 2, colors.join());
      assert(!colors.includes(EMPTY), colors.join());
    });
  });

  Deno.test(`The page (thread=${thread}) goes on with 2D canvases when the GPU is lost for good`, async () => {
    await withGpuPage(thread, 1, async (guest, gpu) => {
      await guest.page.evaluate(() => scanout.machine.setRunning(false));
      await gpu.lose();
      await guest.waitForEvent({ type: "canvasesLost" });
      await guest.waitForSize(0, "1024x640", await guest.eventCount() - 1);
      await guest.assertShown(0);
      const problem = guest.page.locator("#problem");
      assertMatch((await problem.textContent())!, /taken the GPU away/);
      await problem.evaluate((element) => element.textContent = "");
      await guest.page.click("#second-monitor");
      await guest.waitForSize(1, "640x480");
      await guest.page.setViewportSize({ width: 1280, height: 1300 });
      await guest.assertShown(1);
    });
  });
}

/** What is behind the canvases, in a test; the VGA and the guest have no such color. */
const EMPTY = "#ff00ff";

/** The colors in the middle of the first monitor, as the browser has shown them from now on until `work` has ended. */
async function colorsWhile({ page }: GuestPage, work: () => Promise<void>): Promise<string[]> {
  const frames: string[] = [];
  const browser = await page.context().newCDPSession(page);
  browser.on("Page.screencastFrame", ({ data, sessionId }) => {
    frames.push(data);
    browser.send("Page.screencastFrameAck", { sessionId }).catch(() => {}); // the page may be closed by now
  });
  const { x, y } = (await page.locator("#monitor-0").boundingBox())!;
  await browser.send("Page.startScreencast", { format: "png" });
  await work();
  await page.waitForTimeout(500); // frames that are on their way
  await browser.send("Page.stopScreencast");
  const colors = frames.map((frame) => {
    const { rgba, widthPixels } = decodePng(Uint8Array.fromBase64(frame));
    const at = (Math.round(y + 300) * widthPixels + Math.round(x + 400)) * 4;
    return `#${rgba.subarray(at, at + 3).toHex()}`;
  });
  return [...new Set(colors.slice(colors.findIndex((color) => color !== EMPTY)))]; // from the VGA's first picture on
}

Deno.test("The page needs neither an OffscreenCanvas of its canvases nor isolation from other origins", async () => {
  const cases = [
    { options: { initScript: "delete HTMLCanvasElement.prototype.transferControlToOffscreen" }, thread: "main" },
    { options: { isIsolated: false }, thread: "worker" },
  ];
  for (const { options, thread } of cases) {
    await withGuestPage("", async (guest) => {
      await guest.waitForDesktop();
      const found = await guest.page.evaluate(() => ({ isIsolated: crossOriginIsolated, thread: scanout.thread }));
      assertEquals(found, { isIsolated: thread === "main", thread });
      await guest.assertShown(0);
    }, options);
  }
});

Deno.test("The page says how much it has loaded, and hides the bar when all is there", async () => {
  const initScript = `addEventListener("DOMContentLoaded", () => {
    globalThis.told = [];
    const [message, progress] = ["message", "progress"].map((id) => document.getElementById(id));
    const tell = () => told.push([message.textContent, progress.hidden, progress.value / progress.max]);
    new MutationObserver(tell).observe(document.body, { subtree: true, childList: true, characterData: true });
  })`;
  await withGuestPage("", async (guest) => {
    await guest.waitForDesktop();
    const told = await guest.page.evaluate(() => (globalThis as unknown as { told: [string, boolean, number][] }).told);
    const loading = told.filter(([message]) => /^Loading the guest: \d+\.\d of \d+\.\d MB$/.test(message));
    assert(loading.some(([, isHidden, part]) => !isHidden && part > 0 && part < 1), JSON.stringify(told.slice(0, 20)));
    assertEquals(await guest.page.locator("#progress").isHidden(), true);
  }, { initScript });
});

Deno.test("Every key is the guest's, Tab too, until Control and Alt are pressed together and let go", async () => {
  await withGuestPage("", async (guest) => {
    await guest.waitForDesktop();
    const { keyboard } = guest.page;
    const focused = () =>
      guest.page.evaluate(() => document.activeElement!.className || document.activeElement!.tagName);
    await guest.type("echo >/run/ty");
    await keyboard.press("Tab");
    await keyboard.press("Control+Alt+Shift");
    assertEquals(await focused(), "screen");
    await keyboard.press("Control+Alt");
    assertEquals(await focused(), "BODY");
    await guest.page.click("#second-monitor");
    await guest.page.locator("#monitor-0 .screen").focus();
    await keyboard.press("Control+Alt");
    await keyboard.press("Tab");
    assertEquals(await focused(), "screen");
    assert(await guest.page.evaluate(() => document.activeElement!.closest("#monitor-1") !== null));
    await keyboard.press("Control+Alt");
    await guest.type("ped\n");
    await guest.waitInGuest("[ -e /run/typed ]"); // no key has stayed down
  });
});

/** Functions of the guest's shell that read and write a byte at one of the PC's ports. */
const PORTS = `get() { dd if=/dev/port bs=1 skip=$1 count=1 2>/dev/null | hexdump -v -e '1/1 "%d"'; }
put() { printf "\\\\$(printf %o $2)" | dd of=/dev/port bs=1 seek=$1 conv=notrunc 2>/dev/null; }`.replaceAll("\n", "; ");
/** The keyboard's controller: no interrupt for the mouse, whose bytes are then this test's; the mouse is to tell its moves. */
const WATCH_MOUSE = `${PORTS}; put 100 96; put 96 69; put 100 212; put 96 244`;
const READ_MOUSE = `${PORTS}; while [ $(($(get 100) & 1)) = 1 ]; do get 96; echo; done`;

Deno.test("A guest that asks how the mouse moves gets the pointer when its screen is clicked, and gives it back", async () => {
  const files = await startingWith("modprobe -a virtio_pci virtio_gpu");
  await withGuestPage("", async (guest) => {
    const { page } = guest;
    await guest.waitForSize(0, "1024x640");
    await guest.run(WATCH_MOUSE);
    await guest.waitForEvent({ type: "mouse", wants: "moves" });
    const { x, y } = await guest.placeOf({ x: 500, y: 300 });
    await page.mouse.click(x, y);
    await page.waitForFunction(() => document.pointerLockElement?.className === "screen");
    await guest.run(READ_MOUSE);
    for (let step = 1; step <= 4; step++) await page.mouse.move(x + step * 10, y + step * 5);
    await page.mouse.down();
    await page.mouse.up();
    await page.mouse.move(x, y);
    const packets = packetsOf(await guest.run(READ_MOUSE));
    assertEquals(moved(packets.slice(0, -3)), { right: 40, up: -20, buttons: 0 });
    assertEquals(moved(packets.slice(-3, -2)), { right: 0, up: 0, buttons: 1 });
    assertEquals(moved(packets.slice(-1)), { right: -40, up: 20, buttons: 0 });
    await page.locator("#monitor-0 .screen").press("Control+Alt");
    await page.waitForFunction(() => document.pointerLockElement === null);
  }, { files });
});

/** What a PS/2 mouse has said: three bytes each time. */
function packetsOf(bytes: string): number[][] {
  const values = bytes.trim().split(/\s+/).map(Number);
  return Array.from({ length: values.length / 3 }, (_, index) => values.slice(index * 3, index * 3 + 3));
}

/** How far the mouse has moved, and which of its buttons were down. */
function moved(packets: number[][]): { right: number; up: number; buttons: number } {
  const all = { right: 0, up: 0, buttons: 0 };
  for (const [flags, right, up] of packets) {
    all.right += right! - ((flags! & 0x10) << 4);
    all.up += up! - ((flags! & 0x20) << 3);
    all.buttons |= flags! & 7;
  }
  return all;
}

Deno.test("A finger points, presses and drags", async () => {
  await withGuestPage("", async (guest) => {
    await guest.waitForDesktop();
    const { x, y } = await guest.placeOf(TITLE);
    const since = await guest.eventCount();
    await guest.page.touchscreen.tap(x, y);
    await guest.waitForPixel(TITLE, BLUE); // the window is in front
    await guest.page.waitForFunction(
      (since) => scanout.events.slice(since).some((event) => event.type === "cursorMove" && event.x > 600),
      since,
    );
    const touch = await guest.page.context().newCDPSession(guest.page);
    const send = (type: "touchStart" | "touchMove" | "touchEnd", touchPoints: { x: number; y: number }[]) =>
      touch.send("Input.dispatchTouchEvent", { type, touchPoints });
    await send("touchStart", [{ x, y }]);
    for (let step = 1; step <= 10; step++) await send("touchMove", [{ x, y: y + step * 44 }]);
    await send("touchEnd", []);
    await guest.waitForPixel({ x: TITLE.x, y: TITLE.y + 440 }, BLUE);
  }, { context: { hasTouch: true } });
});

/** On the title of the window "Plasma" of desktop.c; a title's colour when its window is in front. */
const TITLE = { x: 700, y: 60 };
const BLUE = 0x2f6fde;

Deno.test("The guest has more pixels when the page is zoomed", async () => {
  await withGuestPage("", async (guest) => {
    await guest.waitForDesktop();
    await guest.resizeMonitor(0, 400, 300);
    await guest.waitForSize(0, "400x300");
    const screen = { width: 1200, height: 960, mobile: false };
    const browser = await guest.page.context().newCDPSession(guest.page);
    await browser.send("Emulation.setDeviceMetricsOverride", { ...screen, deviceScaleFactor: 2 });
    await guest.waitForSize(0, "800x600");
    assertEquals((await guest.page.locator("#monitor-0 .gpu").boundingBox())!.width, 400);
  });
});

Deno.test("A machine that was saved on its VGA is on its VGA when it is restored", async () => {
  await withGuestPage("", async (guest) => {
    await guest.page.waitForFunction(() => scanout.events.some(({ type }) => type === "running"));
    await guest.page.click("#save");
    await guest.page.waitForSelector("#download:not([hidden])");
    await guest.run("modprobe -a virtio_pci virtio_gpu");
    await guest.waitForSize(0, "1024x640");
    assertEquals(await guest.visibleCanvas(), "gpu");
    const since = await guest.eventCount();
    await guest.page.click("#restore");
    await guest.waitForEvent({ type: "reset" }, since);
    assertEquals(await guest.visibleCanvas(), "vga");
  }, { files: await startingWith("true") });
});
