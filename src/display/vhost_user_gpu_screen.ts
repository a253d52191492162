import { type PixelSource, type PixelTarget, readPixels } from "../memory/pixel_source.ts";
import { isInside, type Rect } from "../memory/rect.ts";
import { BYTES_PER_PIXEL } from "../protocol/formats.ts";
import { DamageList } from "./damage_list.ts";
import type { CursorImage } from "./display.ts";
import { GPU_CURSOR_PIXELS } from "./vhost_user_gpu.gen.ts";
import {
  GPU_CURSOR_BYTES,
  GPU_PIXELS_OFFSET,
  writeGpuCursorHead,
  writeGpuCursorPlace,
  writeGpuScanoutSize,
  writeGpuUpdateHead,
} from "./vhost_user_gpu_messages.ts";

/** Most pixels of a screen's width and height; QEMU ends itself for want of memory over a guest's absurd ones. */
export const MAX_SCREEN_PIXELS = 16384;

/**
 * Most pixels of one message. A screen of 1920x1080 goes in 16 of them: the front end reads each to its end and does nothing
 * else meanwhile.
 */
export const MAX_MESSAGE_PIXELS = 128 * 1024;

/** Bytes of the room for the largest message. */
export const MAX_MESSAGE_BYTES: number = GPU_PIXELS_OFFSET + MAX_MESSAGE_PIXELS * BYTES_PER_PIXEL;

/** Where a message is written. */
export interface MessageRoom {
  /** Words from the first of the message on: room for `MAX_MESSAGE_BYTES`. Valid until the memory grows. */
  readonly words: Uint32Array;
  /** Address of the first of them. */
  readonly address: number;
}

/** One scanout, as it is shown here and as the front end shows it: what differs is what is still to be said. */
export class GpuScreen {
  readonly #scanoutId: number;
  readonly #damage = new DamageList();
  readonly #rect: Rect = { x: 0, y: 0, width: 0, height: 0 };
  readonly #target: PixelTarget = { address: 0, strideBytes: 0, layout: "bgrx" };
  #source: PixelSource | undefined;
  #widthPixels = 0;
  #heightPixels = 0;
  #saidWidth = 0;
  #saidHeight = 0;

  readonly #cursor = new Uint32Array(GPU_CURSOR_PIXELS * GPU_CURSOR_PIXELS);
  readonly #place = { scanoutId: 0, x: 0, y: 0 };
  #hotX = 0;
  #hotY = 0;
  #hasCursor = false;
  #isImageDue = false;
  #isPlaceDue = false;
  #isCursorOut = false;

  /** A scanout that shows nothing. */
  constructor(scanoutId: number) {
    this.#scanoutId = scanoutId;
    this.#place.scanoutId = scanoutId;
  }

  /** Shows `source`, of which `damage` has changed. */
  show(source: PixelSource, damage: Rect): void {
    const { widthPixels, heightPixels } = source;
    if (Math.max(widthPixels, heightPixels) > MAX_SCREEN_PIXELS) return this.disable();
    const isNew = this.#source === undefined || widthPixels !== this.#widthPixels ||
      heightPixels !== this.#heightPixels;
    this.#source = source;
    this.#widthPixels = widthPixels;
    this.#heightPixels = heightPixels;
    if (isNew) this.#damageAll();
    else this.#damage.cover(damage);
  }

  /** Shows nothing. */
  disable(): void {
    this.#source = undefined;
    this.#widthPixels = 0;
    this.#heightPixels = 0;
    this.#damage.clear();
  }

  /** Shows the cursor with this picture, or hides it. */
  setCursor(image: CursorImage | undefined): void {
    this.#hasCursor = image !== undefined;
    this.#isImageDue = image !== undefined;
    this.#isPlaceDue = image === undefined && this.#isCursorOut;
    if (image === undefined) return;
    this.#hotX = image.hotspotX;
    this.#hotY = image.hotspotY;
    copyCursor(image, this.#cursor);
  }

  /** Moves the cursor. The numbers are the guest's: a negative one is what the protocol's u32 makes of it. */
  moveCursor(x: number, y: number): void {
    if (this.#place.x === x >>> 0 && this.#place.y === y >>> 0) return;
    this.#place.x = x >>> 0;
    this.#place.y = y >>> 0;
    if (this.#hasCursor) this.#isPlaceDue = true;
  }

  /** Another front end's socket has come: it knows nothing. A cursor that the one before it showed may still be there. */
  beginAgain(): void {
    this.#saidWidth = 0;
    this.#saidHeight = 0;
    if (this.#source !== undefined) this.#damageAll();
    this.#isImageDue = this.#hasCursor;
    this.#isPlaceDue = !this.#hasCursor && this.#isCursorOut;
  }

  /** Writes the next message that is to be sent, and returns how many bytes it has; 0 when there is nothing to say. */
  writeNext(room: MessageRoom): number {
    if (this.#saidWidth !== this.#widthPixels || this.#saidHeight !== this.#heightPixels) {
      return this.#writeSize(room);
    }
    if (this.#isImageDue) return this.#writeCursor(room);
    if (this.#isPlaceDue) {
      this.#isPlaceDue = false;
      this.#isCursorOut = this.#hasCursor;
      return writeGpuCursorPlace(room.words, this.#place, this.#hasCursor);
    }
    return this.#writeUpdate(room);
  }

  #damageAll(): void {
    this.#damage.clear();
    this.#damage.add({ x: 0, y: 0, width: this.#widthPixels, height: this.#heightPixels });
  }

  #writeSize({ words }: MessageRoom): number {
    this.#saidWidth = this.#widthPixels;
    this.#saidHeight = this.#heightPixels;
    return writeGpuScanoutSize(words, {
      scanoutId: this.#scanoutId,
      width: this.#widthPixels,
      height: this.#heightPixels,
    });
  }

  #writeCursor({ words }: MessageRoom): number {
    this.#isImageDue = false;
    this.#isPlaceDue = false; // the message says it, too
    this.#isCursorOut = true;
    const headBytes = writeGpuCursorHead(words, { pos: this.#place, hotX: this.#hotX, hotY: this.#hotY });
    words.set(this.#cursor, headBytes / 4);
    return headBytes + GPU_CURSOR_BYTES;
  }

  #writeUpdate({ words, address }: MessageRoom): number {
    while (this.#damage.takeRows(MAX_MESSAGE_PIXELS, this.#rect)) {
      if (!this.#readRect(address + GPU_PIXELS_OFFSET)) continue;
      const { width, height } = this.#rect;
      return writeGpuUpdateHead(words, { scanoutId: this.#scanoutId, ...this.#rect }) +
        width * height * BYTES_PER_PIXEL;
    }
    return 0;
  }

  /**
   * Converts the rectangle's pixels as they are now. False when they are not there (any more), or the guest has chosen a
   * picture of another size that it did not flush yet: what was shown last stays then.
   */
  #readRect(address: number): boolean {
    const source = this.#source;
    if (source === undefined || !isInside(this.#rect, source.widthPixels, source.heightPixels)) return false;
    this.#target.address = address;
    this.#target.strideBytes = this.#rect.width * BYTES_PER_PIXEL;
    return readPixels(source, this.#rect, this.#target);
  }
}

/** Copies a cursor's picture as B, G, R, A: its corner, or with nothing around it, when it has another size. */
function copyCursor({ guest, address, widthPixels, heightPixels }: CursorImage, into: Uint32Array): void {
  const { words } = guest;
  const width = Math.min(widthPixels, GPU_CURSOR_PIXELS);
  const height = Math.min(heightPixels, GPU_CURSOR_PIXELS);
  into.fill(0);
  for (let y = 0; y < height; y++) {
    const row = (address >>> 2) + y * widthPixels;
    for (let x = 0; x < width; x++) into[y * GPU_CURSOR_PIXELS + x] = swapRedAndBlue(words[row + x]!);
  }
}

function swapRedAndBlue(pixel: number): number {
  return (pixel & 0xff00ff00) | (pixel & 0xff) << 16 | (pixel >>> 16 & 0xff);
}
