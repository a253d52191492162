import type { MachineCalls, Monitor } from "./machine_calls.ts";
import { density, type MonitorView } from "./monitor_view.ts";

/** A guest is told of a new size when the user has stopped changing it for so long. */
const RESIZE_MILLISECONDS = 200;
const LEAST_PIXELS = 64;
const MOST_PIXELS = 4095; // what an EDID can say

interface Plug {
  readonly view: MonitorView;
  width: number;
  height: number;
  isPlugged: boolean;
  timer?: ReturnType<typeof setTimeout>;
}

/** The monitors as the guest finds them: which are plugged in, and with how many pixels. */
export class MonitorPlugs {
  readonly #plugs: readonly Plug[];
  /** The machine, once it can be told. */
  machine: MachineCalls | undefined;
  #hasDevicePixels = true;

  /** The first monitor is plugged in. */
  constructor(views: readonly MonitorView[]) {
    this.#plugs = views.map((view, index) => ({ view, width: 1024, height: 640, isPlugged: index === 0 }));
    this.#plugs.forEach((plug, index) => {
      plug.view.onBox = (width, height) => {
        if (width < LEAST_PIXELS || height < LEAST_PIXELS) return; // hidden
        [plug.width, plug.height] = [width, height];
        this.#tell(index);
      };
    });
  }

  /** What the guest is to find. */
  get monitors(): Monitor[] {
    return this.#plugs.map(({ width, height, isPlugged }) => ({
      widthPixels: this.#pixels(width),
      heightPixels: this.#pixels(height),
      isEnabled: isPlugged,
    }));
  }

  /** Tells the guest of all monitors. */
  tellAll(): void {
    this.#plugs.forEach((_, index) => this.#tell(index));
  }

  /** Plugs a monitor in or out. */
  setPlugged(index: number, isPlugged: boolean): void {
    this.#plugs[index]!.isPlugged = isPlugged;
    this.#tell(index);
  }

  /** Whether a pixel of the guest is one of the screen or a CSS pixel. */
  set hasDevicePixels(has: boolean) {
    this.#hasDevicePixels = has;
    this.tellAll();
  }

  #pixels(size: number): number {
    const pixels = Math.round(size * (this.#hasDevicePixels ? density() : 1));
    return Math.min(MOST_PIXELS, Math.max(LEAST_PIXELS, pixels));
  }

  /** Tells the guest of a monitor, once the user has stopped changing it. */
  #tell(index: number): void {
    const plug = this.#plugs[index]!;
    clearTimeout(plug.timer);
    const { machine } = this;
    if (machine === undefined) return;
    plug.timer = setTimeout(() => {
      if (plug.view.isDragged) this.#tell(index);
      else machine.setMonitor(index, this.monitors[index]!);
    }, RESIZE_MILLISECONDS);
  }
}
