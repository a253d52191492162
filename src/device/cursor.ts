import type { CursorImage, Display } from "../display/display.ts";
import type { GuestMemory } from "../memory/guest_memory.ts";
import { BYTES_PER_PIXEL } from "../protocol/formats.ts";
import type { Limits } from "./limits.ts";
import type { CursorSnapshot } from "./snapshot/gpu_snapshot.ts";

/** The width and height that the specification gives a cursor, in pixels. Virtio 1.4, 5.7.6.10. */
export const STANDARD_SIZE = 64;

/** Width and height of the largest cursor that the limits allow, in pixels. */
export function maxCursorSize({ cursorSizePixels }: Limits): number {
  return Math.max(STANDARD_SIZE, cursorSizePixels);
}

/** The cursor of one scanout, as the display was told of it. Virtio 1.4, 5.7.6.10. */
export class Cursor {
  /** Address of room for the pixels of the largest cursor as RGBA. */
  readonly address: number;
  readonly #scanoutId: number;
  readonly #guest: GuestMemory;
  readonly #display: Display;
  #image: CursorImage | undefined;
  #x = 0;
  #y = 0;

  /** A hidden cursor. Its room is taken for as long as the device lives; throws `RangeError` when there is none. */
  constructor(scanoutId: number, guest: GuestMemory, display: Display, limits: Limits) {
    this.#scanoutId = scanoutId;
    this.#guest = guest;
    this.#display = display;
    this.address = guest.heap.allocate(maxCursorSize(limits) ** 2 * BYTES_PER_PIXEL);
    if (this.address === 0) throw new RangeError("Cannot make a cursor: the heap has no room");
  }

  /** Its picture, whose pixels lie at `address`; undefined while it is hidden. */
  get image(): CursorImage | undefined {
    return this.#image;
  }

  /** Where its top left pixel is. */
  get x(): number {
    return this.#x;
  }

  /** Where its top left pixel is. */
  get y(): number {
    return this.#y;
  }

  /** Shows `image`, whose pixels the caller has put at `address`. */
  show(image: CursorImage): void {
    this.#image = image;
    this.#display.setCursor(this.#scanoutId, image);
  }

  /** Hides it. */
  hide(): void {
    this.#image = undefined;
    this.#display.setCursor(this.#scanoutId, undefined);
  }

  /** Takes up what a snapshot says of it, which is checked; its bytes are copied. */
  restore({ x, y, image }: CursorSnapshot): void {
    if (image === null) {
      this.hide();
    } else {
      const { widthPixels, heightPixels, hotspotX, hotspotY, rgba } = image;
      this.#guest.bytes.set(rgba, this.address);
      this.show({ guest: this.#guest, address: this.address, widthPixels, heightPixels, hotspotX, hotspotY });
    }
    this.move(x, y);
  }

  /** Hides it and forgets where it was. */
  reset(): void {
    this.#x = 0;
    this.#y = 0;
    this.hide();
  }

  /** Moves its top left pixel, hidden or not. */
  move(x: number, y: number): void {
    this.#x = x;
    this.#y = y;
    this.#display.moveCursor(this.#scanoutId, x, y);
  }
}
