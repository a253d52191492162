import type { Capset, Renderer } from "../renderer.ts";

/** What a device's side must know of a renderer's side. It can be sent to another thread, with the memory. */
export interface RendererConnection {
  /** The channel's address in the shared memory. */
  readonly channelAddress: number;
  /** Bytes of the channel's requests, a power of two. */
  readonly ringBytes: number;
  /** The renderer's capability sets. */
  readonly capsets: readonly Capset[];
  /** The data of each set: of each version, from 0 on. */
  readonly capsetData: readonly (readonly Uint8Array<ArrayBuffer>[])[];
}

/** So many versions of capability sets are told in advance; there are one or two of each. */
const MAX_VERSIONS = 256;

/** The data of all versions of a renderer's sets. Throws `RangeError` when they are more than 256 of one set. */
export function readCapsets(renderer: Renderer): readonly (readonly Uint8Array<ArrayBuffer>[])[] {
  return renderer.capsets.map(({ id, maxVersion, sizeBytes }) => {
    if (maxVersion >= MAX_VERSIONS) {
      throw new RangeError(
        `Cannot serve capability set ${id}: maxVersion must be < ${MAX_VERSIONS}, got ${maxVersion}`,
      );
    }
    return Array.from({ length: maxVersion + 1 }, (_, version) => {
      const data = new Uint8Array(sizeBytes);
      renderer.readCapset(id, version, data);
      return data;
    });
  });
}
