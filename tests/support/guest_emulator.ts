import { fileURLToPath } from "node:url";
import { V86, type V86Options } from "v86";
import type { V86Cpu } from "../../src/hosts/v86_members.ts";

/** The first base address register, as a word of a configuration space. PCI Local Bus 3.0, 6.1. */
const FIRST_BAR_WORD = 4;
/** The npm package's WebAssembly file, as a path. */
const WASM_PATH = fileURLToPath(new URL("./v86.wasm", import.meta.resolve("v86")));

/** Makes an emulator without input and sound, and waits until it has loaded. It does not run yet; `destroy` it when done. */
export async function loadEmulator(options: V86Options): Promise<V86> {
  const emulator = new V86(emulatorOptions(options));
  await new Promise<void>((resolve) => emulator.add_listener("emulator-loaded", () => resolve()));
  return emulator;
}

/** What `loadEmulator` gives the emulator that it makes. */
export function emulatorOptions(options: V86Options): V86Options {
  return {
    wasm_path: WASM_PATH,
    autostart: false,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
    ...options,
  };
}

/** v86's CPU, unchecked. */
export function cpuOf(emulator: V86): V86Cpu {
  return (emulator as unknown as { v86: { cpu: V86Cpu } }).v86.cpu;
}

/** The bytes of guest RAM as they are now: a view, good until the emulator's memory grows. */
export function guestRam(cpu: V86Cpu): Uint8Array {
  return new Uint8Array(cpu.wasm_memory.buffer, cpu.mem8.byteOffset, cpu.memory_size[0]!);
}

/** Does what a BIOS does: v86 cannot restore the state of an emulator in which nobody did. */
export function clearUnusedBars(cpu: V86Cpu): void {
  const { devices, device_spaces } = cpu.devices.pci as unknown as {
    devices: ({ pci_bars: unknown[] } | undefined)[];
    device_spaces: Int32Array[];
  };
  devices.forEach((device, pciId) =>
    device?.pci_bars.forEach((bar, index) => {
      if (bar === undefined) device_spaces[pciId]![FIRST_BAR_WORD + index] = 0;
    })
  );
}
