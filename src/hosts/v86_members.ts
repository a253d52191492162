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
  readonly devices: { readonly pci: V86Pci; readonly rtc: V86Cmos; readonly vga: V86Vga };
  /** Whether the BIOS is to make ACPI tables: the option `acpi`, in element 0. */
  readonly acpi_enabled: ArrayLike<number>;
  /** The linear address of the next instruction, in element 0. */
  readonly instruction_pointer: ArrayLike<number>;
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

/** v86's I/O ports and memory-mapped I/O. A width of a port that is left out reads all ones and ignores writes. */
export interface V86Io {
  register_read(port: number, device: object, r8: () => number, r16: () => number, r32: () => number): void;
  register_write(
    port: number,
    device: object,
    w8: (value: number) => void,
    w16: (value: number) => void,
    w32: (value: number) => void,
  ): void;
  /** For `sizeBytes` guest addresses, both multiples of 128 KiB. Functions get the address, as a signed number. */
  mmap_register(
    guestAddress: number,
    sizeBytes: number,
    r8: (address: number) => number,
    w8: (address: number, value: number) => void,
    r32: (address: number) => number,
    w32: (address: number, value: number) => void,
  ): void;
}

/** A function on v86's PCI bus. */
export interface V86PciDevice {
  /** Slot and function: slot << 3. */
  readonly pci_id: number;
  /** Its configuration space, 256 bytes; v86 copies it. */
  readonly pci_space: Uint8Array;
  readonly pci_bars: readonly (V86Bar | undefined)[];
  readonly name: string;
}

/** A base address register; its first value is in the configuration space. Of memory space: the guest cannot move it. */
export interface V86Bar {
  size: number;
  /** Its first value, since the device was registered. */
  readonly original_bar?: number;
}

/** v86's PCI bus. */
export interface V86Pci {
  /** Functions by their `pci_id`. */
  readonly devices: ArrayLike<V86PciDevice | undefined>;
  register_device(device: V86PciDevice): unknown;
  raise_irq(pciId: number): void;
  lower_irq(pciId: number): void;
}

/** The clock's memory, 128 bytes, in which the BIOS looks for the size of RAM. */
export interface V86Cmos {
  cmos_read(index: number): number;
  cmos_write(index: number, value: number): void;
}

/** v86's VGA, with a linear frame buffer at guest address 0xE0000000. */
export interface V86Vga {
  /** Bytes of the frame buffer, a power of two; what the guest is told. */
  vga_memory_size: number;
  /** The frame buffer: what is cleared when the guest sets a mode, and saved. */
  readonly svga_memory: { readonly byteOffset: number };
  /** The first is that of the frame buffer. */
  readonly pci_bars: readonly V86Bar[];
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
  ["v86.cpu.io.mmap_register", "function"],
  ["v86.cpu.devices.pci.devices", "object"],
  ["v86.cpu.devices.pci.register_device", "function"],
  ["v86.cpu.devices.pci.raise_irq", "function"],
  ["v86.cpu.devices.pci.lower_irq", "function"],
  ["v86.cpu.devices.rtc.cmos_read", "function"],
  ["v86.cpu.devices.rtc.cmos_write", "function"],
  ["v86.cpu.devices.vga.vga_memory_size", "number"],
  ["v86.cpu.devices.vga.svga_memory.byteOffset", "number"],
  ["v86.cpu.devices.vga.pci_bars.0.size", "number"],
  ["v86.cpu.devices.vga.pci_bars.0.original_bar", "number"],
  ["v86.cpu.acpi_enabled.0", "number"],
  ["v86.cpu.instruction_pointer.0", "number"],
  ["v86.cpu.jit_dirty_cache", "function"],
  ["v86.cpu.current_tsc.0", "number"],
  ["v86.cpu.store_current_tsc", "function"],
  ["v86.cpu.set_tsc", "function"],
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
