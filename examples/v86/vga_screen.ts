import type { CanvasSize } from "../../src/display/canvas_events.ts";
import type { AnyCanvas } from "./machine_calls.ts";

/** A part of the VGA's graphical picture. */
interface Layer {
  readonly image_data: ImageData;
  readonly screen_x: number;
  readonly screen_y: number;
  readonly buffer_x: number;
  readonly buffer_y: number;
  readonly buffer_width: number;
  readonly buffer_height: number;
}

/** The members of v86's screen adapter that its VGA calls. */
export const ADAPTER_MEMBERS = [
  "put_char",
  "set_mode",
  "set_font_bitmap",
  "set_font_page",
  "set_size_text",
  "set_size_graphical",
  "clear_screen",
  "clear_text_state",
  "update_buffer",
  "update_cursor",
  "update_cursor_scanline",
] as const;

/** Bytes of a character in the VGA's font memory, whatever its height. */
const GLYPH_BYTES = 32;
const PAGE_CHARACTERS = 256;
/** Of this page's characters, the ninth column repeats the eighth: the line drawing characters. */
const LINES_BEGIN = 0xc0;
const LINES_END = 0xdf;
const SECOND_FONT = 2; // a flag of a character

interface TextCursor {
  readonly row: number;
  readonly column: number;
  /** The lines of a character that it covers. */
  readonly start: number;
  readonly end: number;
  readonly isEnabled: boolean;
}

interface Font {
  readonly bits: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly isDoubled: boolean;
  readonly repeatsEighth: boolean;
}

/**
 * v86's own VGA on a canvas, text and graphics. v86's screen adapter needs a document, so it cannot be in a Worker; this one
 * takes its place in the adapter that v86 makes where it is told of no screen (see `adapter`).
 */
export class VgaScreen {
  readonly #canvas: AnyCanvas;
  readonly #context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
  readonly #onSize: (size: CanvasSize) => void;
  readonly #fillBuffer: () => void;
  #isShown = false;
  #isFrameDue = false;
  #onDrawn = () => {};
  #isGraphical = false;
  #columns = 80;
  #rows = 25;
  #cells = new Int32Array(80 * 25 * 4); // character, flags, background, foreground
  #changed = new Uint8Array(25).fill(1);
  #font: Font | undefined;
  #fonts: readonly [number, number] = [0, 0];
  #row: ImageData | undefined;
  #cursor: TextCursor = { row: 0, column: 0, start: 0, end: 0, isEnabled: false };

  /** `fillBuffer` has the VGA hand over its graphical picture; `onSize` hears of every new size. */
  constructor(canvas: AnyCanvas, fillBuffer: () => void, onSize: (size: CanvasSize) => void) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false }) as OffscreenCanvasRenderingContext2D;
    this.#fillBuffer = fillBuffer;
    this.#onSize = onSize;
    canvas.addEventListener("contextrestored", () => this.#changed.fill(1)); // graphics come with the guest's next picture
  }

  /** Draws at each frame of the screen from now on; `onDrawn` is called when the first one is on the canvas. */
  show(onDrawn: () => void = () => {}): void {
    this.#isShown = true;
    this.#onDrawn = onDrawn;
    if (!this.#isFrameDue) this.#requestFrame();
  }

  /** Draws nothing any more: the VGA is not shown, and costs nothing. */
  hide(): void {
    this.#isShown = false;
  }

  /** The functions that v86's VGA calls. */
  get adapter(): Record<(typeof ADAPTER_MEMBERS)[number], (...args: never[]) => void> {
    return {
      put_char: (row: number, column: number, ...cell: number[]) => {
        if (row >= this.#rows || column >= this.#columns) return;
        this.#cells.set(cell, (row * this.#columns + column) * 4);
        this.#changed[row] = 1;
      },
      set_mode: (isGraphical: boolean) => {
        this.#isGraphical = isGraphical;
        if (!isGraphical) this.#fitText();
      },
      set_font_bitmap: (
        height: number,
        isNineWide: boolean,
        isDoubled: boolean,
        repeatsEighth: boolean,
        bits: Uint8Array,
      ) => {
        const width = isDoubled ? 16 : isNineWide ? 9 : 8;
        this.#font = { bits: bits.slice(), width, height, isDoubled, repeatsEighth };
        this.#fitText();
      },
      set_font_page: (first: number, second: number) => {
        this.#fonts = [first, second];
        this.#changed.fill(1);
      },
      set_size_text: (columns: number, rows: number) => {
        if (columns === this.#columns && rows === this.#rows) return;
        this.#columns = columns;
        this.#rows = rows;
        this.#cells = new Int32Array(columns * rows * 4);
        this.#changed = new Uint8Array(rows);
        this.#fitText();
      },
      set_size_graphical: (width: number, height: number) => this.#resize(width, height),
      clear_screen: () => {
        this.#context.fillStyle = "#000";
        this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
      },
      clear_text_state: () => {
        this.#font = undefined;
      },
      update_buffer: (layers: readonly Layer[]) => {
        for (const layer of layers) {
          const { image_data, screen_x, screen_y, buffer_x, buffer_y, buffer_width, buffer_height } = layer;
          const [left, top] = [screen_x - buffer_x, screen_y - buffer_y];
          this.#context.putImageData(image_data, left, top, buffer_x, buffer_y, buffer_width, buffer_height);
        }
      },
      update_cursor: (row: number, column: number) => this.#setCursor({ row, column }),
      update_cursor_scanline: (start: number, end: number, isEnabled: boolean) =>
        this.#setCursor({ start, end, isEnabled }),
    };
  }

  #setCursor(change: Partial<TextCursor>): void {
    this.#changed[this.#cursor.row] = 1;
    this.#cursor = { ...this.#cursor, ...change };
    this.#changed[this.#cursor.row] = 1;
  }

  #fitText(): void {
    if (this.#font === undefined || this.#isGraphical) return;
    const width = this.#columns * this.#font.width;
    this.#resize(width, this.#rows * this.#font.height);
    this.#row = new ImageData(width, this.#font.height);
    this.#changed.fill(1);
  }

  #resize(widthPixels: number, heightPixels: number): void {
    if (widthPixels === 0 || heightPixels === 0) return;
    if (this.#canvas.width !== widthPixels || this.#canvas.height !== heightPixels) {
      this.#canvas.width = widthPixels;
      this.#canvas.height = heightPixels;
    }
    this.#onSize({ widthPixels, heightPixels });
  }

  #requestFrame(): void {
    this.#isFrameDue = true;
    requestAnimationFrame(() => {
      this.#isFrameDue = false;
      if (this.#isShown) this.#draw();
    });
  }

  #draw(): void {
    if (this.#isGraphical) this.#fillBuffer();
    else this.#drawText();
    this.#onDrawn();
    this.#onDrawn = () => {};
    this.#requestFrame();
  }

  #drawText(): void {
    const [font, image] = [this.#font, this.#row];
    if (font === undefined || image === undefined) return;
    const pixels = new Uint32Array(image.data.buffer);
    for (let row = 0; row < this.#rows; row++) {
      if (this.#changed[row] === 0) continue;
      this.#changed[row] = 0;
      for (let column = 0; column < this.#columns; column++) this.#drawCell(font, pixels, row, column);
      this.#context.putImageData(image, 0, row * font.height);
    }
  }

  #drawCell(font: Font, pixels: Uint32Array, row: number, column: number): void {
    const at = (row * this.#columns + column) * 4;
    const [character, flags, background, foreground] = this.#cells.subarray(at, at + 4) as unknown as number[];
    const page = this.#fonts[(flags! & SECOND_FONT) === 0 ? 0 : 1];
    const glyph = (page * PAGE_CHARACTERS + character!) * GLYPH_BYTES;
    const repeats = font.repeatsEighth && character! >= LINES_BEGIN && character! <= LINES_END;
    const colors = [pixelOf(background!), pixelOf(foreground!)];
    const { start, end, isEnabled, ...cursor } = this.#cursor;
    const hasCursor = isEnabled && cursor.row === row && cursor.column === column;
    for (let y = 0; y < font.height; y++) {
      const bits = hasCursor && y >= start && y < end ? 0xff : font.bits[glyph + y]!;
      const line = y * this.#columns * font.width + column * font.width;
      for (let x = 0; x < font.width; x++) {
        const bit = font.isDoubled ? x >> 1 : x;
        const isSet = bit < 8 ? bits >> (7 - bit) & 1 : repeats ? bits & 1 : 0;
        pixels[line + x] = colors[isSet]!;
      }
    }
  }
}

/** 0xRRGGBB as an opaque pixel of an ImageData, in a little-endian word. */
function pixelOf(color: number): number {
  return (0xff000000 | (color & 0xff) << 16 | color & 0xff00 | color >> 16 & 0xff) >>> 0;
}
