import { type Arena, growingArena } from "../../src/memory/host_heap.ts";
import { GuestMemory } from "../../src/memory/guest_memory.ts";
import type { HostVisibleMemory } from "../../src/memory/host_visible_memory.ts";
import { MemoryWindow } from "../../src/memory/memory_window.ts";
import { ShmId } from "../../src/protocol/wire.gen.ts";
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
  /** Where the host visible memory lies in the memory; 0 when there is none. */
  windowAddress: number;
}

/** The transports that a driver reaches a device over. */
export const TRANSPORTS = ["pci", "mmio"] as const;

/** How a test's machine differs from the usual one. */
export interface MachineOptions extends VirtioGpuOptions {
  /** Size of guest RAM; 32 MiB when absent. */
  ramBytes?: number;
  /** Whether the memory is shared between threads. */
  isShared?: boolean;
  /** The memory, which `makeMemory` has made for so much RAM; one of its own when absent. */
  memory?: WebAssembly.Memory;
  /** The transport that the driver uses; virtio-pci when absent. */
  transport?: typeof TRANSPORTS[number];
  /** Length of the host visible memory, for a device with a renderer; none when absent. */
  windowBytes?: number;
  /** Puts something before the host visible memory. */
  wrapWindow?: (window: MemoryWindow) => HostVisibleMemory;
}

const PAGE_BYTES = 65536;
const DEFAULT_RAM_BYTES = 32 * 1024 * 1024;
/** Guest RAM does not begin at offset 0, so that a guest address is never taken for an offset. */
const RAM_OFFSET = PAGE_BYTES;
/** Where the guest sees the host visible memory, behind either transport. */
const WINDOW_GUEST_ADDRESS = 0x40_0000_0000;
const WINDOW_BAR = 0x18;
/** What lies before the host visible memory and behind it, and is nobody's. */
export const WINDOW_MARGIN_BYTES = 64;

/** Makes the memory of a machine, shared between threads or not, with so much guest RAM. */
export function makeMemory(isShared: boolean, ramBytes: number = DEFAULT_RAM_BYTES): WebAssembly.Memory {
  return new WebAssembly.Memory({
    initial: (RAM_OFFSET + ramBytes) / PAGE_BYTES,
    maximum: 65536,
    shared: isShared,
  });
}

/** Makes a machine whose driver has not started yet. */
export async function makeMachine(options: MachineOptions = {}): Promise<Machine> {
  const { ramBytes = DEFAULT_RAM_BYTES, isShared = false, transport = "pci", ...rest } = options;
  const { memory = makeMemory(isShared, ramBytes), ...more } = rest;
  const { windowBytes = 0, wrapWindow = (window: MemoryWindow) => window, ...gpuOptions } = more;
  const heap = growingArena(memory, 1024 * 1024 * 1024);
  const guest = await GuestMemory.create(memory, heap, [{ guestAddress: 0, sizeBytes: ramBytes, offset: RAM_OFFSET }]);
  const display = new MemoryDisplay();
  const errors: GuestError[] = [];
  const windowAddress = windowBytes === 0
    ? 0
    : heap.allocate(windowBytes + 2 * WINDOW_MARGIN_BYTES) + WINDOW_MARGIN_BYTES;
  const hostVisibleMemory = windowBytes === 0
    ? undefined
    : wrapWindow(new MemoryWindow(guest, windowAddress, windowBytes));
  const gpu = new VirtioGpu(guest, {
    display,
    ...(hostVisibleMemory && { hostVisibleMemory }),
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
  const sharedMemoryAddresses = { [ShmId.HostVisible]: WINDOW_GUEST_ADDRESS };
  const mmio = new VirtioMmio(gpu, guest, host, { sharedMemoryAddresses });
  if (windowBytes > 0) placeWindow(pci);
  const ram = new GuestRam(() => new Uint8Array(memory.buffer, RAM_OFFSET, ramBytes), ramBytes);
  const way = transport === "pci" ? new PciDriverTransport(pci) : new MmioDriverTransport(mmio);
  const driver = new GpuDriver(way, ram);
  return { memory, guest, heap, gpu, pci, mmio, driver, ram, display, errors, line, deferred, windowAddress };
}

/** Says where the host visible memory is, as firmware does. */
function placeWindow({ configSpace }: VirtioPci): void {
  const bar = new DataView(configSpace.buffer, configSpace.byteOffset + WINDOW_BAR, 8);
  bar.setUint32(0, bar.getUint32(0, true) | WINDOW_GUEST_ADDRESS % 2 ** 32, true);
  bar.setUint32(4, Math.floor(WINDOW_GUEST_ADDRESS / 2 ** 32), true);
}

/** Makes a machine whose driver has started the device. */
export async function startMachine(options: MachineOptions = {}): Promise<Machine> {
  const machine = await makeMachine(options);
  machine.driver.start();
  return machine;
}
