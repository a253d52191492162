/**
 * A scanout on a canvas of a web page or of a Worker, by its 2D context.
 *
 * @module
 */
import type { GuestMemory } from "../memory/guest_memory.ts";
import type { PixelSource } from "../memory/pixel_source.ts";
import type { Rect } from "../memory/rect.ts";
import { type CanvasDisplayOptions, type CanvasEvents, type CanvasSize, copyCursor } from "./canvas_events.ts";
import { DamagedFrame, type RequestFrame, screenFrame } from "./damaged_frame.ts";
import type { CursorImage, Display } from "./display.ts";
import type { CursorPicture } from "./memory_display.ts";
import { straightenAlpha } from "./straight_alpha.ts";

export type { CanvasDisplayOptions, CanvasEvents, CanvasSize, CursorPicture, RequestFrame };

/**
 * Shows one scanout on a canvas, on the main thread or, with an OffscreenCanvas, in a Worker. Each flush is converted at
 * once, in one pass; the screen's next frame then takes what was damaged since the one before. So no frame shows half a
 * flush, a guest that flushes more often than the screen is drawn costs the canvas no more, and while the guest flushes
 * nothing, nothing is drawn. The canvas gets a new size together with the first picture of that size. A context that the
 * browser has lost is drawn on again, whole, when it is restored.
 */
export class CanvasDisplay implements Display {
  readonly #canvas: HTMLCanvasElement | OffscreenCanvas;
  readonly #context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
  readonly #isTransparent: boolean;
  readonly #scanoutId: number;
  readonly #events: CanvasEvents;
  readonly #frame: DamagedFrame;
  #image: ImageData | undefined;

  /** Draws on `canvas`, whose size it sets. Throws `TypeError` when the canvas has a context of another kind. */
  constructor(canvas: HTMLCanvasElement | OffscreenCanvas, options: CanvasDisplayOptions = {}) {
    const { scanoutId = 0, isTransparent = false, requestFrame = screenFrame } = options;
    const context = canvas.getContext("2d", { alpha: isTransparent });
    if (context === null) throw new TypeError("Cannot show on this canvas: it has a context of another kind");
    this.#canvas = canvas;
    this.#context = context as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
    this.#isTransparent = isTransparent;
    this.#scanoutId = scanoutId;
    this.#events = options;
    this.#frame = new DamagedFrame(isTransparent ? "rgba" : "rgbx", requestFrame, (isNew) => this.#draw(isNew));
    canvas.addEventListener("contextrestored", () => this.#frame.showAgain());
  }

  show(scanoutId: number, source: PixelSource, damage: Rect): void {
    if (scanoutId === this.#scanoutId) this.#frame.read(source, damage);
  }

  disable(scanoutId: number): void {
    if (scanoutId !== this.#scanoutId || this.#frame.guest === undefined) return;
    this.#frame.release();
    this.#image = undefined;
    this.#events.onSize?.(undefined);
  }

  setCursor(scanoutId: number, image: CursorImage | undefined): void {
    if (scanoutId === this.#scanoutId) this.#events.onCursor?.(image && copyCursor(image));
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    if (scanoutId === this.#scanoutId) this.#events.onCursorMove?.(x, y);
  }

  #draw(isNew: boolean): void {
    if (isNew) this.#resize();
    const { damage, guest } = this.#frame;
    const image = this.#imageOf(guest!);
    let pixels = 0;
    for (let index = 0; index < damage.count; index++) {
      const { x, y, width, height } = damage.at(index);
      this.#context.putImageData(image, 0, 0, x, y, width, height);
      pixels += width * height;
    }
    damage.clear();
    this.#events.onFrame?.(pixels);
  }

  #resize(): void {
    const { widthPixels, heightPixels } = this.#frame;
    this.#image = undefined;
    this.#canvas.width = widthPixels;
    this.#canvas.height = heightPixels;
    this.#events.onSize?.({ widthPixels, heightPixels });
  }

  /** The frame as the canvas takes it: the memory itself, or a copy where that is shared or its alpha another one. */
  #imageOf(guest: GuestMemory): ImageData {
    const { buffer } = guest.bytes;
    return buffer instanceof ArrayBuffer && !this.#isTransparent ? this.#viewOf(buffer) : this.#copyOf(guest);
  }

  #viewOf(buffer: ArrayBuffer): ImageData {
    if (this.#image?.data.buffer === buffer) return this.#image;
    const { address, strideBytes, widthPixels, heightPixels } = this.#frame; // the first, or the memory has grown
    const pixels = new Uint8ClampedArray(buffer, address, strideBytes * heightPixels);
    return this.#image = new ImageData(pixels, widthPixels, heightPixels);
  }

  /** Copies what is damaged, its rows whole: what lies beside it is as current. */
  #copyOf({ bytes }: GuestMemory): ImageData {
    const { address, strideBytes, widthPixels, heightPixels, damage } = this.#frame;
    const image = this.#image ??= new ImageData(widthPixels, heightPixels);
    for (let index = 0; index < damage.count; index++) {
      const { y, height } = damage.at(index);
      const [start, end] = [y * strideBytes, (y + height) * strideBytes];
      image.data.set(bytes.subarray(address + start, address + end), start);
      if (this.#isTransparent) straightenAlpha(image.data.subarray(start, end));
    }
    return image;
  }
}
