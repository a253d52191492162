import { type PixelSource, readPixels } from "../memory/pixel_source.ts";
import type { Rect } from "../memory/rect.ts";
import { BYTES_PER_PIXEL, pixelFormat } from "../protocol/formats.ts";
import type { CursorImage, Display } from "./display.ts";
import type { CursorPicture, Picture } from "./memory_display.ts";

/** What a scanout shows, as people want to know it. */
export interface ShownScreen {
  /** Its pixels as they are now, without the cursor. */
  readonly picture: Picture;
  /** The name of the format in which the guest drew them, as "B8G8R8X8". */
  readonly format: string;
  /** The cursor and where its top left pixel is; undefined while it is hidden. */
  readonly cursor: { readonly picture: CursorPicture; readonly x: number; readonly y: number } | undefined;
}

interface Screen {
  source: PixelSource | undefined;
  cursor: CursorPicture | undefined;
  x: number;
  y: number;
}

/**
 * A display that only remembers where each scanout's pixels are, and converts them when they are asked for: it costs a guest
 * nothing while nobody looks.
 */
export class ShownScreens implements Display {
  readonly #screens: Screen[] = [];

  show(scanoutId: number, source: PixelSource, _damage: Rect): void {
    this.#screen(scanoutId).source = source;
  }

  disable(scanoutId: number): void {
    this.#screen(scanoutId).source = undefined;
  }

  setCursor(scanoutId: number, image: CursorImage | undefined): void {
    this.#screen(scanoutId).cursor = image && pictureOf(image);
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    const screen = this.#screen(scanoutId);
    screen.x = x;
    screen.y = y;
  }

  /**
   * What scanout `scanoutId` shows now, with bytes that are the caller's; undefined when that is nothing, when the guest took
   * its pages away, and when the heap has no room to convert it. Not while a command is carried out.
   */
  look(scanoutId: number): ShownScreen | undefined {
    const { source, cursor, x, y } = this.#screen(scanoutId);
    const picture = source && readPicture(source);
    if (source === undefined || picture === undefined) return undefined;
    const format = pixelFormat(source.format).name;
    return { picture, format, cursor: cursor && { picture: cursor, x, y } };
  }

  #screen(scanoutId: number): Screen {
    return this.#screens[scanoutId] ??= { source: undefined, cursor: undefined, x: 0, y: 0 };
  }
}

/** Converts all of a source, by a block that is given back at once. */
function readPicture(source: PixelSource): Picture | undefined {
  const { guest, widthPixels, heightPixels } = source;
  const strideBytes = widthPixels * BYTES_PER_PIXEL;
  const address = guest.heap.allocate(strideBytes * heightPixels);
  if (address === 0) return undefined;
  const whole = { x: 0, y: 0, width: widthPixels, height: heightPixels };
  const isThere = readPixels(source, whole, { address, strideBytes, layout: "rgbx" });
  const rgba = new Uint8Array(guest.bytes.subarray(address, address + strideBytes * heightPixels));
  guest.heap.free(address);
  return isThere ? { widthPixels, heightPixels, rgba } : undefined;
}

function pictureOf({ guest, address, widthPixels, heightPixels, hotspotX, hotspotY }: CursorImage): CursorPicture {
  const end = address + widthPixels * heightPixels * BYTES_PER_PIXEL;
  const rgba = new Uint8Array(guest.bytes.subarray(address, end));
  return { widthPixels, heightPixels, hotspotX, hotspotY, rgba };
}
