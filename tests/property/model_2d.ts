/** What the 2D device is to do, in the plainest terms: arrays of bytes, loops over pixels, and no check of anything. */

import { PIXEL_FORMATS } from "../../src/protocol/formats.ts";
import type { Format, Rect } from "../../src/protocol/wire.gen.ts";

/** A resource of the model. */
export interface ModelResource {
  readonly format: Format;
  readonly width: number;
  readonly height: number;
  /** Its pixels, row by row, four bytes each as the format orders them. */
  readonly pixels: Uint8Array;
  /** The guest addresses of its backing's bytes, in order; undefined without backing. */
  backing: number[] | undefined;
}

/** What a scanout shows. */
interface ModelScanout {
  resource: ModelResource | undefined;
  rect: Rect;
  /** Whether nothing of this resource and rectangle was shown yet. */
  isStale: boolean;
  /** RGBX bytes; undefined before the first flush and after a disable. */
  picture: Uint8Array | undefined;
}

/** A 2D device of as many scanouts as it is told. */
export class Model2d {
  readonly resources: Map<number, ModelResource> = new Map();
  readonly #scanouts: ModelScanout[];

  /** A device that shows nothing. */
  constructor(scanouts: number) {
    this.#scanouts = Array.from({ length: scanouts }, nothing);
  }

  /** What a scanout shows, as RGBX bytes. */
  picture(scanout: number): Uint8Array | undefined {
    return this.#scanouts[scanout]!.picture;
  }

  /** Makes a black resource. */
  create(id: number, format: Format, width: number, height: number): void {
    this.resources.set(id, { format, width, height, pixels: new Uint8Array(width * height * 4), backing: undefined });
  }

  /** Destroys a resource, and disables what shows it. */
  unref(id: number): void {
    const resource = this.resources.get(id);
    this.#scanouts.forEach((scanout, index) => {
      if (scanout.resource === resource) this.disable(index);
    });
    this.resources.delete(id);
  }

  /** Copies the pixels of `rect`, the first of which lies at `offset` of the backing, from RAM. */
  transfer(id: number, rect: Rect, offset: number, ram: Uint8Array): void {
    const { width, pixels, backing } = this.resources.get(id)!;
    for (let y = 0; y < rect.height; y++) {
      for (let byte = 0; byte < rect.width * 4; byte++) {
        const from = backing![offset + y * width * 4 + byte]!;
        pixels[((rect.y + y) * width + rect.x) * 4 + byte] = ram[from]!;
      }
    }
  }

  /** Shows `rect` of a resource from the next flush on. */
  setScanout(index: number, id: number, rect: Rect): void {
    const scanout = this.#scanouts[index]!;
    const resource = this.resources.get(id)!;
    const isSame = scanout.resource === resource && JSON.stringify(scanout.rect) === JSON.stringify(rect);
    if (!isSame) Object.assign(scanout, { resource, rect, isStale: true });
  }

  /** Shows nothing. */
  disable(index: number): void {
    this.#scanouts[index] = nothing();
  }

  /** Brings `rect` of a resource to where it is shown. */
  flush(id: number, rect: Rect): void {
    const resource = this.resources.get(id)!;
    for (const scanout of this.#scanouts) {
      if (scanout.resource !== resource || !overlaps(rect, scanout.rect)) continue;
      const isWhole = scanout.isStale || scanout.picture === undefined;
      if (isWhole) scanout.picture = new Uint8Array(scanout.rect.width * scanout.rect.height * 4);
      scanout.isStale = false;
      show(scanout.picture!, scanout.rect, resource, isWhole ? scanout.rect : rect);
    }
  }
}

function nothing(): ModelScanout {
  return { resource: undefined, rect: { x: 0, y: 0, width: 0, height: 0 }, isStale: true, picture: undefined };
}

function overlaps(a: Rect, b: Rect): boolean {
  const isBeside = a.x >= b.x + b.width || b.x >= a.x + a.width || a.y >= b.y + b.height || b.y >= a.y + a.height;
  return !isBeside && a.width > 0 && a.height > 0;
}

/** Converts those pixels of `part` that lie in `shown` into the picture of `shown`. */
function show(picture: Uint8Array, shown: Rect, { format, width, pixels }: ModelResource, part: Rect): void {
  const order = PIXEL_FORMATS.find((row) => row.format === format)!.name.replaceAll("8", "");
  const channels = ["R", "G", "B"].map((channel) => order.indexOf(channel));
  for (let y = 0; y < shown.height; y++) {
    for (let x = 0; x < shown.width; x++) {
      const [column, row] = [shown.x + x, shown.y + y];
      const isInPart = column >= part.x && column < part.x + part.width && row >= part.y && row < part.y + part.height;
      if (!isInPart) continue;
      const from = (row * width + column) * 4;
      const to = (y * shown.width + x) * 4;
      channels.forEach((channel, index) => picture[to + index] = pixels[from + channel]!);
      picture[to + 3] = 255;
    }
  }
}
