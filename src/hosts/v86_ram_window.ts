import type { V86Cmos, V86Cpu } from "./v86_members.ts";
import type { V86WindowPlan } from "./v86_window.ts";

const MIB = 1024 * 1024;

// How a PC's BIOS learns how much RAM there is: little-endian words. Nobody but the BIOS reads them.
/** KiB above 1 MiB, at most 65535. */
const EXTENDED_KIB = [0x17, 0x30] as const;
/** Units of 64 KiB above 16 MiB. */
const EXTENDED_64_KIB = 0x34;

/** Where a processor begins after a reset. */
const RESET_VECTOR = 0xffff0;

/**
 * A window that is the end of RAM. The BIOS is told of so much less, so no guest takes it for RAM; to v86 it is RAM as before:
 * the guest's instructions reach it by themselves, v86 saves it with its state, and code can be run in it.
 */
export function ramWindow(cpu: V86Cpu, bytes: number): V86WindowPlan | string {
  const totalBytes = cpu.memory_size[0]!;
  const guestBytes = totalBytes - bytes;
  if (totalBytes % bytes !== 0 || guestBytes <= MIB) {
    return `it is the end of RAM, so memory_size must be the guest's RAM and these bytes, and a multiple of them, got ${totalBytes}`;
  }
  if (guestRamBytes(cpu) !== totalBytes) return 'the end of RAM is another device\'s window; use "vga" or "mmio"';
  if (!isReset(cpu)) {
    return 'the guest runs and has that RAM already; attach before run(), with autostart: false, or use "mmio"';
  }
  return {
    bytes,
    guestAddress: guestBytes,
    heapBytes: 0,
    ramBytes: bytes,
    locate: () => cpu.mem8.byteOffset + guestBytes,
    show: () => tellRamBytes(cpu.devices.rtc, guestBytes),
  };
}

/** How much RAM the guest has: all of the emulator's but the windows. */
export function guestRamBytes(cpu: V86Cpu): number {
  const above16 = readWord(cpu.devices.rtc, EXTENDED_64_KIB);
  if (above16 > 0) return 16 * MIB + above16 * 65536;
  return Math.min(MIB + readWord(cpu.devices.rtc, EXTENDED_KIB[0]) * 1024, cpu.memory_size[0]!);
}

/** Whether the machine is as after a reset: its BIOS has still to look at it. */
export function isReset(cpu: V86Cpu): boolean {
  return cpu.instruction_pointer[0] === RESET_VECTOR;
}

function tellRamBytes(cmos: V86Cmos, bytes: number): void {
  for (const at of EXTENDED_KIB) writeWord(cmos, at, Math.min((bytes - MIB) / 1024, 0xffff));
  writeWord(cmos, EXTENDED_64_KIB, Math.max(bytes - 16 * MIB, 0) / 65536);
}

function readWord(cmos: V86Cmos, at: number): number {
  return cmos.cmos_read(at) | cmos.cmos_read(at + 1) << 8;
}

function writeWord(cmos: V86Cmos, at: number, value: number): void {
  cmos.cmos_write(at, value & 0xff);
  cmos.cmos_write(at + 1, value >> 8);
}
