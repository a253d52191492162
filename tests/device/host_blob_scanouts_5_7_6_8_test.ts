/** Scanouts of blobs whose bytes are the host's. Virtio 1.4, 5.7.6.8 (SET_SCANOUT_BLOB, RESOURCE_FLUSH); H9. */

import { assert, assertEquals } from "@std/assert";
import { BlobMem, Format } from "../../src/protocol/wire.gen.ts";
import { NO_PIXELS, type PixelSource, readPixels } from "../../src/memory/pixel_source.ts";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import { ShownScreens } from "../../src/display/shown_screens.ts";
import { Random } from "../support/fuzz/random.ts";
import { startRecording } from "../support/renderer_machine.ts";
import { fill as fillWords } from "../support/renderer/stream.ts";
import { setScanoutBlob } from "./blob_requests.ts";
import { attach, detach, flush, pictureWords, pixel, rect, unref } from "./requests.ts";
import { attachToContext, createContext, createHostBlob, submit } from "./three_d_requests.ts";
import { guestWindow, makeHostBlob, mapBlob, startWithWindow, unmapBlob } from "./window_requests.ts";

const PAGE = 4096;
const MIB = 1024 * 1024;
const whole = rect(0, 0, 8, 8);

type Started = Awaited<ReturnType<typeof startWithWindow>>;

/** Writes `count` words into a blob where it lies, as a GPU does. */
function draw({ guest, renderer }: Started, blob: number, count: number, words: (index: number) => number): void {
  const first = renderer.blobAddress(blob) >>> 2;
  for (let index = 0; index < count; index++) guest.words[first + index] = words(index);
}

function shown({ display }: { display: MemoryDisplay }): number[] {
  return pictureWords(display.picture(0)!.rgba);
}

for (const blobMem of [BlobMem.Host3d, BlobMem.Host3dGuest]) {
  Deno.test(`S14: one blob of memory kind ${blobMem} is shown as pictures of other sizes, strides, formats and places`, async () => {
    const machine = await startWithWindow();
    const { driver } = machine;
    makeHostBlob(driver, 5, MIB, { blobMem });
    draw(machine, 5, MIB / 4, pixel);
    const wide = { width: 512, height: 3, stride: 2048 + 64, offset: 4 * 1000, rect: rect(2, 1, 500, 2) };
    setScanoutBlob(driver, 5, wide);
    flush(driver, 5, rect(0, 0, 512, 3));
    const pixels = Array.from({ length: 1000 }, (_, at) => 1000 + (1 + Math.floor(at / 500)) * 528 + 2 + at % 500);
    assertEquals(shown(machine), pixels.map(pixel));

    const end = { width: 2, height: 2, stride: 12, offset: MIB - 20, rect: rect(0, 0, 2, 2) };
    setScanoutBlob(driver, 5, { ...end, format: Format.B8G8R8X8Unorm });
    flush(driver, 5, rect(0, 0, 2, 2));
    const swapped = (number: number) =>
      (0xff000000 | (number & 0xff) << 16 | number & 0xff00 | number >>> 16 & 0xff) >>> 0;
    assertEquals(shown(machine), [-5, -4, -2, -1].map((at) => swapped(MIB / 4 + at)));
  });

  Deno.test(`S15: RESOURCE_FLUSH shows what the host wrote into a blob of memory kind ${blobMem}, and only there`, async () => {
    const machine = await startWithWindow();
    const { driver } = machine;
    makeHostBlob(driver, 5, PAGE, { blobMem });
    attachToContext(driver, 1, 5);
    setScanoutBlob(driver, 5);
    flush(driver, 5, whole);
    submit(driver, 1, fillWords(5, 0, 256, pixel(7)));
    flush(driver, 5, rect(2, 1, 3, 2));
    const expected = Array.from({ length: 64 }, (_, at) => {
      const isFlushed = at % 8 >= 2 && at % 8 < 5 && at >= 8 && at < 24;
      return isFlushed ? pixel(7) : pixel(0);
    });
    assertEquals(shown(machine), expected);
  });
}

Deno.test("S15: RESOURCE_FLUSH shows what the guest wrote into a mapped blob, with no command in between", async () => {
  const machine = await startWithWindow();
  const { driver } = machine;
  makeHostBlob(driver, 5, PAGE);
  mapBlob(driver, 5, 3 * PAGE);
  setScanoutBlob(driver, 5);
  guestWindow(machine).words(3 * PAGE, 64).forEach((_, index, words) => words[index] = pixel(index));
  flush(driver, 5, whole);
  assertEquals(shown(machine), Array.from({ length: 64 }, (_, index) => pixel(index)));
});

const beyond: [name: string, fields: Parameters<typeof setScanoutBlob>[2]][] = [
  ["ends after the blob", { offset: PAGE - 252 }],
  ["begins after the blob", { offset: PAGE }],
  ["has a stride shorter than a row", { stride: 31 }],
  ["has rows that end after 2^32", { stride: 0xffffffff }],
  ["is not wholly in the frame buffer", { rect: rect(1, 0, 8, 8) }],
  ["is of no format", { format: 5 }],
];
for (const [name, fields] of beyond) {
  Deno.test(`SET_SCANOUT_BLOB of a host blob answers ERR_INVALID_PARAMETER when the picture ${name}`, async () => {
    const { driver } = await startWithWindow();
    makeHostBlob(driver, 5, PAGE);
    assertEquals(setScanoutBlob(driver, 5, fields), "ERR_INVALID_PARAMETER");
    assertEquals(setScanoutBlob(driver, 5, { offset: PAGE - 256 }), "OK_NODATA");
  });
}

Deno.test("RESOURCE_FLUSH of a host blob whose bytes are not in memory is OK, and the display keeps its pixels", async () => {
  const machine = await startRecording();
  const { driver, renderer, guest, display } = machine;
  createContext(driver, 1);
  createHostBlob(driver, 5);
  const address = guest.heap.allocate(PAGE);
  guest.words.fill(pixel(3), address >>> 2, (address >>> 2) + 64);
  renderer.addresses.set(5, address);
  setScanoutBlob(driver, 5);
  flush(driver, 5, whole);
  renderer.addresses.delete(5);
  assertEquals(flush(driver, 5, whole), "OK_NODATA");
  assertEquals([display.frames, ...new Set(shown(machine))], [1, pixel(3)]);
});

Deno.test("A display that looks later finds a blob's pixels wherever mapping and unmapping have moved them", async () => {
  const display = new ShownScreens();
  const machine = await startWithWindow({ display });
  const { driver } = machine;
  const look = () => display.look(0) && [...new Set(pictureWords(display.look(0)!.picture.rgba))];
  makeHostBlob(driver, 5, PAGE);
  draw(machine, 5, 64, () => pixel(1));
  setScanoutBlob(driver, 5);
  flush(driver, 5, whole);
  assertEquals(look(), [pixel(1)]);
  mapBlob(driver, 5, PAGE);
  guestWindow(machine).words(PAGE, 64).fill(pixel(2));
  assertEquals(look(), [pixel(2)]);
  unmapBlob(driver, 5);
  guestWindow(machine).words(PAGE, 64).fill(pixel(3)); // not the blob's any more
  assertEquals(look(), [pixel(2)]);
  draw(machine, 5, 64, () => pixel(4));
  assertEquals(look(), [pixel(4)]);
});

Deno.test("A pixel source that a display has kept has no pixels once its blob is destroyed", async () => {
  class KeepingDisplay extends MemoryDisplay {
    source: PixelSource | undefined;
    override show(...[scanoutId, source, damage]: Parameters<MemoryDisplay["show"]>): void {
      this.source = source;
      super.show(scanoutId, source, damage);
    }
  }
  const display = new KeepingDisplay();
  const { driver, gpu, guest } = await startWithWindow({ display });
  makeHostBlob(driver, 5, PAGE);
  setScanoutBlob(driver, 5);
  flush(driver, 5, whole);
  mapBlob(driver, 5, 0);
  const source = display.source!;
  const target = { address: guest.heap.allocate(256), strideBytes: 32, layout: "rgbx" as const };
  assertEquals(readPixels({ ...source }, whole, target), true);
  assertEquals(unref(driver, 5), "OK_NODATA");
  assertEquals([gpu.shownResource(0), display.picture(0)], [undefined, undefined]);
  source.widthPixels = source.heightPixels = 8;
  assertEquals([source.offsetBytes, readPixels(source, whole, target)], [NO_PIXELS, false]);
});

Deno.test("The guest pages of a default blob are not its pixels: without them the scanout shows on", async () => {
  const machine = await startWithWindow();
  const { driver, ram } = machine;
  makeHostBlob(driver, 5, PAGE, { blobMem: BlobMem.Host3dGuest });
  assertEquals(attach(driver, 5, [{ addr: ram.allocate(PAGE, PAGE), length: PAGE }]), "OK_NODATA");
  draw(machine, 5, 64, () => pixel(1));
  setScanoutBlob(driver, 5);
  detach(driver, 5);
  flush(driver, 5, whole);
  assertEquals([...new Set(shown(machine))], [pixel(1)]);
});

Deno.test("A blob that is shown shows its pixels through any order of create, map, unmap and destroy", async () => {
  const machine = await startWithWindow();
  const { driver, gpu, heap } = machine;
  const random = new Random(9);
  const before = heap.usedBytes;
  let color = 0;
  let looks = 0;
  for (let turn = 0; turn < 600; turn++) {
    const blob = 5 + random.below(3);
    const isThere = has(machine, blob);
    switch (random.below(6)) {
      case 0:
        if (!isThere) makeHostBlob(driver, blob, PAGE);
        break;
      case 1:
        mapBlob(driver, blob, random.below(4) * PAGE);
        break;
      case 2:
        unmapBlob(driver, blob);
        break;
      case 3:
        unref(driver, blob);
        break;
      case 4:
        setScanoutBlob(driver, blob);
        break;
      default: {
        if (!isThere) break;
        color++;
        draw(machine, blob, 64, () => pixel(color));
        assertEquals(flush(driver, blob, whole), "OK_NODATA");
        if (gpu.shownResource(0) !== blob) break;
        looks++;
        assertEquals([...new Set(shown(machine))], [pixel(color)]);
      }
    }
  }
  for (const blob of [5, 6, 7]) unref(driver, blob);
  assertEquals(heap.usedBytes, before);
  assert(looks > 10);
});

function has({ renderer }: Started, blob: number): boolean {
  try {
    return renderer.blobAddress(blob) > 0;
  } catch {
    return false;
  }
}
