import type { GuestMemory } from "../memory/guest_memory.ts";
import { type PixelSource, type PixelTarget, readPixels } from "../memory/pixel_source.ts";
import type { Rect } from "../memory/rect.ts";
import { BYTES_PER_PIXEL } from "../protocol/formats.ts";
import type { CursorImage, Display } from "./display.ts";

/** A picture of its own: RGBA bytes, rows without gaps. A scanout's is opaque; a cursor's has the guest's alpha. */
export interface Picture {
  /** Width in pixels. */
  readonly widthPixels: number;
  /** Height in pixels. */
  readonly heightPixels: number;
  /** `widthPixels * heightPixels * 4` bytes, owned by whoever asked for the picture. */
  readonly rgba: Uint8Array<ArrayBuffer>;
}

/** A cursor as `MemoryDisplay` remembers it. */
export interface CursorPicture extends Picture {
  /** Column of the pixel that points, inside the picture. */
  readonly hotspotX: number;
  /** Its row. */
  readonly hotspotY: number;
}

/** What one scanout shows. */
class Screen {
  guest: GuestMemory | undefined;
  widthPixels = 0;
  heightPixels = 0;
  bytes = 0;
  readonly target: PixelTarget = { address: 0, strideBytes: 0, layout: "rgbx" };
  address = 0;
  cursor: CursorPicture | undefined;
  cursorX = 0;
  cursorY = 0;
}

/**
 * A display that keeps what each scanout shows, for tests, for pictures on request, and as the example of a display: it
 * converts what was damaged into a frame buffer of its own, once.
 */
export class MemoryDisplay implements Display {
  readonly #screens: Screen[] = [];
  /** Calls of `show` since the display was made. */
  frames = 0;

  show(scanoutId: number, source: PixelSource, damage: Rect): void {
    const screen = this.#screen(scanoutId);
    const isNew = !fits(screen, source);
    if (isNew && !renew(screen, source)) return;
    this.frames++;
    const { target } = screen;
    const changed = isNew ? wholeOf(source) : damage;
    target.strideBytes = screen.widthPixels * BYTES_PER_PIXEL;
    target.address = screen.address + changed.y * target.strideBytes + changed.x * BYTES_PER_PIXEL;
    readPixels(source, changed, target); // a guest that took its pages away keeps the last picture
  }

  disable(scanoutId: number): void {
    const screen = this.#screen(scanoutId);
    release(screen);
    screen.widthPixels = 0;
    screen.heightPixels = 0;
  }

  setCursor(scanoutId: number, image: CursorImage | undefined): void {
    const screen = this.#screen(scanoutId);
    screen.cursor = image === undefined ? undefined : {
      widthPixels: image.widthPixels,
      heightPixels: image.heightPixels,
      hotspotX: image.hotspotX,
      hotspotY: image.hotspotY,
      rgba: copy(image.guest, image.address, image.widthPixels * image.heightPixels * BYTES_PER_PIXEL),
    };
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    const screen = this.#screen(scanoutId);
    screen.cursorX = x;
    screen.cursorY = y;
  }

  /** A copy of what scanout `scanoutId` shows, without its cursor; undefined while it shows nothing. */
  picture(scanoutId: number): Picture | undefined {
    const { guest, address, bytes, widthPixels, heightPixels } = this.#screen(scanoutId);
    if (guest === undefined || address === 0) return undefined;
    return { widthPixels, heightPixels, rgba: copy(guest, address, bytes) };
  }

  /** The cursor of scanout `scanoutId` and where its top left pixel is; undefined while it is hidden. */
  cursor(scanoutId: number): { picture: CursorPicture; x: number; y: number } | undefined {
    const { cursor, cursorX, cursorY } = this.#screen(scanoutId);
    return cursor && { picture: cursor, x: cursorX, y: cursorY };
  }

  #screen(scanoutId: number): Screen {
    return this.#screens[scanoutId] ??= new Screen();
  }
}

/** Whether the screen has a frame buffer of the source's size. */
function fits(screen: Screen, { widthPixels, heightPixels }: PixelSource): boolean {
  return screen.address !== 0 && screen.widthPixels === widthPixels && screen.heightPixels === heightPixels;
}

/** Gives the screen a frame buffer of the source's size; false when there is no room for one. */
function renew(screen: Screen, { guest, widthPixels, heightPixels }: PixelSource): boolean {
  release(screen);
  screen.guest = guest;
  screen.widthPixels = widthPixels;
  screen.heightPixels = heightPixels;
  screen.bytes = widthPixels * heightPixels * BYTES_PER_PIXEL;
  screen.address = guest.heap.allocate(screen.bytes);
  return screen.address !== 0;
}

function wholeOf({ widthPixels, heightPixels }: PixelSource): Rect {
  return { x: 0, y: 0, width: widthPixels, height: heightPixels };
}

function release(screen: Screen): void {
  if (screen.address !== 0) screen.guest?.heap.free(screen.address);
  screen.address = 0;
}

function copy(guest: GuestMemory, address: number, bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(guest.bytes.subarray(address, address + bytes));
}
