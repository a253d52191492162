import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { PIXEL_FORMATS } from "../../src/protocol/formats.ts";
import { Format } from "../../src/protocol/wire.gen.ts";
import type { CanvasPage, CanvasPageOptions } from "../browser_pages/canvas.ts";
import { openPage, startBrowser } from "../support/browser/browser.ts";
import { PageServer } from "../support/browser/page_server.ts";
import { comparePictures } from "../support/golden.ts";
import { decodePng } from "../support/png.ts";

declare const scanout: CanvasPage;

const OPAQUE = { isTransparent: false };
const WAYS: readonly CanvasPageOptions[] = [
  { way: "2d", isShared: false, ...OPAQUE },
  { way: "2d", isShared: true, ...OPAQUE },
  { way: "webgpu", isShared: false, ...OPAQUE },
  { way: "webgpu", isShared: true, ...OPAQUE },
];
const RECT = { x: 5, y: 7, width: 11, height: 13 };

/** Runs `test` with a page on which a guest is shown in this way, and nothing goes wrong. */
async function withCanvas(options: CanvasPageOptions, test: (page: Page) => Promise<void>): Promise<void> {
  const server = await PageServer.start("tests/browser_pages/canvas.ts");
  const browser = await startBrowser(options.way === "webgpu");
  const { page, problems } = await openPage(browser, server.url);
  await page.evaluate((wanted) => scanout.start(wanted), options);
  try {
    await test(page);
  } finally {
    await browser.close();
    await server.stop();
  }
  assertEquals(problems, []);
}

/** Asserts that the canvas, as the screen shows it, has the pixels that the device shows. */
async function assertShown(page: Page, widthPixels = 64, heightPixels = 48): Promise<void> {
  await page.evaluate(() => scanout.frame());
  const rgba = Uint8Array.from(await page.evaluate(() => scanout.devicePixels()));
  assert(rgba.some((byte) => byte !== 0 && byte !== 255));
  const clip = { x: 0, y: 0, width: widthPixels, height: heightPixels };
  const screen = decodePng(new Uint8Array(await page.screenshot({ clip })));
  assertEquals(comparePictures(screen, { widthPixels, heightPixels, rgba }), undefined);
}

for (const options of WAYS) {
  const name = `${options.way} canvas over ${options.isShared ? "shared" : "unshared"} memory`;

  Deno.test(`A ${name} shows every format as the device does, and damage alone`, async () => {
    await withCanvas(options, async (page) => {
      for (const { format } of PIXEL_FORMATS) {
        await page.evaluate((format) => scanout.draw(format, format), format);
        await assertShown(page);
        await page.evaluate(([format, rect]) => scanout.draw(format, 77, rect), [format, RECT] as const);
        await assertShown(page);
      }
      const frames = await page.evaluate(() => scanout.frames);
      assertEquals(frames, PIXEL_FORMATS.flatMap(() => [64 * 48, RECT.width * RECT.height]));
    });
  });

  Deno.test(`A ${name} follows the guest's size, its end, and a memory that grows`, async () => {
    await withCanvas(options, async (page) => {
      const draw = (seed: number) => page.evaluate((seed) => scanout.draw(2, seed), seed);
      await draw(1);
      await assertShown(page);
      await page.evaluate(() => scanout.resize(128, 100));
      await draw(2);
      await assertShown(page, 128, 100);
      await page.evaluate(() => scanout.grow());
      await draw(3);
      await assertShown(page, 128, 100);
      await page.evaluate(() => scanout.disable());
      await page.evaluate(() => scanout.frame());
      await draw(4);
      await assertShown(page, 128, 100);
      assertEquals(await page.evaluate(() => scanout.sizes), ["64x48", "128x100", "none", "128x100"]);
    });
  });

  Deno.test(`A ${name} is drawn once for many flushes, and not at all for none`, async () => {
    await withCanvas(options, async (page) => {
      const frames = await page.evaluate(async (format) => {
        for (let seed = 0; seed < 50; seed++) scanout.draw(format, seed);
        await scanout.frame();
        const after = scanout.frames.length;
        for (let count = 0; count < 10; count++) await scanout.frame();
        return [after, scanout.frames.length];
      }, Format.B8G8R8X8Unorm);
      assertEquals(frames, [1, 1]);
      await assertShown(page);
    });
  });
}
