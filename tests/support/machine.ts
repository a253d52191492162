import { type Arena, growingArena } from "../../src/memory/host_heap.ts";
import { GuestMemory } from "../../src/memory/guest_memory.ts";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import type { GuestError } from "../../src/device/guest_errors.ts";
import { VirtioGpu } from "../../src/device/virtio_gpu.ts";
import type { VirtioGpuOptions } from "../../src/device/gpu_options.ts";
import { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { GuestRam } from "../../src/guest/guest_ram.ts";
import { MmioDriverTransport } from "../../src/guest/mmio_driver_transport.ts";
import { PciDriverTransport } from "../../src/guest/pci_driver_transport.ts";
import type { TransportHost } from "../../src/transport/driver_session.ts";
import { VirtioMmio } from "../../src/transport/mmio.ts";
import { VirtioPci } from "../../src/transport/pci.ts";

/** A whole machine for a test: RAM, device, transport, and the driver that plays the guest. */
export interface Machine {
  memory: WebAssembly.Memory;
  guest: GuestMemory;
  /** What the device allocates from. */
  heap: Arena;
  gpu: VirtioGpu;
  /** The device behind each transport; the driver uses one of them, and the other stands still. */
  pci: VirtioPci;
  mmio: VirtioMmio;
  driver: GpuDriver;
  ram: GuestRam;
  display: MemoryDisplay;
  /** The errors that the device reported. */
  errors: GuestError[];
  /** The interrupt line, as the device drives it. */
  line: { isAsserted: boolean; rises: number };
  /** Work that the device put off; a test runs it. */
  deferred: (() => void)[];
}

/** The transports that a driver reaches a device over. */
export const TRANSPORTS = ["pci", "mmio"] as const;

/** How a test's machine differs from the usual one. */
export interface MachineOptions extends VirtioGpuOptions {
  /** Size of guest RAM; 32 MiB when absent. */
  ramBytes?: number;
  /** Whether the memory is shared between threads. */
  isShared?: boolean;
  /** The transport that the driver uses; virtio-pci when absent. */
  transport?: typeof TRANSPORTS[number];
}

const PAGE_BYTES = 65536;
/** Guest RAM does not begin at offset 0, so that a guest address is never taken for an offset. */
const RAM_OFFSET = PAGE_BYTES;

/** Makes a machine whose driver has not started yet. */
export async function makeMachine(options: MachineOptions = {}): Promise<Machine> {
  const { ramBytes = 32 * 1024 * 1024, isShared = false, transport = "pci", ...gpuOptions } = options;
  const memory = new WebAssembly.Memory({
    initial: (RAM_OFFSET + ramBytes) / PAGE_BYTES,
    maximum: 65536,
    shared: isShared,
  });
  const heap = growingArena(memory, 1024 * 1024 * 1024);
  const guest = await GuestMemory.create(memory, heap, [{ guestAddress: 0, sizeBytes: ramBytes, offset: RAM_OFFSET }]);
  const display = new MemoryDisplay();
  const errors: GuestError[] = [];
  const gpu = new VirtioGpu(guest, {
    display,
    onGuestError: (error) => errors.push(error),
    ...gpuOptions,
    limits: { guestErrorsPerSecond: 1e9, ...gpuOptions.limits },
  });
  const line = { isAsserted: false, rises: 0 };
  const deferred: (() => void)[] = [];
  const host: TransportHost = {
    setInterrupt(isAsserted) {
      line.isAsserted = isAsserted;
      if (isAsserted) line.rises++;
    },
    defer: (work) => deferred.push(work),
  };
  const pci = new VirtioPci(gpu, guest, host);
  const mmio = new VirtioMmio(gpu, guest, host);
  const ram = new GuestRam(() => new Uint8Array(memory.buffer, RAM_OFFSET, ramBytes), ramBytes);
  const way = transport === "pci" ? new PciDriverTransport(pci) : new MmioDriverTransport(mmio);
  const driver = new GpuDriver(way, ram);
  return { memory, guest, heap, gpu, pci, mmio, driver, ram, display, errors, line, deferred };
}

/** Makes a machine whose driver has started the device. */
export async function startMachine(options: MachineOptions = {}): Promise<Machine> {
  const machine = await makeMachine(options);
  machine.driver.start();
  return machine;
}
