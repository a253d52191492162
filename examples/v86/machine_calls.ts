import type { CanvasSize } from "../../src/display/canvas_events.ts";
import type { CursorPicture, Picture } from "../../src/display/memory_display.ts";

/** How many monitors the machine has: the device's outputs. The second one is not plugged in at first. */
export const MONITORS = 2;

/** By what a monitor's canvas is drawn on. */
export type CanvasWay = "2d" | "webgpu";

/** An element of the page, or what draws on one from a Worker. */
export type AnyCanvas = HTMLCanvasElement | OffscreenCanvas;

/** What the machine draws on. */
export interface Canvases {
  /** v86's own VGA. */
  readonly vga: AnyCanvas;
  /** The device's scanouts, by their numbers. */
  readonly screens: readonly AnyCanvas[];
}

/** A monitor as the guest finds it. */
export interface Monitor {
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly isEnabled: boolean;
}

/** How the machine starts. */
export interface StartOptions {
  readonly canvases: Canvases;
  readonly way: CanvasWay;
  readonly monitors: readonly Monitor[];
  /** Where the guest's files are: a folder, as an absolute URL with a slash at its end. */
  readonly files: string;
  /** Whether to go on from the server's state of a guest that has booted, instead of booting. */
  readonly isBooted: boolean;
  /** Whether the device's own picture is kept beside the canvas, for tests: `picture` gives it. */
  readonly keepsPicture: boolean;
}

/** What the machine tells the page. */
export type MachineEvent =
  | { readonly type: "progress"; readonly text: string; readonly done?: number; readonly total?: number }
  /** The VGA has another size. */
  | { readonly type: "vga"; readonly size: CanvasSize }
  /** The device was reset, with the machine or by its driver: what is to be seen is on the VGA, and drawn there. */
  | { readonly type: "reset" }
  /** A scanout's first picture of this size is on its canvas; undefined: it shows nothing. */
  | { readonly type: "screen"; readonly monitor: number; readonly size: CanvasSize | undefined }
  | { readonly type: "cursor"; readonly monitor: number; readonly cursor: CursorPicture | undefined }
  | { readonly type: "cursorMove"; readonly monitor: number; readonly x: number; readonly y: number }
  /** The browser has taken the GPU away, and gives no other: `takeCanvases` has to give canvases without a context. */
  | { readonly type: "canvasesLost" }
  /** What the guest asks of the mouse: where the pointer is, or how it moves; neither where it has no driver for it. */
  | { readonly type: "mouse"; readonly wants: MouseWants }
  | { readonly type: "running"; readonly isRunning: boolean }
  /** What the guest has done in the last second. */
  | { readonly type: "work"; readonly frames: number; readonly commands: number }
  /** The machine is lost. */
  | { readonly type: "failed"; readonly message: string };

/** What the guest wants to know of the mouse. */
export type MouseWants = "place" | "moves" | "nothing";

/** Where the pointer is among the monitors, all of them together; all four in the same unit. */
export interface PointerPlace {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A machine, in this thread or in a Worker. */
export interface MachineCalls {
  /** Loads the guest and lets it run. Rejects with what is missing, for people. */
  start(options: StartOptions): Promise<void>;
  /** Sends scan codes of the keyboard (set 1), one byte each. */
  sendKeys(codes: readonly number[]): void;
  /** The pointer is there now, and has moved by so many pixels to the right and downwards. */
  movePointer(place: PointerPlace | undefined, right: number, down: number): void;
  /** Which of the mouse's buttons are down. */
  pressButtons(left: boolean, middle: boolean, right: boolean): void;
  /** The wheel was turned by `steps`; upwards is positive. */
  turnWheel(steps: number): void;
  /** Whether the pointer belongs to the guest, so that it only moves and is nowhere. */
  lockPointer(isLocked: boolean): void;
  /** Resizes, plugs or unplugs a monitor. */
  setMonitor(index: number, monitor: Monitor): void;
  setRunning(isRunning: boolean): Promise<void>;
  /** Presses the reset button. */
  reset(): Promise<void>;
  /** The whole machine, as one file. */
  save(): Promise<ArrayBuffer>;
  /** Takes up what `save` gave, here or elsewhere. */
  restore(file: ArrayBuffer): Promise<void>;
  /** Shows the scanouts on these canvases from now on, by the 2D context. */
  takeCanvases(canvases: readonly AnyCanvas[]): void;
  /** Runs a shell command in the guest, and gives what it prints. */
  runInGuest(command: string): Promise<string>;
  /** What the device shows on a monitor: only with `keepsPicture`. */
  picture(monitor: number): Promise<Picture | undefined>;
}

/** The names of the calls. */
export type CallName = keyof MachineCalls;
