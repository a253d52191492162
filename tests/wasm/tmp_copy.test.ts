import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ERROR_OUT_OF_RANGE } from "../../src/wasm/layout.gen.ts";
import { type Segment, writeSegments } from "../support/reference/blocks.ts";
import { gatherReference, type RowCopy, rowsFitReference, scatterReference } from "../support/reference/copy.ts";
import { segmentLists } from "./arbitraries.ts";
import { fillPattern, imageOf, kernelFixtures } from "./fixture.ts";

// The test's memory: the list, then pages that the segments lie in, then contiguous bytes.
const list = 0x100;
const pages = 0x1000;
const pagesEnd = 0x9000;
const contiguous = 0x9000;
const contiguousEnd = 0x10000;

const lists = fc.oneof(segmentLists(pages, pagesEnd, 4), segmentLists(pages, pagesEnd, 60));

function totalOf(segments: Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.length, 0);
}

/** Copies of rows that mostly fit, of all shapes, the linear one included. */
function rowCopies(segments: Segment[]): fc.Arbitrary<RowCopy> {
  const total = totalOf(segments);
  return fc.record({
    start: fc.nat(total + 2),
    rowBytes: fc.oneof(fc.nat(20), fc.nat(150), fc.nat(total)),
    rows: fc.nat(12),
    gap: fc.oneof(fc.constant(0), fc.integer({ min: -20, max: 300 }), fc.integer({ min: 0, max: total })),
    contiguousGap: fc.oneof(fc.constant(0), fc.nat(9)),
    contiguous: fc.integer({ min: contiguous, max: contiguous + 64 }),
  }).map(({ gap, contiguousGap, ...copy }) => ({
    ...copy,
    rows: Math.min(
      copy.rows,
      Math.floor((contiguousEnd - contiguous - 64) / Math.max(1, copy.rowBytes + contiguousGap)),
    ),
    strideBytes: Math.max(0, copy.rowBytes + gap),
    contiguousStrideBytes: copy.rowBytes + contiguousGap,
  }));
}

const cases = lists.chain((segments) => fc.record({ segments: fc.constant(segments), copy: rowCopies(segments) }));

for (const { name, kernels, bytes, view } of await kernelFixtures(1)) {
  Deno.test(`gatherRect equals the reference and writes nothing else (${name})`, () => {
    fc.assert(
      fc.property(cases, ({ segments, copy }) => {
        fillPattern(bytes);
        writeSegments(view, list, segments);
        const expected = imageOf(bytes);
        const fits = rowsFitReference(segments, copy);
        if (fits) gatherReference(expected, segments, copy);

        const result = kernels.gatherRect(
          list,
          segments.length,
          copy.start,
          copy.strideBytes,
          copy.contiguous,
          copy.contiguousStrideBytes,
          copy.rowBytes,
          copy.rows,
        );

        assertEquals(result, fits ? 0 : ERROR_OUT_OF_RANGE);
        assertEquals(imageOf(bytes), expected);
      }),
      { numRuns: 8000 },
    );
  });

  Deno.test(`scatterRect equals the reference and writes nothing else (${name})`, () => {
    fc.assert(
      fc.property(cases, ({ segments, copy }) => {
        fillPattern(bytes);
        writeSegments(view, list, segments);
        const expected = imageOf(bytes);
        const fits = rowsFitReference(segments, copy);
        if (fits) scatterReference(expected, segments, copy);

        const result = kernels.scatterRect(
          list,
          segments.length,
          copy.start,
          copy.strideBytes,
          copy.contiguous,
          copy.contiguousStrideBytes,
          copy.rowBytes,
          copy.rows,
        );

        assertEquals(result, fits ? 0 : ERROR_OUT_OF_RANGE);
        assertEquals(imageOf(bytes), expected);
      }),
      { numRuns: 8000 },
    );
  });

  Deno.test(`gatherBytes and scatterBytes equal the reference and write nothing else (${name})`, () => {
    fc.assert(fc.property(cases, ({ segments, copy }) => {
      fillPattern(bytes);
      writeSegments(view, list, segments);
      const expected = imageOf(bytes);
      const one = { ...copy, rows: 1 };
      const fits = rowsFitReference(segments, one) && copy.start + copy.rowBytes <= totalOf(segments);
      if (fits) gatherReference(expected, segments, one);

      const gathered = kernels.gatherBytes(list, segments.length, copy.start, copy.contiguous, copy.rowBytes);
      assertEquals(gathered, fits ? 0 : ERROR_OUT_OF_RANGE);
      assertEquals(imageOf(bytes), expected);

      bytes.subarray(contiguous, contiguousEnd).reverse();
      expected.set(bytes);
      if (fits) scatterReference(expected, segments, one);
      const scattered = kernels.scatterBytes(list, segments.length, copy.start, copy.contiguous, copy.rowBytes);
      assertEquals(scattered, fits ? 0 : ERROR_OUT_OF_RANGE);
      assertEquals(imageOf(bytes), expected);
    }));
  });

  const hostile = [
    { what: "one row too many", start: 0, strideBytes: 100, rowBytes: 100, rows: 11 },
    { what: "one byte too many", start: 1, strideBytes: 100, rowBytes: 100, rows: 10 },
    { what: "a start behind the end", start: 0xffffffff, strideBytes: 4, rowBytes: 4, rows: 1 },
    { what: "a stride whose product wraps 32 bits", start: 0, strideBytes: 0x80000000, rowBytes: 4, rows: 3 },
    {
      what: "a product just below 2^64",
      start: 0xffffffff,
      strideBytes: 0xffffffff,
      rowBytes: 0xffffffff,
      rows: 0xffffffff,
    },
    { what: "a row of 4 GiB", start: 2, strideBytes: 0, rowBytes: 0xffffffff, rows: 1 },
  ];
  for (const { what, start, strideBytes, rowBytes, rows } of hostile) {
    Deno.test(`gatherRect and scatterRect answer ERROR_OUT_OF_RANGE for ${what} and copy nothing (${name})`, () => {
      fillPattern(bytes);
      writeSegments(view, list, [{ offset: pages, length: 500 }, { offset: pages + 1000, length: 500 }]);
      const before = imageOf(bytes);

      const gathered = kernels.gatherRect(list, 2, start, strideBytes, contiguous, 4, rowBytes, rows);
      const scattered = kernels.scatterRect(list, 2, start, strideBytes, contiguous, 4, rowBytes, rows);

      assertEquals([gathered, scattered], [ERROR_OUT_OF_RANGE, ERROR_OUT_OF_RANGE]);
      assertEquals(imageOf(bytes), before);
    });
  }

  Deno.test(`gatherRect of no rows or of empty rows answers 0 wherever it starts (${name})`, () => {
    writeSegments(view, list, [{ offset: pages, length: 16 }]);
    assertEquals(kernels.gatherRect(list, 1, 99, 4, contiguous, 4, 4, 0), 0);
    assertEquals(kernels.gatherRect(list, 1, 99, 4, contiguous, 4, 0, 4), 0);
  });

  Deno.test(`gatherBytes of no bytes answers 0 at the end of the list and of an empty list (${name})`, () => {
    writeSegments(view, list, [{ offset: pages, length: 16 }]);
    assertEquals(kernels.gatherBytes(list, 1, 16, contiguous, 0), 0);
    writeSegments(view, list, []);
    assertEquals(kernels.gatherBytes(list, 0, 0, contiguous, 0), 0);
    assertEquals(kernels.gatherBytes(list, 0, 0, contiguous, 1), ERROR_OUT_OF_RANGE);
  });
}
