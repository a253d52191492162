import { fileURLToPath } from "node:url";
import { V86, type V86Options } from "v86";
import type { V86Cpu } from "../../src/hosts/v86_members.ts";

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
