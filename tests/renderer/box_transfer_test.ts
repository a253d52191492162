import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { SegmentList } from "../../src/memory/segment_list.ts";
import { Reasons } from "../../src/protocol/reasons.ts";
import { type Box, CommandType, type TransferToHost3d } from "../../src/protocol/wire.gen.ts";
import { type ImageLevel, transferBoxFromHost, transferBoxToHost } from "../../src/renderer/box_transfer.ts";
import { makeRendererHost, segmentList, type TestRendererHost } from "../support/renderer/renderer_host.ts";

const PAGE_BYTES = 512;
const PAGES = 16;
const BACKING_BYTES = PAGES * PAGE_BYTES;

/** An image with gaps behind rows and layers, and a backing of pages that lie backwards. */
interface Fixture {
  host: TestRendererHost;
  level: ImageLevel;
  pages: SegmentList;
  /** The address of each byte of the backing. */
  backing: number[];
}

async function makeFixture(): Promise<Fixture> {
  const host = await makeRendererHost();
  const level = {
    address: 0,
    strideBytes: 8 * 4 + 12,
    layerStrideBytes: (8 * 4 + 12) * 6 + 20,
    widthTexels: 8,
    heightTexels: 6,
    layers: 5,
    bytesPerTexel: 4,
  };
  level.address = host.heap.allocate(level.layerStrideBytes * level.layers);
  const memory = host.heap.allocate(BACKING_BYTES);
  const pieces = Array.from({ length: PAGES }, (_, index) => ({
    address: memory + (PAGES - 1 - index) * PAGE_BYTES,
    sizeBytes: PAGE_BYTES,
  }));
  const backing = pieces.flatMap(({ address }) => Array.from({ length: PAGE_BYTES }, (_, byte) => address + byte));
  return { host, level, pages: segmentList(host, pieces), backing };
}

function command(fields: Partial<TransferToHost3d>): TransferToHost3d {
  const box = { x: 0, y: 0, z: 0, w: 1, h: 1, d: 1 };
  const header = { flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };
  const type = CommandType.TransferToHost3d;
  return { type, ...header, box, offset: 0, resourceId: 1, level: 0, stride: 0, layerStride: 0, ...fields };
}

const { host, level, pages, backing } = await makeFixture();

/** Where the bytes of a box lie, pairs of backing position and address in the image: a byte at a time. */
function bytePairs({ box, offset, stride, layerStride }: TransferToHost3d): [position: number, address: number][] {
  const rowStride = stride || level.widthTexels * 4;
  const sliceStride = layerStride || rowStride * level.heightTexels;
  const pairs: [number, number][] = [];
  for (let z = 0; z < box.d; z++) {
    for (let y = 0; y < box.h; y++) {
      for (let byte = 0; byte < box.w * 4; byte++) {
        const address = level.address + (box.z + z) * level.layerStrideBytes + (box.y + y) * level.strideBytes +
          box.x * 4;
        pairs.push([offset + z * sliceStride + y * rowStride + byte, address + byte]);
      }
    }
  }
  return pairs;
}

/** What a command deserves, with exact numbers. */
function expectedReason(transfer: TransferToHost3d) {
  const { box } = transfer;
  const isInside = box.x + box.w <= 8 && box.y + box.h <= 6 && box.z + box.d <= 5;
  if (!isInside) return Reasons.boxOutsideResource;
  const stride = BigInt(transfer.stride || 32);
  const layerStride = BigInt(transfer.layerStride) || stride * 6n;
  if (stride < BigInt(box.w * 4) || layerStride < stride * BigInt(box.h)) return Reasons.boxStrideTooShort;
  if (box.w * box.h * box.d === 0) return undefined;
  const last = BigInt(transfer.offset) + BigInt(box.d - 1) * layerStride + BigInt(box.h - 1) * stride;
  return last + BigInt(box.w * 4) > BigInt(BACKING_BYTES) ? Reasons.boxOutsideBacking : undefined;
}

const huge = fc.constantFrom(0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff);
const boxes: fc.Arbitrary<Box> = fc.record({
  x: fc.oneof({ weight: 9, arbitrary: fc.nat(8) }, huge),
  y: fc.oneof({ weight: 9, arbitrary: fc.nat(6) }, huge),
  z: fc.oneof({ weight: 9, arbitrary: fc.nat(5) }, huge),
  w: fc.oneof({ weight: 9, arbitrary: fc.nat(5) }, huge),
  h: fc.oneof({ weight: 9, arbitrary: fc.nat(4) }, huge),
  d: fc.oneof({ weight: 9, arbitrary: fc.nat(3) }, huge),
});
const commands = fc.record({
  box: boxes,
  offset: fc.oneof(fc.nat(100), fc.nat(BACKING_BYTES + 10), fc.constantFrom(2 ** 32, 2 ** 53)),
  stride: fc.oneof(fc.constant(0), fc.nat(100), huge),
  layerStride: fc.oneof(fc.constant(0), fc.nat(1000), huge),
}).map(command);

function scramble(seed: number): void {
  const bytes = host.guest.bytes;
  for (let byte = 0; byte < BACKING_BYTES; byte++) bytes[backing[byte]!] = byte * 7 + seed;
  const imageBytes = level.layerStrideBytes * level.layers;
  for (let byte = 0; byte < imageBytes; byte++) bytes[level.address + byte] = byte * 13 + seed + 1;
}

const directions = [
  { name: "transferBoxToHost", toHost: true, text: "copies exactly the box out of the pages, or nothing" },
  { name: "transferBoxFromHost", toHost: false, text: "copies exactly the box into the pages, or nothing" },
];
for (const { name, toHost, text } of directions) {
  // Virtio 1.4, 5.7.6.9
  Deno.test(`S13: ${name} ${text}`, () => {
    let copied = 0;
    fc.assert(
      fc.property(commands, fc.nat(255), (transfer, seed) => {
        scramble(seed);
        const expected = host.guest.bytes.slice();
        const reason = expectedReason(transfer);
        if (reason === undefined) {
          copied++;
          for (const [position, address] of bytePairs(transfer)) {
            const [target, source] = toHost ? [address, backing[position]!] : [backing[position]!, address];
            expected[target] = expected[source]!;
          }
        }

        const { kernels } = host.guest;
        const answer = toHost
          ? transferBoxToHost(kernels, level, transfer, pages)
          : transferBoxFromHost(kernels, level, { ...transfer, type: CommandType.TransferFromHost3d }, pages);

        assertEquals(answer, reason);
        assertEquals(host.guest.bytes.subarray(0, 65536 * 2), expected.subarray(0, 65536 * 2));
      }),
      { numRuns: 400 },
    );
    assertEquals(copied > 50, true, `${copied} of the commands copy something`);
  });
}

// Virtio 1.4, 5.7.6.9
Deno.test("transferBoxToHost takes a stride of 0 for rows of the whole level, as Mesa means it, not of the box", () => {
  scramble(0);
  const { bytes, kernels } = host.guest;
  const box = { x: 2, y: 1, z: 0, w: 3, h: 2, d: 2 };
  const offset = 1 * 32 + 2 * 4; // of (2, 1) in a level of 8 texels a row

  assertEquals(transferBoxToHost(kernels, level, command({ box, offset }), pages), undefined);

  const texel = (x: number, y: number, z: number) =>
    bytes[level.address + z * level.layerStrideBytes + y * level.strideBytes + x * 4];
  assertEquals(texel(2, 1, 0), bytes[backing[offset]!]);
  assertEquals(texel(4, 2, 0), bytes[backing[offset + 32 + 8]!]);
  assertEquals(texel(2, 1, 1), bytes[backing[offset + 32 * 6]!]);
});

Deno.test("transferBoxToHost answers backingGone while the pages are not in guest memory", () => {
  const gone = { ...pages, resolve: () => false };
  assertEquals(transferBoxToHost(host.guest.kernels, level, command({}), gone), Reasons.backingGone);
});

const hostile = [
  { what: "a box whose right edge wraps 32 bits", box: { x: 0xffffffff, w: 2 }, reason: Reasons.boxOutsideResource },
  { what: "a box whose bottom edge wraps 32 bits", box: { y: 0xffffffff, h: 2 }, reason: Reasons.boxOutsideResource },
  { what: "a box whose last layer wraps 32 bits", box: { z: 0xffffffff, d: 2 }, reason: Reasons.boxOutsideResource },
  { what: "an offset of 2^32", offset: 2 ** 32, reason: Reasons.boxOutsideBacking },
  { what: "an offset that saturates", offset: 2 ** 53, reason: Reasons.boxOutsideBacking },
  { what: "a stride of one byte less than a row", box: { w: 2 }, stride: 7, reason: Reasons.boxStrideTooShort },
  {
    what: "a layer stride of one byte less than a layer",
    box: { h: 3, d: 2 },
    stride: 8,
    layerStride: 23,
    reason: Reasons.boxStrideTooShort,
  },
  {
    what: "strides whose product wraps 32 bits",
    box: { h: 3 },
    stride: 0x80000000,
    reason: Reasons.boxOutsideBacking,
  },
  {
    what: "a layer stride that wraps 32 bits",
    box: { d: 3 },
    layerStride: 0x80000000,
    reason: Reasons.boxOutsideBacking,
  },
];
for (const { what, reason, box, ...fields } of hostile) {
  Deno.test(`H7: transferBoxToHost refuses ${what}`, () => {
    const whole = { ...command({}).box, ...box };
    assertEquals(transferBoxToHost(host.guest.kernels, level, command({ ...fields, box: whole }), pages), reason);
  });
}
