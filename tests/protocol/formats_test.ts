import { assertEquals } from "@std/assert";
import {
  alphaCounterpart,
  type Conversion,
  conversionTo,
  isFormat,
  PIXEL_FORMATS,
  pixelFormat,
  type PixelLayout,
} from "../../src/protocol/formats.ts";
import { Format } from "../../src/protocol/wire.gen.ts";

/** One pixel as the conversion kernels convert it. */
function convert(source: number[], { lanes, opaque }: Conversion): number[] {
  const target = new Uint8Array(4);
  for (let i = 0; i < 4; i++) target[i] = source[lanes >>> (8 * i) & 0xff]!;
  const view = new DataView(target.buffer);
  view.setUint32(0, view.getUint32(0, true) | opaque, true);
  return [...target];
}

// The same pixel in each format: red 10, green 20, blue 30, alpha 40; an unused byte is 99.
const cases: [format: Format, bytes: number[], alpha: number, counterpart: Format][] = [
  [Format.B8G8R8A8Unorm, [30, 20, 10, 40], 40, Format.B8G8R8A8Unorm],
  [Format.B8G8R8X8Unorm, [30, 20, 10, 99], 255, Format.B8G8R8A8Unorm],
  [Format.A8R8G8B8Unorm, [40, 10, 20, 30], 40, Format.A8R8G8B8Unorm],
  [Format.X8R8G8B8Unorm, [99, 10, 20, 30], 255, Format.A8R8G8B8Unorm],
  [Format.R8G8B8A8Unorm, [10, 20, 30, 40], 40, Format.R8G8B8A8Unorm],
  [Format.X8B8G8R8Unorm, [99, 30, 20, 10], 255, Format.A8B8G8R8Unorm],
  [Format.A8B8G8R8Unorm, [40, 30, 20, 10], 40, Format.A8B8G8R8Unorm],
  [Format.R8G8B8X8Unorm, [10, 20, 30, 99], 255, Format.R8G8B8A8Unorm],
];

for (const [format, bytes, alpha, counterpart] of cases) {
  const { name } = pixelFormat(format);
  const layouts: [layout: PixelLayout, pixel: number[]][] = [
    ["rgba", [10, 20, 30, alpha]],
    ["rgbx", [10, 20, 30, 255]],
    ["bgrx", [30, 20, 10, 255]],
  ];

  for (const [layout, pixel] of layouts) {
    Deno.test(`conversionTo turns ${name} into ${layout}`, () => {
      assertEquals(convert(bytes, conversionTo(layout, format)), pixel);
    });
  }

  Deno.test(`alphaCounterpart of ${name} has the same order and an alpha`, () => {
    const { rgba, rgbx } = pixelFormat(alphaCounterpart(format)).conversions;
    assertEquals(alphaCounterpart(format), counterpart);
    assertEquals(pixelFormat(format).hasAlpha, format === counterpart);
    assertEquals(rgba, { lanes: conversionTo("rgba", format).lanes, opaque: 0 });
    assertEquals(rgbx, conversionTo("rgbx", format));
  });
}

Deno.test("PIXEL_FORMATS has a row for every format of the wire, named as there", () => {
  const rows = PIXEL_FORMATS.map(({ format, name }) => [`${name}Unorm`.toLowerCase(), format]);
  const wire = Object.entries(Format).map(([name, format]) => [name.toLowerCase(), format]);
  assertEquals(rows, wire);
});

for (const number of [0, 5, 66, 0xffffffff]) {
  Deno.test(`isFormat refuses ${number}`, () => {
    assertEquals(isFormat(number), false);
  });
}
