import type { GuestMemory } from "../../memory/guest_memory.ts";
import type { SegmentList } from "../../memory/segment_list.ts";

/**
 * Writes the bytes at `changed` that differ from those at `before`, `sizeBytes` each, into `pages` from position `start` on.
 * So the bytes between the rows of a box, which the guest may be writing at the same time, are left alone, though it is not
 * known where they are. `pages` are resolved. False, when a byte to write is not in the pages.
 */
export function writeChanges(
  guest: GuestMemory,
  pages: SegmentList,
  start: number,
  changed: number,
  before: number,
  sizeBytes: number,
): boolean {
  const { bytes, kernels } = guest;
  for (let at = 0; at < sizeBytes;) {
    if (bytes[changed + at] === bytes[before + at]) {
      at++;
      continue;
    }
    const first = at;
    while (at < sizeBytes && bytes[changed + at] !== bytes[before + at]) at++;
    const { segments, segmentCount } = pages;
    if (kernels.scatterBytes(segments, segmentCount, start + first, changed + first, at - first) !== 0) return false;
  }
  return true;
}
