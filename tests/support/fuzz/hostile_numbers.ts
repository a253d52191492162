import type { Random } from "./random.ts";

const LANDMARKS = [0, 1, 2, 3, 4, 15, 16, 24, 63, 64, 255, 256, 4095, 4096, 16384, 16385, 65535, 65536];
const EDGES = [0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fff0, 0xffff_fffe, 0xffff_ffff];

/** A u32 that a careless device stumbles over: an edge, a power of two or its neighbour, or anything. */
export function hostileU32(random: Random): number {
  switch (random.below(4)) {
    case 0:
      return random.pick(LANDMARKS);
    case 1:
      return random.pick(EDGES);
    case 2:
      return (2 ** random.below(32) + random.between(-1, 1)) >>> 0;
    default:
      return random.u32();
  }
}
