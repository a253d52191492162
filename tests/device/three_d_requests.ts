/** The requests of 3D that the specification tests send, in few words; each returns the specification's name of the answer. */

import {
  BlobMem,
  type Box,
  type CtrlHdr,
  type Fields,
  type ResourceCreate3d,
  type ResourceCreateBlob,
  responseName,
  type TransferToHost3d,
  writeCtxAttachResource,
  writeCtxDestroy,
  writeCtxDetachResource,
  writeResourceCreate3d,
  writeResourceCreateBlob,
  writeTransferFromHost3d,
  writeTransferToHost3d,
} from "../../src/protocol/wire.gen.ts";
import { type ContextOptions, entryWords, type GpuDriver, type MemoryEntry } from "../../src/guest/gpu_driver.ts";
import { answerTo } from "./requests.ts";

/** Makes a context. */
export function createContext(driver: GpuDriver, ctxId: number, options?: ContextOptions): string {
  return responseName(driver.createContext(ctxId, options).header.type);
}

/** Ends a context. */
export function destroyContext(driver: GpuDriver, ctxId: number): string {
  return answerTo(driver, writeCtxDestroy, { ctxId });
}

/** Lets a context use a resource. */
export function attachToContext(driver: GpuDriver, ctxId: number, resourceId: number): string {
  return answerTo(driver, writeCtxAttachResource, { ctxId, resourceId });
}

/** Ends the use of a resource by a context. */
export function detachFromContext(driver: GpuDriver, ctxId: number, resourceId: number): string {
  return answerTo(driver, writeCtxDetachResource, { ctxId, resourceId });
}

/** Hands a context a command stream. */
export function submit(
  driver: GpuDriver,
  ctxId: number,
  words: readonly number[],
  header?: Partial<Omit<CtrlHdr, "type" | "ctxId">>,
): string {
  return responseName(driver.submit(ctxId, Uint32Array.from(words), header).header.type);
}

/** Makes a 3D resource, a buffer of 4096 bytes unless `fields` says otherwise. */
export function create3d(
  driver: GpuDriver,
  resourceId: number,
  fields: Partial<Fields<ResourceCreate3d>> = {},
): string {
  const buffer = { target: 0, format: 0, bind: 0, width: 4096, height: 1, depth: 1, arraySize: 1, lastLevel: 0 };
  return answerTo(driver, writeResourceCreate3d, { ...buffer, nrSamples: 0, resourceFlags: 0, ...fields, resourceId });
}

/** What a transfer says besides its resource; everything has a default: a box of 64 bytes of a buffer, from the first on. */
export type TransferFields = Partial<Omit<Fields<TransferToHost3d>, "resourceId">>;

/** Copies a box from the guest's pages into a resource. */
export function transferToHost(driver: GpuDriver, resourceId: number, fields: TransferFields = {}): string {
  return answerTo(driver, writeTransferToHost3d, { ...firstBytes, ...fields, resourceId });
}

/** Copies a box from a resource into the guest's pages. */
export function transferFromHost(driver: GpuDriver, resourceId: number, fields: TransferFields = {}): string {
  return answerTo(driver, writeTransferFromHost3d, { ...firstBytes, ...fields, resourceId });
}

/** Makes a blob of 4096 bytes of host memory from object 1 of context 1, unless `fields` says otherwise. */
export function createHostBlob(
  driver: GpuDriver,
  resourceId: number,
  fields: Partial<Fields<ResourceCreateBlob>> = {},
  entries: readonly MemoryEntry[] = [],
): string {
  const whole = {
    resourceId,
    ctxId: 1,
    blobMem: BlobMem.Host3d,
    blobFlags: 0,
    nrEntries: entries.length,
    blobIdLow: 1,
    blobIdHigh: 0,
    size: 4096,
    ...fields,
  };
  return answerTo(driver, writeResourceCreateBlob, whole, { trailing: entryWords(entries) });
}

/** A box of texels. */
export function box(x: number, y: number, z: number, w: number, h: number, d: number): Box {
  return { x, y, z, w, h, d };
}

const firstBytes = { box: box(0, 0, 0, 64, 1, 1), offset: 0, level: 0, stride: 0, layerStride: 0 };
