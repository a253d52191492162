/** Host blobs and the window that shows them to the guest: what the tests of mapping send. */

import {
  BlobFlag,
  type Fields,
  readRespMapInfo,
  type ResourceCreateBlob,
  RESP_MAP_INFO_SIZE,
  responseName,
  ShmId,
  writeResourceMapBlob,
  writeResourceUnmapBlob,
} from "../../src/protocol/wire.gen.ts";
import type { GpuDriver } from "../../src/guest/gpu_driver.ts";
import type { Machine, MachineOptions } from "../support/machine.ts";
import { ReferenceRenderer, type ReferenceRendererOptions } from "../support/renderer/reference_renderer.ts";
import { makeBuffer } from "../support/renderer/stream.ts";
import { type RendererMachine, startWithRenderer } from "../support/renderer_machine.ts";
import { answerTo } from "./requests.ts";
import { createContext, createHostBlob, submit } from "./three_d_requests.ts";

/** Length of the window of `startWithWindow`. */
export const WINDOW_BYTES = 4 * 1024 * 1024;

/** Makes a machine with the reference renderer, a host visible memory and context 1. */
export async function startWithWindow(
  options: MachineOptions & ReferenceRendererOptions = {},
): Promise<RendererMachine<ReferenceRenderer>> {
  const machine = await startWithRenderer(new ReferenceRenderer(options), { windowBytes: WINDOW_BYTES, ...options });
  createContext(machine.driver, 1);
  return machine;
}

/** Makes a blob of host memory of `sizeBytes` zeroed bytes from a buffer of context 1, by the resource's number. */
export function makeHostBlob(
  driver: GpuDriver,
  resourceId: number,
  sizeBytes: number,
  fields: Partial<Fields<ResourceCreateBlob>> = {},
): void {
  const whole = { blobIdLow: resourceId, size: sizeBytes, blobFlags: BlobFlag.UseMappable, ...fields };
  const answers = [
    submit(driver, 1, makeBuffer(resourceId, sizeBytes)),
    createHostBlob(driver, resourceId, whole),
  ];
  if (answers.some((answer) => answer !== "OK_NODATA")) throw new Error(`Cannot make blob ${resourceId}: ${answers}`);
}

/** Maps a blob; `mapInfo` is there when the answer is OK. */
export function mapBlob(
  driver: GpuDriver,
  resourceId: number,
  offset: number,
): { answer: string; mapInfo?: number } {
  const { header, words } = driver.send(writeResourceMapBlob, { resourceId, offset }, {
    replyBytes: RESP_MAP_INFO_SIZE,
  });
  const answer = responseName(header.type);
  return answer === "OK_MAP_INFO" ? { answer, mapInfo: readRespMapInfo(words, 0).mapInfo } : { answer };
}

/** Unmaps a blob. */
export function unmapBlob(driver: GpuDriver, resourceId: number): string {
  return answerTo(driver, writeResourceUnmapBlob, { resourceId });
}

/** The bytes of the window as the guest sees them: at the guest address where its driver finds the region. */
export function guestWindow({ driver, guest, windowAddress }: Machine): {
  guestAddress: number;
  lengthBytes: number;
  words: (offset: number, length: number) => Uint32Array;
} {
  const place = driver.transport.findSharedMemory(ShmId.HostVisible);
  if (place === undefined) throw new Error("The driver finds no host visible memory");
  const words = (offset: number, length: number) =>
    guest.words.subarray((windowAddress + offset) >>> 2, ((windowAddress + offset) >>> 2) + length);
  return { ...place, words };
}

/** The words of a resource of the reference renderer, where they lie now. */
export function blobWords(
  { guest, renderer }: RendererMachine<ReferenceRenderer>,
  resourceId: number,
  offset: number,
  length: number,
): number[] {
  const first = (renderer.blobAddress(resourceId) + offset) >>> 2;
  return [...guest.words.subarray(first, first + length)];
}
