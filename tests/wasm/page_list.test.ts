import { assertEquals } from "@std/assert";
import fc from "fast-check";
import * as layout from "../../src/wasm/layout.gen.ts";
import { readSegments, segmentsOf, writeRegions, writeSegments } from "../support/reference/blocks.ts";
import { type MemEntry, pageListReference } from "../support/reference/page_list.ts";
import { mergePieces, type Piece, piecesOf, type Region } from "../support/reference/region.ts";
import { guestAddressIn, regionTables } from "./arbitraries.ts";
import { errorName, fillPattern, imageOf, kernelFixtures } from "./fixture.ts";

const regionTable = 0x100;
const entryRecords = 0x1000;
const oldSegments = 0x2000;
const oldGuestAddresses = 0x4000;
const segments = 0x8000;
const guestAddresses = 0xc000;
const maxEntries = 40;
const roomy = 1000;

/** Entries that follow each other, jump, cross regions or are wrong, each often enough. */
function memEntries(regions: Region[]): fc.Arbitrary<MemEntry[]> {
  const step = fc.record({
    follows: fc.boolean(),
    guestAddress: fc.oneof({ weight: 20, arbitrary: validAddress(regions) }, guestAddressIn(regions)),
    length: fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 1, max: 400 }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 0x7fffffff, 0xffffffff) },
    ),
  });
  return fc.array(step, { maxLength: maxEntries }).map((steps) => {
    const entries: MemEntry[] = [];
    for (const { follows, guestAddress, length } of steps) {
      const last = entries.at(-1);
      const following = last === undefined ? guestAddress : last.guestAddress + BigInt(last.length);
      entries.push({ guestAddress: follows ? BigInt.asUintN(64, following) : guestAddress, length });
    }
    return entries;
  });
}

function validAddress(regions: Region[]): fc.Arbitrary<bigint> {
  return fc.constantFrom(...regions).chain((region) =>
    fc.bigInt(0n, region.sizeBytes - 1n).map((within) => region.guestAddress + within)
  );
}

function writeEntries(view: DataView, entries: MemEntry[]): void {
  entries.forEach(({ guestAddress, length }, i) => {
    view.setBigUint64(entryRecords + i * 16, guestAddress, true);
    view.setUint32(entryRecords + i * 16 + 8, length, true);
    view.setUint32(entryRecords + i * 16 + 12, 0xdeadbeef, true); // the padding, which a guest may fill
  });
}

function writePageList(view: DataView, pieces: Piece[]): void {
  writeSegments(view, oldSegments, pieces);
  pieces.forEach((piece, i) => view.setBigUint64(oldGuestAddresses + i * 8, piece.guestAddress, true));
}

/** Asserts that the list at `segments` is `pieces`. */
function assertPageList(view: DataView, count: number, pieces: Piece[]): void {
  assertEquals(count, pieces.length);
  assertEquals(readSegments(view, segments, count), segmentsOf(pieces));
  const addresses = pieces.map((_, i) => view.getBigUint64(guestAddresses + i * 8, true));
  assertEquals(addresses, pieces.map((piece) => piece.guestAddress));
}

/** Asserts that nothing changed but `capacity` segments, the terminator, and `capacity` guest addresses. */
function assertOnlyListsWritten(bytes: Uint8Array, before: Uint8Array, capacity: number): void {
  const after = imageOf(bytes);
  const granted = [[segments, (capacity + 1) * 8], [guestAddresses, capacity * 8]] as const;
  for (const [begin, length] of granted) after.set(before.subarray(begin, begin + length), begin);
  assertEquals(after, before);
}

const parseCases = regionTables().chain((regions) =>
  fc.record({
    regions: fc.constant(regions),
    entries: memEntries(regions),
    capacity: fc.oneof(fc.nat(20), fc.constant(roomy)),
  })
);

for (const { name, kernels, bytes, view } of await kernelFixtures(1)) {
  Deno.test(`pageListParse equals the reference and writes nothing else (${name})`, () => {
    fc.assert(
      fc.property(parseCases, ({ regions, entries, capacity }) => {
        fillPattern(bytes);
        writeRegions(view, regionTable, regions);
        writeEntries(view, entries);
        const before = imageOf(bytes);
        const expected = pageListReference(entries, regions, capacity);

        const result = kernels.pageListParse(
          entryRecords,
          entries.length,
          regionTable,
          segments,
          guestAddresses,
          capacity,
        );

        if (expected.errors.length > 0) assertEquals(expected.errors.includes(result), true, `${result}`);
        else assertPageList(view, result, expected.pieces);
        assertOnlyListsWritten(bytes, before, capacity);
      }),
      { numRuns: 500 },
    );
  });

  Deno.test(`pageListResolve equals the reference after any change of the regions (${name})`, () => {
    const cases = fc.tuple(regionTables(), regionTables()).chain(([older, other]) =>
      fc.record({
        older: fc.constant(older),
        newer: fc.oneof(movedRegions(older), fc.constant(other), fc.constant(older)),
        entries: fc.array(validAddress(older), { maxLength: maxEntries }),
        capacity: fc.oneof(fc.nat(20), fc.constant(roomy)),
      })
    );
    fc.assert(
      fc.property(cases, ({ older, newer, entries, capacity }) => {
        fillPattern(bytes);
        const list = mergePieces(entries.flatMap((guestAddress) => piecesOf(older, guestAddress, 1)!));
        writeRegions(view, regionTable, newer);
        writePageList(view, list);
        const before = imageOf(bytes);
        const expected = pageListReference(list, newer, capacity);

        const result = kernels.pageListResolve(
          oldSegments,
          oldGuestAddresses,
          list.length,
          regionTable,
          segments,
          guestAddresses,
          capacity,
        );

        if (expected.errors.length > 0) assertEquals(expected.errors.includes(result), true, `${result}`);
        else assertPageList(view, result, expected.pieces);
        assertOnlyListsWritten(bytes, before, capacity);
      }),
      { numRuns: 500 },
    );
  });

  Deno.test(`pageListResolve splits a segment that now crosses regions, and merges what now adjoins (${name})`, () => {
    writePageList(view, [
      { guestAddress: 0x1000n, offset: 0x100, length: 0x2000 },
      { guestAddress: 0x3000n, offset: 0x9000, length: 0x1000 },
    ]);
    writeRegions(view, regionTable, [
      { guestAddress: 0n, sizeBytes: 0x2000n, offset: 0x10_0000 },
      { guestAddress: 0x2000n, sizeBytes: 0x2000n, offset: 0x20_0000 },
    ]);

    const count = kernels.pageListResolve(
      oldSegments,
      oldGuestAddresses,
      2,
      regionTable,
      segments,
      guestAddresses,
      roomy,
    );

    assertPageList(view, count, [
      { guestAddress: 0x1000n, offset: 0x10_1000, length: 0x1000 },
      { guestAddress: 0x2000n, offset: 0x20_0000, length: 0x2000 },
    ]);
  });

  const wholeMemory: Region = { guestAddress: 0n, sizeBytes: 1n << 32n, offset: 0 };
  const malformed = [
    { what: "an entry of no bytes", entries: [{ guestAddress: 0n, length: 0 }], result: layout.ERROR_PAGE_ZERO_LENGTH },
    {
      what: "an entry past the end",
      entries: [{ guestAddress: 0xffff_ffffn, length: 2 }],
      result: layout.ERROR_PAGE_ADDRESS,
    },
    {
      what: "an address that wraps",
      entries: [{ guestAddress: (1n << 64n) - 1n, length: 4 }],
      result: layout.ERROR_PAGE_ADDRESS,
    },
    {
      what: "4 GiB in all",
      entries: [{ guestAddress: 0n, length: 0xffffffff }, { guestAddress: 0n, length: 1 }],
      result: layout.ERROR_PAGE_TOTAL,
    },
    {
      what: "one segment too many",
      entries: [{ guestAddress: 0n, length: 1 }, { guestAddress: 4n, length: 1 }, { guestAddress: 8n, length: 1 }],
      result: layout.ERROR_PAGE_CAPACITY,
    },
  ];
  for (const { what, entries, result } of malformed) {
    Deno.test(`pageListParse answers ${errorName(result)} for ${what} (${name})`, () => {
      writeRegions(view, regionTable, [wholeMemory]);
      writeEntries(view, entries);
      const count = kernels.pageListParse(entryRecords, entries.length, regionTable, segments, guestAddresses, 2);
      assertEquals(count, result);
    });
  }

  Deno.test(`pageListParse does not join the last byte of the memory to its first (${name})`, () => {
    writeRegions(view, regionTable, [
      { guestAddress: 0n, sizeBytes: 0x1000n, offset: 0xffff_f000 },
      { guestAddress: 0x1000n, sizeBytes: 0x1000n, offset: 0 },
    ]);
    writeEntries(view, [{ guestAddress: 0n, length: 0x2000 }]);

    const count = kernels.pageListParse(entryRecords, 1, regionTable, segments, guestAddresses, 2);

    assertPageList(view, count, [
      { guestAddress: 0n, offset: 0xffff_f000, length: 0x1000 },
      { guestAddress: 0x1000n, offset: 0, length: 0x1000 },
    ]);
  });
}

/** The same guest memory elsewhere: other offsets, some regions gone. */
function movedRegions(regions: Region[]): fc.Arbitrary<Region[]> {
  return fc.tuple(
    ...regions.map((region) =>
      fc.record({ offset: fc.nat(0x4000_0000), stays: fc.nat(20), region: fc.constant(region) })
    ),
  )
    .map((moves) => moves.filter((move) => move.stays > 0).map(({ region, offset }) => ({ ...region, offset })));
}
