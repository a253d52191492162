import { V86 } from "v86";
import { GuestSerial, v86SerialLine } from "../../build/guest/guest_serial.ts";
import { reloadKernelAtReset } from "../../build/guest/reload_kernel.ts";
import type { VirtioGpu } from "../../src/device/virtio_gpu.ts";
import type { CanvasSize } from "../../src/display/canvas_events.ts";
import { Displays } from "../../src/display/displays.ts";
import { MemoryDisplay, type Picture } from "../../src/display/memory_display.ts";
import { attach, type V86Gpu } from "../../src/hosts/v86.ts";
import { type GuestFiles, loadGuest } from "./guest_files.ts";
import type { AnyCanvas, MachineCalls, MachineEvent, Monitor, PointerPlace, StartOptions } from "./machine_calls.ts";
import { Screens } from "./screens.ts";
import { ADAPTER_MEMBERS, VgaScreen } from "./vga_screen.ts";

/** What this page uses of v86 beside what `attach` does, none of it promised by v86. */
interface Emulator {
  readonly bus: { send(name: string, value: unknown): void };
  readonly screen_adapter: Record<string, unknown>;
  readonly v86: { readonly cpu: { readonly devices: { readonly vga: { screen_fill_buffer(): void } } } };
}

/** How far a PS/2 mouse can say it has moved. */
const MOST_STEP = 255;
const COMMAND_SECONDS = 60;
const WORK_MILLISECONDS = 1000;
/** Enough for two screens of 2560x1600 and their canvases before v86's memory has to grow. */
const RESERVED_BYTES = 64 << 20;

/** A PC in v86 with a virtio-gpu, whose scanouts and VGA are on canvases. Everything is promised by `MachineCalls`. */
export class Machine implements MachineCalls {
  readonly #onEvent: (event: MachineEvent) => void;
  readonly #memory = new MemoryDisplay();
  #emulator!: V86;
  #internals!: Emulator;
  #device!: V86Gpu;
  #serial!: GuestSerial;
  #vga!: VgaScreen;
  #screens!: Screens;
  #guestStart = "";
  #frames = 0;

  constructor(onEvent: (event: MachineEvent) => void) {
    this.#onEvent = onEvent;
  }

  async start(options: StartOptions): Promise<void> {
    const files = await loadGuest(options.files, options.isBooted, (done, total) => {
      this.#onEvent({ type: "progress", text: "Loading the guest", done, total });
    });
    this.#guestStart = files.start;
    this.#emulator = await loadEmulator(files);
    this.#internals = this.#emulator as unknown as Emulator;
    this.#vga = makeVga(this.#internals, options, (size) => this.#onEvent({ type: "vga", size }));
    this.#vga.show();
    this.#screens = await Screens.on(options.canvases.screens, options.way, {
      onEvent: this.#onEvent,
      onFrame: (monitor) => this.#drawn(monitor),
    });
    this.#serial = new GuestSerial(v86SerialLine(this.#emulator));
    reloadKernelAtReset(this.#emulator, files.kernel.byteLength, files.initramfs.byteLength);
    this.#device = await attach(this.#emulator, {
      display: options.keepsPicture ? new Displays([this.#screens, this.#memory]) : this.#screens,
      outputs: options.monitors,
      reservedBytes: RESERVED_BYTES,
    });
    this.#listenToReset(this.#device.gpu);
    this.#listen();
    if (files.bootedState !== undefined) await this.#emulator.restore_state(files.bootedState);
    await this.#emulator.run();
    this.#watchWork(this.#device.gpu);
    void this.#startGuest(files.bootedState !== undefined);
  }

  sendKeys(codes: readonly number[]): void {
    for (const code of codes) this.#internals.bus.send("keyboard-code", code);
  }

  movePointer(place: PointerPlace | undefined, right: number, down: number): void {
    const step = (pixels: number) => Math.max(-MOST_STEP, Math.min(MOST_STEP, pixels));
    // Linux's driver looks where the pointer is when the mouse has moved; a page's first pointermove has moved by nothing.
    const least = place !== undefined && right === 0 && down === 0 ? 1 : 0;
    this.#internals.bus.send("mouse-delta", [step(right) || least, step(-down)]);
    if (place === undefined) return;
    this.#internals.bus.send("mouse-absolute", [place.x, place.y, place.width, place.height]);
  }

  pressButtons(left: boolean, middle: boolean, right: boolean): void {
    this.#internals.bus.send("mouse-click", [left, middle, right]);
  }

  turnWheel(steps: number): void {
    this.#internals.bus.send("mouse-wheel", [steps, 0]);
  }

  lockPointer(isLocked: boolean): void {
    this.#internals.bus.send("mouse-pointer-lock", isLocked);
  }

  setMonitor(index: number, monitor: Monitor): void {
    this.#device.gpu.setOutput(index, monitor);
  }

  async setRunning(isRunning: boolean): Promise<void> {
    await (isRunning ? this.#emulator.run() : this.#emulator.stop());
  }

  async reset(): Promise<void> {
    this.#emulator.restart();
    if (!this.#emulator.is_running()) await this.#emulator.run();
    void this.#startGuest(false);
  }

  save(): Promise<ArrayBuffer> {
    return this.#device.saveState();
  }

  async restore(file: ArrayBuffer): Promise<void> {
    await this.#device.restoreState(file);
    if (!this.#screens.isLit(0)) this.#showVga();
  }

  takeCanvases(canvases: readonly AnyCanvas[]): void {
    this.#screens.moveTo(canvases);
  }

  async runInGuest(command: string): Promise<string> {
    return await this.#serial.output(command);
  }

  picture(monitor: number): Promise<Picture | undefined> {
    return Promise.resolve(this.#memory.picture(monitor));
  }

  /** A scanout that shows nothing is dark; only a device that was reset leaves the screen to the VGA. */
  #listenToReset(gpu: VirtioGpu): void {
    const reset = gpu.reset;
    gpu.reset = () => {
      reset.call(gpu);
      this.#showVga();
    };
  }

  #showVga(): void {
    this.#vga.show(() => this.#onEvent({ type: "reset" }));
  }

  #drawn(monitor: number): void {
    this.#frames++;
    if (monitor === 0) this.#vga.hide();
  }

  #listen(): void {
    const mouse = { isAbsolute: false, isEnabled: false };
    const tell = () => {
      const wants = mouse.isAbsolute ? "place" : mouse.isEnabled ? "moves" : "nothing";
      this.#onEvent({ type: "mouse", wants });
    };
    this.#emulator.add_listener("vmware-absolute-mouse", (isAbsolute) => {
      mouse.isAbsolute = isAbsolute;
      tell();
    });
    this.#emulator.add_listener("mouse-enable", (isEnabled) => {
      mouse.isEnabled = isEnabled;
      tell();
    });
    this.#emulator.add_listener("emulator-started", () => this.#onEvent({ type: "running", isRunning: true }));
    this.#emulator.add_listener("emulator-stopped", () => this.#onEvent({ type: "running", isRunning: false }));
  }

  /** Has the guest load its driver and show something, as soon as it takes commands. */
  async #startGuest(isBooted: boolean): Promise<void> {
    try {
      this.#serial.onLine = (line) => this.#onEvent({ type: "progress", text: printable(line) });
      if (!isBooted) await this.#serial.ready();
      this.#serial.onLine = () => {};
      this.#onEvent({ type: "progress", text: "The guest has booted; it loads its driver" });
      await this.#serial.run(this.#guestStart, COMMAND_SECONDS);
      this.#onEvent({ type: "progress", text: "" });
    } catch (error) {
      this.#onEvent({ type: "progress", text: (error as Error).message });
    }
  }

  #watchWork(gpu: VirtioGpu): void {
    let before = 0;
    setInterval(() => {
      const { commands } = gpu.counters;
      this.#onEvent({ type: "work", frames: this.#frames, commands: commands - before });
      before = commands;
      this.#frames = 0;
    }, WORK_MILLISECONDS);
  }
}

async function loadEmulator(files: GuestFiles): Promise<V86> {
  const emulator = new V86({
    wasm_fn: async (imports) => (await WebAssembly.instantiate(files.wasm, imports)).exports,
    memory_size: files.memoryBytes,
    autostart: false,
    bios: { buffer: files.bios },
    vga_bios: { buffer: files.vgaBios },
    bzimage: { buffer: files.kernel },
    initrd: { buffer: files.initramfs },
    cmdline: files.commandLine,
    disable_keyboard: true, // its adapters want a document
    disable_mouse: true,
    disable_speaker: true,
  });
  await new Promise<void>((resolve) => emulator.add_listener("emulator-loaded", () => resolve()));
  return emulator;
}

/** Puts a screen of our own in the place of the one that v86 made. */
function makeVga({ screen_adapter, v86 }: Emulator, options: StartOptions, onSize: (size: CanvasSize) => void) {
  for (const name of ADAPTER_MEMBERS) {
    if (typeof screen_adapter[name] !== "function") throw new TypeError(`This release of v86 has no screen.${name}`);
  }
  const fillBuffer = () => v86.cpu.devices.vga.screen_fill_buffer();
  const screen = new VgaScreen(options.canvases.vga, fillBuffer, onSize);
  Object.assign(screen_adapter, screen.adapter);
  return screen;
}

/** A line of a serial console without what would move a terminal's cursor. */
function printable(line: string): string {
  // deno-lint-ignore no-control-regex -- that is what has to go
  return line.replaceAll(/\x1b\[[\d;?]*[A-Za-z]|[\x00-\x1f\x7f]/g, "");
}
