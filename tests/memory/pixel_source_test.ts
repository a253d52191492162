import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type PixelSource, readPixels } from "../../src/memory/pixel_source.ts";
import type { Rect } from "../../src/memory/rect.ts";
import type { PixelLayout } from "../../src/protocol/formats.ts";
import { Format } from "../../src/protocol/wire.gen.ts";
import {
  byteAt,
  type Entry,
  HALF_BYTES,
  lower,
  LOWER_OFFSET,
  makeList,
  makePages,
  type PageFixture,
} from "./page_fixture.ts";

/** Of each format: which byte is red, green, blue and alpha or unused, and whether it is alpha. */
const CHANNELS: Record<
  keyof typeof Format,
  [red: number, green: number, blue: number, rest: number, hasAlpha: boolean]
> = {
  B8G8R8A8Unorm: [2, 1, 0, 3, true],
  B8G8R8X8Unorm: [2, 1, 0, 3, false],
  A8R8G8B8Unorm: [1, 2, 3, 0, true],
  X8R8G8B8Unorm: [1, 2, 3, 0, false],
  R8G8B8A8Unorm: [0, 1, 2, 3, true],
  X8B8G8R8Unorm: [3, 2, 1, 0, false],
  A8B8G8R8Unorm: [3, 2, 1, 0, true],
  R8G8B8X8Unorm: [0, 1, 2, 3, false],
};

/** One pixel converted plainly. */
function convert(pixel: Uint8Array, name: keyof typeof Format, layout: PixelLayout): number[] {
  const [red, green, blue, rest, hasAlpha] = CHANNELS[name];
  const alpha = layout === "rgba" && hasAlpha ? pixel[rest]! : 255;
  const first = layout === "bgrx" ? blue : red;
  const third = layout === "bgrx" ? red : blue;
  return [pixel[first]!, pixel[green]!, pixel[third]!, alpha];
}

/** What a picture is and what of it is read; `start` is its first pixel's place in the bytes. */
interface Reading {
  name: keyof typeof Format;
  layout: PixelLayout;
  widthPixels: number;
  heightPixels: number;
  strideBytes: number;
  start: number;
  rect: Rect;
  /** Bytes from a row of the target to the next, beyond the row itself. */
  gapBytes: number;
}

const FILL = 0xee;

/** The target that `readPixels` should leave: rows converted plainly from `bytes`, and what was there between them. */
function referenceTarget(bytes: (position: number) => number, reading: Reading): Uint8Array {
  const { rect, gapBytes } = reading;
  const targetStride = rect.width * 4 + gapBytes;
  const target = new Uint8Array(targetStride * rect.height).fill(FILL);
  for (let row = 0; row < rect.height; row++) {
    for (let column = 0; column < rect.width; column++) {
      const from = reading.start + (rect.y + row) * reading.strideBytes + (rect.x + column) * 4;
      const pixel = Uint8Array.of(bytes(from), bytes(from + 1), bytes(from + 2), bytes(from + 3));
      target.set(convert(pixel, reading.name, reading.layout), row * targetStride + column * 4);
    }
  }
  return target;
}

/** Reads into a block of the heap that held nothing but `FILL`; undefined when `readPixels` refused. */
function readInto({ guest, heap }: PageFixture, source: PixelSource, reading: Reading): Uint8Array | undefined {
  const strideBytes = reading.rect.width * 4 + reading.gapBytes;
  const bytes = strideBytes * reading.rect.height;
  const address = heap.allocate(bytes + 32);
  guest.bytes.fill(FILL, address, address + bytes + 32);
  const isRead = readPixels(source, reading.rect, { address: address + 16, strideBytes, layout: reading.layout });
  const target = guest.bytes.slice(address + 16, address + 16 + bytes);
  const around = [
    ...guest.bytes.slice(address, address + 16),
    ...guest.bytes.slice(address + 16 + bytes, address + 32 + bytes),
  ];
  heap.free(address);
  assertEquals(around, new Array(32).fill(FILL));
  return isRead ? target : undefined;
}

const readings: fc.Arbitrary<Reading> = fc.record({
  name: fc.constantFrom(...Object.keys(Format) as (keyof typeof Format)[]),
  layout: fc.constantFrom<PixelLayout[]>("rgba", "rgbx", "bgrx"),
  widthPixels: fc.integer({ min: 1, max: 40 }),
  heightPixels: fc.integer({ min: 1, max: 12 }),
  extraStride: fc.oneof(fc.constant(0), fc.nat(37)),
  start: fc.nat(100),
  gapBytes: fc.constantFrom(0, 4, 16),
  corner: fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()),
}).map(({ extraStride, corner: [a, b, c, d], ...reading }) => {
  const x = a % reading.widthPixels;
  const y = b % reading.heightPixels;
  const rect = { x, y, width: 1 + c % (reading.widthPixels - x), height: 1 + d % (reading.heightPixels - y) };
  return { ...reading, strideBytes: reading.widthPixels * 4 + extraStride, rect };
});

function sourceOf({ guest }: PageFixture, reading: Reading): PixelSource {
  const { name, widthPixels, heightPixels, strideBytes, start } = reading;
  return { guest, format: Format[name], widthPixels, heightPixels, strideBytes, offsetBytes: start, pages: undefined };
}

Deno.test("readPixels of a contiguous source is the plain conversion, for every format, layout and rectangle", async () => {
  const pages = await makePages();

  fc.assert(
    fc.property(readings, (reading) => {
      const source = { ...sourceOf(pages, reading), offsetBytes: LOWER_OFFSET + reading.start };

      assertEquals(readInto(pages, source, reading), referenceTarget(byteAt, reading));
    }),
    { numRuns: 300 },
  );
});

Deno.test("readPixels of guest pages is the plain conversion, for every format, layout, rectangle and list", async () => {
  const pages = await makePages(400);
  const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 3000 })), {
    minLength: 300,
    maxLength: 300,
  });

  fc.assert(
    fc.property(readings, lengths, (reading, pageLengths) => {
      const needed = reading.start + reading.strideBytes * reading.heightPixels;
      const entries: Entry[] = [];
      let total = 0;
      for (const length of [...pageLengths, needed]) {
        if (total >= needed) break;
        entries.push({ address: (entries.length * 40961) % (2 * HALF_BYTES - length), length });
        total += length;
      }
      const list = makeList(pages, entries);
      const places = entries.flatMap(({ address, length }) => Array.from({ length }, (_, index) => address + index));

      const target = readInto(pages, { ...sourceOf(pages, reading), pages: list }, reading);

      list.release();
      assertEquals(target, referenceTarget((position) => byteAt(places[position]!), reading));
    }),
    { numRuns: 200 },
  );
});

const eight: Reading = {
  name: "R8G8B8A8Unorm",
  layout: "rgba",
  widthPixels: 8,
  heightPixels: 8,
  strideBytes: 32,
  start: 0,
  rect: { x: 0, y: 0, width: 8, height: 8 },
  gapBytes: 0,
};

const outside: Rect[] = [
  { x: 1, y: 0, width: 8, height: 1 },
  { x: 0, y: 1, width: 1, height: 8 },
  { x: 0xffffffff, y: 0, width: 2, height: 1 },
  { x: 8, y: 8, width: 1, height: 1 },
];

for (const rect of outside) {
  Deno.test(`readPixels is false for ${JSON.stringify(rect)} of an 8x8 source, and writes nothing`, async () => {
    const pages = await makePages();
    const list = makeList(pages, [{ address: 0, length: 256 }]);
    const address = pages.heap.allocate(1024);
    const target = { address, strideBytes: 32, layout: "rgba" } as const;
    const contiguous = { ...sourceOf(pages, eight), offsetBytes: LOWER_OFFSET };

    const answers = [
      readPixels(contiguous, rect, target),
      readPixels({ ...contiguous, offsetBytes: 0, pages: list }, rect, target),
    ];

    assertEquals(answers, [false, false]);
    assertEquals(pages.guest.bytes.slice(address, address + 1024), new Uint8Array(1024));
  });
}

Deno.test("readPixels of no pixels is true and writes nothing", async () => {
  const pages = await makePages();
  const reading = { ...eight, rect: { x: 3, y: 3, width: 0, height: 2 }, gapBytes: 16 };
  const list = makeList(pages, [{ address: 0, length: 256 }]);
  const source = sourceOf(pages, eight);

  const contiguous = readInto(pages, { ...source, offsetBytes: LOWER_OFFSET }, reading);
  const paged = readInto(pages, { ...source, pages: list }, reading);

  assertEquals([contiguous, paged], [new Uint8Array(32).fill(FILL), new Uint8Array(32).fill(FILL)]);
});

Deno.test("readPixels is false when the pages are shorter than the picture, and writes nothing", async () => {
  const pages = await makePages();
  const list = makeList(pages, [{ address: 0, length: 255 }]);

  assertEquals(readInto(pages, { ...sourceOf(pages, eight), pages: list }, eight), undefined);
});

Deno.test("readPixels reads the part of short pages that is there", async () => {
  const pages = await makePages();
  const list = makeList(pages, [{ address: 0, length: 255 }]);
  const reading = { ...eight, rect: { x: 0, y: 0, width: 8, height: 7 } };

  const target = readInto(pages, { ...sourceOf(pages, eight), pages: list }, reading);

  assertEquals(target, referenceTarget(byteAt, reading));
});

for (const offsetBytes of [256, 2 ** 32 - 1, 2 ** 32, 2 ** 40]) {
  Deno.test(`readPixels is false when the picture begins at ${offsetBytes} in 256 bytes of pages`, async () => {
    const pages = await makePages();
    const list = makeList(pages, [{ address: 0, length: 256 }]);

    assertEquals(readInto(pages, { ...sourceOf(pages, eight), pages: list, offsetBytes }, eight), undefined);
  });
}

Deno.test("readPixels is false while a page is gone, and true when it is back", async () => {
  const pages = await makePages();
  const list = makeList(pages, [{ address: HALF_BYTES - 128, length: 256 }]);
  const source = { ...sourceOf(pages, eight), pages: list };
  const regions = pages.guest.regions;

  pages.guest.setRegions([lower]);
  const whileGone = readInto(pages, source, eight);
  pages.guest.setRegions(regions);

  assertEquals(whileGone, undefined);
  assertEquals(
    readInto(pages, source, eight),
    referenceTarget((position) => byteAt(HALF_BYTES - 128 + position), eight),
  );
});
