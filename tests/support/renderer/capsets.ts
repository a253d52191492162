import type { Capset } from "../../../src/renderer/renderer.ts";

/** The default set. Linux makes a mask of 32 bits of the sets that there are: it refuses contexts of a higher one. */
export const FIRST_CAPSET_ID = 20;
/** The other set. */
export const SECOND_CAPSET_ID = 21;

/** The reference renderer's capability sets. */
export const CAPSETS: readonly Capset[] = [
  { id: FIRST_CAPSET_ID, maxVersion: 1, sizeBytes: 64 },
  { id: SECOND_CAPSET_ID, maxVersion: 2, sizeBytes: 160 },
];

/** Writes a set's data: each word says where it is, and which version it is of. */
export function writeCapset(version: number, target: Uint8Array): void {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  for (let index = 0; index < target.byteLength / 4; index++) view.setUint32(index * 4, index * 3 + version, true);
}
