import { CanvasDisplay } from "../../src/display/canvas.ts";
import type { CanvasDisplayOptions, CanvasSize } from "../../src/display/canvas_events.ts";
import type { CursorImage, Display } from "../../src/display/display.ts";
import { WebGpuCanvasDisplay } from "../../src/display/webgpu_canvas.ts";
import type { PixelSource } from "../../src/memory/pixel_source.ts";
import type { Rect } from "../../src/memory/rect.ts";
import type { AnyCanvas, CanvasWay, MachineEvent } from "./machine_calls.ts";

/** A GPU that is lost so often is left alone. */
const MOST_LOSSES = 10;

/** What hears of the screens: the page's events, and each picture that was drawn. */
export interface ScreenEvents {
  readonly onEvent: (event: MachineEvent) => void;
  readonly onFrame: (monitor: number) => void;
}

/** A scanout on its canvas. */
interface Screen {
  display: CanvasDisplay | WebGpuCanvasDisplay;
  isLit: boolean;
}

/** The device's scanouts on the page's canvases, by the 2D context or by WebGPU. */
export class Screens implements Display {
  readonly #events: ScreenEvents;
  readonly #screens: Screen[];

  private constructor(canvases: readonly AnyCanvas[], device: GPUDevice | undefined, events: ScreenEvents) {
    this.#events = events;
    this.#screens = canvases.map((canvas, monitor) => {
      const options = screenOptions(monitor, events);
      const display = device ? new WebGpuCanvasDisplay(canvas, device, options) : new CanvasDisplay(canvas, options);
      return { display, isLit: false };
    });
    if (device !== undefined) void this.#outlive(device);
  }

  /** Draws on these canvases in this way. Rejects where the browser cannot, for people. */
  static async on(canvases: readonly AnyCanvas[], way: CanvasWay, events: ScreenEvents): Promise<Screens> {
    return new Screens(canvases, way === "webgpu" ? await webGpuDevice() : undefined, events);
  }

  /** Whether a monitor has a picture. */
  isLit(monitor: number): boolean {
    return this.#screens[monitor]!.isLit;
  }

  /** Draws on other canvases from now on, which the 2D context takes, at first what WebGPU has shown. */
  moveTo(canvases: readonly AnyCanvas[]): void {
    this.#screens.forEach((screen, monitor) => {
      const before = screen.display;
      screen.display = new CanvasDisplay(canvases[monitor]!, screenOptions(monitor, this.#events));
      if (before instanceof WebGpuCanvasDisplay && before.picture !== undefined) {
        const { widthPixels: width, heightPixels: height } = before.picture;
        screen.display.show(monitor, before.picture, { x: 0, y: 0, width, height });
      }
      before.disable(monitor);
    });
  }

  show(scanoutId: number, source: PixelSource, damage: Rect): void {
    const screen = this.#screens[scanoutId]!;
    screen.isLit = true;
    screen.display.show(scanoutId, source, damage);
  }

  disable(scanoutId: number): void {
    const screen = this.#screens[scanoutId]!;
    screen.isLit = false;
    screen.display.disable(scanoutId);
  }

  setCursor(scanoutId: number, image: CursorImage | undefined): void {
    this.#screens[scanoutId]!.display.setCursor(scanoutId, image);
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    this.#screens[scanoutId]!.display.moveCursor(scanoutId, x, y);
  }

  /** Draws by another GPU device whenever one is lost; where there is no other, the page has to give other canvases. */
  async #outlive(first: GPUDevice): Promise<void> {
    let device: GPUDevice | undefined = first;
    for (let losses = 0; device !== undefined; losses++) {
      await device.lost;
      device = losses < MOST_LOSSES ? await webGpuDevice().catch(() => undefined) : undefined;
      if (device !== undefined) this.#draw(device);
    }
    this.#events.onEvent({ type: "canvasesLost" });
  }

  #draw(device: GPUDevice): void {
    for (const { display } of this.#screens) {
      if (display instanceof WebGpuCanvasDisplay) display.useDevice(device);
    }
  }
}

/**
 * The page hears of a size at the frame after its first picture: a Worker's canvas is drawn, but not on the screen, before.
 * So what the page shows is never empty.
 */
function screenOptions(monitor: number, { onEvent, onFrame }: ScreenEvents): CanvasDisplayOptions {
  let unseen: CanvasSize | undefined;
  const tellSize = () => {
    if (unseen !== undefined) onEvent({ type: "screen", monitor, size: unseen });
    unseen = undefined;
  };
  return {
    scanoutId: monitor,
    onSize: (size) => {
      unseen = size;
      if (size === undefined) onEvent({ type: "screen", monitor, size });
    },
    onFrame: () => {
      onFrame(monitor);
      if (unseen !== undefined) requestAnimationFrame(tellSize);
    },
    onCursor: (cursor) => onEvent({ type: "cursor", monitor, cursor }),
    onCursorMove: (x, y) => onEvent({ type: "cursorMove", monitor, x, y }),
  };
}

async function webGpuDevice(): Promise<GPUDevice> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (adapter) return await adapter.requestDevice();
  throw new Error("This browser has no WebGPU here. Leave ?canvas=webgpu out: the 2D canvas needs none.");
}
