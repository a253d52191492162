import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { serveHttp } from "../../src/cli/http.ts";
import type { Picture } from "../../src/display/memory_display.ts";
import { openPage, startBrowser } from "../support/browser/browser.ts";
import { FakeScreens, pictureOf, shotOf } from "../support/fake_screens.ts";
import { comparePictures } from "../support/golden.ts";
import { decodePng } from "../support/png.ts";

const LOCAL = "127.0.0.1";

/** Waits until the page says how many screens there are, or that the server has gone. */
async function waitForState(page: Page, text: string): Promise<void> {
  await page.waitForFunction((text) => document.getElementById("state")!.textContent === text, text);
}

/** Waits until the screenshot of the screen with this number has exactly the pixels of `picture`. */
async function waitForPicture(page: Page, index: number, picture: Picture): Promise<void> {
  const shown = async () => decodePng(new Uint8Array(await page.locator(".screen").nth(index).screenshot()));
  let difference = comparePictures(await shown(), picture);
  for (let tries = 0; difference !== undefined && tries < 100; tries++) {
    await page.evaluate(() => new Promise(requestAnimationFrame));
    difference = comparePictures(await shown(), picture);
  }
  assertEquals(difference, undefined);
}

/** A copy of `picture` with `part` over it. */
function withPart(picture: Picture, part: Picture, x: number, y: number): Picture {
  const rgba = picture.rgba.slice();
  for (let row = 0; row < part.heightPixels; row++) {
    const bytes = part.rgba.subarray(row * part.widthPixels * 4, (row + 1) * part.widthPixels * 4);
    rgba.set(bytes, ((y + row) * picture.widthPixels + x) * 4);
  }
  return { ...picture, rgba };
}

Deno.test("The live page of the vhost-user process shows every screen, what changes on it, and the cursor", async () => {
  const screens = new FakeScreens();
  screens.screens[0] = shotOf(300, 200);
  screens.screens[3] = shotOf(64, 48);
  const server = serveHttp(screens, { hostname: LOCAL, port: 0 });
  const browser = await startBrowser();
  try {
    const { page, problems } = await openPage(browser, server.url);
    await waitForState(page, "2 screens");
    await waitForPicture(page, 0, pictureOf(300, 200));
    await waitForPicture(page, 1, pictureOf(64, 48));

    const changed = withPart(pictureOf(300, 200), pictureOf(20, 10), 150, 100);
    const cursor = { picture: { ...pictureOf(64, 64), hotspotX: 0, hotspotY: 0 }, x: 30, y: 40 };
    screens.screens[0] = { ...shotOf(300, 200), picture: changed, cursor };
    screens.frames++;
    await waitForPicture(page, 0, withPart(changed, cursor.picture, 30, 40));

    screens.screens[0] = { ...screens.screens[0], cursor: { ...cursor, x: 60 } };
    screens.frames++;
    await waitForPicture(page, 0, withPart(changed, cursor.picture, 60, 40));

    screens.screens[3] = undefined;
    screens.screens[0] = shotOf(80, 60);
    screens.frames++;
    await waitForState(page, "1 screen");
    await waitForPicture(page, 0, pictureOf(80, 60));
    assertEquals(problems, []);
  } finally {
    await browser.close();
    await server.close();
  }
});

Deno.test("The live page says when the process has gone, and shows the next one's screens", async () => {
  const screens = new FakeScreens();
  screens.screens[0] = shotOf(32, 32);
  const first = serveHttp(screens, { hostname: LOCAL, port: 0 });
  const browser = await startBrowser();
  try {
    const { page } = await openPage(browser, first.url);
    await waitForState(page, "1 screen");

    await first.close();
    await waitForState(page, "Scanout has gone. Trying again…");
    screens.screens[0] = shotOf(48, 16);
    const second = serveHttp(screens, { hostname: LOCAL, port: Number(new URL(first.url).port) });
    await waitForState(page, "1 screen");

    await waitForPicture(page, 0, pictureOf(48, 16));
    await page.close();
    await second.close();
  } finally {
    await browser.close();
  }
});
