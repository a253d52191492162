import type { V86Cpu } from "./v86_members.ts";
import { isReset } from "./v86_ram_window.ts";
import type { V86WindowPlan } from "./v86_window.ts";

/** Where v86 has its VGA's frame buffer, in guest addresses. */
const FRAME_BUFFER_ADDRESS = 0xe000_0000;

/**
 * A window that is the end of the frame buffer of v86's VGA, which keeps the first half: v86 itself goes on answering the
 * whole range.
 */
export function vgaWindow(cpu: V86Cpu, bytes: number): V86WindowPlan | string {
  const { vga } = cpu.devices;
  const totalBytes = vga.vga_memory_size;
  const keptBytes = totalBytes / 2;
  if (keptBytes < bytes) {
    return `the VGA keeps half of its memory, so vga_memory_size must be ${
      2 * bytes
    } or more (v86 gives it 256 MiB at ` +
      `most), got ${totalBytes}`;
  }
  if (!isReset(cpu)) {
    return 'the guest runs and has that memory already; attach before run(), with autostart: false, or use "mmio"';
  }
  const start = totalBytes - bytes;
  return {
    bytes,
    guestAddress: FRAME_BUFFER_ADDRESS + start,
    heapBytes: 0,
    ramBytes: 0,
    locate: () => vga.svga_memory.byteOffset + start,
    show: () => shrinkVga(cpu, keptBytes),
  };
}

/** Lets the guest find a VGA with less memory, and the VGA clear no more than that when the guest sets a mode. */
function shrinkVga(cpu: V86Cpu, keptBytes: number): void {
  const { vga } = cpu.devices;
  const { byteOffset } = vga.svga_memory;
  vga.vga_memory_size = keptBytes;
  vga.pci_bars[0]!.size = keptBytes;
  Object.defineProperty(vga, "svga_memory", {
    configurable: true,
    get: () => new Uint8Array(cpu.wasm_memory.buffer, byteOffset, keptBytes),
  });
}
