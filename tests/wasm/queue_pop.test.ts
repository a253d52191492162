import { assertEquals } from "@std/assert";
import fc from "fast-check";
import * as layout from "../../src/wasm/layout.gen.ts";
import { type QueueBlock, readSegments, segmentsOf, writeQueue, writeRegions } from "../support/reference/blocks.ts";
import { type Descriptor, type PopOutcome, popReference, writeDescriptor } from "../support/reference/chain.ts";
import type { Region } from "../support/reference/region.ts";
import { guestAddressIn } from "./arbitraries.ts";
import { errorName, fillPattern, imageOf, type KernelFixture, kernelFixtures } from "./fixture.ts";

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;

// The test's memory: our blocks, then guest memory of 0x8000 bytes with the rings in front.
const queueBlock = 0x100;
const regionTable = 0x200;
const chainBlock = 0x1000;
const guestBegin = 0x1_0000;
const descriptorTable = guestBegin;
const available = guestBegin + 0x800;
const used = guestBegin + 0xa00;
const tables = 0x1000; // guest address of the indirect table

const size = 16;
const bothFeatures = layout.QUEUE_FLAG_EVENT_IDX | layout.QUEUE_FLAG_INDIRECT_DESC;

/** Two regions that adjoin in the guest but not in the memory, and a far one that lies between them in the memory. */
const regions: Region[] = [
  { guestAddress: 0n, sizeBytes: 0x4000n, offset: guestBegin },
  { guestAddress: 0x4000n, sizeBytes: 0x2000n, offset: guestBegin + 0x6000 },
  { guestAddress: 0x1_0000_0000n, sizeBytes: 0x2000n, offset: guestBegin + 0x4000 },
];

const plainQueue: QueueBlock = {
  descriptorOffset: descriptorTable,
  availableOffset: available,
  usedOffset: used,
  size,
  nextAvailable: 0,
  nextUsed: 0,
  flags: bothFeatures,
  regions: regionTable,
  signalledUsed: 0,
};

function writeTable(view: DataView, table: number, descriptors: Descriptor[]): void {
  descriptors.forEach((descriptor, i) => writeDescriptor(view, table + i * 16, descriptor));
}

/** Makes the descriptor `head` available at the queue's next index. */
function makeAvailable(view: DataView, queue: QueueBlock, head: number): void {
  view.setUint16(queue.availableOffset + 4 + (queue.nextAvailable % queue.size) * 2, head, true);
  view.setUint16(queue.availableOffset + 2, (queue.nextAvailable + 1) & 0xffff, true);
}

type Chain = NonNullable<PopOutcome["chain"]>;

/** Asserts that the chain block holds these pieces and the first 128 readable bytes, zeroes after them. */
function assertChain({ bytes, view }: KernelFixture, { head, readable, writable }: Chain): void {
  const word = (field: number) => view.getUint32(chainBlock + field, true);
  const [readableList, writableList] = [segmentsOf(readable), segmentsOf(writable)];
  assertEquals(word(layout.CHAIN_HEAD), head);
  assertEquals(word(layout.CHAIN_READABLE_BYTES), readableList.end[0]);
  assertEquals(word(layout.CHAIN_WRITABLE_BYTES), writableList.end[0]);
  assertEquals(word(layout.CHAIN_READABLE_SEGMENTS), readable.length);
  assertEquals(word(layout.CHAIN_WRITABLE_SEGMENTS), writable.length);
  assertEquals(readSegments(view, chainBlock + layout.CHAIN_READABLE_LIST, readable.length), readableList);
  assertEquals(readSegments(view, chainBlock + layout.CHAIN_WRITABLE_LIST, writable.length), writableList);

  const command = new Uint8Array(layout.CHAIN_COMMAND_BYTES);
  const first = readable.flatMap((
    piece,
  ) => [...bytes.subarray(piece.offset, piece.offset + Math.min(piece.length, 128))]);
  command.set(first.slice(0, 128));
  const block = chainBlock + layout.CHAIN_COMMAND;
  assertEquals(imageOf(bytes.subarray(block, block + layout.CHAIN_COMMAND_BYTES)), command);
}

/** A memory image without the chain block, which an error leaves unspecified and assertChain looks at. */
function outsideOfChain(bytes: Uint8Array): Uint8Array {
  return imageOf(bytes).fill(0, chainBlock, chainBlock + layout.CHAIN_BYTES);
}

/** Tables that mostly are good chains, with a few fields spoiled. */
function tablesOf(tableSize: number, indirectTable: boolean): fc.Arbitrary<Descriptor[]> {
  const address = fc.oneof(
    { weight: 12, arbitrary: fc.bigInt(0x2000n, 0x3f00n) },
    { weight: 6, arbitrary: fc.bigInt(0x3f80n, 0x4080n) },
    { weight: 6, arbitrary: fc.bigInt(0x1_0000_0000n, 0x1_0000_1f00n) },
    { weight: 1, arbitrary: guestAddressIn(regions) },
  );
  const length = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 1, max: 300 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 0x7000, 0xffffffff) },
  );
  const spoiledNext = fc.option(fc.nat(tableSize + 1), { freq: 20 });
  const spoiledFlags = fc.option(fc.nat(7), { freq: 20 });
  const descriptor = fc.record({ address, length, spoiledNext, spoiledFlags });
  return fc.record({
    descriptors: fc.array(descriptor, { minLength: tableSize, maxLength: tableSize }),
    readable: fc.nat(Math.min(5, tableSize)),
    writable: fc.nat(Math.min(5, tableSize)),
    indirectAt: fc.option(fc.nat(6)),
    indirectEntries: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 8 }) }, fc.constantFrom(0, 1025, 0.5)),
  }).map(({ descriptors, readable, writable, indirectAt, indirectEntries }) =>
    descriptors.map(({ address, length, spoiledNext, spoiledFlags }, i) => {
      const isIndirect = !indirectTable && indirectAt === i;
      const hasNext = i + 1 < readable + writable && !isIndirect;
      const flags = isIndirect ? INDIRECT : (hasNext ? NEXT : 0) | (i >= readable ? WRITE : 0);
      return {
        address: isIndirect ? BigInt(tables) : address,
        length: isIndirect ? indirectEntries * 16 : length,
        flags: spoiledFlags ?? flags,
        next: spoiledNext ?? i + 1,
      };
    })
  );
}

for (const fixture of await kernelFixtures(2)) {
  const { name, kernels, bytes, view } = fixture;

  Deno.test(`queuePop equals the reference for any descriptors and writes nothing else (${name})`, () => {
    const cases = fc.record({
      direct: tablesOf(size, false),
      indirect: tablesOf(8, true),
      head: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, fc.nat(size + 1)),
      nextAvailable: fc.nat(0xffff),
      pending: fc.oneof(
        { weight: 20, arbitrary: fc.integer({ min: 1, max: size }) },
        fc.constantFrom(0, size + 1, 0x8000),
      ),
      flags: fc.oneof({ weight: 9, arbitrary: fc.constant(bothFeatures) }, fc.nat(3)),
    });
    fc.assert(
      fc.property(cases, ({ direct, indirect, head, nextAvailable, pending, flags }) => {
        fillPattern(bytes);
        const queue = { ...plainQueue, nextAvailable, flags };
        writeQueue(view, queueBlock, queue);
        writeRegions(view, regionTable, regions);
        writeTable(view, descriptorTable, direct);
        writeTable(view, guestBegin + tables, indirect);
        makeAvailable(view, queue, head);
        view.setUint16(available + 2, (nextAvailable + pending) & 0xffff, true);
        const expected = popReference(view, queue, regions);
        const image = new DataView(imageOf(bytes).buffer);
        if (expected.result === 1) {
          writeQueue(image, queueBlock, { ...queue, nextAvailable: (nextAvailable + 1) & 0xffff });
        }
        if (pending === 0 && flags & layout.QUEUE_FLAG_EVENT_IDX) {
          image.setUint16(used + 4 + size * 8, nextAvailable, true);
        }

        const result = kernels.queuePop(queueBlock, chainBlock);

        assertEquals(result, expected.result);
        if (expected.chain !== undefined) assertChain(fixture, expected.chain);
        assertEquals(outsideOfChain(bytes), outsideOfChain(new Uint8Array(image.buffer)));
      }),
      { numRuns: 1000 },
    );
  });

  const good = { address: 0x2000n, length: 32, flags: 0, next: 0 };
  const manyPieces = Array.from(
    { length: 4096 },
    (_, i) => ({ ...good, length: 1, address: BigInt(i * 2), flags: NEXT, next: i + 1 }),
  );
  const loop = Array.from({ length: size }, (_, i) => ({ ...good, flags: NEXT, next: (i + 1) % size }));
  const indirectTo = (table: number, length: number) => ({ address: BigInt(table), length, flags: INDIRECT, next: 0 });
  const malformed: { what: string; result: number; direct: Descriptor[]; indirect?: Descriptor[] }[] = [
    { what: "a descriptor of no bytes", result: layout.ERROR_ZERO_LENGTH, direct: [{ ...good, length: 0 }] },
    {
      what: "a next outside the table",
      result: layout.ERROR_NEXT_RANGE,
      direct: [{ ...good, flags: NEXT, next: size }],
    },
    { what: "a loop", result: layout.ERROR_CHAIN_TOO_LONG, direct: loop },
    {
      what: "a readable descriptor after a writable one",
      result: layout.ERROR_WRITABLE_BEFORE_READABLE,
      direct: [{ ...good, flags: NEXT | WRITE, next: 1 }, good],
    },
    {
      what: "an indirect descriptor with a next",
      result: layout.ERROR_INDIRECT_AND_NEXT,
      direct: [{ ...indirectTo(tables, 16), flags: INDIRECT | NEXT }],
      indirect: [good],
    },
    {
      what: "an indirect descriptor in an indirect table",
      result: layout.ERROR_INDIRECT_NESTED,
      direct: [indirectTo(tables, 16)],
      indirect: [indirectTo(tables, 16)],
    },
    {
      what: "a loop in an indirect table",
      result: layout.ERROR_CHAIN_TOO_LONG,
      direct: [indirectTo(tables, 32)],
      indirect: [{ ...good, flags: NEXT, next: 1 }, { ...good, flags: NEXT, next: 0 }],
    },
    {
      what: "a next outside the indirect table",
      result: layout.ERROR_NEXT_RANGE,
      direct: [indirectTo(tables, 32)],
      indirect: [{ ...good, flags: NEXT, next: 2 }],
    },
    { what: "an indirect table of no bytes", result: layout.ERROR_INDIRECT_SIZE, direct: [indirectTo(tables, 0)] },
    {
      what: "half a descriptor in an indirect table",
      result: layout.ERROR_INDIRECT_SIZE,
      direct: [indirectTo(tables, 24)],
    },
    { what: "1025 indirect descriptors", result: layout.ERROR_INDIRECT_SIZE, direct: [indirectTo(0, 1025 * 16)] },
    { what: "an indirect table in two regions", result: layout.ERROR_ADDRESS, direct: [indirectTo(0x3ff0, 32)] },
    { what: "bytes in a hole", result: layout.ERROR_ADDRESS, direct: [{ ...good, address: 0x6000n }] },
    { what: "bytes that end in a hole", result: layout.ERROR_ADDRESS, direct: [{ ...good, address: 0x5ff0n }] },
    { what: "an address that wraps", result: layout.ERROR_ADDRESS, direct: [{ ...good, address: (1n << 64n) - 16n }] },
  ];
  for (const { what, result, direct, indirect } of malformed) {
    Deno.test(`queuePop answers ${errorName(result)} for ${what} and leaves the queue as it was (${name})`, () => {
      bytes.fill(0);
      writeQueue(view, queueBlock, plainQueue);
      writeRegions(view, regionTable, regions);
      writeTable(view, descriptorTable, direct);
      writeTable(view, guestBegin + tables, indirect ?? []);
      makeAvailable(view, plainQueue, 0);
      const before = outsideOfChain(bytes);

      assertEquals(kernels.queuePop(queueBlock, chainBlock), result);
      assertEquals(outsideOfChain(bytes), before);
    });
  }

  Deno.test(`queuePop answers ERROR_INDIRECT_NOT_NEGOTIATED without the feature (${name})`, () => {
    writeQueue(view, queueBlock, { ...plainQueue, flags: 0 });
    writeRegions(view, regionTable, regions);
    writeTable(view, descriptorTable, [indirectTo(tables, 16)]);
    makeAvailable(view, plainQueue, 0);
    assertEquals(kernels.queuePop(queueBlock, chainBlock), layout.ERROR_INDIRECT_NOT_NEGOTIATED);
  });

  Deno.test(`queuePop answers ERROR_TOTAL_BYTES for a chain of 4 GiB, whichever way (${name})`, () => {
    writeQueue(view, queueBlock, plainQueue);
    writeRegions(view, regionTable, [{ guestAddress: 0n, sizeBytes: 1n << 33n, offset: 0 }]);
    for (const direction of [0, WRITE]) {
      const half = { address: 0n, length: 0x8000_0000, flags: direction | NEXT, next: 1 };
      writeTable(view, descriptorTable, [half, { ...half, flags: direction }]);
      makeAvailable(view, plainQueue, 0);
      assertEquals(kernels.queuePop(queueBlock, chainBlock), layout.ERROR_TOTAL_BYTES);
    }
  });

  Deno.test(`queuePop answers ERROR_SEGMENTS for more pieces than a list holds (${name})`, () => {
    const queue = { ...plainQueue, size: 4096, descriptorOffset: 0x1_0000, availableOffset: 0x200, usedOffset: 0x800 };
    bytes.fill(0);
    writeQueue(view, queueBlock, { ...queue, regions: 0x300 });
    writeRegions(view, 0x300, [{ guestAddress: 0n, sizeBytes: 0x2_0000n, offset: 0 }]);
    makeAvailable(view, queue, 0);
    for (const direction of [0, WRITE]) {
      writeTable(view, 0x1_0000, manyPieces.map((it) => ({ ...it, flags: it.flags | direction })));
      const before = outsideOfChain(bytes);
      assertEquals(kernels.queuePop(queueBlock, chainBlock), layout.ERROR_SEGMENTS);
      assertEquals(outsideOfChain(bytes), before);
    }
  });

  Deno.test(`queuePop takes a chain of as many pieces as a list holds (${name})`, () => {
    const queue = { ...plainQueue, size: 4096, descriptorOffset: 0x1_0000, availableOffset: 0x200, usedOffset: 0x800 };
    bytes.fill(0);
    writeQueue(view, queueBlock, { ...queue, regions: 0x300 });
    writeRegions(view, 0x300, [{ guestAddress: 0n, sizeBytes: 0x2_0000n, offset: 0 }]);
    makeAvailable(view, queue, 0);
    writeTable(view, 0x1_0000, manyPieces.with(2047, { ...manyPieces[2047]!, flags: 0 }));
    assertEquals(kernels.queuePop(queueBlock, chainBlock), layout.CHAIN_POPPED);
    assertEquals(view.getUint32(chainBlock + layout.CHAIN_READABLE_SEGMENTS, true), 2048);
  });

  Deno.test(`queuePop takes direct descriptors before an indirect one. Virtio 1.4, 2.7.5.3.2 (${name})`, () => {
    writeQueue(view, queueBlock, plainQueue);
    writeRegions(view, regionTable, regions);
    writeTable(view, descriptorTable, [{ ...good, flags: NEXT, next: 1 }, indirectTo(tables, 16)]);
    writeTable(view, guestBegin + tables, [{ ...good, address: 0x3000n, flags: WRITE }]);
    makeAvailable(view, plainQueue, 0);

    assertEquals(kernels.queuePop(queueBlock, chainBlock), layout.CHAIN_POPPED);
    assertChain(fixture, {
      head: 0,
      readable: [{ guestAddress: 0x2000n, offset: guestBegin + 0x2000, length: 32 }],
      writable: [{ guestAddress: 0x3000n, offset: guestBegin + 0x3000, length: 32 }],
    });
  });
}
