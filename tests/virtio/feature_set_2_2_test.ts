/** Sets of feature bits. Virtio 1.4, 2.2. */

import { assertEquals } from "@std/assert";
import { featureSet, hasFeature } from "../../src/virtio/virtio_device.ts";

const sets: [bits: number[], low: number, high: number][] = [
  [[], 0, 0],
  [[0], 1, 0],
  [[31], 0x80000000, 0],
  [[32], 0, 1],
  [[63], 0, 0x80000000],
  [[1, 28, 29, 32], 0x30000002, 1],
];

for (const [bits, low, high] of sets) {
  Deno.test(`featureSet of bits ${JSON.stringify(bits)} has two unsigned words, and hasFeature finds each bit`, () => {
    const features = featureSet(...bits);

    const found = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => hasFeature(features, bit));
    assertEquals(features, { low, high });
    assertEquals(found, bits);
  });
}
