// Debian's own weston in the page: its shell, its terminal, its pointer, and monitors that change.

import { assertEquals } from "@std/assert";
import type { PageForTests } from "../../examples/v86/page.ts";
import type { Picture } from "../../src/display/memory_display.ts";
import { type GuestPage, withGuestPage } from "../support/browser/guest_page.ts";

declare const scanout: PageForTests;

/** A part of a picture, in pixels. */
interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What the channels of a pixel, red, green and blue, go from and to, in a part of a picture. */
interface Range {
  readonly least: number;
  readonly most: number;
}

/** The grey pattern behind the windows, and the dark panel above them. */
const BACKGROUND = { least: 114, most: 138 };
const PANEL = { least: 38, most: 46 };
/** The cursor is black, with white around it. */
const CURSOR = { least: 0, most: 255 };
/** The arrow's tip is where the pointer is; the area is a part of what the whole arrow covers. */
const ARROW = { width: 10, height: 14 };
/** The panel's first launcher. */
const TERMINAL = { x: 22, y: 16 };
/** Where its name is, in white, while the pointer is there. */
const LAUNCHER_NAME = { x: 32, y: 44, width: 110, height: 20 };
/** Less than the black of a terminal with its 80x24 characters. */
const TERMINAL_PIXELS = 200_000;
/** Less than the white of the title of the window that has the keyboard; another's is grey. */
const TITLE_PIXELS = 5000;
const BLACK = 0x000000;
const WHITE = 0xffffff;
const PLACE = { x: 300, y: 580 };
const OTHER_PLACE = { x: 60, y: 540 };

Deno.test("a page with Debian's weston", async (t) => {
  await withGuestPage("guest=weston", async (guest) => {
    await t.step("shows its shell as the device does", async () => {
      await guest.waitForSize(0, "1024x640");
      await waitForRange(guest, 0, { x: 200, y: 4, width: 500, height: 24 }, PANEL);
      await waitForRange(guest, 0, { x: 0, y: 40, width: 1024, height: 600 }, BACKGROUND);
      await guest.assertShown(0);
    });

    await t.step("puts its pointer where the page's is, which is not to be seen", async () => {
      await guest.pointAt(PLACE);
      await waitForRange(guest, 0, { ...PLACE, ...ARROW }, CURSOR);
      assertEquals(await guest.page.locator("#monitor-0 .screen").evaluate((screen) => screen.style.cursor), "none");
      await guest.pointAt(OTHER_PLACE);
      await waitForRange(guest, 0, { ...OTHER_PLACE, ...ARROW }, CURSOR);
      await waitForRange(guest, 0, { ...PLACE, ...ARROW }, BACKGROUND);
    });

    await t.step("opens a terminal at a click on its panel, types into it, and closes it", async () => {
      await guest.pointAt(TERMINAL);
      await waitForPicture(guest, 0, (picture) => rangeIn(picture, LAUNCHER_NAME).most > 200, "the launcher's name");
      await guest.page.mouse.down();
      await guest.page.mouse.up();
      await waitForPicture(guest, 0, (picture) => pixelsOf(picture, BLACK) > TERMINAL_PIXELS, "a terminal");
      await waitForPicture(guest, 0, (picture) => pixelsOf(picture, WHITE) > TITLE_PIXELS, "that it has the keyboard");
      await guest.waitInGuest("stty -F /dev/pts/0 | grep -q -- -icanon"); // its shell reads
      const before = pixelsOf(await guest.devicePicture(0), BLACK);
      await guest.type("echo typed >/run/typed\n");
      await guest.waitInGuest("grep -qx typed /run/typed");
      await waitForPicture(guest, 0, (picture) => pixelsOf(picture, BLACK) < before, "what was typed");
      await guest.assertShown(0);
      await guest.type("exit\n");
      await waitForRange(guest, 0, { x: 200, y: 40, width: 824, height: 600 }, BACKGROUND); // beside the launcher's name
    });

    await t.step("takes the size of its box", async () => {
      const since = await guest.eventCount();
      await guest.resizeMonitor(0, 800, 600);
      await guest.waitForSize(0, "800x600", since);
      await waitForRange(guest, 0, { x: 200, y: 4, width: 300, height: 24 }, PANEL);
      await waitForRange(guest, 0, { x: 0, y: 560, width: 100, height: 40 }, BACKGROUND);
      await guest.assertShown(0);
    });

    await t.step("reaches a second monitor with a pointer that is locked, which alone can go there", async () => {
      await guest.pointAt(OTHER_PLACE);
      const since = await guest.eventCount();
      await guest.page.click("#second-monitor");
      await guest.waitForSize(1, "640x480");
      await guest.waitForEvent({ type: "mouse", wants: "moves" }, since);
      await waitForPointers(guest, "ImPS/2", 1);
      await waitForRange(guest, 1, { x: 0, y: 40, width: 640, height: 440 }, BACKGROUND);
      await guest.pointAt(OTHER_PLACE);
      await guest.page.mouse.down();
      await guest.page.mouse.up();
      await guest.page.waitForFunction(() => document.pointerLockElement?.parentElement?.id === "monitor-0");
      for (let step = 1; step <= 45; step++) {
        await guest.pointAt({ x: OTHER_PLACE.x + step * 20, y: OTHER_PLACE.y - step * 4 });
        await guest.run("true"); // v86 keeps a few moves only for a guest that has not taken them
      }
      await waitForRange(guest, 1, { x: 0, y: 40, width: 640, height: 440 }, CURSOR);
    });

    await t.step("has the page's pointer back when there is one monitor again", async () => {
      const since = await guest.eventCount();
      await guest.page.evaluate(() => document.getElementById("second-monitor")!.click()); // the pointer is locked
      await guest.waitForSize(1, undefined, since);
      await guest.waitForEvent({ type: "mouse", wants: "place" }, since);
      await waitForPointers(guest, "VirtualPS/2", 4); // two at the start, too: one for the place, one for moves
      await guest.page.waitForFunction(() => document.pointerLockElement === null);
      await guest.pointAt(PLACE);
      await waitForRange(guest, 0, { ...PLACE, ...ARROW }, CURSOR);
    });
  });
});

/** Waits until an area of a monitor's picture has exactly this darkest and this brightest channel. */
function waitForRange(guest: GuestPage, monitor: number, area: Area, wanted: Range): Promise<void> {
  const isThere = (picture: Picture) => {
    const { least, most } = rangeIn(picture, area);
    return least === wanted.least && most === wanted.most;
  };
  return waitForPicture(guest, monitor, isThere, `${JSON.stringify(wanted)} in ${JSON.stringify(area)}`);
}

async function waitForPicture(
  guest: GuestPage,
  monitor: number,
  isThere: (picture: Picture) => boolean,
  what: string,
): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (isThere(await guest.devicePicture(monitor))) return;
    await guest.page.waitForTimeout(200);
  }
  throw new Error(`Monitor ${monitor} has not shown ${what}`);
}

/** Waits until weston has opened so many mice of this protocol: what they say before is lost. */
function waitForPointers(guest: GuestPage, protocol: string, count: number): Promise<void> {
  const opened = `grep -c ' ${protocol} .* device is a pointer' /run/weston.log`;
  return guest.waitInGuest(`[ "$(${opened})" = ${count} ]`);
}

function rangeIn({ rgba, widthPixels }: Picture, { x, y, width, height }: Area): Range {
  let [least, most] = [255, 0];
  for (let row = y; row < y + height; row++) {
    const begin = (row * widthPixels + x) * 4;
    const channels = rgba.subarray(begin, begin + width * 4).filter((_, at) => at % 4 !== 3);
    least = channels.reduce((a, b) => Math.min(a, b), least);
    most = channels.reduce((a, b) => Math.max(a, b), most);
  }
  return { least, most };
}

/** How many pixels are black or white. */
function pixelsOf({ rgba }: Picture, color: typeof BLACK | typeof WHITE): number {
  const pixels = new Uint32Array(rgba.buffer, rgba.byteOffset, rgba.length / 4);
  return pixels.reduce((count, pixel) => count + ((pixel & 0xffffff) === color ? 1 : 0), 0);
}
