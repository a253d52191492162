import type { GuestMemory } from "../memory/guest_memory.ts";
import { type PixelSource, type PixelTarget, readPixels } from "../memory/pixel_source.ts";
import type { Rect } from "../memory/rect.ts";
import { BYTES_PER_PIXEL, type PixelLayout } from "../protocol/formats.ts";
import { Format } from "../protocol/wire.gen.ts";
import { DamageList } from "./damage_list.ts";

/** Calls `draw` when the screen wants its next frame. */
export type RequestFrame = (draw: () => void) => void;

const FRAME_MILLISECONDS = 16;

/** The screen's own frames, or a timer where there is none. */
export function screenFrame(draw: () => void): void {
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(draw);
  else setTimeout(draw, FRAME_MILLISECONDS);
}

/**
 * What a scanout shows, in a block of its own, and what of it a screen has not seen yet: for displays that draw when their
 * screen wants a frame. Each flush is read at once, so that no frame shows half a flush.
 */
export class DamagedFrame {
  /** What has changed since it was cleared; not empty when a frame is drawn. */
  readonly damage: DamageList = new DamageList();
  readonly #requestFrame: RequestFrame;
  readonly #draw: () => void;
  readonly #target: PixelTarget;
  readonly #whole: Rect = { x: 0, y: 0, width: 0, height: 0 };
  #guest: GuestMemory | undefined;
  #address = 0;
  #format: Format = Format.B8G8R8X8Unorm;
  /** Whether all of the picture has been read at this size. */
  #isComplete = false;
  #isNew = false;
  #isFrameDue = false;

  /**
   * An empty frame with pixels of `layout`. `draw` is called once for each frame of the screen in which something has
   * changed; `isNew` says that the size is another one than before, or the first.
   */
  constructor(layout: PixelLayout, requestFrame: RequestFrame, draw: (isNew: boolean) => void) {
    this.#target = { address: 0, strideBytes: 0, layout };
    this.#requestFrame = requestFrame;
    this.#draw = () => {
      this.#isFrameDue = false;
      if (this.#guest === undefined || this.damage.count === 0) return;
      const isNew = this.#isNew;
      this.#isNew = false;
      draw(isNew);
    };
  }

  /** The memory that holds the pixels; undefined while nothing is shown. */
  get guest(): GuestMemory | undefined {
    return this.#guest;
  }

  /** Address of the first pixel. */
  get address(): number {
    return this.#address;
  }

  /** Width in pixels. */
  get widthPixels(): number {
    return this.#whole.width;
  }

  /** Height in pixels. */
  get heightPixels(): number {
    return this.#whole.height;
  }

  /** Distance from a row to the next, in bytes: the rows have no gaps. */
  get strideBytes(): number {
    return this.#target.strideBytes;
  }

  /** The format of the source, which is that of the pixels when the layout is `asIs`. */
  get format(): Format {
    return this.#format;
  }

  /** All of it as a source of pixels, where the layout is `asIs`; undefined while there is nothing. */
  get source(): PixelSource | undefined {
    if (this.#guest === undefined || !this.#isComplete) return undefined;
    const { widthPixels, heightPixels, strideBytes } = this;
    const [guest, format, offsetBytes] = [this.#guest, this.#format, this.#address];
    return { guest, format, widthPixels, heightPixels, strideBytes, offsetBytes, pages: undefined };
  }

  /**
   * Reads what has changed of `source`, all of it when size or format are others than before, and asks for a frame. Where
   * there is no room for it, nothing is shown; where the guest took its pages away, what was shown stays.
   */
  read(source: PixelSource, damage: Rect): void {
    if (!this.#fits(source) && !this.#renew(source)) return;
    const isWhole = !this.#isComplete || source.format !== this.#format;
    const changed = isWhole ? this.#whole : damage;
    const target = this.#target;
    target.address = this.#address + changed.y * target.strideBytes + changed.x * BYTES_PER_PIXEL;
    if (!readPixels(source, changed, target)) return;
    this.#isComplete = true;
    this.#format = source.format;
    this.#show(changed);
  }

  /** Has all of it drawn again, if something is shown: the screen has lost what it had. */
  showAgain(): void {
    if (this.#isComplete) this.#show(this.#whole);
  }

  /** Gives the block back: nothing is shown. */
  release(): void {
    if (this.#address !== 0) this.#guest?.heap.free(this.#address);
    this.#address = 0;
    this.#guest = undefined;
    this.#isComplete = false;
    this.damage.clear();
  }

  #show(changed: Rect): void {
    this.damage.cover(changed);
    if (this.#isFrameDue) return;
    this.#isFrameDue = true;
    this.#requestFrame(this.#draw);
  }

  #fits({ guest, widthPixels, heightPixels }: PixelSource): boolean {
    const { width, height } = this.#whole;
    return this.#guest === guest && width === widthPixels && height === heightPixels;
  }

  #renew({ guest, widthPixels, heightPixels }: PixelSource): boolean {
    this.release();
    const strideBytes = widthPixels * BYTES_PER_PIXEL;
    this.#address = guest.heap.allocate(strideBytes * heightPixels);
    if (this.#address === 0) return false;
    this.#guest = guest;
    this.#target.strideBytes = strideBytes;
    this.#whole.width = widthPixels;
    this.#whole.height = heightPixels;
    this.#isNew = true;
    return true;
  }
}
