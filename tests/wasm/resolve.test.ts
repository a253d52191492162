import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { writeRegions } from "../support/reference/blocks.ts";
import { resolveReference } from "../support/reference/region.ts";
import { guestAddressIn, regionTables } from "./arbitraries.ts";
import { kernelFixtures } from "./fixture.ts";

const regionTable = 64;

for (const { name, kernels, view } of await kernelFixtures(1)) {
  Deno.test(`resolve equals the reference for any region table and range (${name})`, () => {
    const ranges = regionTables().chain((regions) =>
      fc.record({
        regions: fc.constant(regions),
        guestAddress: guestAddressIn(regions),
        length: fc.oneof(fc.nat(200), fc.nat(0xffffffff), fc.constantFrom(0, 1, 4096, 0xffffffff)),
      })
    );
    fc.assert(fc.property(ranges, ({ regions, guestAddress, length }) => {
      writeRegions(view, regionTable, regions);

      const offset = kernels.resolve(
        regionTable,
        Number(guestAddress & 0xffffffffn),
        Number(guestAddress >> 32n),
        length,
      );

      assertEquals(offset, resolveReference(regions, guestAddress, length));
    }));
  });

  Deno.test(`resolve answers -1 for every range when there is no region (${name})`, () => {
    writeRegions(view, regionTable, []);
    assertEquals(kernels.resolve(regionTable, 0, 0, 1), -1);
    assertEquals(kernels.resolve(regionTable, 0xffffffff, 0xffffffff, 0xffffffff), -1);
  });

  Deno.test(`resolve returns offsets above 2^31 as they are (${name})`, () => {
    writeRegions(view, regionTable, [{ guestAddress: 0n, sizeBytes: 0x1_0000_0000n, offset: 0 }]);
    assertEquals(kernels.resolve(regionTable, 0xfffffff0, 0, 16), 0xfffffff0);
    assertEquals(kernels.resolve(regionTable, 0xfffffff0, 0, 17), -1);
  });
}
