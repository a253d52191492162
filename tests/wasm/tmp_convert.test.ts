import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ERROR_OUT_OF_RANGE } from "../../src/wasm/layout.gen.ts";
import { writeSegments } from "../support/reference/blocks.ts";
import { convertReference, gatherReference, rowsFitReference } from "../support/reference/copy.ts";
import { segmentLists } from "./arbitraries.ts";
import { fillPattern, imageOf, kernelFixtures } from "./fixture.ts";

const list = 0x100;
const pages = 0x1000;
const pagesEnd = 0x9000;
const source = 0x9000;
const target = 0xc000;

const lanes = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(3)).map(([a, b, c, d]) =>
  a | b << 8 | c << 16 | d << 24
);
const opaque = fc.constantFrom(0, 0xff000000, 0x000000ff, 0x12345678);

/** The eight formats of the specification, to RGBA. */
const formats = [
  { name: "B8G8R8A8", lanes: 0x03000102, opaque: 0 },
  { name: "B8G8R8X8", lanes: 0x03000102, opaque: 0xff000000 },
  { name: "A8R8G8B8", lanes: 0x00030201, opaque: 0 },
  { name: "X8R8G8B8", lanes: 0x00030201, opaque: 0xff000000 },
  { name: "R8G8B8A8", lanes: 0x03020100, opaque: 0 },
  { name: "X8B8G8R8", lanes: 0x00010203, opaque: 0xff000000 },
  { name: "A8B8G8R8", lanes: 0x00010203, opaque: 0 },
  { name: "R8G8B8X8", lanes: 0x03020100, opaque: 0xff000000 },
];

for (const { name, kernels, bytes, view } of await kernelFixtures(1)) {
  Deno.test(`convertRect equals the reference for any lanes, width and alignment (${name})`, () => {
    const cases = fc.record({
      lanes,
      opaque,
      widthPixels: fc.nat(70),
      rows: fc.nat(6),
      sourceShift: fc.nat(20),
      targetShift: fc.nat(20),
      sourceGap: fc.nat(40),
      targetGap: fc.nat(40),
    });
    fc.assert(fc.property(cases, (it) => {
      fillPattern(bytes);
      const expected = imageOf(bytes);
      const [from, to] = [source + it.sourceShift, target + it.targetShift];
      const [sourceStride, targetStride] = [it.widthPixels * 4 + it.sourceGap, it.widthPixels * 4 + it.targetGap];
      for (let row = 0; row < it.rows; row++) {
        const rowBytes = expected.slice(from + row * sourceStride, from + row * sourceStride + it.widthPixels * 4);
        expected.set(rowBytes, to + row * targetStride);
      }
      convertReference(expected, to, targetStride, it.widthPixels, it.rows, it.lanes, it.opaque);

      kernels.convertRect(from, sourceStride, to, targetStride, it.widthPixels, it.rows, it.lanes, it.opaque);

      assertEquals(imageOf(bytes), expected);
    }));
  });

  Deno.test(`convertRect converts in place (${name})`, () => {
    fc.assert(fc.property(lanes, opaque, fc.nat(70), fc.nat(6), (lanes, opaque, width, rows) => {
      fillPattern(bytes);
      const expected = imageOf(bytes);
      convertReference(expected, target, width * 4, width, rows, lanes, opaque);

      kernels.convertRect(target, width * 4, target, width * 4, width, rows, lanes, opaque);

      assertEquals(imageOf(bytes), expected);
    }));
  });

  Deno.test(`gatherConvertRect equals the reference and writes nothing else (${name})`, () => {
    const cases = fc.oneof(segmentLists(pages, pagesEnd, 4), segmentLists(pages, pagesEnd, 200)).chain((segments) => {
      const total = segments.reduce((sum, segment) => sum + segment.length, 0);
      return fc.record({
        segments: fc.constant(segments),
        lanes,
        opaque,
        start: fc.nat(total),
        widthPixels: fc.oneof(fc.nat(8), fc.nat(80)),
        rows: fc.nat(10),
        gap: fc.oneof(fc.constant(0), fc.integer({ min: -100, max: 100 }), fc.nat(500)),
        targetGap: fc.nat(9),
        targetShift: fc.nat(20),
      });
    });
    fc.assert(
      fc.property(cases, (it) => {
        fillPattern(bytes);
        writeSegments(view, list, it.segments);
        const expected = imageOf(bytes);
        const rowBytes = it.widthPixels * 4;
        const copy = {
          start: it.start,
          strideBytes: Math.max(0, rowBytes + it.gap),
          contiguous: target + it.targetShift,
          contiguousStrideBytes: rowBytes + it.targetGap,
          rowBytes,
          rows: it.rows,
        };
        const fits = rowsFitReference(it.segments, copy);
        if (fits) {
          gatherReference(expected, it.segments, copy);
          const stride = copy.contiguousStrideBytes;
          convertReference(expected, copy.contiguous, stride, it.widthPixels, it.rows, it.lanes, it.opaque);
        }

        const result = kernels.gatherConvertRect(
          list,
          it.segments.length,
          copy.start,
          copy.strideBytes,
          copy.contiguous,
          copy.contiguousStrideBytes,
          it.widthPixels,
          it.rows,
          it.lanes,
          it.opaque,
        );

        assertEquals(result, fits ? 0 : ERROR_OUT_OF_RANGE);
        assertEquals(imageOf(bytes), expected);
      }),
      { numRuns: 8000 },
    );
  });

  for (const format of formats) {
    Deno.test(`convertRect turns ${format.name} into R8G8B8A8 (${name})`, () => {
      const channels: Record<string, number> = { R: 0x11, G: 0x22, B: 0x33, A: 0x44, X: 0x99 };
      const pixel = [...format.name.replaceAll("8", "")].map((channel) => channels[channel]!);
      for (let x = 0; x < 21; x++) bytes.set(pixel, source + x * 4);

      kernels.convertRect(source, 84, target, 84, 21, 1, format.lanes, format.opaque);

      const alpha = format.opaque === 0 ? 0x44 : 0xff;
      const expected = Array.from({ length: 21 }, () => [0x11, 0x22, 0x33, alpha]).flat();
      assertEquals([...bytes.subarray(target, target + 84)], expected);
    });
  }

  const hostile = [
    { what: "a width whose bytes wrap 32 bits", start: 0, strideBytes: 0, widthPixels: 0x40000001, rows: 1 },
    {
      what: "a product just below 2^64",
      start: 0xffffffff,
      strideBytes: 0xffffffff,
      widthPixels: 0xffffffff,
      rows: 0xffffffff,
    },
    { what: "a last row that ends one byte late", start: 1, strideBytes: 40, widthPixels: 10, rows: 25 },
  ];
  for (const { what, start, strideBytes, widthPixels, rows } of hostile) {
    Deno.test(`gatherConvertRect answers ERROR_OUT_OF_RANGE for ${what} and converts nothing (${name})`, () => {
      fillPattern(bytes);
      writeSegments(view, list, [{ offset: pages, length: 500 }, { offset: pages + 1000, length: 500 }]);
      const before = imageOf(bytes);

      const result = kernels.gatherConvertRect(
        list,
        2,
        start,
        strideBytes,
        target,
        40,
        widthPixels,
        rows,
        0x03020100,
        0,
      );

      assertEquals(result, ERROR_OUT_OF_RANGE);
      assertEquals(imageOf(bytes), before);
    });
  }
}
