/** The page: monitors, buttons, and what the machine tells. See README.md. */
import type { CanvasSize } from "../../src/display/canvas_events.ts";
import { Input } from "./input.ts";
import {
  type Canvases,
  type CanvasWay,
  type MachineCalls,
  type MachineEvent,
  type Monitor,
  MONITORS,
} from "./machine_calls.ts";
import { density, MonitorView } from "./monitor_view.ts";
import { RemoteMachine } from "./remote_machine.ts";

/** A guest is told of a new size when the user has stopped dragging for so long. */
const RESIZE_MILLISECONDS = 200;
const DARK_MILLISECONDS = 200;
const LEAST_PIXELS = 64;
const MOST_PIXELS = 4095; // what an EDID can say

/** The smallest module with an instruction of SIMD, without which Scanout's kernels do not run. */
const SIMD = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  10,
  1,
  8,
  0,
  65,
  0,
  253,
  15,
  253,
  98,
  11,
);

/** What a test finds in `globalThis.scanout`. */
export interface PageForTests {
  readonly machine: MachineCalls;
  /** Everything that the machine has told. */
  readonly events: readonly MachineEvent[];
  readonly thread: "worker" | "main";
}

const query = new URL(location.href).searchParams;
const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const buttons = {
  fullScreen: element<HTMLButtonElement>("full-screen"),
  second: element<HTMLButtonElement>("second-monitor"),
  devicePixels: element<HTMLInputElement>("device-pixels"),
  pause: element<HTMLButtonElement>("pause"),
  reset: element<HTMLButtonElement>("reset"),
  save: element<HTMLButtonElement>("save"),
  restore: element<HTMLButtonElement>("restore"),
  download: element<HTMLAnchorElement>("download"),
  upload: element<HTMLInputElement>("upload"),
};

const events: MachineEvent[] = [];
const boxes = Array.from({ length: MONITORS }, () => ({ width: 1024, height: 640 }));
const timers: ReturnType<typeof setTimeout>[] = [];
const darkTimers = new Map<MonitorView, ReturnType<typeof setTimeout>>();
let isSecondPlugged = false;
let isStarted = false;
let isRunning = true;
let message = "";
let work = "";
let saved: ArrayBuffer | undefined;

const monitors = boxes.map((box, index) =>
  new MonitorView(index, (width, height) => {
    if (width < LEAST_PIXELS || height < LEAST_PIXELS) return; // hidden
    [box.width, box.height] = [width, height];
    tellGuest(index);
  })
);
monitors[1]!.element.hidden = true;
element("monitors").append(...monitors.map((monitor) => monitor.element));

/** The monitor as its box and the checkbox have it. */
function monitorOf(index: number): Monitor {
  const { width, height } = boxes[index]!;
  const scale = buttons.devicePixels.checked ? density() : 1;
  const pixels = (size: number) => Math.min(MOST_PIXELS, Math.max(LEAST_PIXELS, Math.round(size * scale)));
  return {
    widthPixels: pixels(width),
    heightPixels: pixels(height),
    isEnabled: index === 0 || isSecondPlugged,
  };
}

/** Tells the guest of a monitor, once the user has stopped changing it. */
function tellGuest(index: number): void {
  clearTimeout(timers[index]);
  if (!isStarted) return;
  timers[index] = setTimeout(() => {
    if (monitors[index]!.isDragged) tellGuest(index);
    else machine.setMonitor(index, monitorOf(index));
  }, RESIZE_MILLISECONDS);
}

function tellGuestOfAll(): void {
  monitors.forEach((_, index) => tellGuest(index));
}

function onEvent(event: MachineEvent): void {
  if (event.type !== "work") events.push(event);
  switch (event.type) {
    case "progress":
      return showProgress(event.text, event.done, event.total);
    case "vga":
      return monitors[0]!.resize("vga", event.size);
    case "reset":
      return monitors[0]!.show("vga");
    case "screen":
      clearTimeout(darkTimers.get(monitors[event.monitor]!));
      return showScreen(monitors[event.monitor]!, event.size);
    case "cursor":
      return monitors[event.monitor]!.setCursor(event.cursor);
    case "cursorMove":
      return monitors[event.monitor]!.moveCursor(event.x, event.y);
    case "mouse":
      input.wants = event.wants;
      return;
    case "running":
      isRunning = event.isRunning;
      buttons.pause.textContent = isRunning ? "Pause" : "Continue";
      return showStatus();
    case "work":
      work = `${event.frames} frames a second, ${event.commands} commands`;
      return showStatus();
    case "failed":
      return showProblem(event.message);
  }
}

/** A guest that goes from a mode to another may show nothing in between: its last picture stays for that time. */
function showScreen(monitor: MonitorView, size: CanvasSize | undefined): void {
  if (size !== undefined) {
    monitor.resize("gpu", size);
    monitor.show("gpu");
    return showStatus();
  }
  darkTimers.set(monitor, setTimeout(() => monitor.shown === "gpu" && monitor.show("nothing"), DARK_MILLISECONDS));
}

function showProgress(text: string, done?: number, total?: number): void {
  const bar = element<HTMLProgressElement>("progress");
  message = total === undefined ? text : `${text}: ${(done! / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`;
  bar.hidden = total === undefined || done === total;
  bar.max = total ?? 1;
  bar.value = done ?? 0;
  showStatus();
}

function showStatus(): void {
  const size = monitors[0]!.size;
  const screen = size && `${size.widthPixels}x${size.heightPixels}`;
  const parts = [message, screen, work, thread, isRunning ? "" : "paused"];
  element("status").textContent = parts.filter((part) => part).join(" · ");
}

function showProblem(text: string): void {
  const problem = element("problem");
  problem.textContent = text;
  problem.hidden = text === "";
}

/** Does something that may go wrong, and says so if it does. */
function attempt(work: () => Promise<unknown>): void {
  showProblem("");
  work().catch((error) => showProblem(error instanceof Error ? error.message : String(error)));
}

/** In a Worker where the browser can draw from there, else here. */
async function makeMachine(): Promise<MachineCalls> {
  if (thread === "worker") {
    return new RemoteMachine(new Worker(new URL("machine_worker.js", location.href), { type: "module" }), onEvent);
  }
  const { Machine } = await import("./machine.ts");
  return new Machine(onEvent);
}

function makeCanvases(): Canvases {
  const canvas = (element: HTMLCanvasElement) => thread === "worker" ? element.transferControlToOffscreen() : element;
  return { vga: canvas(monitors[0]!.vga), screens: monitors.map(({ gpu }) => canvas(gpu)) };
}

function listenToButtons(): void {
  buttons.fullScreen.onclick = () => attempt(() => monitors[0]!.element.requestFullscreen());
  buttons.second.onclick = () => {
    isSecondPlugged = !isSecondPlugged;
    buttons.second.ariaPressed = String(isSecondPlugged);
    monitors[1]!.element.hidden = !isSecondPlugged;
    tellGuest(1);
  };
  buttons.devicePixels.onchange = tellGuestOfAll;
  buttons.pause.onclick = () => attempt(() => machine.setRunning(!isRunning));
  buttons.reset.onclick = () => attempt(() => machine.reset());
  buttons.save.onclick = () => attempt(save);
  buttons.restore.onclick = () => attempt(() => restore(saved!));
  buttons.upload.onchange = () =>
    attempt(async () => {
      const [file] = buttons.upload.files!;
      if (file !== undefined) await restore(await file.arrayBuffer());
      buttons.upload.value = "";
    });
}

/** The page was zoomed, or is on another screen. */
function watchDensity(): void {
  matchMedia(`(resolution: ${density()}dppx)`).addEventListener("change", () => {
    for (const monitor of monitors) monitor.layOut();
    tellGuestOfAll();
    watchDensity();
  }, { once: true });
}

async function save(): Promise<void> {
  saved = await machine.save();
  buttons.restore.disabled = false;
  URL.revokeObjectURL(buttons.download.href);
  buttons.download.href = URL.createObjectURL(new Blob([saved]));
  buttons.download.hidden = false;
  message = `Saved: ${(saved.byteLength / 1e6).toFixed(1)} MB`;
  showStatus();
}

async function restore(file: ArrayBuffer): Promise<void> {
  await machine.restore(file);
  tellGuestOfAll(); // the page's monitors may be others than those that were saved
  message = "Restored";
  showStatus();
}

const canWork = typeof HTMLCanvasElement.prototype.transferControlToOffscreen === "function" &&
  typeof Worker === "function";
const thread = canWork && query.get("thread") !== "main" ? "worker" : "main";
const way: CanvasWay = query.get("canvas") === "webgpu" ? "webgpu" : "2d";
const machine = await makeMachine();
const input = new Input(machine, monitors);

addEventListener("error", ({ message }) => showProblem(message));
addEventListener("unhandledrejection", ({ reason }) => showProblem(reason?.message ?? String(reason)));

const page: PageForTests = { machine, events, thread };
Object.assign(globalThis, { scanout: page });

if (!WebAssembly.validate(SIMD)) {
  showProblem("This browser's WebAssembly has no SIMD, which Scanout needs. Any browser since 2023 has it.");
} else {
  listenToButtons();
  monitors[0]!.show("vga");
  watchDensity();
  attempt(async () => {
    await machine.start({
      canvases: makeCanvases(),
      way,
      monitors: boxes.map((_, index) => monitorOf(index)),
      files: new URL("guest/", location.href).href,
      isBooted: query.has("booted"),
      keepsPicture: query.has("picture"),
    });
    isStarted = true;
    tellGuestOfAll(); // the boxes may have changed since
  });
}
