/** The page: monitors, buttons, and what the machine tells. See README.md. */
import { canDrawInWorker, hasSimd } from "./browser.ts";
import { GUESTS } from "./guest_files.ts";
import { Input } from "./input.ts";
import { type Canvases, type CanvasWay, type MachineCalls, type MachineEvent, MONITORS } from "./machine_calls.ts";
import { MonitorPlugs } from "./monitor_plugs.ts";
import { density, MonitorView } from "./monitor_view.ts";
import { RemoteMachine } from "./remote_machine.ts";
import { megabytes, Status } from "./status.ts";

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
  chooseUpload: element<HTMLButtonElement>("choose-upload"),
  upload: element<HTMLInputElement>("upload"),
};

const status = new Status();
const monitors = Array.from({ length: MONITORS }, (_, index) => new MonitorView(index));
const plugs = new MonitorPlugs(monitors);
const events: MachineEvent[] = [];
let isRunning = true;
let saved: ArrayBuffer | undefined;

function onEvent(event: MachineEvent): void {
  if (event.type !== "work") events.push(event);
  switch (event.type) {
    case "progress":
      return status.progress(event.text, event.done, event.total);
    case "vga":
      return monitors[0]!.resize("vga", event.size);
    case "reset":
      return monitors[0]!.show("vga");
    case "screen":
      monitors[event.monitor]!.setScanout(event.size);
      return showSize();
    case "canvasesLost":
      status.problem("The browser has taken the GPU away and gives no other. The 2D canvas goes on without one.");
      return machine.takeCanvases(monitors.map((monitor) => canvasOf(monitor.renewCanvas())));
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
      return status.set("running", isRunning ? "" : "paused");
    case "work":
      return status.set("work", `${event.frames} frames a second, ${event.commands} commands`);
    case "failed":
      return status.problem(event.message);
  }
}

function showSize(): void {
  const { size } = monitors[0]!;
  status.set("size", size ? `${size.widthPixels}x${size.heightPixels}` : "");
}

/** In a Worker where the browser can draw from there, else here. */
async function makeMachine(): Promise<MachineCalls> {
  if (thread === "worker") {
    return new RemoteMachine(new Worker(new URL("machine_worker.js", location.href), { type: "module" }), onEvent);
  }
  const { Machine } = await import("./machine.ts");
  return new Machine(onEvent);
}

function canvasOf(element: HTMLCanvasElement): HTMLCanvasElement | OffscreenCanvas {
  return thread === "worker" ? element.transferControlToOffscreen() : element;
}

function makeCanvases(): Canvases {
  return { vga: canvasOf(monitors[0]!.vga), screens: monitors.map(({ gpu }) => canvasOf(gpu)) };
}

function listenToButtons(): void {
  buttons.fullScreen.onclick = () => status.attempt(fillScreen);
  buttons.second.onclick = () => {
    const isPlugged = buttons.second.ariaPressed !== "true";
    buttons.second.ariaPressed = String(isPlugged);
    monitors[1]!.element.hidden = !isPlugged;
    plugs.setPlugged(1, isPlugged);
  };
  buttons.devicePixels.onchange = () => plugs.hasDevicePixels = buttons.devicePixels.checked;
  buttons.pause.onclick = () => status.attempt(() => machine.setRunning(!isRunning));
  buttons.reset.onclick = () => status.attempt(() => machine.reset());
  buttons.save.onclick = () => status.attempt(save);
  buttons.restore.onclick = () => status.attempt(() => restore(saved!));
  buttons.chooseUpload.onclick = () => buttons.upload.click();
  buttons.upload.onchange = () =>
    status.attempt(async () => {
      const [file] = buttons.upload.files!;
      if (file !== undefined) await restore(await file.arrayBuffer());
      buttons.upload.value = "";
    });
}

async function fillScreen(): Promise<void> {
  await monitors[0]!.element.requestFullscreen();
  monitors[0]!.screen.focus();
}

/** The page was zoomed, or is on another screen. */
function watchDensity(): void {
  matchMedia(`(resolution: ${density()}dppx)`).addEventListener("change", () => {
    for (const monitor of monitors) monitor.layOut();
    plugs.tellAll();
    watchDensity();
  }, { once: true });
}

async function save(): Promise<void> {
  saved = await machine.save();
  buttons.restore.disabled = false;
  URL.revokeObjectURL(buttons.download.href);
  buttons.download.href = URL.createObjectURL(new Blob([saved]));
  buttons.download.hidden = false;
  status.message(`Saved: ${megabytes(saved.byteLength)} MB`);
}

async function restore(file: ArrayBuffer): Promise<void> {
  await machine.restore(file);
  plugs.tellAll(); // the page's monitors may be others than those that were saved
  status.message("Restored");
}

async function start(): Promise<void> {
  await machine.start({
    canvases: makeCanvases(),
    way,
    monitors: plugs.monitors,
    files: new URL(query.get("guest") === "weston" ? GUESTS.weston : GUESTS.desktop, location.href).href,
    isBooted: query.has("booted"),
    keepsPicture: query.has("picture"),
  });
  plugs.machine = machine;
  plugs.tellAll(); // the boxes may have changed since
}

element("monitors").append(...monitors.map((monitor) => monitor.element));
monitors[1]!.element.hidden = true;

const thread = canDrawInWorker() && query.get("thread") !== "main" ? "worker" : "main";
const way: CanvasWay = query.get("canvas") === "webgpu" ? "webgpu" : "2d";
const machine = await makeMachine();
const input = new Input(machine, monitors);

addEventListener("error", ({ message }) => status.problem(message));
addEventListener("unhandledrejection", ({ reason }) => status.problem(reason?.message ?? String(reason)));

const page: PageForTests = { machine, events, thread };
Object.assign(globalThis, { scanout: page });

if (!hasSimd()) {
  status.problem("This browser's WebAssembly has no SIMD, which Scanout needs. Any browser since 2023 has it.");
} else {
  status.set("thread", thread === "worker" ? "in a Worker" : "on the main thread");
  listenToButtons();
  monitors[0]!.show("vga");
  watchDensity();
  status.attempt(start);
}
