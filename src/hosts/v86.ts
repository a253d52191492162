/**
 * The v86 host: puts a virtio-gpu into an emulator of the npm package `v86`, unpatched, before it runs.
 *
 * @module
 */
import { GuestMemory, type Region } from "../memory/guest_memory.ts";
import { Arena } from "../memory/host_heap.ts";
import { MemoryWindow } from "../memory/memory_window.ts";
import { VirtioGpu } from "../device/virtio_gpu.ts";
import type { VirtioGpuOptions } from "../device/gpu_options.ts";
import { VirtioPci } from "../transport/pci.ts";
import { type V86Bar, type V86Cpu, v86Cpu } from "./v86_members.ts";
import { guestRamBytes } from "./v86_ram_window.ts";
import { restoreState, saveState, type V86Machine } from "./v86_state.ts";
import { planWindow, type V86WindowOptions, type V86WindowPlan, type V86WindowWay } from "./v86_window.ts";

export type { V86WindowOptions, V86WindowWay };

/** What an embedder may say; everything has a default. */
export interface V86Options extends Omit<VirtioGpuOptions, "hostVisibleMemory"> {
  /** The PCI slot, 1 to 31; 15 when absent, whose interrupt no other device of v86 shares. */
  readonly slot?: number;
  /**
   * Bytes of host memory that are taken at once, before the guest runs; 32 MiB when absent. More is taken when it is
   * needed, but then v86's memory grows while the guest runs.
   */
  readonly reservedBytes?: number;
  /** Where the guest sees host blobs: RESOURCE_MAP_BLOB works then. With a renderer only; nowhere when absent. */
  readonly hostVisible?: V86WindowOptions;
}

/** Where the guest of an emulator sees host blobs. */
export interface V86Window {
  /** How it is made. */
  readonly way: V86WindowWay;
  /** Its first guest address. */
  readonly guestAddress: number;
  /** Its length in bytes. */
  readonly bytes: number;
}

/** A device in an emulator. */
export interface V86Gpu {
  /** The device. */
  readonly gpu: VirtioGpu;
  /** The emulator's memory: what a display of one's own reads pixels from. */
  readonly guest: GuestMemory;
  /** The window for host blobs, if `hostVisible` asked for one. */
  readonly hostVisible: V86Window | undefined;
  /**
   * Saves the whole machine, running or not, as one file: v86's own state (as of its `save_state`) and the device's. The
   * file is the caller's. Rejects with `Error` while the device carries a command out, and while its renderer has anything
   * for the guest but contexts that no command stream was submitted to, as that of Linux's console.
   */
  saveState(): Promise<ArrayBuffer>;
  /**
   * Takes up a file that `saveState` gave, here or in an emulator with the same devices, RAM and window, running or not.
   * Use it instead of v86's `restore_state` and not with its option `initial_state`. The displays show the restored
   * pictures, and the guest's clock goes on from where it was. Rejects with `TypeError` or `RangeError`, and changes nothing,
   * when the file or the device's part of it is not what it should be; v86 itself does not check its own part.
   */
  restoreState(file: ArrayBuffer): Promise<void>;
}

const DEFAULT_SLOT = 15;
const DEFAULT_RESERVED_BYTES = 32 * 1024 * 1024;
/** Where slot 0 would have its I/O ports: nobody's, and below those that a BIOS hands out. The guest may move them. */
const FIRST_PORT = 0x9000;
const GROWTH_BYTES = 16 * 1024 * 1024;
/** v86's allocator ends the emulator for a request of 2^31 bytes. */
const MAX_ALLOCATION_BYTES = 0x7fff_0000;
/** An allocation that failed gives the address behind its size field, which it has written at address 0. */
const NO_ALLOCATION = 16;
/** A PC has no RAM between these addresses, but the VGA's window and the BIOS. */
const HOLE_BEGIN = 0xa0000;
const HOLE_END = 0x100000;
/** Numbers of the base address registers: the registers' ports, and the host visible window. */
const PORTS_BAR = 0;
const WINDOW_BAR = 2;
/** Where the first base address register is in the configuration space. PCI Local Bus 3.0, 6.1. */
const BASE_ADDRESS = 0x10;
const BAR_IO = 1;
/** 32 bits wide: v86 has no upper half of a 64-bit one, and answers 0 to whoever asks for its size. */
const BAR_PREFETCHABLE = 8;

/**
 * Puts a virtio-gpu into `emulator`, a `V86` that has loaded ("emulator-loaded") and does not run yet (`autostart: false`).
 * The guest's driver finds it on the PCI bus; a reset of the machine resets it. Throws `TypeError` when this release of v86
 * lacks a member that is needed, `RangeError` for a slot in use and for options out of range.
 *
 * An error that `options.display` or `options.onGuestError` throws would stop v86 for good, so it is caught and thrown again
 * from a timer, where nobody catches it: the page, or the program, hears of it. The command that met it gets no answer.
 */
export async function attach(emulator: object, options: V86Options = {}): Promise<V86Gpu> {
  const cpu = v86Cpu(emulator);
  const { slot = DEFAULT_SLOT, reservedBytes = DEFAULT_RESERVED_BYTES, hostVisible } = options;
  const pciId = slot << 3;
  if (!isWhole(slot, 1, 31) || cpu.devices.pci.devices[pciId] !== undefined) {
    throw new RangeError(`Cannot attach to v86: slot must be free and 1 to 31, got ${slot}`);
  }
  if (!isWhole(reservedBytes, 0, MAX_ALLOCATION_BYTES)) {
    const wanted = `reservedBytes must be 0 to ${MAX_ALLOCATION_BYTES}`;
    throw new RangeError(`Cannot attach to v86: ${wanted}, got ${reservedBytes}`);
  }
  const plan = hostVisible && planWindow(cpu, hostVisible);
  const heap = v86Heap(cpu, reservedBytes + (plan?.heapBytes ?? 0));
  const ramBytes = guestRamBytes(cpu) - (plan?.ramBytes ?? 0);
  const guest = await GuestMemory.create(cpu.wasm_memory, heap, ramRegions(cpu, ramBytes));
  guest.onWrite = forgetCode(cpu);
  const windowAddress = plan?.locate(guest) ?? 0;
  const gpu = new VirtioGpu(guest, gpuOptions(options, guest, plan, windowAddress));
  const { pci } = cpu.devices;
  const transport = new VirtioPci(gpu, guest, {
    setInterrupt: (isAsserted) => isAsserted ? pci.raise_irq(pciId) : pci.lower_irq(pciId),
    defer: (work) => setTimeout(work, 0), // a microtask would come before the guest's next turn
  }, { bar: PORTS_BAR, isIoBar: true, sharedMemoryBar: WINDOW_BAR });
  plan?.show(guest, windowAddress);
  const firstPort = FIRST_PORT + slot * transport.barBytes;
  registerPorts(cpu, transport, firstPort);
  registerFunction(cpu, pciId, transport, firstPort, plan);
  resetWithMachine(cpu, transport);
  const machine = emulator as V86Machine;
  return {
    gpu,
    guest,
    hostVisible: plan && { way: plan.way, guestAddress: plan.guestAddress, bytes: plan.bytes },
    saveState: () => saveState(machine, transport),
    restoreState: (file) => restoreState(machine, transport, file),
  };
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** Guest RAM, its first `ramBytes` bytes, without the PC's hole: nothing that the device does reaches the BIOS. */
function ramRegions(cpu: V86Cpu, ramBytes: number): Region[] {
  const offset = cpu.mem8.byteOffset;
  return [
    { guestAddress: 0, sizeBytes: HOLE_BEGIN, offset },
    { guestAddress: HOLE_END, sizeBytes: ramBytes - HOLE_END, offset: offset + HOLE_END },
  ];
}

/** Makes v86 forget the code that it has compiled from what is written now: of RAM, and of a window that is RAM. */
function forgetCode(cpu: V86Cpu): (offset: number, bytes: number) => void {
  const ramOffset = cpu.mem8.byteOffset;
  const ramBytes = cpu.memory_size[0]!;
  return (offset, bytes) => {
    const start = offset - ramOffset;
    if (start >= 0 && start < ramBytes) cpu.jit_dirty_cache(start, start + bytes);
  };
}

function gpuOptions(
  options: V86Options,
  guest: GuestMemory,
  plan: V86WindowPlan | undefined,
  windowAddress: number,
): VirtioGpuOptions {
  if (plan === undefined) return options;
  if (windowAddress === 0) {
    throw new RangeError(`Cannot attach to v86: its heap has no room for a host visible window of ${plan.bytes} bytes`);
  }
  return { ...options, hostVisibleMemory: new MemoryWindow(guest, windowAddress, plan.bytes) };
}

/** A heap out of v86's own allocator, since guest RAM and the emulator's data share its memory. */
function v86Heap(cpu: V86Cpu, reservedBytes: number): Arena {
  let nextBytes = reservedBytes;
  return new Arena(cpu.wasm_memory, (needed) => {
    const bytes = Math.max(needed, nextBytes);
    if (bytes > MAX_ALLOCATION_BYTES) return undefined;
    const spoiled = new Uint32Array(cpu.wasm_memory.buffer, 0, 1)[0]!;
    const address = cpu.wm.exports.v86_malloc(bytes) >>> 0;
    if (address <= NO_ALLOCATION) {
      new Uint32Array(cpu.wasm_memory.buffer, 0, 1)[0] = spoiled;
      return undefined;
    }
    nextBytes = GROWTH_BYTES;
    return { address, bytes };
  });
}

/** Puts the device on the PCI bus, its ports and its window where they are at first. */
function registerFunction(
  cpu: V86Cpu,
  pciId: number,
  transport: VirtioPci,
  firstPort: number,
  window: V86WindowPlan | undefined,
): void {
  const view = new DataView(transport.configSpace.buffer);
  const bars: V86Bar[] = [];
  view.setUint32(BASE_ADDRESS + PORTS_BAR * 4, firstPort | BAR_IO, true);
  bars[PORTS_BAR] = { size: transport.barBytes };
  if (window !== undefined) {
    view.setUint32(BASE_ADDRESS + WINDOW_BAR * 4, window.guestAddress | BAR_PREFETCHABLE, true);
    bars[WINDOW_BAR] = { size: window.bytes };
  }
  cpu.devices.pci.register_device({
    pci_id: pciId,
    pci_space: transport.configSpace,
    pci_bars: bars,
    name: "virtio-gpu",
  });
}

/** v86 knows one handler for each port and width; it tells a write handler the value alone. */
function registerPorts(cpu: V86Cpu, transport: VirtioPci, firstPort: number): void {
  const owner = {};
  for (let offset = 0; offset < transport.barBytes; offset++) {
    const read = (bytes: number) => () => transport.readBar(offset, bytes);
    const write = (bytes: number) => (value: number) => {
      try {
        transport.writeBar(offset, bytes, value >>> 0);
      } catch (error) {
        throwLater(error);
      }
    };
    cpu.io.register_read(firstPort + offset, owner, read(1), read(2), read(4));
    cpu.io.register_write(firstPort + offset, owner, write(1), write(2), write(4));
  }
}

/** v86 resets the devices that it knows; `restart()`, the reset port and a triple fault all come by here. */
function resetWithMachine(cpu: V86Cpu, transport: VirtioPci): void {
  const reboot = cpu.reboot_internal;
  cpu.reboot_internal = () => {
    try {
      transport.reset();
    } catch (error) {
      throwLater(error);
    }
    reboot.call(cpu);
  };
}

/** Throws what an embedder's display or listener threw where it does not go through v86, which would not survive it. */
function throwLater(error: unknown): void {
  setTimeout(() => {
    throw error;
  }, 0);
}
