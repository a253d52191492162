import { fileURLToPath } from "node:url";
import { V86 } from "v86";
import { type CommandResult, GuestSerial, v86SerialLine } from "./guest_serial.ts";
import type { GuestImage } from "./image.ts";
import { reloadKernelAtReset } from "./reload_kernel.ts";

/** How a guest is started. */
export interface GuestMachineOptions {
  readonly image: GuestImage;
  /** The guest's RAM; 128 MiB unless given. */
  readonly memoryBytes?: number;
  /** The VGA's memory; v86's own choice unless given. */
  readonly vgaMemoryBytes?: number;
  /** Attaches devices. Is called when v86 has made its own devices and before the guest's first instruction. */
  readonly beforeRun?: (emulator: V86) => void | Promise<void>;
  /** Is called with each line that the guest prints on its serial line. */
  readonly onLine?: (line: string) => void;
}

/** The RAM of a guest that is not told how much it has. */
export const DEFAULT_MEMORY_BYTES: number = 128 << 20;

/** A PC in v86 with the guest of build/guest in it, whose shell has been reached. `close` it when done. */
export class GuestMachine {
  readonly emulator: V86;
  readonly serial: GuestSerial;

  private constructor(emulator: V86, serial: GuestSerial) {
    this.emulator = emulator;
    this.serial = serial;
  }

  /** Boots the guest until it takes commands: 7 to 12 seconds. virtio_gpu is not loaded then. */
  static async boot(options: GuestMachineOptions): Promise<GuestMachine> {
    const machine = await GuestMachine.#create(options);
    await machine.emulator.run();
    await machine.serial.ready();
    return machine;
  }

  /** Goes on from a state that `saveState` gave, of the same image with the same devices. The state is not changed. */
  static resume(options: GuestMachineOptions, state: ArrayBuffer): Promise<GuestMachine> {
    return GuestMachine.resumeBy(options, (emulator) => emulator.restore_state(state));
  }

  /** Goes on from what `restore` brings into the emulator, which does not run until then. */
  static async resumeBy(
    options: GuestMachineOptions,
    restore: (emulator: V86) => Promise<void>,
  ): Promise<GuestMachine> {
    const machine = await GuestMachine.#create(options);
    await restore(machine.emulator);
    await machine.emulator.run();
    return machine;
  }

  static async #create(options: GuestMachineOptions): Promise<GuestMachine> {
    const { image } = options;
    const emulator = new V86({
      wasm_path: fileURLToPath(new URL("./v86.wasm", import.meta.resolve("v86"))),
      memory_size: options.memoryBytes ?? DEFAULT_MEMORY_BYTES,
      ...(options.vgaMemoryBytes !== undefined && { vga_memory_size: options.vgaMemoryBytes }),
      autostart: false,
      bios: { buffer: image.bios.slice().buffer },
      vga_bios: { buffer: image.vgaBios.slice().buffer },
      bzimage: { buffer: image.kernel.slice().buffer }, // v86 writes into its header
      initrd: { buffer: image.initramfs.slice().buffer },
      cmdline: image.commandLine,
      disable_keyboard: true,
      disable_mouse: true,
      disable_speaker: true,
    });
    await new Promise<void>((resolve) => emulator.add_listener("emulator-loaded", () => resolve()));
    const serial = new GuestSerial(v86SerialLine(emulator));
    if (options.onLine !== undefined) serial.onLine = options.onLine;
    reloadKernelAtReset(emulator, image.kernel.length, image.initramfs.length);
    await options.beforeRun?.(emulator);
    return new GuestMachine(emulator, serial);
  }

  /** Runs a shell command in the guest and gives its output (standard error too) and exit status. */
  run(command: string, timeoutSeconds?: number): Promise<CommandResult> {
    return this.serial.run(command, timeoutSeconds);
  }

  /** Runs a shell command that must succeed, and gives its output. */
  output(command: string): Promise<string> {
    return this.serial.output(command);
  }

  /** Resolves when a line that the guest prints matches. */
  waitFor(pattern: RegExp, timeoutSeconds?: number): Promise<RegExpExecArray> {
    return this.serial.waitFor(pattern, timeoutSeconds);
  }

  /** The kernel's log since the last call, or since boot; it is forgotten in the guest. */
  dmesg(): Promise<string> {
    return this.output("dmesg -c");
  }

  /** Reboots from inside the guest and resolves when it takes commands again. */
  reboot(): Promise<void> {
    return this.serial.reboot();
  }

  /** What v86 saves: CPU, memory, its own devices. A state of 128 MiB takes about 50 MiB. */
  saveState(): Promise<ArrayBuffer> {
    return this.emulator.save_state();
  }

  /** Stops the guest for good and waits until v86 has no timer left. */
  async close(): Promise<void> {
    this.serial.close();
    await this.emulator.destroy();
    // v86 forgets timers that it has replaced by earlier ones, of at most 100 ms, without clearing them.
    await new Promise((resolve) => setTimeout(resolve, 110));
  }
}
