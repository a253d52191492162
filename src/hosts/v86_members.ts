/** What this host uses of v86's CPU. None of it is promised by v86: `v86Cpu` checks that it is there. */
export interface V86Cpu {
  /** The memory of v86.wasm: guest RAM and everything else. */
  readonly wasm_memory: WebAssembly.Memory;
  /** Guest RAM; a new view at each access, of which only the offset is used. */
  readonly mem8: { readonly byteOffset: number };
  /** Bytes of guest RAM, in element 0. */
  readonly memory_size: ArrayLike<number>;
  /** The exports of v86.wasm. */
  readonly wm: { readonly exports: V86Exports };
  readonly io: V86Io;
  readonly devices: { readonly pci: V86Pci };
  /** Forgets code compiled from guest addresses `start` to `end` (exclusive). */
  jit_dirty_cache(start: number, end: number): void;
  /** Resets the machine; the way of `restart()` and of the guest's own reset. */
  reboot_internal(): void;
}

/** The allocator of v86.wasm. */
export interface V86Exports {
  /** Returns the address of a block as a signed number; 4 or less when there is no room. */
  v86_malloc(bytes: number): number;
  v86_free(address: number): void;
}

/** v86's I/O ports. A width that is left out reads all ones and ignores writes. */
export interface V86Io {
  register_read(port: number, device: object, r8: () => number, r16: () => number, r32: () => number): void;
  register_write(
    port: number,
    device: object,
    w8: (value: number) => void,
    w16: (value: number) => void,
    w32: (value: number) => void,
  ): void;
}

/** A function on v86's PCI bus. */
export interface V86PciDevice {
  /** Slot and function: slot << 3. */
  readonly pci_id: number;
  /** Its configuration space, 256 bytes; v86 copies it. */
  readonly pci_space: Uint8Array;
  readonly pci_bars: readonly { readonly size: number }[];
  readonly name: string;
}

/** v86's PCI bus. */
export interface V86Pci {
  /** Functions by their `pci_id`. */
  readonly devices: ArrayLike<unknown>;
  register_device(device: V86PciDevice): unknown;
  raise_irq(pciId: number): void;
  lower_irq(pciId: number): void;
}

/** The members that are used, as paths from the emulator, each with the type that it must have. */
export const V86_MEMBERS: readonly (readonly [path: string, type: "function" | "number" | "object"])[] = [
  ["v86.cpu.wasm_memory", "object"],
  ["v86.cpu.wasm_memory.buffer", "object"],
  ["v86.cpu.mem8.byteOffset", "number"],
  ["v86.cpu.memory_size.0", "number"],
  ["v86.cpu.wm.exports.v86_malloc", "function"],
  ["v86.cpu.wm.exports.v86_free", "function"],
  ["v86.cpu.io.register_read", "function"],
  ["v86.cpu.io.register_write", "function"],
  ["v86.cpu.devices.pci.devices", "object"],
  ["v86.cpu.devices.pci.register_device", "function"],
  ["v86.cpu.devices.pci.raise_irq", "function"],
  ["v86.cpu.devices.pci.lower_irq", "function"],
  ["v86.cpu.jit_dirty_cache", "function"],
  ["v86.cpu.reboot_internal", "function"],
  ["save_state", "function"],
  ["restore_state", "function"],
];

/**
 * The CPU of a loaded emulator. Throws `TypeError` when the emulator is not loaded yet, or when a member has another type
 * than this host relies on: the message names it.
 */
export function v86Cpu(emulator: object): V86Cpu {
  if (memberOf(emulator, "v86.cpu") === undefined) {
    throw new TypeError('Cannot attach to v86: it is not loaded yet; wait for its "emulator-loaded" event');
  }
  for (const [path, type] of V86_MEMBERS) {
    const found = typeof memberOf(emulator, path);
    if (found === type) continue;
    throw new TypeError(`Cannot attach to this release of v86: emulator.${path} must be of type ${type}, got ${found}`);
  }
  return memberOf(emulator, "v86.cpu") as V86Cpu;
}

function memberOf(root: object, path: string): unknown {
  let value: unknown = root;
  for (const name of path.split(".")) {
    if (value === null || value === undefined) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
