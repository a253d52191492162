import type { Capset } from "../renderer/renderer.ts";

const MAX_CAPSET_ID = 63;
const MAX_CAPSET_BYTES = 4096;

/**
 * Checks the capability sets of a renderer: one or more, with numbers of their own that Linux takes. Throws `RangeError`
 * that names what is wrong.
 */
export function checkCapsets(capsets: readonly Capset[]): void {
  if (capsets.length === 0) throw new RangeError("Cannot use the renderer: it must have a capability set, got none");
  const ids = new Set<number>();
  for (const { id, maxVersion, sizeBytes } of capsets) {
    const name = `capability set ${id}`;
    if (!isInteger(id, 1, MAX_CAPSET_ID)) throw refusal(name, `its id must be 1 to ${MAX_CAPSET_ID}`);
    if (ids.has(id)) throw refusal(name, "there are two with this id");
    if (!isInteger(maxVersion, 0, 0xffffffff)) throw refusal(name, `its version must be a u32, got ${maxVersion}`);
    if (!isInteger(sizeBytes, 0, MAX_CAPSET_BYTES)) {
      throw refusal(name, `its size must be at most ${MAX_CAPSET_BYTES} bytes, got ${sizeBytes}`);
    }
    ids.add(id);
  }
}

/** Bytes of the largest of `capsets`; 0 when there are none. */
export function largestCapsetBytes(capsets: readonly Capset[]): number {
  return Math.max(0, ...capsets.map(({ sizeBytes }) => sizeBytes));
}

function isInteger(value: number, from: number, to: number): boolean {
  return Number.isInteger(value) && value >= from && value <= to;
}

function refusal(name: string, text: string): RangeError {
  return new RangeError(`Cannot use the renderer's ${name}: ${text}`);
}
