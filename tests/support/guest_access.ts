import type { V86Cpu } from "../../src/hosts/v86_members.ts";

/** v86's own functions for loads and stores: what an instruction of the guest calls, by its physical address. */
export interface GuestAccess {
  read8(address: number): number;
  read16(address: number): number;
  /** Signed. */
  read32s(address: number): number;
  write8(address: number, value: number): void;
  write16(address: number, value: number): void;
  write32(address: number, value: number): void;
}

/** The guest's way to memory and memory-mapped I/O, without a guest. */
export function guestAccess(cpu: V86Cpu): GuestAccess {
  return cpu as unknown as GuestAccess;
}
