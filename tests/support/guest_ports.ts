import type { V86, V86Options as EmulatorOptions } from "v86";
import { attach, type V86Gpu, type V86Options } from "../../src/hosts/v86.ts";
import type { V86Cpu, V86Pci } from "../../src/hosts/v86_members.ts";
import { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { GuestRam } from "../../src/guest/guest_ram.ts";
import { PciDriverTransport, type PciFunction } from "../../src/guest/pci_driver_transport.ts";
import { cpuOf, guestRam, loadEmulator } from "./guest_emulator.ts";

/** v86's own functions for IN and OUT: what an instruction of the guest calls. */
interface PortAccess {
  port_read8(port: number): number;
  port_read16(port: number): number;
  port_read32(port: number): number;
  port_write8(port: number, value: number): void;
  port_write16(port: number, value: number): void;
  port_write32(port: number, value: number): void;
}

/** An emulator without a BIOS, with a device in it, and the built-in driver instead of a guest. `close` it when done. */
export interface PortMachine extends V86Gpu {
  readonly emulator: V86;
  readonly cpu: V86Cpu;
  readonly driver: GpuDriver;
  close(): Promise<void>;
}

/**
 * Makes an emulator, with 32 MiB of RAM unless `emulatorOptions` says otherwise, and attaches a device; its driver has not
 * started it yet.
 */
export async function attachToPorts(
  options: V86Options = {},
  emulatorOptions: EmulatorOptions = {},
): Promise<PortMachine> {
  const emulator = await loadEmulator({ memory_size: 32 << 20, ...emulatorOptions });
  const cpu = cpuOf(emulator);
  const attached = await attach(emulator, options);
  return { ...attached, emulator, cpu, driver: driverFor(cpu, options.slot), close: () => emulator.destroy() };
}

/** The built-in driver for the device in `slot`. It uses guest RAM from `firstFree` on, 12 MiB of it at most. */
export function driverFor(cpu: V86Cpu, slot = 15, firstFree = 1 << 20): GpuDriver {
  const ram = new GuestRam(() => guestRam(cpu), firstFree + (12 << 20), firstFree);
  return new GpuDriver(new PciDriverTransport(portFunction(cpu, slot)), ram);
}

function portFunction(cpu: V86Cpu, slot: number): PciFunction {
  const io = cpu.io as unknown as PortAccess;
  const { device_spaces } = cpu.devices.pci as V86Pci & { device_spaces: Int32Array[] };
  const configSpace = new Uint8Array(device_spaces[slot << 3]!.buffer);
  const firstPort = device_spaces[slot << 3]![4]! & ~1;
  const reads: Record<number, (port: number) => number> = {
    1: (port) => io.port_read8(port),
    2: (port) => io.port_read16(port),
    4: (port) => io.port_read32(port) >>> 0,
  };
  const writes: Record<number, (port: number, value: number) => void> = {
    1: (port, value) => io.port_write8(port, value),
    2: (port, value) => io.port_write16(port, value),
    4: (port, value) => io.port_write32(port, value | 0),
  };
  return {
    configSpace,
    readBar: (offset, bytes) => reads[bytes]!(firstPort + offset),
    writeBar: (offset, bytes, value) => writes[bytes]!(firstPort + offset, value),
  };
}
