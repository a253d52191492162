import type { GuestMemory } from "../memory/guest_memory.ts";
import { assign, cover, intersect, isEqual, type Rect } from "../memory/rect.ts";
import { NO_PIXELS, type PixelSource } from "../memory/pixel_source.ts";
import { BYTES_PER_PIXEL } from "../protocol/formats.ts";
import { Format } from "../protocol/wire.gen.ts";
import type { Display } from "../display/display.ts";
import type { Renderer, ResourcePicture } from "../renderer/renderer.ts";
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
  readonly #renderer: Renderer | undefined;
  #resource: Resource | undefined;
  /** The part of the picture that is shown, in the picture's pixels; empty while nothing is. */
  readonly #rect: Rect = { x: 0, y: 0, width: 0, height: 0 };
  /** Where the picture's first pixel lies in the resource, in bytes. */
  #offsetBytes = 0;
  /** Where the pixels are now: displays keep it, so it is changed in place and never another one. */
  readonly #source: PixelSource;
  readonly #damage: Rect = { x: 0, y: 0, width: 0, height: 0 };
  /** Nothing of the present source was shown yet. */
  #isStale = false;

  /** A scanout that shows nothing. Without a renderer it never shows what is a renderer's. */
  constructor(id: number, guest: GuestMemory, display: Display, renderer?: Renderer) {
    this.id = id;
    this.#display = display;
    this.#renderer = renderer;
    this.#source = {
      guest,
      format: Format.B8G8R8X8Unorm,
      widthPixels: 0,
      heightPixels: 0,
      strideBytes: 0,
      offsetBytes: NO_PIXELS,
      pages: undefined,
      texture: undefined,
    };
  }

  /** The resource that is shown, or undefined. */
  get resource(): Resource | undefined {
    return this.#resource;
  }

  /**
   * Shows `rect` of a picture in `resource` from the next flush on: that one shows all of it if it is another picture than
   * before. No pixel is read now, so that a page flip costs one conversion and not two. The picture has rows every
   * `strideBytes` from position `offsetBytes` of the resource on, both 0 for a 3D resource, whose renderer knows them. The
   * caller has checked that the rectangle lies in it.
   */
  set(resource: Resource, rect: Rect, format: Format, strideBytes: number, offsetBytes: number): void {
    const source = this.#source;
    const isSame = this.#resource === resource && isEqual(this.#rect, rect) && source.format === format &&
      (resource.kind === "3d" || source.strideBytes === strideBytes) && this.#offsetBytes === offsetBytes;
    if (isSame) return;
    assign(this.#rect, rect);
    source.format = format;
    source.widthPixels = rect.width;
    source.heightPixels = rect.height;
    source.strideBytes = strideBytes;
    this.#offsetBytes = offsetBytes;
    this.#resource = resource;
    this.#isStale = true;
    this.follow();
  }

  /**
   * Finds the pixels where they are now: the resource's bytes have moved, were taken away, or have come back. Those of a 3D
   * resource are where the next flush finds them.
   */
  follow(): void {
    const source = this.#source;
    const { x, y } = this.#rect;
    const base = this.#baseAddress();
    source.pages = this.#resource?.kind === "guestBlob" ? this.#resource.backing : undefined;
    source.texture = undefined;
    const start = this.#offsetBytes + y * source.strideBytes + x * BYTES_PER_PIXEL;
    source.offsetBytes = base === undefined ? NO_PIXELS : base + start;
  }

  /**
   * Shows what changed in `rect` of the picture; returns what it costs of `Limits.workBytesPerNotify`. Where the pixels of a
   * 3D resource are is said by `picture`.
   */
  flush(rect: Rect, picture?: ResourcePicture): number {
    const damage = this.#damage;
    if (!this.#findDamage(rect, damage)) return 0;
    if (picture === undefined) this.follow();
    else this.#showPicture(picture);
    if (this.#isOut()) return 0; // swapped out, or on its way: the display keeps its last pixels
    this.#display.show(this.id, this.#source, damage);
    this.#isStale = false;
    return costOfRows(damage.width * BYTES_PER_PIXEL, damage.height);
  }

  /** Widens `rect` of the picture by all that a flush of `flushed` would show here. */
  coverDamage(flushed: Rect, rect: Rect): void {
    const damage = this.#damage;
    if (!this.#findDamage(flushed, damage)) return;
    damage.x += this.#rect.x;
    damage.y += this.#rect.y;
    cover(rect, damage);
  }

  /** What it shows, for a snapshot; undefined while it shows nothing. */
  get picture(): ScanoutPicture | undefined {
    const resource = this.#resource;
    if (resource === undefined) return undefined;
    const { format, strideBytes } = this.#source;
    return {
      resource,
      rect: { ...this.#rect },
      format,
      strideBytes,
      offsetBytes: this.#offsetBytes,
      isStale: this.#isStale,
    };
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
    this.follow();
    this.#display.disable(this.id);
  }

  /** Sets `damage` to what a flush of `rect` shows, in the source's pixels; false when that is nothing. */
  #findDamage(rect: Rect, damage: Rect): boolean {
    if (this.#resource === undefined || !intersect(rect, this.#rect, damage)) return false;
    if (this.#isStale) intersect(this.#rect, this.#rect, damage);
    return true;
  }

  /** What `offsetBytes` of the source counts from; undefined when that is nowhere now. */
  #baseAddress(): number | undefined {
    const resource = this.#resource;
    switch (resource?.kind) {
      case "2d":
        return resource.address;
      case "guestBlob":
        return resource.backing === undefined ? undefined : 0; // positions in the page list
      case "hostBlob":
        return this.#renderer?.blobAddress(resource.id) || undefined;
      default:
        return undefined;
    }
  }

  #showPicture({ address, strideBytes, texture }: ResourcePicture): void {
    const source = this.#source;
    const { x, y } = this.#rect;
    source.strideBytes = strideBytes;
    source.offsetBytes = address === 0 ? NO_PIXELS : address + y * strideBytes + x * BYTES_PER_PIXEL;
    source.texture = texture;
  }

  #isOut(): boolean {
    const { offsetBytes, texture } = this.#source;
    return offsetBytes === NO_PIXELS && texture === undefined;
  }
}
