import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ERROR_OUT_OF_RANGE } from "../../src/wasm/layout.gen.ts";
import { type Segment, writeSegments } from "../support/reference/blocks.ts";
import { type BoxCopy, boxFitsReference, gatherBoxReference, scatterBoxReference } from "../support/reference/box.ts";
import { segmentLists } from "./arbitraries.ts";
import { fillPattern, imageOf, kernelFixtures } from "./fixture.ts";

// The test's memory: the list, then pages that the segments lie in, then contiguous bytes.
const list = 0x100;
const pages = 0x1000;
const pagesEnd = 0x9000;
const contiguous = 0x9000;
const contiguousBytes = 0x6f00;

const lists = fc.oneof(segmentLists(pages, pagesEnd, 4), segmentLists(pages, pagesEnd, 60));

/** Boxes that mostly fit into the list, and always into the contiguous bytes. */
function boxCopies(segments: Segment[]): fc.Arbitrary<BoxCopy> {
  const total = segments.reduce((sum, segment) => sum + segment.length, 0);
  const gaps = fc.oneof(fc.constant(0), fc.nat(9), fc.nat(300));
  return fc.record({
    start: fc.oneof(fc.nat(20), fc.nat(total + 2)),
    rowBytes: fc.oneof(fc.nat(20), fc.nat(150), fc.nat(total)),
    rows: fc.nat(9),
    layers: fc.nat(6),
    gap: gaps,
    layerGap: fc.oneof(gaps, fc.integer({ min: -100, max: -1 }), fc.nat(total)),
    contiguousGap: gaps,
    contiguousLayerGap: gaps,
  }).map((box) => {
    const strideBytes = box.rowBytes + box.gap;
    const contiguousStrideBytes = box.rowBytes + box.contiguousGap;
    const contiguousLayerStrideBytes = contiguousStrideBytes * box.rows + box.contiguousLayerGap;
    return {
      start: box.start,
      strideBytes,
      layerStrideBytes: Math.max(0, strideBytes * box.rows + box.layerGap),
      contiguous,
      contiguousStrideBytes,
      contiguousLayerStrideBytes,
      rowBytes: box.rowBytes,
      rows: box.rows,
      layers: Math.min(box.layers, Math.floor(contiguousBytes / Math.max(1, contiguousLayerStrideBytes))),
    };
  });
}

const cases = lists.chain((segments) => fc.record({ segments: fc.constant(segments), copy: boxCopies(segments) }));

function argumentsOf(segments: Segment[], copy: BoxCopy) {
  return [
    list,
    segments.length,
    copy.start,
    copy.strideBytes,
    copy.layerStrideBytes,
    copy.contiguous,
    copy.contiguousStrideBytes,
    copy.contiguousLayerStrideBytes,
    copy.rowBytes,
    copy.rows,
    copy.layers,
  ] as const;
}

for (const { name, kernels, bytes, view } of await kernelFixtures(1)) {
  const directions = [
    { kernel: "gatherBox", copyBox: kernels.gatherBox, reference: gatherBoxReference },
    { kernel: "scatterBox", copyBox: kernels.scatterBox, reference: scatterBoxReference },
  ];

  for (const { kernel, copyBox, reference } of directions) {
    Deno.test(`${kernel} equals the reference and writes nothing else (${name})`, () => {
      fc.assert(
        fc.property(cases, ({ segments, copy }) => {
          fillPattern(bytes);
          writeSegments(view, list, segments);
          const expected = imageOf(bytes);
          const fits = boxFitsReference(segments, copy);
          if (fits) reference(expected, segments, copy);

          const result = copyBox(...argumentsOf(segments, copy));

          assertEquals(result, fits ? 0 : ERROR_OUT_OF_RANGE);
          assertEquals(imageOf(bytes), expected);
        }),
        { numRuns: 500 },
      );
    });
  }

  const most = 0xffffffff;
  const box = { start: 0, strideBytes: 10, layerStrideBytes: 100, rowBytes: 10, rows: 10, layers: 10 };
  const hostile = [
    { what: "one layer too many", ...box, layers: 11 },
    { what: "one row too many", ...box, rows: 11 },
    { what: "one byte too many", ...box, start: 1 },
    { what: "a start behind the end", ...box, start: most, rows: 1, layers: 1 },
    { what: "a layer stride whose product wraps 32 bits", ...box, layerStrideBytes: 0x80000000, layers: 3 },
    {
      what: "products of which each is below 2^64 and the sum is not",
      start: most,
      strideBytes: most,
      layerStrideBytes: most,
      rowBytes: most,
      rows: most,
      layers: most,
    },
    {
      // (2^31 + 2^31 + 1) * (2^32 - 1) = 2^64 - 1
      what: "a sum that 64 bits take for 99",
      start: 0,
      strideBytes: most,
      layerStrideBytes: most,
      rowBytes: 100,
      rows: 0x80000002,
      layers: 0x80000001,
    },
  ];
  for (const { what, ...copy } of hostile) {
    Deno.test(`gatherBox and scatterBox answer ERROR_OUT_OF_RANGE for ${what} and copy nothing (${name})`, () => {
      fillPattern(bytes);
      const segments = [{ offset: pages, length: 500 }, { offset: pages + 1000, length: 500 }];
      writeSegments(view, list, segments);
      const before = imageOf(bytes);
      const target = { contiguous, contiguousStrideBytes: 4, contiguousLayerStrideBytes: 4 };

      const results = directions.map(({ copyBox }) => copyBox(...argumentsOf(segments, { ...target, ...copy })));

      assertEquals(results, [ERROR_OUT_OF_RANGE, ERROR_OUT_OF_RANGE]);
      assertEquals(imageOf(bytes), before);
    });
  }

  const nothing = [
    { what: "layers", rowBytes: 4, rows: 4, layers: 0 },
    { what: "rows", rowBytes: 4, rows: 0, layers: 4 },
    { what: "bytes", rowBytes: 0, rows: 4, layers: 4 },
  ];
  for (const { what, ...size } of nothing) {
    Deno.test(`gatherBox of no ${what} answers 0 wherever it starts (${name})`, () => {
      writeSegments(view, list, [{ offset: pages, length: 16 }]);
      assertEquals(kernels.gatherBox(list, 1, 99, 4, 16, contiguous, 4, 16, size.rowBytes, size.rows, size.layers), 0);
    });
  }
}
