/** Generators of what the kernels take: region tables, guest addresses, segment lists. */

import fc from "fast-check";
import type { Segment } from "../support/reference/blocks.ts";
import type { Region } from "../support/reference/region.ts";

/**
 * Region tables over invented memory: sorted, never overlapping, some adjacent in the guest, some in the memory too.
 * The kernels only compute with them, so they may be larger than the test's memory.
 */
export function regionTables(): fc.Arbitrary<Region[]> {
  const step = fc.record({
    gap: fc.oneof(fc.constant(0n), fc.bigInt(0n, 5000n), fc.bigInt(0n, 1n << 40n)),
    sizeBytes: fc.oneof(fc.bigInt(1n, 300n), fc.bigInt(1n, 1n << 20n)),
    offset: fc.nat(0xffff_ffff - (1 << 20)),
    followsInMemory: fc.boolean(),
  });
  return fc.array(step, { minLength: 1, maxLength: 64 }).map((steps) => {
    const regions: Region[] = [];
    let end = 0n;
    for (const { gap, sizeBytes, offset, followsInMemory } of steps) {
      const last = regions.at(-1);
      const following = last === undefined ? 0 : last.offset + Number(last.sizeBytes);
      const isRoom = BigInt(following) + sizeBytes <= 1n << 32n;
      const guestAddress = end + gap;
      regions.push({ guestAddress, sizeBytes, offset: followsInMemory && isRoom ? following : offset });
      end = guestAddress + sizeBytes;
    }
    return regions;
  });
}

/** Guest addresses: mostly in a region or at its border, some anywhere in 64 bits. */
export function guestAddressIn(regions: Region[]): fc.Arbitrary<bigint> {
  const near = fc.constantFrom(...regions).chain((region) =>
    fc.oneof(
      fc.bigInt(0n, region.sizeBytes - 1n).map((within) => region.guestAddress + within),
      fc.bigInt(-3n, 3n).map((distance) => BigInt.asUintN(64, region.guestAddress + distance)),
      fc.bigInt(-200n, 3n).map((distance) => BigInt.asUintN(64, region.guestAddress + region.sizeBytes + distance)),
    )
  );
  const anywhere = fc.oneof(fc.bigInt(0n, (1n << 64n) - 1n), fc.bigInt((1n << 64n) - 300n, (1n << 64n) - 1n));
  return fc.oneof({ weight: 9, arbitrary: near }, { weight: 1, arbitrary: anywhere });
}

/** Segment lists that lie in `begin` to `end`, never overlap, and come in any order; odd sizes and offsets included. */
export function segmentLists(begin: number, end: number, maxSegments: number): fc.Arbitrary<Segment[]> {
  const slotBytes = Math.floor((end - begin) / maxSegments);
  const slots = fc.uniqueArray(fc.nat(maxSegments - 1), { minLength: 1, maxLength: maxSegments });
  return slots.chain((chosen) =>
    fc.tuple(
      ...chosen.map((slot) =>
        fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: slotBytes })).chain((length) =>
          fc.nat(slotBytes - length).map((within) => ({ offset: begin + slot * slotBytes + within, length }))
        )
      ),
    )
  );
}
