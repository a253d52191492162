/** Pictures of a screen's size, and how a guest draws them: what the tests of a vhost-user back end have in common. */

import { assert, assertEquals } from "@std/assert";
import { attach, createResource, flush, rect, setScanout, transfer } from "../../device/requests.ts";
import type { BackEndProcess } from "./back_end_process.ts";
import type { FrontEndMachine } from "./front_end_machine.ts";
import type { SharedRam } from "./shared_ram.ts";

/** Bytes of a page. */
export const PAGE = 4096;
/** Bytes of a mebibyte. */
export const MIB = 1024 * 1024;
/** What most requests are answered with. */
export const OK = "OK_NODATA";
/** The screen. */
export const WIDTH = 320;
export const HEIGHT = 200;
export const SCREEN = rect(0, 0, WIDTH, HEIGHT);
/** Bytes of a picture. */
export const SCREEN_BYTES = WIDTH * HEIGHT * 4;

/** A pixel that says where it is and in which picture. */
function pixelAt(x: number, y: number, picture: number): number {
  return (0xff000000 | picture << 16 | (y & 0xff) << 8 | x & 0xff) >>> 0;
}

/** The picture `picture` of a screen, in the order of its pixels. */
export function pictureOf(picture: number): Uint32Array {
  return Uint32Array.from({ length: WIDTH * HEIGHT }, (_, at) => pixelAt(at % WIDTH, Math.floor(at / WIDTH), picture));
}

/** Scattered pages for a screen, the last one first, below the guest address `end`. */
export function pagesBelow(end: number): { addr: number; length: number }[] {
  const count = Math.ceil(SCREEN_BYTES / PAGE);
  return Array.from({ length: count }, (_, index) => ({ addr: end - (index + 1) * PAGE, length: PAGE }));
}

/** Writes the picture `picture` into pages as a guest's processor would. */
export function draw(ram: SharedRam, pages: readonly { addr: number }[], picture: number): void {
  const bytes = new Uint8Array(pictureOf(picture).buffer);
  pages.forEach(({ addr }, index) => {
    ram.bytes.set(bytes.subarray(index * PAGE, (index + 1) * PAGE), addr);
  });
}

/** Makes resource `id` of a screen's size, backed by `pages`. */
export function makeScreen(
  { driver }: FrontEndMachine,
  id: number,
  pages: readonly { addr: number; length: number }[],
): void {
  assertEquals([createResource(driver, id, WIDTH, HEIGHT), attach(driver, id, pages)], [OK, OK]);
}

/** Draws a picture into a resource and shows it. */
export function show(machine: FrontEndMachine, id: number, pages: readonly { addr: number }[], picture: number): void {
  const { driver } = machine;
  draw(machine.ram, pages, picture);
  const answers = [transfer(driver, id, SCREEN, 0), setScanout(driver, 0, id, SCREEN), flush(driver, id, SCREEN)];
  assertEquals(answers, [OK, OK, OK]);
}

/** Asserts that the screen shows the picture `picture`. */
export async function assertShows(backEnd: BackEndProcess, picture: number): Promise<void> {
  const { widthPixels, heightPixels, pixels } = await backEnd.screenshot();
  assertEquals([widthPixels, heightPixels], [WIDTH, HEIGHT]);
  const expected = pictureOf(picture);
  const wrong = pixels.findIndex((pixel, at) => pixel !== expected[at]);
  assert(wrong < 0, `pixel ${wrong} is ${pixels[wrong]?.toString(16)}, expected ${expected[wrong]?.toString(16)}`);
}
