import type { Way } from "./machine_calls.ts";

/** A way from what a guest draws to the canvas, and its name in tables. */
export interface Contender {
  readonly name: string;
  /** The name in a narrow column. */
  readonly shortName: string;
  readonly way: Way;
}

/** Our device in three ways, and v86's own VGA as v86 brings it. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: "virtio-gpu in a Worker",
    shortName: "Worker",
    way: { driver: "virtio_gpu", hasBlobs: true, thread: "worker" },
  },
  {
    name: "virtio-gpu on the main thread",
    shortName: "main thread",
    way: { driver: "virtio_gpu", hasBlobs: true, thread: "main" },
  },
  {
    name: "the same without blobs",
    shortName: "without blobs",
    way: { driver: "virtio_gpu", hasBlobs: false, thread: "main" },
  },
  { name: "v86's VGA (bochs)", shortName: "v86's VGA", way: { driver: "bochs", hasBlobs: true, thread: "main" } },
];

/** What all others are compared with: its place in `CONTENDERS`. */
export const VGA: number = CONTENDERS.length - 1;

/** Something to draw, by the name that guest/draw.c has for it. */
export interface Workload {
  readonly kind: string;
  readonly name: string;
  /** How many times as long as a run it is drawn before: v86 compiles code that has run often, and interprets it until then. */
  readonly warmUpRuns: number;
}

/** What the guests draw. */
export const WORKLOADS: readonly Workload[] = [
  { kind: "screens", warmUpRuns: 5, name: "full screens, filled" },
  { kind: "terminal", warmUpRuns: 5, name: "scrolled text, copied" },
  { kind: "console", warmUpRuns: 40, name: "lines on the console" },
  { kind: "squares", warmUpRuns: 5, name: "squares of 64x64" },
];
