/** The requests that the specification tests send, in few words; each returns the specification's name of the answer. */

import {
  type Fields,
  Format,
  GpuQueue,
  type Rect,
  responseName,
  type UpdateCursor,
  writeMoveCursor,
  writeResourceCreate2d,
  writeResourceDetachBacking,
  writeResourceFlush,
  writeResourceUnref,
  writeSetScanout,
  writeTransferToHost2d,
  writeUpdateCursor,
} from "../../src/protocol/wire.gen.ts";
import type { GpuDriver, MemoryEntry, SendOptions, Writer } from "../../src/guest/gpu_driver.ts";
import type { Machine } from "../support/machine.ts";

/** Sends any request. */
export function answerTo<F>(driver: GpuDriver, write: Writer<F>, fields: F, options?: SendOptions): string {
  return responseName(driver.send(write, fields, options).header.type);
}

/** Makes a resource; of R8G8B8X8, whose pixels a display shows byte for byte, unless `format` says otherwise. */
export function createResource(
  driver: GpuDriver,
  resourceId: number,
  width: number,
  height: number,
  format: number = Format.R8G8B8X8Unorm,
): string {
  return answerTo(driver, writeResourceCreate2d, { resourceId, format: format as Format, width, height });
}

/** Destroys a resource. */
export function unref(driver: GpuDriver, resourceId: number): string {
  return answerTo(driver, writeResourceUnref, { resourceId });
}

/** Attaches backing. */
export function attach(driver: GpuDriver, resourceId: number, entries: readonly MemoryEntry[]): string {
  return responseName(driver.attachBacking(resourceId, entries).header.type);
}

/** Detaches backing. */
export function detach(driver: GpuDriver, resourceId: number): string {
  return answerTo(driver, writeResourceDetachBacking, { resourceId });
}

/** Transfers `rect` from position `offset` of the backing on. */
export function transfer(driver: GpuDriver, resourceId: number, rect: Rect, offset: number): string {
  return answerTo(driver, writeTransferToHost2d, { resourceId, rect, offset });
}

/** Shows a part of a resource on a scanout. */
export function setScanout(driver: GpuDriver, scanoutId: number, resourceId: number, rect: Rect): string {
  return answerTo(driver, writeSetScanout, { scanoutId, resourceId, rect });
}

/** Flushes a part of a resource. */
export function flush(driver: GpuDriver, resourceId: number, rect: Rect): string {
  return answerTo(driver, writeResourceFlush, { resourceId, rect });
}

/** Sets the cursor of scanout 0 at 0, 0 with its hotspot there, unless `fields` says otherwise. */
export function updateCursor(
  driver: GpuDriver,
  resourceId: number,
  fields: Partial<Fields<UpdateCursor>> = {},
): string {
  const whole = { pos: { scanoutId: 0, x: 0, y: 0 }, hotX: 0, hotY: 0, ...fields, resourceId };
  return answerTo(driver, writeUpdateCursor, whole, { queue: GpuQueue.Cursor });
}

/** Moves the cursor of a scanout. */
export function moveCursor(driver: GpuDriver, scanoutId: number, x: number, y: number, resourceId = 0): string {
  const fields = { pos: { scanoutId, x, y }, resourceId, hotX: 0, hotY: 0 };
  return answerTo(driver, writeMoveCursor, fields, { queue: GpuQueue.Cursor });
}

/** A rectangle. */
export function rect(x: number, y: number, width: number, height: number): Rect {
  return { x, y, width, height };
}

/** Makes a resource with contiguous backing of its size and returns the backing's guest address. */
export function createBacked(
  { driver, ram }: Machine,
  resourceId: number,
  width: number,
  height: number,
  format?: number,
): number {
  const length = width * height * 4;
  const addr = ram.allocate(length, 4096);
  const answers = [
    createResource(driver, resourceId, width, height, format),
    attach(driver, resourceId, [{ addr, length }]),
  ];
  if (answers.some((answer) => answer !== "OK_NODATA")) {
    throw new Error(`Cannot make resource ${resourceId}: ${answers}`);
  }
  return addr;
}

/** Makes a resource as `createBacked` does, whose pixels are `pixels`: one word each, row by row. */
export function createFilled(
  machine: Machine,
  resourceId: number,
  width: number,
  height: number,
  pixels: (index: number) => number,
  format?: number,
): number {
  const address = createBacked(machine, resourceId, width, height, format);
  fill(machine, address, width * height, pixels);
  transfer(machine.driver, resourceId, rect(0, 0, width, height), 0);
  return address;
}

/** Writes `count` words to guest RAM. */
export function fill({ ram }: Machine, address: number, count: number, pixels: (index: number) => number): void {
  const words = ram.words(address, count);
  for (let index = 0; index < count; index++) words[index] = pixels(index);
}

/** The pixels of a whole resource, one word each, as scanout 0 shows them. */
export function shownPixels(
  { driver, display }: Machine,
  resourceId: number,
  width: number,
  height: number,
): number[] {
  const whole = rect(0, 0, width, height);
  setScanout(driver, 0, 0, whole);
  setScanout(driver, 0, resourceId, whole);
  flush(driver, resourceId, whole);
  return pictureWords(display.picture(0)!.rgba);
}

/** The bytes of a picture as words, one for each pixel. */
export function pictureWords(rgba: Uint8Array<ArrayBuffer>): number[] {
  return [...new Uint32Array(rgba.buffer, rgba.byteOffset, rgba.length / 4)];
}

/** An opaque pixel with a number in its colours, below 2^24. */
export function pixel(number: number): number {
  return (0xff000000 | number) >>> 0;
}
