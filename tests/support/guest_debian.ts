import { assertEquals } from "@std/assert";
import type { V86 } from "v86";
import { DEFAULT_MEMORY_BYTES, GuestMachine, type GuestMachineOptions } from "../../build/guest/guest_machine.ts";
import { type GuestImage, type GuestKernel, makeGuestImage } from "../../build/guest/image.ts";
import type { GuestError } from "../../src/device/guest_errors.ts";
import type { Arena } from "../../src/memory/host_heap.ts";
import { MemoryDisplay, type Picture } from "../../src/display/memory_display.ts";
import { attach, type V86Gpu, type V86Options } from "../../src/hosts/v86.ts";
import { compileGuestPrograms } from "./guest_programs.ts";
import { readyState } from "./guest_state.ts";
import { ReferenceRenderer } from "./renderer/reference_renderer.ts";

/** Loads the driver. No module depends on virtio_pci, which is a bus driver: elsewhere udev loads it. */
export const LOAD_DRIVER = "modprobe -a virtio_pci virtio_gpu";

const STILL_ROUNDS = 100;

/** How a guest and its device are made. */
export interface DebianOptions extends V86Options {
  /** Which of Debian's kernels; "stable" unless given. */
  readonly kernel?: GuestKernel;
}

/** A device in an emulator that does not run yet. */
interface Attached {
  readonly emulator: V86;
  readonly device: V86Gpu;
  readonly display: MemoryDisplay;
}

/** A Debian guest with our device, at its shell, and the driver loaded. */
export class DebianGuest {
  readonly machine: GuestMachine;
  readonly device: V86Gpu;
  readonly display: MemoryDisplay;
  /** What the device has reported. */
  readonly errors: readonly GuestError[];
  /** Bytes that the device had taken from its heap before the driver was loaded. */
  readonly idleBytes: number;

  private constructor(machine: GuestMachine, device: V86Gpu, display: MemoryDisplay, errors: readonly GuestError[]) {
    this.machine = machine;
    this.device = device;
    this.display = display;
    this.errors = errors;
    this.idleBytes = this.usedBytes;
  }

  /** Goes on from the saved state of a guest that has just booted, forgets its log, and loads the driver. */
  static async start(options: DebianOptions): Promise<DebianGuest> {
    const state = await debianState(options);
    const guest = await DebianGuest.#resume(options, ({ emulator }) => emulator.restore_state(state));
    await guest.machine.dmesg();
    await guest.output(LOAD_DRIVER);
    return guest;
  }

  /**
   * Goes on from a file that `device.saveState` gave for a guest with the same options, in a new emulator. `onRestored` sees
   * what is shown before the guest runs.
   */
  static restore(
    options: DebianOptions,
    file: ArrayBuffer,
    onRestored: (display: MemoryDisplay) => void = () => {},
  ): Promise<DebianGuest> {
    return DebianGuest.#resume(options, async ({ device, display }) => {
      await device.restoreState(file);
      onRestored(display);
    });
  }

  static async #resume(
    { kernel, ...options }: DebianOptions,
    restore: (attached: Attached) => Promise<void>,
  ): Promise<DebianGuest> {
    const display = new MemoryDisplay();
    const errors: GuestError[] = [];
    let device: V86Gpu | undefined;
    const beforeRun: GuestMachineOptions["beforeRun"] = async (emulator) => {
      device = await attach(emulator, { display, onGuestError: (error) => errors.push(error), ...options });
    };
    const image = await debianImage(kernel);
    const machine = await GuestMachine.resumeBy(
      { image, beforeRun, ...machineOptions(options) },
      (emulator) => restore({ emulator, device: device!, display }),
    );
    return new DebianGuest(machine, device!, display, errors);
  }

  /** Bytes that the device has taken from its heap, a picture of the display included. */
  get usedBytes(): number {
    return (this.device.guest.heap as Arena).usedBytes;
  }

  /** Runs a shell command that must succeed, and gives its output without the last line's end. */
  async output(command: string): Promise<string> {
    return (await this.machine.output(command)).trimEnd();
  }

  /** Lets the guest finish what it draws. */
  settle(): Promise<void> {
    return settle(this.display, (command) => this.output(command));
  }

  /** What a scanout shows once the guest draws no more. */
  async picture(scanoutId = 0): Promise<Picture> {
    await this.settle();
    const picture = this.display.picture(scanoutId);
    if (picture === undefined) throw new Error(`The guest shows nothing on scanout ${scanoutId}`);
    return picture;
  }
}

/**
 * Waits until a guest, whose commands `run` runs, draws no more on `display`: its console is drawn by a worker, some time
 * after the write.
 */
export async function settle(display: MemoryDisplay, run: (command: string) => Promise<unknown>): Promise<void> {
  for (let round = 0; round < STILL_ROUNDS; round++) {
    const before = display.frames;
    await run("sleep 0.1"); // of the guest's time, in which the worker has its turn
    if (display.frames === before) return;
  }
  throw new Error(`The guest goes on drawing for ${STILL_ROUNDS / 10} s`);
}

/** Runs `test` with a guest whose driver is loaded, and asserts that its driver has done nothing wrong. */
export async function withDebian(options: DebianOptions, test: (guest: DebianGuest) => Promise<void>): Promise<void> {
  const guest = await DebianGuest.start(options);
  try {
    await test(guest);
    assertEquals(guest.errors, []);
  } finally {
    await guest.machine.close();
  }
}

/** The picture that the guest's program `dumb` draws, on a screen of this size. */
export function dumbPattern(widthPixels: number, heightPixels: number): Picture {
  const pixels = new Uint32Array(widthPixels * heightPixels); // RGBA bytes as little-endian words
  for (let y = 0; y < heightPixels; y++) {
    for (let x = 0; x < widthPixels; x++) {
      const [red, green, blue] = [x & 255, y & 255, x >> 8 << 4 | y >> 8];
      pixels[y * widthPixels + x] = 0xff000000 | blue << 16 | green << 8 | red;
    }
  }
  return { widthPixels, heightPixels, rgba: new Uint8Array(pixels.buffer) };
}

const images = new Map<GuestKernel, Promise<GuestImage>>();
const states = new Map<string, Promise<ArrayBuffer>>();

/** The image with the programs of tests/guest_programs in it, made once. Throws where a tool is missing, naming it. */
export function debianImage(kernel: GuestKernel = "stable"): Promise<GuestImage> {
  return once(images, kernel, () => makeImage(kernel));
}

async function makeImage(kernel: GuestKernel): Promise<GuestImage> {
  const files = await compileGuestPrograms();
  if (files === undefined) throw new Error("There is no gcc that makes i386 programs (gcc -m32): apt-get install gcc");
  return await makeGuestImage({ kernel, files });
}

/**
 * The state of a guest that has just booted. One serves every device's options with the same window: no driver has touched
 * the device in it, but the BIOS has seen the window.
 */
export function debianState(options: DebianOptions = {}): Promise<ArrayBuffer> {
  const { kernel = "stable", hostVisible } = options;
  const window = hostVisible === undefined ? "" : `-${hostVisible.way}-${hostVisible.bytes}`;
  const devices = `virtio-gpu-${kernel}${window}`;
  return once(states, devices, () => makeState(devices, options));
}

async function makeState(devices: string, { kernel, hostVisible }: DebianOptions): Promise<ArrayBuffer> {
  const device = hostVisible && { hostVisible, renderer: new ReferenceRenderer() };
  const options: GuestMachineOptions = {
    image: await debianImage(kernel),
    beforeRun: async (emulator) => void await attach(emulator, device),
    ...machineOptions({ ...device }),
  };
  return await readyState(options, devices);
}

/** What the emulator needs for a window beside the guest's own RAM, and the VGA's memory. */
function machineOptions({ hostVisible }: DebianOptions): Pick<GuestMachineOptions, "memoryBytes" | "vgaMemoryBytes"> {
  switch (hostVisible?.way) {
    case "ram":
      return { memoryBytes: DEFAULT_MEMORY_BYTES + hostVisible.bytes };
    case "vga":
      return { vgaMemoryBytes: 2 * hostVisible.bytes };
    default:
      return {};
  }
}

function once<K, T>(made: Map<K, Promise<T>>, key: K, make: () => Promise<T>): Promise<T> {
  const known = made.get(key) ?? make();
  made.set(key, known);
  return known;
}
