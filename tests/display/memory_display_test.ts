import { assertEquals, assertNotStrictEquals } from "@std/assert";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import { GuestMemory } from "../../src/memory/guest_memory.ts";
import { type Arena, growingArena } from "../../src/memory/host_heap.ts";
import type { PixelSource } from "../../src/memory/pixel_source.ts";
import { Format } from "../../src/protocol/wire.gen.ts";

interface Fixture {
  guest: GuestMemory;
  heap: Arena;
  display: MemoryDisplay;
}

async function makeFixture(limitBytes = 4 * 1024 * 1024): Promise<Fixture> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1000 });
  const heap = growingArena(memory, limitBytes);
  const guest = await GuestMemory.create(memory, heap, []);
  return { guest, heap, display: new MemoryDisplay() };
}

/** A source whose pixels, one word each, all have the colour `colour`. */
function sourceOf({ guest, heap }: Fixture, widthPixels: number, heightPixels: number, colour: number): PixelSource {
  const offsetBytes = heap.allocate(widthPixels * heightPixels * 4);
  guest.words.fill(colour, offsetBytes / 4, offsetBytes / 4 + widthPixels * heightPixels);
  const format = Format.R8G8B8X8Unorm;
  return { guest, format, widthPixels, heightPixels, strideBytes: widthPixels * 4, offsetBytes, pages: undefined };
}

function wholeOf({ widthPixels, heightPixels }: PixelSource) {
  return { x: 0, y: 0, width: widthPixels, height: heightPixels };
}

/** The picture's pixels as words. */
function wordsOf(display: MemoryDisplay, scanoutId: number): number[] {
  return [...new Uint32Array(display.picture(scanoutId)!.rgba.buffer)];
}

Deno.test("MemoryDisplay has no picture and no cursor before it was told of any", async () => {
  const { display } = await makeFixture();

  assertEquals(display.picture(0), undefined);
  assertEquals(display.cursor(15), undefined);
  assertEquals(display.frames, 0);
});

Deno.test("MemoryDisplay.show keeps the picture as opaque RGBA", async () => {
  const fixture = await makeFixture();
  const source = sourceOf(fixture, 3, 2, 0x00030201);

  fixture.display.show(0, source, wholeOf(source));

  const { widthPixels, heightPixels } = fixture.display.picture(0)!;
  assertEquals([widthPixels, heightPixels], [3, 2]);
  assertEquals(wordsOf(fixture.display, 0), new Array(6).fill(0xff030201));
  assertEquals(fixture.display.frames, 1);
});

Deno.test("MemoryDisplay.show reads the damage alone", async () => {
  const fixture = await makeFixture();
  const source = sourceOf(fixture, 4, 3, 1);
  fixture.display.show(0, source, wholeOf(source));
  fixture.guest.words.fill(2, source.offsetBytes / 4, source.offsetBytes / 4 + 12);

  fixture.display.show(0, source, { x: 1, y: 1, width: 2, height: 1 });

  const expected = new Array(12).fill(0xff000001).fill(0xff000002, 5, 7);
  assertEquals(wordsOf(fixture.display, 0), expected);
});

Deno.test("MemoryDisplay keeps each scanout's picture apart", async () => {
  const fixture = await makeFixture();
  const first = sourceOf(fixture, 2, 2, 1);
  const second = sourceOf(fixture, 1, 1, 2);

  fixture.display.show(3, first, wholeOf(first));
  fixture.display.show(0, second, wholeOf(second));

  assertEquals(wordsOf(fixture.display, 3), new Array(4).fill(0xff000001));
  assertEquals(wordsOf(fixture.display, 0), [0xff000002]);
  assertEquals(fixture.display.picture(1), undefined);
});

Deno.test("MemoryDisplay.picture is a copy, which later frames do not change", async () => {
  const fixture = await makeFixture();
  const source = sourceOf(fixture, 2, 2, 1);
  fixture.display.show(0, source, wholeOf(source));
  const before = fixture.display.picture(0)!;

  fixture.guest.words.fill(2, source.offsetBytes / 4, source.offsetBytes / 4 + 4);
  fixture.display.show(0, source, wholeOf(source));

  assertNotStrictEquals(before, fixture.display.picture(0));
  assertEquals([...new Uint32Array(before.rgba.buffer)], new Array(4).fill(0xff000001));
});

Deno.test("MemoryDisplay.show of another size replaces the picture and gives the old one's memory back", async () => {
  const fixture = await makeFixture();
  const { heap, display } = fixture;
  const large = sourceOf(fixture, 64, 64, 1);
  const small = sourceOf(fixture, 2, 2, 2);
  const usedBytes = heap.usedBytes;
  display.show(0, large, wholeOf(large));

  display.show(0, small, wholeOf(small));

  assertEquals(wordsOf(display, 0), new Array(4).fill(0xff000002));
  assertEquals(heap.usedBytes, usedBytes + 64);
});

Deno.test("MemoryDisplay.disable forgets the picture, gives its memory back, and leaves other scanouts alone", async () => {
  const fixture = await makeFixture();
  const { heap, display } = fixture;
  const source = sourceOf(fixture, 64, 64, 1);
  display.show(1, source, wholeOf(source));
  const usedBytes = heap.usedBytes;
  display.show(0, source, wholeOf(source));

  display.disable(0);
  display.disable(0);
  display.disable(9);

  assertEquals(display.picture(0), undefined);
  assertEquals(wordsOf(display, 1).length, 64 * 64);
  assertEquals(heap.usedBytes, usedBytes);
});

Deno.test("MemoryDisplay shows a scanout again after it was disabled", async () => {
  const fixture = await makeFixture();
  const source = sourceOf(fixture, 2, 2, 7);
  fixture.display.show(0, source, wholeOf(source));
  fixture.display.disable(0);

  fixture.display.show(0, source, wholeOf(source));

  assertEquals(wordsOf(fixture.display, 0), new Array(4).fill(0xff000007));
});

Deno.test("MemoryDisplay.show without room for the picture shows nothing, and shows the next one that fits", async () => {
  const fixture = await makeFixture(128 * 1024);
  const source = { ...sourceOf(fixture, 2, 2, 7), widthPixels: 4096, heightPixels: 4096, strideBytes: 0 };
  const small = sourceOf(fixture, 2, 2, 7);

  fixture.display.show(0, source, { x: 0, y: 0, width: 1, height: 1 });
  assertEquals(fixture.display.picture(0), undefined);
  fixture.display.show(0, small, wholeOf(small));

  assertEquals(wordsOf(fixture.display, 0), new Array(4).fill(0xff000007));
  assertEquals(fixture.display.frames, 1);
});

Deno.test("MemoryDisplay.setCursor keeps a copy of the image, its hotspot and where moveCursor puts it", async () => {
  const { guest, heap, display } = await makeFixture();
  const address = heap.allocate(16);
  guest.words.set([1, 2, 3, 4], address / 4);

  display.setCursor(0, { guest, address, widthPixels: 2, heightPixels: 2, hotspotX: 1, hotspotY: 0 });
  display.moveCursor(0, -5, 7);
  guest.words.fill(0, address / 4, address / 4 + 4);

  const { picture, x, y } = display.cursor(0)!;
  assertEquals([x, y, picture.hotspotX, picture.hotspotY], [-5, 7, 1, 0]);
  assertEquals([...new Uint32Array(picture.rgba.buffer)], [1, 2, 3, 4]);
  assertEquals(display.cursor(1), undefined);
});

Deno.test("MemoryDisplay hides the cursor, and remembers where it is moved meanwhile", async () => {
  const { guest, heap, display } = await makeFixture();
  const image = { guest, address: heap.allocate(4), widthPixels: 1, heightPixels: 1, hotspotX: 0, hotspotY: 0 };
  display.setCursor(0, image);

  display.setCursor(0, undefined);
  display.moveCursor(0, 3, 4);
  const hidden = display.cursor(0);
  display.setCursor(0, image);

  assertEquals(hidden, undefined);
  assertEquals([display.cursor(0)!.x, display.cursor(0)!.y], [3, 4]);
});

Deno.test("MemoryDisplay keeps the cursor of a scanout that is disabled", async () => {
  const { guest, heap, display } = await makeFixture();
  const image = { guest, address: heap.allocate(4), widthPixels: 1, heightPixels: 1, hotspotX: 0, hotspotY: 0 };
  display.setCursor(0, image);

  display.disable(0);

  assertEquals(display.cursor(0) !== undefined, true);
});
