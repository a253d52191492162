import type { GuestMemory } from "../memory/guest_memory.ts";
import type { V86Cpu } from "./v86_members.ts";
import { mmioWindow } from "./v86_mmio_window.ts";
import { ramWindow } from "./v86_ram_window.ts";
import { vgaWindow } from "./v86_vga_window.ts";

/** How a guest of v86 sees host blobs. */
export interface V86WindowOptions {
  /** Length of the window in bytes: a power of two, 128 KiB to 1 GiB. All blobs that are mapped at a time fit in it. */
  readonly bytes: number;
  /**
   * What the window is made of. `"ram"`, which the guest reads and writes as fast as its own memory: the last `bytes` bytes
   * of the emulator's `memory_size`, which the guest has less of then; needs a `memory_size` that is a multiple of `bytes`.
   * `"vga"`, slower: the end of the VGA's frame buffer; needs a `vga_memory_size` of twice `bytes` or more. `"mmio"`, slower
   * still: a block of host memory; needs nothing. When absent: `"ram"` if it can be and ACPI is off, else `"mmio"`.
   */
  readonly way?: V86WindowWay;
}

/** What a host visible window in v86 is made of. */
export type V86WindowWay = "ram" | "vga" | "mmio";

/** A window that can be had; nothing in the emulator is changed yet. */
export interface V86WindowPlan {
  /** Length in bytes. */
  readonly bytes: number;
  /** Where the guest will see it, a multiple of `bytes`. */
  readonly guestAddress: number;
  /** Bytes that it takes of the heap. */
  readonly heapBytes: number;
  /** Bytes that it takes of the guest's RAM, at the end. */
  readonly ramBytes: number;
  /** Finds, or allocates, the bytes in the emulator's memory; returns their address, or 0 when there is no room. */
  locate(guest: GuestMemory): number;
  /** Lets the guest see the bytes at `address`, which `locate` gave. */
  show(guest: GuestMemory, address: number): void;
}

/** Plans a window of `bytes` bytes; a text says what the emulator lacks for it, and what to do. */
export type V86WindowPlanner = (cpu: V86Cpu, bytes: number) => V86WindowPlan | string;

const WAYS: Readonly<Record<V86WindowWay, V86WindowPlanner>> = { ram: ramWindow, vga: vgaWindow, mmio: mmioWindow };

/** v86 maps memory that is not RAM in blocks of 128 KiB. */
const MIN_BYTES = 128 * 1024;
const MAX_BYTES = 1024 * 1024 * 1024;

/** Plans the window that `options` describe. Throws `RangeError` when it cannot be had: the message says what to do. */
export function planWindow(cpu: V86Cpu, options: V86WindowOptions): V86WindowPlan & { readonly way: V86WindowWay } {
  const { bytes, way = defaultWay(cpu, bytes) } = options;
  if (!Number.isInteger(Math.log2(bytes)) || bytes < MIN_BYTES || bytes > MAX_BYTES) {
    const wanted = `hostVisible.bytes must be a power of two, ${MIN_BYTES} to ${MAX_BYTES}`;
    throw new RangeError(`Cannot attach to v86: ${wanted}, got ${bytes}`);
  }
  if (!Object.hasOwn(WAYS, way)) {
    throw new RangeError(`Cannot attach to v86: hostVisible.way must be one of ${Object.keys(WAYS)}, got ${way}`);
  }
  const plan = WAYS[way](cpu, bytes);
  if (typeof plan === "string") {
    throw new RangeError(`Cannot attach to v86: no host visible window of ${bytes} bytes by way "${way}": ${plan}`);
  }
  return { ...plan, way };
}

/** With ACPI the BIOS tells the guest that no device has addresses below 2 GiB, and Linux looks for others. */
function defaultWay(cpu: V86Cpu, bytes: number): V86WindowWay {
  const isRam = cpu.acpi_enabled[0] === 0 && typeof ramWindow(cpu, bytes) === "object";
  return isRam ? "ram" : "mmio";
}
