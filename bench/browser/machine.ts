import { V86 } from "v86";
import { GuestSerial, v86SerialLine } from "../../build/guest/guest_serial.ts";
import { type GuestFiles, loadGuest } from "../../examples/v86/guest_files.ts";
import { CanvasDisplay } from "../../src/display/canvas.ts";
import { attach } from "../../src/hosts/v86.ts";
import type { CanvasWork } from "./canvas_work.ts";
import type { DrawRun, MeasuredMachine, Readings, Way } from "./machine_calls.ts";

/** Where a machine shows its guest: a canvas of ours, or the element in which v86 keeps its own screen. */
export type Place = { readonly canvas: HTMLCanvasElement | OffscreenCanvas } | { readonly container: HTMLElement };

/** What is used of v86's CPU here, none of it promised by v86. */
interface Internals {
  readonly v86: { readonly cpu: { readonly devices: { readonly pci: { raise_irq(pciId: number): void } } } };
}

const LOAD_DRIVER = {
  virtio_gpu: "modprobe -a virtio_pci virtio_gpu",
  bochs: "modprobe bochs",
};
const WAIT_FOR_CONSOLE = "until [ -e /dev/fb0 ]; do sleep 0.1; done";
/** Runs `draw` in the background until it has begun. The shell that waits for it must not draw, so it writes to a file. */
const BEGIN = (kind: string) =>
  `draw ${kind} 2000000000 >/run/draw.out & until grep -q begin /run/draw.out; do sleep 0.1; done`;
const END = "killall draw; while pidof draw; do sleep 0.1; done";
/** Beyond what the program is to draw: it starts, and the console comes back after it. */
const COMMAND_SECONDS = 60;

/** A machine of v86 on this thread that goes on from the saved guest of the folder `files`, an absolute URL. */
export class Machine implements MeasuredMachine {
  readonly #emulator: V86;
  readonly #serial: GuestSerial;
  readonly #canvas: CanvasWork;
  #commands: () => number = () => 0;
  #interrupts = 0;
  #deviceMilliseconds = 0;

  private constructor(emulator: V86, canvas: CanvasWork) {
    this.#emulator = emulator;
    this.#serial = new GuestSerial(v86SerialLine(emulator));
    this.#canvas = canvas;
  }

  /** Loads the driver of `way` and leaves the guest standing still. `canvas` is what this thread counts. */
  static async start(way: Way, place: Place, files: string, canvas: CanvasWork): Promise<Machine> {
    const guest = await loadGuest(files, true, () => {});
    const machine = new Machine(await loadEmulator(guest, place), canvas);
    await machine.#attach(way, place);
    await machine.#emulator.restore_state(guest.bootedState!);
    await machine.#emulator.run();
    await machine.#serial.output(`${LOAD_DRIVER[way.driver]}; ${WAIT_FOR_CONSOLE}`);
    await machine.#emulator.stop();
    return machine;
  }

  async draw(kind: string, milliseconds: number): Promise<DrawRun> {
    let before = this.#readings();
    let after = before;
    this.#serial.onLine = (line) => {
      if (line === "begin") before = this.#readings();
      if (line.startsWith("end ")) after = this.#readings();
    };
    await this.#emulator.run();
    const { output } = await this.#serial.run(`draw ${kind} ${milliseconds}`, milliseconds / 1000 + COMMAND_SECONDS);
    await this.#emulator.stop();
    const count = /^end (\d+)$/m.exec(output)?.[1];
    if (count === undefined) throw new Error(`The guest cannot draw ${kind}: ${output}`);
    return { count: Number(count), before, after };
  }

  async begin(kind: string): Promise<void> {
    await this.#emulator.run();
    await this.#serial.output(BEGIN(kind));
  }

  async end(): Promise<void> {
    await this.#serial.output(END);
    await this.#emulator.stop();
  }

  readings(): Promise<Readings> {
    return Promise.resolve(this.#readings());
  }

  /** The saved guest knows our device from its boot, so a machine whose VGA is measured has it, too, with nobody driving it. */
  async #attach({ driver, hasBlobs }: Way, place: Place): Promise<void> {
    const display = "canvas" in place && driver === "virtio_gpu" && { display: new CanvasDisplay(place.canvas) };
    const { gpu } = await attach(this.#emulator, { resourceBlob: hasBlobs, ...display });
    this.#commands = () => gpu.counters.commands;
    const { notify } = gpu;
    gpu.notify = (queue) => {
      const started = performance.now();
      notify.call(gpu, queue);
      this.#deviceMilliseconds += performance.now() - started;
    };
    const { pci } = (this.#emulator as unknown as Internals).v86.cpu.devices;
    const raise = pci.raise_irq;
    pci.raise_irq = (pciId) => {
      this.#interrupts++;
      raise.call(pci, pciId);
    };
  }

  #readings(): Readings {
    return {
      milliseconds: performance.now(),
      instructions: this.#emulator.get_instruction_counter(),
      commands: this.#commands(),
      interrupts: this.#interrupts,
      deviceMilliseconds: this.#deviceMilliseconds,
      canvas: { ...this.#canvas },
    };
  }
}

async function loadEmulator(guest: GuestFiles, place: Place): Promise<V86> {
  const emulator = new V86({
    wasm_fn: async (imports) => (await WebAssembly.instantiate(guest.wasm, imports)).exports,
    memory_size: guest.memoryBytes,
    autostart: false,
    bios: { buffer: guest.bios },
    vga_bios: { buffer: guest.vgaBios },
    bzimage: { buffer: guest.kernel },
    initrd: { buffer: guest.initramfs },
    cmdline: guest.commandLine,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
    ...("container" in place && { screen_container: place.container }),
  });
  await new Promise<void>((resolve) => emulator.add_listener("emulator-loaded", () => resolve()));
  return emulator;
}
