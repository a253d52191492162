import type { GuestMemory } from "../memory/guest_memory.ts";
import { intersect, type Rect } from "../memory/rect.ts";
import type { PixelSource } from "../memory/pixel_source.ts";
import { BYTES_PER_PIXEL } from "../protocol/formats.ts";
import { Format } from "../protocol/wire.gen.ts";
import type { Display } from "../display/display.ts";
import type { Resource } from "./resource.ts";

/** One output of the device: which part of which resource it shows. Virtio 1.4, 5.7.6.8 (SET_SCANOUT). */
export class Scanout {
  /** Its number, from 0. */
  readonly id: number;
  readonly #display: Display;
  #resource: Resource | undefined;
  /** The part of the resource that is shown, in the resource's pixels. */
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

  /** The part of the resource that is shown; empty while nothing is. The scanout owns and changes it. */
  get rect(): Readonly<Rect> {
    return this.#rect;
  }

  /**
   * Shows `rect` of `resource`, which the caller has checked, from the next flush on: that one shows all of it if it is
   * another picture than before. No pixel is read now, so that a page flip costs one conversion and not two.
   */
  set(resource: Resource, rect: Rect): void {
    const at = this.#rect;
    const isSame = this.#resource === resource && at.x === rect.x && at.y === rect.y && at.width === rect.width &&
      at.height === rect.height;
    if (isSame) return;
    at.x = rect.x;
    at.y = rect.y;
    at.width = rect.width;
    at.height = rect.height;
    this.#resource = resource;
    this.#isStale = true;
    const source = this.#source;
    source.format = resource.format;
    source.widthPixels = rect.width;
    source.heightPixels = rect.height;
    source.strideBytes = resource.strideBytes;
    source.offsetBytes = resource.address + rect.y * resource.strideBytes + rect.x * BYTES_PER_PIXEL;
  }

  /** Shows what changed in `rect` of the resource; returns how many pixels the display was asked to read. */
  flush(rect: Rect): number {
    const damage = this.#damage;
    if (!intersect(rect, this.#rect, damage)) return 0;
    if (this.#isStale) {
      damage.x = 0;
      damage.y = 0;
      damage.width = this.#rect.width;
      damage.height = this.#rect.height;
      this.#isStale = false;
    }
    this.#display.show(this.id, this.#source, damage);
    return damage.width * damage.height;
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
