import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { PIXEL_FORMATS } from "../../src/protocol/formats.ts";
import { Format } from "../../src/protocol/wire.gen.ts";
import type { CanvasPage, CanvasPageOptions } from "../browser_pages/canvas.ts";
import { type Shade, shade } from "../browser_pages/shade.ts";
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
const WHOLE = { x: 0, y: 0, width: 64, height: 48 };
const RECT = { x: 5, y: 7, width: 11, height: 13 };
const OTHER_RECT = { x: 40, y: 30, width: 3, height: 2 };
/** What lies behind a transparent canvas. */
const BACKGROUND: Shade = { R: 40, G: 200, B: 120 };
/** A canvas has 8 bits for a straight colour, and the screen 8 for a mixed one. */
const ROUNDING = 2;

const FORMAT = Format.B8G8R8X8Unorm;

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
      const { frames, uploads } = await page.evaluate(() => ({ ...scanout.asked, frames: scanout.frames }));
      assertEquals(uploads, PIXEL_FORMATS.flatMap(() => [WHOLE, RECT]));
      assertEquals(frames, uploads.map(({ width, height }) => width * height));
    });
  });

  Deno.test(`A ${name} shows what was flushed as it was then, and nothing that the guest has drawn since`, async () => {
    await withCanvas(options, async (page) => {
      await page.evaluate((format) => scanout.draw(format, 1), FORMAT);
      await assertShown(page);
      await page.evaluate(([format, rects]) => {
        scanout.asked.uploads.length = 0;
        for (const rect of rects) scanout.draw(format, 99, rect);
        scanout.scribble(); // before the screen has its next frame
      }, [FORMAT, [RECT, OTHER_RECT]] as const);
      await assertShown(page);
      assertEquals(await page.evaluate(() => scanout.asked.uploads), [RECT, OTHER_RECT]);
    });
  });

  Deno.test(`A ${name} follows the guest's size, its end, and a memory that grows`, async () => {
    await withCanvas(options, async (page) => {
      const draw = (seed: number) =>
        page.evaluate(([format, seed]) => scanout.draw(format, seed), [FORMAT, seed] as const);
      await draw(1);
      await assertShown(page);
      const size = await page.evaluate((format) => {
        scanout.resize(128, 100);
        scanout.draw(format, 2);
        const { width, height } = document.querySelector("canvas")!;
        return { width, height };
      }, FORMAT);
      assertEquals(size, { width: 64, height: 48 }); // until the picture is drawn: no empty canvas in between
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
      const counts = await page.evaluate(async (format) => {
        for (let seed = 0; seed < 50; seed++) scanout.draw(format, seed);
        await scanout.frame();
        const { draws, frames } = scanout.asked;
        scanout.scribble();
        for (let count = 0; count < 10; count++) await scanout.frame();
        return [draws, frames, scanout.asked.draws, scanout.asked.frames];
      }, FORMAT);
      assertEquals(counts, [1, 1, 1, 1]);
      await assertShown(page);
    });
  });
}

for (const way of ["2d", "webgpu"] as const) {
  Deno.test(`A transparent ${way} canvas lets the page through where a format has an alpha, and an opaque one nowhere`, async () => {
    for (const isTransparent of [true, false]) {
      await withCanvas({ way, isShared: false, isTransparent }, async (page) => {
        await page.addStyleTag({
          content: `body { background: rgb(${BACKGROUND.R}, ${BACKGROUND.G}, ${BACKGROUND.B}) }`,
        });
        for (const { format, name, hasAlpha } of PIXEL_FORMATS) {
          await page.evaluate((format) => scanout.drawShades(format), format);
          assertEquals(await wrongShades(page, hasAlpha && isTransparent), [], name);
        }
      });
    }
  });

  Deno.test(`A ${way} canvas shows all of the picture again after the browser has lost it`, async () => {
    await withCanvas({ way, isShared: false, isTransparent: false }, async (page) => {
      await page.evaluate((format) => scanout.draw(format, 1), FORMAT);
      await assertShown(page);
      await page.evaluate(async () => {
        await scanout.lose();
        await scanout.recover(); // the guest flushes nothing
      });
      await assertShown(page);
      await page.evaluate(async ([format, rect]) => {
        await scanout.lose();
        scanout.draw(format, 2, rect);
        await scanout.recover();
      }, [FORMAT, RECT] as const);
      await assertShown(page);
      await page.evaluate(() => scanout.resize(32, 100));
      await page.evaluate(([format, rect]) => scanout.draw(format, 3, rect), [FORMAT, RECT] as const);
      await assertShown(page, 32, 100);
    });
  });
}

Deno.test("A WebGPU canvas draws nothing by a device that is lost, and then what was flushed meanwhile, in its size", async () => {
  await withCanvas({ way: "webgpu", isShared: false, isTransparent: false }, async (page) => {
    await page.evaluate((format) => scanout.draw(format, 1), FORMAT);
    await assertShown(page);
    const draws = await page.evaluate(async (format) => {
      const before = scanout.asked.draws;
      await scanout.lose();
      scanout.resize(96, 80);
      scanout.draw(format, 2);
      await scanout.frame();
      return scanout.asked.draws - before;
    }, FORMAT);
    assertEquals(draws, 0);
    await page.evaluate(() => scanout.recover());
    await assertShown(page, 96, 80);
  });
});

Deno.test("A WebGPU canvas draws nothing of a scanout that exceeds its device's textures, and goes on with the next", async () => {
  await withCanvas({ way: "webgpu", isShared: false, isTransparent: false }, async (page) => {
    const draws = await page.evaluate(async (format) => {
      scanout.resize(8193, 2); // a device has 8192 unless it is asked for more
      scanout.draw(format, 1);
      await scanout.frame();
      return scanout.asked.draws;
    }, FORMAT);
    assertEquals(draws, 0);
    await page.evaluate((format) => {
      scanout.resize(64, 48);
      scanout.draw(format, 2);
    }, FORMAT);
    await assertShown(page);
  });
});

/** The first pixels on the screen that are not what `shade` has, over the background or not. */
async function wrongShades(page: Page, isTransparent: boolean): Promise<unknown[]> {
  await page.evaluate(() => scanout.frame());
  const { rgba } = decodePng(new Uint8Array(await page.screenshot({ clip: WHOLE })));
  const pixels = Array.from({ length: WHOLE.width * WHOLE.height }, (_, index) => {
    const [x, y] = [index % WHOLE.width, Math.floor(index / WHOLE.width)];
    const actual = [...rgba.subarray(index * 4, index * 4 + 3)];
    return { x, y, actual, wanted: wantedColours(shade(x, y), isTransparent) };
  });
  const isWrong = (actual: number, wanted: number) => Math.abs(actual - wanted) > (isTransparent ? ROUNDING : 0);
  return pixels.filter(({ actual, wanted }) => actual.some((value, index) => isWrong(value, wanted[index]!))).slice(
    0,
    5,
  );
}

function wantedColours(pixel: Shade, isTransparent: boolean): number[] {
  const alpha = pixel.A!;
  const over = (channel: string) => Math.min(pixel[channel]!, alpha) + BACKGROUND[channel]! * (255 - alpha) / 255;
  return [..."RGB"].map((channel) => isTransparent ? over(channel) : pixel[channel]!);
}
