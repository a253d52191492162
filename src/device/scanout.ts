import type { GuestMemory } from "../memory/guest_memory.ts";
import { assign, intersect, isEqual, type Rect } from "../memory/rect.ts";
import type { PixelSource } from "../memory/pixel_source.ts";
import { BYTES_PER_PIXEL } from "../protocol/formats.ts";
import { Format } from "../protocol/wire.gen.ts";
import type { Display } from "../display/display.ts";
import { costOfRows } from "./limits.ts";
import type { Resource } from "./resource.ts";

/** What a scanout shows, by the arguments of `Scanout.set`. */
export interface ScanoutPicture {
  readonly resource: Resource;
  readonly rect: Rect;
  readonly format: Format;
  readonly strideBytes: number;
  readonly offsetBytes: number;
  /** Nothing of it was shown yet. */
  readonly isStale: boolean;
}

/** One output of the device: which part of which resource it shows. Virtio 1.4, 5.7.6.8 (SET_SCANOUT). */
export class Scanout {
  /** Its number, from 0. */
  readonly id: number;
  readonly #display: Display;
  #resource: Resource | undefined;
  /** The part of the picture that is shown, in the picture's pixels; empty while nothing is. */
  readonly #rect: Rect = { x: 0, y: 0, width: 0, height: 0 };
  readonly #source: PixelSource;
  readonly #damage: Rect = { x: 0, y: 0, width: 0, height: 0 };
  /** Nothing of the present source was shown yet. */
  #isStale = false;

  /** A scanout that shows nothing. */
  constructor(id: number, guest: GuestMemory, display: Display) {
    this.id = id;
    this.#display = display;
    this.#source = {
      guest,
      format: Format.B8G8R8X8Unorm,
      widthPixels: 0,
      heightPixels: 0,
      strideBytes: 0,
      offsetBytes: 0,
      pages: undefined,
    };
  }

  /** The resource that is shown, or undefined. */
  get resource(): Resource | undefined {
    return this.#resource;
  }

  /**
   * Shows `rect` of a picture in `resource` from the next flush on: that one shows all of it if it is another picture than
   * before. No pixel is read now, so that a page flip costs one conversion and not two. The picture has rows every
   * `strideBytes` from `offsetBytes` on: an address for a 2D resource, a position in the backing for a blob. The caller has
   * checked that the rectangle lies in it.
   */
  set(resource: Resource, rect: Rect, format: Format, strideBytes: number, offsetBytes: number): void {
    const source = this.#source;
    const start = offsetBytes + rect.y * strideBytes + rect.x * BYTES_PER_PIXEL;
    const isSame = this.#resource === resource && isEqual(this.#rect, rect) && source.format === format &&
      source.strideBytes === strideBytes && source.offsetBytes === start;
    if (isSame) return;
    assign(this.#rect, rect);
    source.format = format;
    source.widthPixels = rect.width;
    source.heightPixels = rect.height;
    source.strideBytes = strideBytes;
    source.offsetBytes = start;
    source.pages = resource.kind === "guestBlob" ? resource.backing : undefined; // what `start` is measured in
    this.#resource = resource;
    this.#isStale = true;
  }

  /** Shows what changed in `rect` of the picture; returns what it costs of `Limits.workBytesPerNotify`. */
  flush(rect: Rect): number {
    const damage = this.#damage;
    const resource = this.#resource;
    if (resource === undefined || !intersect(rect, this.#rect, damage)) return 0;
    if (resource.kind === "guestBlob") {
      if (resource.backing === undefined) return 0; // its pages are swapped out: the display keeps its last pixels
      this.#source.pages = resource.backing; // others may have been attached since
    }
    if (this.#isStale) {
      intersect(this.#rect, this.#rect, damage);
      this.#isStale = false;
    }
    this.#display.show(this.id, this.#source, damage);
    return costOfRows(damage.width * BYTES_PER_PIXEL, damage.height);
  }

  /** What it shows, for a snapshot; undefined while it shows nothing. */
  get picture(): ScanoutPicture | undefined {
    const resource = this.#resource;
    if (resource === undefined) return undefined;
    const { format, strideBytes } = this.#source;
    const rect = { ...this.#rect };
    const offsetBytes = this.#source.offsetBytes - rect.y * strideBytes - rect.x * BYTES_PER_PIXEL;
    return { resource, rect, format, strideBytes, offsetBytes, isStale: this.#isStale };
  }

  /**
   * Shows a picture of a snapshot, in place of the present one: all of it at once, unless nothing of it was shown yet or its
   * pages are swapped out. The caller has checked it as for `set`.
   */
  restore({ resource, rect, format, strideBytes, offsetBytes, isStale }: ScanoutPicture): void {
    if (isStale) this.disable();
    this.set(resource, rect, format, strideBytes, offsetBytes);
    if (!isStale) this.flush(rect);
  }

  /** Shows nothing. */
  disable(): void {
    if (this.#resource === undefined) return;
    this.#resource = undefined;
    this.#rect.width = 0;
    this.#rect.height = 0;
    this.#display.disable(this.id);
  }
}
