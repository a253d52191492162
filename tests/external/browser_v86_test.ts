import { Buffer } from "node:buffer";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FILES } from "../../examples/v86/guest_files.ts";
import type { PageForTests } from "../../examples/v86/page.ts";
import { serveFiles } from "../../build/page/file_server.ts";
import { openPage, startBrowser } from "../support/browser/browser.ts";
import { type GuestPage, guestPageFiles, withGuestPage } from "../support/browser/guest_page.ts";

declare const scanout: PageForTests;

const WAYS = ["thread=worker", "thread=main", "thread=worker&canvas=webgpu", "thread=main&canvas=webgpu"];
/** The hotspots of desktop.c: an arrow's tip, and the middle of the four arrows over a title. */
const ARROW = { x: 1, y: 1 };
const HAND = { x: 15, y: 15 };
/** A place on the background, and one on the title of the window "Plasma". */
const BACKGROUND = { x: 300, y: 500 };
const TITLE = { x: 700, y: 60 };

for (const way of WAYS) {
  Deno.test(`The page (${way}) shows a guest's screen as the device does, in its size and in another`, async () => {
    await withGuestPage(way, async (guest) => {
      await guest.waitForDesktop();
      await guest.waitForSize(0, "1024x640");
      assertEquals(await guest.page.evaluate(() => scanout.thread), way.includes("main") ? "main" : "worker");
      await guest.assertShown(0);
      const since = await guest.eventCount();
      await guest.resizeMonitor(0, 800, 600);
      await guest.waitForSize(0, "800x600", since);
      await guest.assertShown(0);
    });
  });

  Deno.test(`The page (${way}) plugs a second monitor in and out`, async () => {
    await withGuestPage(way, async (guest) => {
      await guest.waitForDesktop();
      await guest.page.click("#second-monitor");
      await guest.waitForSize(1, "640x480");
      await guest.page.setViewportSize({ width: 1280, height: 1300 });
      await guest.assertShown(1);
      await guest.assertShown(0);
      await guest.page.click("#second-monitor");
      await guest.waitForSize(1, undefined);
      await guest.assertShown(0);
    });
  });
}

Deno.test("The page shows v86's VGA until the guest's driver shows its first picture, and after a reset", async () => {
  await withGuestPage("", async (guest) => {
    await guest.page.waitForFunction(() => scanout.events.some(({ type }) => type === "vga"));
    assertEquals(await guest.visibleCanvas(), "vga");
    await guest.waitForDesktop();
    assertEquals(await guest.visibleCanvas(), "gpu");
    const since = await guest.eventCount();
    await guest.page.click("#reset");
    await guest.page.waitForFunction(
      (since) => scanout.events.slice(since).some(({ type }) => type === "reset"),
      since,
    );
    assertEquals(await guest.visibleCanvas(), "vga");
    await guest.waitForSize(0, "1024x640", since); // the machine has booted again
    assertEquals(await guest.visibleCanvas(), "gpu");
  });
});

Deno.test("The guest follows the handle that the user drags, once it rests, and a mode of its own fills the box", async () => {
  await withGuestPage("", async (guest) => {
    await guest.waitForDesktop();
    const since = await guest.eventCount();
    const { x, y } = (await guest.page.locator("#monitor-0 .handle").boundingBox())!;
    await guest.page.mouse.move(x + 8, y + 8);
    await guest.page.mouse.down();
    for (let step = 1; step <= 10; step++) await guest.page.mouse.move(x + 8 - step * 16, y + 8 - step * 10);
    await guest.page.mouse.up();
    await guest.waitForSize(0, "864x540", since);
    const modes = await guest.page.evaluate(
      (since) =>
        scanout.events.slice(since).filter((event) => event.type === "screen" && event.size !== undefined).length,
      since,
    );
    assertEquals(modes, 1);
    await guest.page.locator("#monitor-0 .screen").focus();
    await guest.page.keyboard.press("Control+n"); // desktop.c: another of the monitor's modes
    await guest.page.waitForFunction(() => {
      const shown = scanout.events.findLast((event) => event.type === "screen");
      return shown?.size !== undefined && shown.size.widthPixels !== 864;
    });
    const { width, height } = (await guest.page.locator("#monitor-0 .gpu").boundingBox())!;
    assert(Math.abs(width - 864) < 1 || Math.abs(height - 540) < 1, `${width}x${height} fills no box of 864x540`);
  });
});

Deno.test("The guest's cursor is the page's, with its hotspot, and where the guest has it when the pointer left", async () => {
  await withGuestPage("", async (guest) => {
    await guest.waitForDesktop();
    for (const [place, hotspot] of [[BACKGROUND, ARROW], [TITLE, HAND]] as const) {
      const since = await guest.eventCount();
      await guest.pointAt(place);
      await guest.page.waitForFunction(([since, place, hotspot]) => {
        const at = scanout.events.slice(since).findLast((event) => event.type === "cursorMove");
        return at?.x === place.x - hotspot.x && at.y === place.y - hotspot.y;
      }, [since, place, hotspot] as const);
      const cursor = await guest.page.locator("#monitor-0 .screen").evaluate((screen) => screen.style.cursor);
      assertEquals(cssHotspot(cursor), await visibleHotspot(guest, hotspot));
    }
    await guest.page.locator("h1").hover();
    const overlay = (await guest.page.locator("#monitor-0 .cursor").boundingBox())!;
    const picture = (await guest.page.locator("#monitor-0 .gpu").boundingBox())!;
    const shown = await visibleHotspot(guest, HAND);
    assertEquals(overlay.x - picture.x + shown.x, TITLE.x);
    assertEquals(overlay.y - picture.y + shown.y, TITLE.y);
    assertEquals(await guest.page.locator("#monitor-0 .cursor").evaluate((it) => it.style.visibility), "visible");
  });
});

Deno.test("The keyboard, the mouse's buttons and its wheel reach the guest", async () => {
  for (const thread of ["worker", "main"]) {
    await withGuestPage(`thread=${thread}`, async (guest) => {
      await guest.waitForDesktop();
      await guest.type("echo Typed 1+1=2 in a page. >/run/typed\n");
      await guest.waitInGuest("grep -qx 'Typed 1+1=2 in a page.' /run/typed");
      await guest.pointAt({ x: TITLE.x, y: TITLE.y });
      await guest.page.mouse.down();
      await guest.pointAt({ x: TITLE.x, y: TITLE.y + 440 }); // drags the window there
      await guest.page.mouse.up();
      await guest.page.mouse.wheel(0, -300);
      await guest.waitForPixel({ x: TITLE.x, y: TITLE.y + 440 }, BLUE);
      await guest.waitForPixel(WHEEL, BLUE);
    });
  }
});

Deno.test("The page saves the whole machine and restores it, from memory and from a file, here and in another page", async () => {
  const file = await Deno.makeTempFile({ suffix: ".state" });
  await withGuestPage("", async (guest) => {
    await guest.waitForDesktop();
    await guest.type("echo before >/run/when\n");
    await guest.waitInGuest("grep -q before /run/when");
    await guest.page.click("#save");
    await guest.page.waitForSelector("#download:not([hidden])");
    const download = guest.page.waitForEvent("download");
    await guest.page.click("#download");
    await (await download).saveAs(file);
    await guest.run("echo after >/run/when");
    await guest.page.click("#restore");
    await guest.page.waitForFunction(() => document.getElementById("status")!.textContent!.includes("Restored"));
    assertEquals((await guest.run("cat /run/when")).trim(), "before");
    const restored = performance.now();
    await guest.run("sleep 0.5");
    assert(performance.now() - restored < CLOCK_MILLISECONDS, "the guest's clock stood still");
    await guest.assertShown(0);
    await guest.type("echo again >/run/when\n");
    await guest.waitInGuest("grep -q again /run/when");
  });
  await withGuestPage("thread=main", async (guest) => {
    await guest.waitForSize(0, "1024x640");
    await guest.waitForDesktop();
    const noState = { name: "x.state", mimeType: "application/octet-stream", buffer: Buffer.from("no state") };
    await guest.page.setInputFiles("#upload", noState);
    await guest.page.waitForSelector("#problem:not([hidden])");
    await guest.assertShown(0);
    await guest.page.setInputFiles("#upload", file);
    await guest.page.waitForFunction(() => document.getElementById("status")!.textContent!.includes("Restored"));
    assertEquals((await guest.run("cat /run/when")).trim(), "before");
    await guest.assertShown(0);
  });
  await Deno.remove(file);
});

Deno.test("A screen with two pixels for a CSS pixel shows two of the guest's, or one twice as wide", async () => {
  await withGuestPage("", async (guest) => {
    await guest.waitForDesktop();
    await guest.resizeMonitor(0, 500, 400);
    await guest.waitForSize(0, "1000x800");
    await guest.assertShown(0);
    await guest.page.uncheck("#device-pixels");
    await guest.waitForSize(0, "500x400");
    assertEquals((await guest.page.locator("#monitor-0 .gpu").boundingBox())!.width, 500);
  }, { context: { deviceScaleFactor: 2 } });
});

Deno.test("The guest fills the whole screen when the page is asked to", async () => {
  await withGuestPage("", async (guest) => {
    await guest.waitForDesktop();
    await guest.page.click("#full-screen");
    await guest.page.waitForFunction(() => document.fullscreenElement !== null);
    const { width, height } = await guest.page.evaluate(() => ({ width: innerWidth, height: innerHeight }));
    await guest.waitForSize(0, `${width}x${height}`);
  });
});

Deno.test("The page says what is missing: SIMD, a file of the guest, WebGPU", async () => {
  const files = await guestPageFiles();
  const incomplete = new Map([...files].filter(([name]) => name !== `guest/${FILES.initramfs}`));
  const cases = [
    { served: files, query: "", initScript: "WebAssembly.validate = () => false", says: "has no SIMD" },
    { served: incomplete, query: "", initScript: "", says: `there is no ${FILES.initramfs}` },
    { served: files, query: "?canvas=webgpu", initScript: "", says: "no WebGPU here" },
  ];
  const browser = await startBrowser();
  for (const { served, query, initScript, says } of cases) {
    const server = serveFiles(served, 0);
    const { page } = await openPage(browser, `${server.url}${query}`, { initScript });
    const text = await page.locator("#problem:not([hidden])").textContent({ timeout: 60_000 });
    assertStringIncludes(text!, says);
    await page.close();
    await server.stop();
  }
  await browser.close();
});

/** Less than the age of the state that the guest began with, for which its clock must not stand still. */
const CLOCK_MILLISECONDS = 8000;
/** Of desktop.c: the frame of the window in front, and what the wheel fills. */
const BLUE = 0x2f6fde;
/** Filled when the wheel was turned up by one step. */
const WHEEL = { x: 722, y: 455 };

/** The hotspot in the page's picture of the cursor, which has no transparent margins. */
async function visibleHotspot({ page }: GuestPage, hotspot: { x: number; y: number }) {
  return await page.evaluate(({ x, y }) => {
    const { cursor } = scanout.events.findLast((event) => event.type === "cursor" && event.cursor !== undefined) as {
      cursor: { widthPixels: number; rgba: Uint8Array };
    };
    let [left, top] = [x, y];
    cursor.rgba.forEach((value, at) => {
      if (at % 4 !== 3 || value === 0) return;
      left = Math.min(left, (at >> 2) % cursor.widthPixels);
      top = Math.min(top, Math.floor((at >> 2) / cursor.widthPixels));
    });
    return { x: x - left, y: y - top };
  }, hotspot);
}

function cssHotspot(cursor: string): { x: number; y: number } {
  const [, x, y] = /\) (\d+) (\d+), default$/.exec(cursor) ?? [];
  return { x: Number(x), y: Number(y) };
}
