import type { CanvasSize } from "../../src/display/canvas_events.ts";
import type { CursorPicture } from "../../src/display/memory_display.ts";
import { cssCursor, type PageCursor, pageCursor } from "./cursor_picture.ts";

/** What a monitor shows: the VGA, the device's scanout, or nothing. */
export type Shown = "vga" | "gpu" | "nothing";

/** A guest that goes from a mode to another may show nothing in between: its last picture stays for that time. */
const DARK_MILLISECONDS = 200;
/** A guest that is this close to the size of its box (as a mode's width is a multiple of 8) is shown pixel for pixel. */
const NEAR_PIXELS = 16;

/** A monitor in the page: a box that the user can resize, and the guest's picture and cursor in it. */
export class MonitorView {
  readonly element: HTMLElement = document.createElement("section");
  /** What takes the keyboard and the mouse. */
  readonly screen: HTMLElement = document.createElement("div");
  readonly vga: HTMLCanvasElement = document.createElement("canvas");
  /** Hears of the box's size, in CSS pixels, at first and whenever it changes. */
  onBox: (width: number, height: number) => void = () => {};
  readonly #cursor: HTMLCanvasElement = document.createElement("canvas");
  #gpu: HTMLCanvasElement = document.createElement("canvas");
  readonly #sizes = new Map<Shown, CanvasSize>();
  #shown: Shown = "nothing";
  #darkTimer: ReturnType<typeof setTimeout> | undefined;
  #pageCursor: PageCursor | undefined;
  #cursorX = 0;
  #cursorY = 0;
  /** CSS pixels of a pixel of the guest, and where its picture begins in the box. */
  #scale = 1;
  #left = 0;
  #top = 0;
  #isPointerHost = false;
  #isGrabbed = false;
  #isDragged = false;

  constructor(index: number) {
    const name = `Monitor ${index + 1}`;
    this.element.ariaLabel = name;
    this.element.className = "monitor";
    this.element.id = `monitor-${index}`;
    this.screen.className = "screen";
    this.screen.tabIndex = 0;
    this.screen.role = "application"; // every key is the guest's
    this.screen.ariaLabel = `${name}. Keys go to the guest; Control and Alt together leave it.`;
    this.vga.className = "vga";
    this.#gpu.className = "gpu";
    this.#cursor.className = "cursor";
    this.screen.append(this.vga, this.#gpu, this.#cursor);
    this.element.append(this.screen, this.#resizeHandle());
    new ResizeObserver(([entry]) => {
      this.layOut();
      this.onBox(entry!.contentRect.width, entry!.contentRect.height);
    }).observe(this.screen);
    this.layOut();
  }

  /** The canvas of the device's scanout. */
  get gpu(): HTMLCanvasElement {
    return this.#gpu;
  }

  /** Puts a canvas without a context in the place of the scanout's, and returns it. */
  renewCanvas(): HTMLCanvasElement {
    const canvas = document.createElement("canvas");
    canvas.className = "gpu";
    this.#gpu.replaceWith(canvas);
    this.#gpu = canvas;
    this.layOut();
    return canvas;
  }

  /** The size of the guest's picture; undefined while there is none. */
  get size(): CanvasSize | undefined {
    return this.#sizes.get(this.#shown);
  }

  /** Whether the user is resizing it just now. */
  get isDragged(): boolean {
    return this.#isDragged;
  }

  /** What is shown now. */
  get shown(): Shown {
    return this.#shown;
  }

  /** The picture has this size from now on; `shown` says whose it is. */
  resize(shown: Shown, size: CanvasSize): void {
    this.#sizes.set(shown, size);
    this.layOut();
  }

  /** The scanout's picture is there, in this size; undefined: there is none, which is seen once it stays so. */
  setScanout(size: CanvasSize | undefined): void {
    clearTimeout(this.#darkTimer);
    if (size === undefined) {
      this.#darkTimer = setTimeout(() => this.#shown === "gpu" && this.show("nothing"), DARK_MILLISECONDS);
      return;
    }
    this.#sizes.set("gpu", size);
    this.show("gpu");
  }

  show(shown: Shown): void {
    this.#shown = shown;
    this.layOut();
  }

  setCursor(cursor: CursorPicture | undefined): void {
    this.#pageCursor = cursor && pageCursor(cursor);
    const image = this.#pageCursor?.image;
    if (image !== undefined) {
      this.#cursor.width = image.width;
      this.#cursor.height = image.height;
      this.#cursor.getContext("2d")!.drawImage(image, 0, 0);
    }
    this.#layOutCursor();
  }

  /** The top left pixel of the guest's cursor is there. */
  moveCursor(x: number, y: number): void {
    this.#cursorX = x;
    this.#cursorY = y;
    this.#layOutCursor();
  }

  /** Whether the host's own pointer is where the guest's is, and so shows the guest's cursor: no frame late. */
  set isPointerHost(isHost: boolean) {
    this.#isPointerHost = isHost;
    this.#layOutCursor();
  }

  /** Whether the guest has the mouse to itself, and the host shows no pointer. */
  set isGrabbed(isGrabbed: boolean) {
    this.#isGrabbed = isGrabbed;
    this.#layOutCursor();
  }

  /** The middle of the guest's pixel that is at a place of the page, or nearest to it. */
  guestPlace(clientX: number, clientY: number): { x: number; y: number } {
    const box = this.screen.getBoundingClientRect();
    const { widthPixels = 1, heightPixels = 1 } = this.size ?? {};
    const pixel = (css: number, pixels: number) => Math.max(0, Math.min(pixels - 1, Math.floor(css / this.#scale)));
    const x = pixel(clientX - box.left - this.#left, widthPixels);
    const y = pixel(clientY - box.top - this.#top, heightPixels);
    return { x: x + 0.5, y: y + 0.5 };
  }

  /** Puts everything where it belongs; after a change of the screen's density too. */
  layOut(): void {
    for (const [shown, canvas] of [["vga", this.vga], ["gpu", this.#gpu]] as const) {
      canvas.style.visibility = this.#shown === shown ? "visible" : "hidden";
    }
    const { size } = this;
    if (size === undefined) return this.#layOutCursor();
    const { widthPixels, heightPixels } = size;
    const [boxWidth, boxHeight] = [this.screen.clientWidth * density(), this.screen.clientHeight * density()];
    const deviceScale = scaleInto(widthPixels, heightPixels, boxWidth, boxHeight);
    this.#scale = deviceScale / density();
    // on whole device pixels, or everything would be blurred
    this.#left = Math.max(0, Math.floor((boxWidth - widthPixels * deviceScale) / 2)) / density();
    this.#top = Math.max(0, Math.floor((boxHeight - heightPixels * deviceScale) / 2)) / density();
    const { style } = this.#shown === "vga" ? this.vga : this.#gpu;
    style.left = `${this.#left}px`;
    style.top = `${this.#top}px`;
    style.width = `${widthPixels * this.#scale}px`;
    style.height = `${heightPixels * this.#scale}px`;
    style.imageRendering = Number.isInteger(deviceScale) ? "pixelated" : "auto";
    this.#layOutCursor();
  }

  /** What the user drags: beside the picture, which has the mouse to itself. */
  #resizeHandle(): HTMLElement {
    const handle = document.createElement("div");
    handle.className = "handle";
    handle.title = "Drag to resize the screen";
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.setPointerCapture(event.pointerId);
      this.#isDragged = true;
    });
    handle.addEventListener("lostpointercapture", () => this.#isDragged = false);
    handle.addEventListener("pointermove", ({ clientX, clientY }) => {
      if (!this.#isDragged) return;
      const { left, top } = this.element.getBoundingClientRect();
      const half = handle.offsetWidth / 2;
      this.element.style.width = `${Math.round(clientX - left - half)}px`;
      this.element.style.height = `${Math.round(clientY - top - half)}px`;
    });
    return handle;
  }

  #layOutCursor(): void {
    const cursor = this.#shown === "gpu" ? this.#pageCursor : undefined;
    const { style } = this.#cursor;
    const isOverlay = cursor !== undefined && !this.#isPointerHost;
    style.visibility = isOverlay ? "visible" : "hidden";
    this.screen.style.cursor = this.#cssCursor(cursor);
    if (!isOverlay) return;
    style.left = `${this.#left + (this.#cursorX + cursor.leftPixels) * this.#scale}px`;
    style.top = `${this.#top + (this.#cursorY + cursor.topPixels) * this.#scale}px`;
    style.width = `${this.#cursor.width * this.#scale}px`;
    style.height = `${this.#cursor.height * this.#scale}px`;
  }

  #cssCursor(cursor: PageCursor | undefined): string {
    if (this.#isGrabbed) return "none";
    if (!this.#isPointerHost || this.#shown !== "gpu") return "default";
    return cursor === undefined ? "none" : cssCursor(cursor, this.#scale, density());
  }
}

/** Device pixels of a CSS pixel. */
export function density(): number {
  return globalThis.devicePixelRatio || 1;
}

/** By how much a picture is scaled to fill a box and be seen whole; not at all when it has about the box's size. */
function scaleInto(width: number, height: number, boxWidth: number, boxHeight: number): number {
  const isNear = Math.abs(boxWidth - width) < NEAR_PIXELS && Math.abs(boxHeight - height) < NEAR_PIXELS;
  if (isNear && width <= boxWidth + 1 && height <= boxHeight + 1) return 1;
  return Math.min(boxWidth / width, boxHeight / height) || 1;
}
