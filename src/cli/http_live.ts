import type { Picture } from "../display/memory_display.ts";
import type { Screenshot } from "../hosts/deno/vhost_user.ts";
import { MAX_SCANOUTS } from "../protocol/wire.gen.ts";
import { differences, LiveMessage, liveMessage, pixelsMessage } from "./http_live_message.ts";
import type { ScreenSource } from "./http.ts";

/** The part of a `WebSocket` that is used here. */
export interface LiveSocket {
  /** Bytes that were sent and not taken yet. */
  readonly bufferedAmount: number;
  /** Sends a message. */
  send(message: Uint8Array<ArrayBuffer>): void;
}

/** How often it is looked whether something has changed. */
const INTERVAL_MILLISECONDS = 33;
/** A page that has not taken so much yet gets nothing more meanwhile. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;

type ShownCursor = Screenshot["cursor"];

/** What a page shows of one scanout. */
class PageScreen {
  /** The number of frames by `ScreenState` when it was looked at last. */
  frames = -1;
  picture: Picture | undefined;
  cursor: ShownCursor;
}

/** A page that shows all screens: it is sent what differs from what it was sent before. */
class LivePage {
  readonly #socket: LiveSocket;
  readonly #screens = Array.from({ length: MAX_SCANOUTS }, () => new PageScreen());

  constructor(socket: LiveSocket) {
    this.#socket = socket;
  }

  /** Whether it has not seen the frame number `frames`, and takes messages. */
  wants(scanoutId: number, frames: number): boolean {
    return this.#screens[scanoutId]!.frames !== frames && this.#socket.bufferedAmount <= MAX_BUFFERED_BYTES;
  }

  /** Shows what a scanout shows since the frame number `frames` or later. */
  show(scanoutId: number, frames: number, screenshot: Screenshot | undefined): void {
    const screen = this.#screens[scanoutId]!;
    screen.frames = frames;
    this.#showPicture(scanoutId, screen, screenshot?.picture);
    this.#showCursor(scanoutId, screen, screenshot?.cursor);
  }

  #showPicture(scanoutId: number, screen: PageScreen, picture: Picture | undefined): void {
    const before = screen.picture;
    screen.picture = picture;
    const width = picture?.widthPixels ?? 0;
    const height = picture?.heightPixels ?? 0;
    const isSameSize = (before?.widthPixels ?? 0) === width && (before?.heightPixels ?? 0) === height;
    const whole = { x: 0, y: 0, width, height };
    if (!isSameSize) this.#socket.send(liveMessage(LiveMessage.Size, scanoutId, whole));
    if (picture === undefined) return;
    const areas = isSameSize ? differences(before!, picture) : [whole];
    for (const area of areas) this.#socket.send(pixelsMessage(LiveMessage.Pixels, scanoutId, picture, area));
  }

  #showCursor(scanoutId: number, screen: PageScreen, cursor: ShownCursor): void {
    const before = screen.cursor;
    screen.cursor = cursor;
    if (cursor === undefined) {
      if (before !== undefined) this.#socket.send(liveMessage(LiveMessage.Cursor, scanoutId, NOTHING));
      return;
    }
    const { picture, x, y } = cursor;
    if (before === undefined || !isSamePicture(before.picture, picture)) {
      const area = { x, y, width: picture.widthPixels, height: picture.heightPixels };
      const message = liveMessage(LiveMessage.Cursor, scanoutId, area, picture.rgba.length);
      message.set(picture.rgba, message.length - picture.rgba.length);
      this.#socket.send(message);
    } else if (before.x !== x || before.y !== y) {
      this.#socket.send(liveMessage(LiveMessage.CursorPlace, scanoutId, { ...NOTHING, x, y }));
    }
  }
}

const NOTHING = { x: 0, y: 0, width: 0, height: 0 };

/** All pages that show the screens live. While there are none, nothing is looked at. */
export class LivePages {
  readonly #source: ScreenSource;
  readonly #pages = new Map<LiveSocket, LivePage>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** No pages yet. */
  constructor(source: ScreenSource) {
    this.#source = source;
  }

  /** Shows the screens on a page until `remove`. */
  add(socket: LiveSocket): void {
    this.#pages.set(socket, new LivePage(socket));
    this.#timer ??= setTimeout(() => this.#look(), 0);
  }

  /** Ends showing them there. */
  remove(socket: LiveSocket): void {
    this.#pages.delete(socket);
  }

  async #look(): Promise<void> {
    for (let scanoutId = 0; scanoutId < MAX_SCANOUTS; scanoutId++) {
      const { frames } = this.#source.screen(scanoutId); // before the screenshot, which may be of a later frame
      const pages = [...this.#pages.values()].filter((page) => page.wants(scanoutId, frames));
      if (pages.length === 0) continue;
      const screenshot = await this.#source.screenshot(scanoutId);
      for (const page of pages) page.show(scanoutId, frames, screenshot);
    }
    this.#timer = this.#pages.size === 0 ? undefined : setTimeout(() => this.#look(), INTERVAL_MILLISECONDS);
  }
}

function isSamePicture(a: Picture, b: Picture): boolean {
  return a.widthPixels === b.widthPixels && a.heightPixels === b.heightPixels && differences(a, b).length === 0;
}
