import type { CanvasWork } from "./canvas_work.ts";

/** By what a guest's picture comes to the canvas. */
export interface Way {
  /** The guest's driver: Linux's virtio_gpu on our device, or bochs on v86's own VGA. */
  readonly driver: "virtio_gpu" | "bochs";
  /** Whether the device offers blobs, which it reads where they lie; else it copies what the guest transfers. */
  readonly hasBlobs: boolean;
  /** Where emulator, device and drawing are. v86's own screen needs the main thread. */
  readonly thread: "main" | "worker";
}

/** What can be read of a machine at any time; all of it grows. */
export interface Readings {
  readonly milliseconds: number;
  /** Guest instructions by v86's own counter, modulo 2^32. */
  readonly instructions: number;
  /** Commands that our device has answered. */
  readonly commands: number;
  /** Interrupts that our device has raised. */
  readonly interrupts: number;
  /** Time in our device, in milliseconds. */
  readonly deviceMilliseconds: number;
  readonly canvas: CanvasWork;
}

/** What a guest did between the two lines of its program: `draw` of guest/draw.c. */
export interface DrawRun {
  /** Pictures, or lines, that the guest has drawn. */
  readonly count: number;
  readonly before: Readings;
  readonly after: Readings;
}

/** A machine on this thread or on another. It stands still between the calls, but for what `begin` says. */
export interface MeasuredMachine {
  /** Lets the guest run its program `draw` with these arguments. */
  draw(kind: string, milliseconds: number): Promise<DrawRun>;
  /** Starts the program, without an end, and resolves when it has begun. The guest runs until `end`. */
  begin(kind: string): Promise<void>;
  /** Ends what `begin` has started. */
  end(): Promise<void>;
  /** What can be read now. */
  readings(): Promise<Readings>;
}

/** The names of the calls. */
export type CallName = keyof MeasuredMachine;
