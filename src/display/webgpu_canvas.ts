/**
 * A scanout on a canvas by WebGPU, which takes the guest's pixels as they are.
 *
 * @module
 */
import type { PixelSource } from "../memory/pixel_source.ts";
import type { Rect } from "../memory/rect.ts";
import { BYTES_PER_PIXEL, pixelFormat } from "../protocol/formats.ts";
import type { Format } from "../protocol/wire.gen.ts";
import { type CanvasDisplayOptions, type CanvasEvents, type CanvasSize, copyCursor } from "./canvas_events.ts";
import { DamagedFrame, type RequestFrame, screenFrame } from "./damaged_frame.ts";
import type { CursorImage, Display } from "./display.ts";
import type { CursorPicture } from "./memory_display.ts";

export type { CanvasDisplayOptions, CanvasEvents, CanvasSize, CursorPicture, RequestFrame };

/** Draws the texture over the whole canvas, one texel a pixel; CHANNELS puts its channels into their order. */
const SHADER = `
@group(0) @binding(0) var picture: texture_2d<f32>;

@vertex fn corner(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
  let x = f32(index & 1) * 4 - 1;
  let y = f32(index >> 1) * 4 - 1;
  return vec4f(x, y, 0, 1);
}

@fragment fn pixel(@builtin(position) at: vec4f) -> @location(0) vec4f {
  let texel = textureLoad(picture, vec2u(at.xy), 0);
  return CHANNELS;
}`;

/**
 * Shows one scanout on a canvas by WebGPU: what a flush has damaged is copied once, in the guest's format, and uploaded at
 * the screen's next frame; the GPU puts the channels in order. Otherwise as `CanvasDisplay`. After the loss of the GPU
 * device, which `GPUDevice.lost` tells, nothing is drawn until `useDevice` gives another one. A scanout that is wider or
 * higher than the device's `maxTextureDimension2D` is not drawn.
 */
export class WebGpuCanvasDisplay implements Display {
  readonly #canvas: HTMLCanvasElement | OffscreenCanvas;
  readonly #context: GPUCanvasContext;
  readonly #canvasFormat: GPUTextureFormat;
  readonly #isTransparent: boolean;
  readonly #scanoutId: number;
  readonly #events: CanvasEvents;
  readonly #frame: DamagedFrame;
  readonly #pipelines = new Map<string, GPURenderPipeline>();
  #device!: GPUDevice;
  #isLost = false;
  #texture: GPUTexture | undefined;
  #pipeline: GPURenderPipeline | undefined;
  #bindings: GPUBindGroup | undefined;
  #format: Format | undefined;

  /**
   * Draws on `canvas`, whose size it sets, by `device`, of which it makes its own textures. Throws `TypeError` when the
   * canvas has a context of another kind.
   */
  constructor(canvas: HTMLCanvasElement | OffscreenCanvas, device: GPUDevice, options: CanvasDisplayOptions = {}) {
    const { scanoutId = 0, isTransparent = false, requestFrame = screenFrame } = options;
    const context = canvas.getContext("webgpu") as GPUCanvasContext | null;
    if (context === null) throw new TypeError("Cannot show on this canvas: it has a context of another kind");
    this.#canvas = canvas;
    this.#context = context;
    this.#canvasFormat = navigator.gpu.getPreferredCanvasFormat();
    this.#isTransparent = isTransparent;
    this.#scanoutId = scanoutId;
    this.#events = options;
    this.#frame = new DamagedFrame("asIs", requestFrame, (isNew) => this.#draw(isNew));
    this.useDevice(device);
  }

  /** Draws by `device` from now on, at first all of the picture: the one before was lost. */
  useDevice(device: GPUDevice): void {
    this.#device = device;
    this.#isLost = false;
    this.#format = undefined; // what was made by the device before is of no use
    this.#pipelines.clear();
    this.#context.configure({
      device,
      format: this.#canvasFormat,
      alphaMode: this.#isTransparent ? "premultiplied" : "opaque",
    });
    this.#frame.showAgain();
    void device.lost.then(() => this.#isLost ||= this.#device === device);
  }

  /**
   * What is shown, as it was flushed, for a display that takes this one's place; undefined: nothing. It is there until the
   * next call of this display.
   */
  get picture(): PixelSource | undefined {
    return this.#frame.source;
  }

  show(scanoutId: number, source: PixelSource, damage: Rect): void {
    if (scanoutId === this.#scanoutId) this.#frame.read(source, damage);
  }

  disable(scanoutId: number): void {
    if (scanoutId !== this.#scanoutId || this.#frame.guest === undefined) return;
    this.#frame.release();
    this.#texture?.destroy();
    this.#texture = undefined;
    this.#format = undefined;
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
    if (this.#isLost || this.#exceedsDevice()) return; // the damage stays
    if (this.#frame.format !== this.#format) this.#prepare(this.#frame.format);
    const pixels = this.#upload();
    const commands = this.#device.createCommandEncoder();
    const pass = commands.beginRenderPass({
      colorAttachments: [{ view: this.#context.getCurrentTexture().createView(), loadOp: "clear", storeOp: "store" }],
    });
    pass.setPipeline(this.#pipeline!);
    pass.setBindGroup(0, this.#bindings!);
    pass.draw(3);
    pass.end();
    this.#device.queue.submit([commands.finish()]);
    this.#events.onFrame?.(pixels);
  }

  #exceedsDevice(): boolean {
    const { widthPixels, heightPixels } = this.#frame;
    return Math.max(widthPixels, heightPixels) > this.#device.limits.maxTextureDimension2D;
  }

  #resize(): void {
    const { widthPixels, heightPixels } = this.#frame;
    this.#format = undefined; // the texture has another size
    this.#canvas.width = widthPixels;
    this.#canvas.height = heightPixels;
    this.#events.onSize?.({ widthPixels, heightPixels });
  }

  /** Copies what was damaged to the texture; returns how many pixels that were. */
  #upload(): number {
    const { damage, guest, address, strideBytes } = this.#frame;
    const { bytes } = guest!;
    let pixels = 0;
    for (let index = 0; index < damage.count; index++) {
      const { x, y, width, height } = damage.at(index);
      const begin = address + y * strideBytes + x * BYTES_PER_PIXEL;
      const end = begin + (height - 1) * strideBytes + width * BYTES_PER_PIXEL;
      const rows = bytes.subarray(begin, end) as Uint8Array<ArrayBuffer>; // a shared one will do
      const layout = { bytesPerRow: strideBytes, rowsPerImage: height };
      this.#device.queue.writeTexture({ texture: this.#texture!, origin: { x, y } }, rows, layout, { width, height });
      pixels += width * height;
    }
    damage.clear();
    return pixels;
  }

  /** Makes what depends on size and format. All of the picture is damaged whenever one of them has changed. */
  #prepare(format: Format): void {
    const { textureFormat, channels } = channelsOf(format, this.#isTransparent);
    const { widthPixels, heightPixels } = this.#frame;
    this.#texture?.destroy();
    this.#texture = this.#device.createTexture({
      size: [widthPixels, heightPixels],
      format: textureFormat,
      usage: GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST,
    });
    this.#pipeline = this.#pipelineOf(channels);
    this.#bindings = this.#device.createBindGroup({
      layout: this.#pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: this.#texture.createView() }],
    });
    this.#format = format;
  }

  #pipelineOf(channels: string): GPURenderPipeline {
    const known = this.#pipelines.get(channels);
    if (known !== undefined) return known;
    const module = this.#device.createShaderModule({ code: SHADER.replace("CHANNELS", channels) });
    const pipeline = this.#device.createRenderPipeline({
      layout: "auto",
      vertex: { module },
      fragment: { module, targets: [{ format: this.#canvasFormat }] },
    });
    this.#pipelines.set(channels, pipeline);
    return pipeline;
  }
}

/** The texture that takes a format as it is, and the expression that puts the channels of a texel in order. */
function channelsOf(format: Format, isTransparent: boolean): { textureFormat: GPUTextureFormat; channels: string } {
  const { name, hasAlpha } = pixelFormat(format);
  const isBgra = name.startsWith("B8");
  const places = isBgra ? "BGR" : name.replaceAll("8", ""); // bgra8unorm names its channels by their colours
  const of = (colour: string) => `texel.${isBgra ? colour.toLowerCase() : "rgba"[places.indexOf(colour)]}`;
  const colours = `vec3f(${of("R")}, ${of("G")}, ${of("B")})`;
  const alpha = isBgra ? "texel.a" : `texel.${"rgba"[places.indexOf("A")] ?? "a"}`;
  // colours above their alpha are none: what a canvas shows then is not said anywhere
  const channels = isTransparent && hasAlpha
    ? `vec4f(min(${colours}, vec3f(${alpha})), ${alpha})`
    : `vec4f(${colours}, 1)`;
  return { textureFormat: isBgra ? "bgra8unorm" : "rgba8unorm", channels };
}
