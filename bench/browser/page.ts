/** The page of the figures: machines that take turns, one for each way. A program calls what is in `globalThis.figures`. */
import { countCanvasWork } from "./canvas_work.ts";
import { Machine } from "./machine.ts";
import type { DrawRun, MeasuredMachine, Readings, Way } from "./machine_calls.ts";
import { WorkerMachine } from "./worker_machine.ts";

/** What `globalThis.figures` is. */
export interface FiguresPage {
  /** Makes a machine, whose number is the count of those made before. */
  start(way: Way): Promise<void>;
  /** Shows a machine's screen alone, and lets its guest draw. */
  draw(machine: number, kind: string, milliseconds: number): Promise<DrawRun>;
  /** The same for a kind that shows one picture: what can be read some frames after it, and `frames` frames later. */
  watch(machine: number, kind: string, frames: number): Promise<{ before: Readings; after: Readings }>;
}

interface Screen {
  readonly element: HTMLElement;
  readonly machine: MeasuredMachine;
}

/** Frames of the screen in which a picture that was flushed before has certainly reached the canvas. */
const SETTLE_FRAMES = 30;

const requestFrame = requestAnimationFrame; // before it is counted
const canvasWork = countCanvasWork();
const files = new URL("guest/", location.href).href;
const screens: Screen[] = [];

async function startMachine(way: Way, element: HTMLElement): Promise<MeasuredMachine> {
  if (way.driver === "bochs") {
    return await Machine.start(way, { container: element }, files, canvasWork);
  }
  const canvas = document.createElement("canvas");
  element.append(canvas);
  if (way.thread === "main") return await Machine.start(way, { canvas }, files, canvasWork);
  return await WorkerMachine.start(way, canvas.transferControlToOffscreen(), files);
}

async function waitForFrames(count: number): Promise<void> {
  for (let frame = 0; frame < count; frame++) await new Promise(requestFrame);
}

const page: FiguresPage = {
  async start(way) {
    const element = document.createElement("section");
    document.body.append(element);
    screens.push({ element, machine: await startMachine(way, element) });
    element.hidden = true;
  },
  async draw(index, kind, milliseconds) {
    const { element, machine } = screens[index]!;
    element.hidden = false;
    const run = await machine.draw(kind, milliseconds);
    element.hidden = true;
    return run;
  },
  async watch(index, kind, frames) {
    const { element, machine } = screens[index]!;
    element.hidden = false;
    await machine.begin(kind);
    await waitForFrames(SETTLE_FRAMES);
    const before = await machine.readings();
    await waitForFrames(frames);
    const after = await machine.readings();
    await machine.end();
    element.hidden = true;
    return { before, after };
  },
};

Object.assign(globalThis, { figures: page });
