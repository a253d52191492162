/**
 * A page with a device, a driver that plays the guest, and a canvas: a test calls what it puts into `globalThis.scanout`.
 */
import { CanvasDisplay } from "../../src/display/canvas.ts";
import type { CanvasDisplayOptions } from "../../src/display/canvas_events.ts";
import type { Display } from "../../src/display/display.ts";
import { Displays } from "../../src/display/displays.ts";
import { WebGpuCanvasDisplay } from "../../src/display/webgpu_canvas.ts";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import { PIXEL_FORMATS } from "../../src/protocol/formats.ts";
import {
  BlobMem,
  writeMemEntry,
  writeResourceCreateBlob,
  writeResourceFlush,
  writeSetScanout,
  writeSetScanoutBlob,
} from "../../src/protocol/wire.gen.ts";
import type { Rect } from "../../src/memory/rect.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { shade } from "./shade.ts";

/** How the page shows its guest. */
export interface CanvasPageOptions {
  readonly way: "2d" | "webgpu";
  readonly isShared: boolean;
  readonly isTransparent: boolean;
}

/** What the browser was asked to do, by whomever. */
export interface AskedOfBrowser {
  /** The rectangles that were put on the canvas, or uploaded to its texture. */
  readonly uploads: Rect[];
  /** How often something was drawn. */
  draws: number;
  /** How often somebody wanted a frame. */
  frames: number;
}

/** What a test finds in `globalThis.scanout`. */
export interface CanvasPage {
  start(options: CanvasPageOptions): Promise<void>;
  /** Draws frame `seed` in `format` and flushes one rectangle of it, or all. */
  draw(format: number, seed: number, rect?: Rect): void;
  /** Draws every alpha with colours from none to the brightest, as `shade` has them, and flushes all. */
  drawShades(format: number): void;
  /** Draws over all of the picture, and flushes nothing. */
  scribble(): void;
  /** Another size, from the next `draw` on. */
  resize(width: number, height: number): void;
  disable(): void;
  /** Grows the memory, which replaces its buffer. */
  grow(): void;
  /** Waits until the screen has drawn what was flushed. */
  frame(): Promise<void>;
  /** The bytes of what the device itself shows. */
  devicePixels(): number[];
  /** Takes the GPU device away, or what the 2D context has drawn. */
  lose(): Promise<void>;
  /** Gives another GPU device, or says that the 2D context is restored. */
  recover(): Promise<void>;
  readonly asked: AskedOfBrowser;
  /** How many pixels each frame of the canvas has drawn. */
  readonly frames: number[];
  /** What the page was told of the scanout's size. */
  readonly sizes: string[];
}

const MAX_PIXELS = 1024 * 768;

const newFrame = requestAnimationFrame.bind(globalThis);

/** Notes down what is asked of the browser from now on. */
function watchBrowser(): AskedOfBrowser {
  const asked: AskedOfBrowser = { uploads: [], draws: 0, frames: 0 };
  globalThis.requestAnimationFrame = (draw) => {
    asked.frames++;
    return newFrame(draw);
  };
  const context = CanvasRenderingContext2D.prototype;
  const { putImageData } = context;
  context.putImageData = function (...args: unknown[]) {
    const [x, y, width, height] = args.slice(3) as number[];
    asked.uploads.push({ x: x!, y: y!, width: width!, height: height! });
    asked.draws++;
    return Reflect.apply(putImageData, this, args);
  };
  if (typeof GPUQueue === "function") watchQueue(asked);
  return asked;
}

function watchQueue(asked: AskedOfBrowser): void {
  const { writeTexture, submit } = GPUQueue.prototype;
  GPUQueue.prototype.writeTexture = function (to, data, layout, size) {
    const { x, y } = to.origin as GPUOrigin3DDict;
    const { width, height } = size as GPUExtent3DDict;
    asked.uploads.push({ x: x!, y: y!, width, height: height! });
    return Reflect.apply(writeTexture, this, [to, data, layout, size]);
  };
  GPUQueue.prototype.submit = function (commands) {
    asked.draws++;
    return submit.call(this, commands);
  };
}

class CanvasGuest implements CanvasPage {
  readonly asked: AskedOfBrowser = watchBrowser();
  readonly frames: number[] = [];
  readonly sizes: string[] = [];
  readonly #canvas = document.createElement("canvas");
  #machine!: Machine;
  #memory!: MemoryDisplay;
  #webGpuDisplay: WebGpuCanvasDisplay | undefined;
  #device: GPUDevice | undefined;
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

  draw(format: number, seed: number, rect = this.#whole): void {
    this.#paint(rect, (x, y, channel) => seed + x * 3 + y * 5 + channel * 61);
    this.#flush(format, rect);
  }

  drawShades(format: number): void {
    const { name } = PIXEL_FORMATS.find((row) => row.format === format)!;
    const channels = name.replaceAll("8", "");
    this.#paint(this.#whole, (x, y, channel) => shade(x, y)[channels[channel]!]!);
    this.#flush(format, this.#whole);
  }

  scribble(): void {
    this.#paint(this.#whole, (x, y, channel) => x ^ y ^ channel * 85);
  }

  get #whole(): Rect {
    return { x: 0, y: 0, width: this.#width, height: this.#height };
  }

  /** Writes bytes of the guest's picture. */
  #paint(rect: Rect, byte: (x: number, y: number, channel: number) => number): void {
    const [width, height] = [this.#width, this.#height];
    const bytes = this.#machine.ram.bytes(this.#pixelsAt, width * height * 4);
    for (let y = rect.y; y < rect.y + rect.height; y++) {
      for (let x = rect.x; x < rect.x + rect.width; x++) {
        for (let channel = 0; channel < 4; channel++) bytes[(y * width + x) * 4 + channel] = byte(x, y, channel);
      }
    }
  }

  /** Flushes a rectangle, after the picture was given to the scanout if it is another one than before. */
  #flush(format: number, rect: Rect): void {
    const { driver } = this.#machine;
    const [width, height] = [this.#width, this.#height];
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
    for (let count = 0; count < 3; count++) await new Promise(newFrame);
  }

  devicePixels(): number[] {
    return [...this.#memory.picture(0)?.rgba ?? []];
  }

  async lose(): Promise<void> {
    this.#device?.destroy();
    await this.#device?.lost;
    if (this.#device === undefined) this.#canvas.getContext("2d")!.reset();
  }

  async recover(): Promise<void> {
    if (this.#device === undefined) this.#canvas.dispatchEvent(new Event("contextrestored"));
    else this.#webGpuDisplay!.useDevice(await this.#newDevice());
  }

  async #webGpu(options: CanvasDisplayOptions): Promise<Display> {
    return this.#webGpuDisplay = new WebGpuCanvasDisplay(this.#canvas, await this.#newDevice(), options);
  }

  async #newDevice(): Promise<GPUDevice> {
    const adapter = await navigator.gpu.requestAdapter();
    return this.#device = await adapter!.requestDevice();
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
