import type { GuestMemory } from "../memory/guest_memory.ts";
import type { V86Cpu } from "./v86_members.ts";
import type { V86WindowPlan } from "./v86_window.ts";

/** v86 has its VGA's frame buffer from here on, then the BIOS and the interrupt controllers. */
const END_OF_FREE_ADDRESSES = 0xe000_0000;

/** A window that is a block of the heap. v86 calls a function for each of the guest's accesses. */
export function mmioWindow(cpu: V86Cpu, bytes: number): V86WindowPlan | string {
  const guestAddress = findFreeAddress(cpu, bytes);
  if (guestAddress === undefined) return "so many guest addresses are not free; make it, or memory_size, smaller";
  return {
    bytes,
    guestAddress,
    heapBytes: bytes,
    ramBytes: 0,
    locate: (guest) => guest.heap.allocate(bytes),
    show: (guest, address) => registerAccess(cpu, guest, guestAddress, bytes, address),
  };
}

/** The highest multiple of `bytes` from which so many addresses are neither RAM nor another PCI device's. */
function findFreeAddress(cpu: V86Cpu, bytes: number): number | undefined {
  for (let at = Math.floor(END_OF_FREE_ADDRESSES / bytes - 1) * bytes; at >= cpu.memory_size[0]!; at -= bytes) {
    if (isFree(cpu, at, at + bytes)) return at;
  }
  return undefined;
}

function isFree(cpu: V86Cpu, begin: number, end: number): boolean {
  const bars = Array.from(cpu.devices.pci.devices).flatMap((device) => device?.pci_bars ?? []);
  return bars.every((bar) => {
    if (bar?.original_bar === undefined || (bar.original_bar & 1) === 1) return true; // none, or ports
    const first = (bar.original_bar & ~0xf) >>> 0;
    return first >= end || first + bar.size <= begin;
  });
}

/** An address comes as a signed number, and for 4 bytes need not be a multiple of 4. */
function registerAccess(cpu: V86Cpu, guest: GuestMemory, guestAddress: number, bytes: number, address: number): void {
  const positionOf = (accessed: number) => (accessed >>> 0) - guestAddress + address;
  cpu.io.mmap_register(
    guestAddress,
    bytes,
    (accessed) => guest.bytes[positionOf(accessed)]!,
    (accessed, value) => {
      guest.bytes[positionOf(accessed)] = value;
    },
    (accessed) => {
      const at = positionOf(accessed);
      if ((at & 3) === 0) return guest.words[at >>> 2]!;
      const all = guest.bytes;
      return all[at]! | all[at + 1]! << 8 | all[at + 2]! << 16 | all[at + 3]! << 24;
    },
    (accessed, value) => {
      const at = positionOf(accessed);
      if ((at & 3) === 0) {
        guest.words[at >>> 2] = value;
        return;
      }
      for (let index = 0; index < 4; index++) guest.bytes[at + index] = value >>> (8 * index);
    },
  );
}
