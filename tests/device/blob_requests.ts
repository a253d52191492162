/** The requests about blobs that the specification tests send. */

import {
  BlobMem,
  type Fields,
  Format,
  type ResourceCreateBlob,
  type SetScanoutBlob,
  writeResourceCreateBlob,
  writeSetScanoutBlob,
} from "../../src/protocol/wire.gen.ts";
import { entryWords, type GpuDriver, type MemoryEntry } from "../../src/guest/gpu_driver.ts";
import { type Machine, type MachineOptions, startMachine } from "../support/machine.ts";
import { answerTo, rect } from "./requests.ts";

/** Makes a machine whose driver uses blobs. */
export function startBlobMachine(options: MachineOptions = {}): Promise<Machine> {
  return startMachine({ resourceBlob: true, ...options });
}

/** Makes a blob of guest memory that is `entries`, with the size of their sum unless `fields` says otherwise. */
export function createBlob(
  driver: GpuDriver,
  resourceId: number,
  entries: readonly MemoryEntry[],
  fields: Partial<Fields<ResourceCreateBlob>> = {},
): string {
  const size = entries.reduce((sum, { length }) => sum + length, 0);
  const whole = {
    resourceId,
    blobMem: BlobMem.Guest,
    blobFlags: 0,
    nrEntries: entries.length,
    blobIdLow: 0,
    blobIdHigh: 0,
    size,
    ...fields,
  };
  return answerTo(driver, writeResourceCreateBlob, whole, { trailing: entryWords(entries) });
}

/** Makes a blob of `bytes` bytes of guest memory in one piece and returns its guest address. */
export function createBlobOf({ driver, ram }: Machine, resourceId: number, bytes: number): number {
  const addr = ram.allocate(bytes, 4096);
  const answer = createBlob(driver, resourceId, [{ addr, length: bytes }]);
  if (answer !== "OK_NODATA") throw new Error(`Cannot make blob ${resourceId}: ${answer}`);
  return addr;
}

/** Shows 8x8 pixels without gaps from a blob's first byte on, on scanout 0, unless `fields` says otherwise. */
export function setScanoutBlob(
  driver: GpuDriver,
  resourceId: number,
  fields: Partial<Omit<Fields<SetScanoutBlob>, "format">> & { format?: number; stride?: number; offset?: number } = {},
): string {
  const { stride = 32, offset = 0, ...rest } = fields;
  const whole = {
    rect: rect(0, 0, 8, 8),
    scanoutId: 0,
    width: 8,
    height: 8,
    format: Format.R8G8B8X8Unorm,
    strides: Uint32Array.of(stride, 0, 0, 0),
    offsets: Uint32Array.of(offset, 0, 0, 0),
    ...rest,
    resourceId,
  };
  return answerTo(driver, writeSetScanoutBlob, whole as Fields<SetScanoutBlob>);
}
