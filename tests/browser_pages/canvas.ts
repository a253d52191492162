/**
 * A page with a device, a driver that plays the guest, and a canvas: a test calls what it puts into `globalThis.scanout`.
 */
import { CanvasDisplay } from "../../src/display/canvas.ts";
import type { CanvasDisplayOptions } from "../../src/display/canvas_events.ts";
import type { Display } from "../../src/display/display.ts";
import { Displays } from "../../src/display/displays.ts";
import { WebGpuCanvasDisplay } from "../../src/display/webgpu_canvas.ts";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import {
  BlobMem,
  writeMemEntry,
  writeResourceCreateBlob,
  writeResourceFlush,
  writeSetScanout,
  writeSetScanoutBlob,
} from "../../src/protocol/wire.gen.ts";
import { type Machine, startMachine } from "../support/machine.ts";

/** How the page shows its guest. */
export interface CanvasPageOptions {
  readonly way: "2d" | "webgpu";
  readonly isShared: boolean;
  readonly isTransparent: boolean;
}

/** What a test finds in `globalThis.scanout`. */
export interface CanvasPage {
  start(options: CanvasPageOptions): Promise<void>;
  /** Draws frame `seed` in `format` and flushes one rectangle of it, or all. */
  draw(format: number, seed: number, rect?: { x: number; y: number; width: number; height: number }): void;
  /** Another size, from the next `draw` on. */
  resize(width: number, height: number): void;
  disable(): void;
  /** Grows the memory, which replaces its buffer. */
  grow(): void;
  /** Waits until the screen has drawn what was flushed. */
  frame(): Promise<void>;
  /** The bytes of what the device itself shows. */
  devicePixels(): number[];
  /** How many pixels each frame of the canvas has drawn. */
  readonly frames: number[];
  /** What the page was told of the scanout's size. */
  readonly sizes: string[];
}

const MAX_PIXELS = 1024 * 768;

class CanvasGuest implements CanvasPage {
  readonly frames: number[] = [];
  readonly sizes: string[] = [];
  readonly #canvas = document.createElement("canvas");
  #machine!: Machine;
  #memory!: MemoryDisplay;
  #pixelsAt = 0;
  #width = 64;
  #height = 48;
  #resourceId = 1;
  #shown = "";

  async start({ way, isShared, isTransparent }: CanvasPageOptions): Promise<void> {
    document.body.style.margin = "0";
    this.#canvas.style.display = "block";
    document.body.append(this.#canvas);
    const options: CanvasDisplayOptions = {
      isTransparent,
      onFrame: (pixels) => this.frames.push(pixels),
      onSize: (size) => this.sizes.push(size ? `${size.widthPixels}x${size.heightPixels}` : "none"),
    };
    const canvas = way === "2d" ? new CanvasDisplay(this.#canvas, options) : await this.#webGpu(options);
    const memory = new MemoryDisplay();
    this.#machine = await startMachine({ isShared, display: new Displays([canvas, memory]) });
    this.#memory = memory;
    this.#pixelsAt = this.#machine.ram.allocate(MAX_PIXELS * 4, 4096);
  }

  draw(format: number, seed: number, rect = { x: 0, y: 0, width: this.#width, height: this.#height }): void {
    const { driver, ram } = this.#machine;
    const [width, height] = [this.#width, this.#height];
    const bytes = ram.bytes(this.#pixelsAt, width * height * 4);
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      for (let x = rect.x; x < rect.x + rect.width; x++) {
        for (let channel = 0; channel < 4; channel++) {
          bytes[(y * width + x) * 4 + channel] = seed + x * 3 + y * 5 + channel * 61;
        }
      }
    }
    const key = `${format} ${width}x${height}`;
    if (this.#shown !== key) this.#show(format);
    this.#shown = key;
    driver.send(writeResourceFlush, { rect, resourceId: this.#resourceId });
  }

  resize(width: number, height: number): void {
    this.#width = width;
    this.#height = height;
  }

  disable(): void {
    const rect = { x: 0, y: 0, width: 0, height: 0 };
    this.#machine.driver.send(writeSetScanout, { rect, scanoutId: 0, resourceId: 0 });
    this.#shown = "";
  }

  grow(): void {
    this.#machine.memory.grow(1);
  }

  async frame(): Promise<void> {
    for (let count = 0; count < 3; count++) await new Promise(requestAnimationFrame);
  }

  devicePixels(): number[] {
    return [...this.#memory.picture(0)?.rgba ?? []];
  }

  async #webGpu(options: CanvasDisplayOptions): Promise<Display> {
    const adapter = await navigator.gpu.requestAdapter();
    return new WebGpuCanvasDisplay(this.#canvas, await adapter!.requestDevice(), options);
  }

  /** Makes a blob of the guest's pages and shows it as a picture of this format. */
  #show(format: number): void {
    const { driver } = this.#machine;
    const [width, height] = [this.#width, this.#height];
    const size = width * height * 4;
    const trailing = new Uint32Array(4);
    writeMemEntry(trailing, 0, { addr: this.#pixelsAt, length: size });
    const resourceId = ++this.#resourceId;
    const blob = { resourceId, blobMem: BlobMem.Guest, blobFlags: 0, nrEntries: 1, blobIdLow: 0, blobIdHigh: 0, size };
    driver.send(writeResourceCreateBlob, blob, { trailing });
    const rect = { x: 0, y: 0, width, height };
    const strides = Uint32Array.of(width * 4, 0, 0, 0);
    const offsets = new Uint32Array(4);
    driver.send(writeSetScanoutBlob, { rect, scanoutId: 0, resourceId, width, height, format, strides, offsets });
  }
}

Object.assign(globalThis, { scanout: new CanvasGuest() });
