/** Where v86 puts what Linux's boot protocol wants, in guest memory. */
const REAL_MODE_ADDRESS = 0x80000;
const REAL_MODE_BYTES = 0x20000;
const KERNEL_ADDRESS = 0x100000;
const INITRAMFS_ADDRESS = 64 << 20;

interface V86Cpu {
  readonly wasm_memory: WebAssembly.Memory;
  readonly mem8: Uint8Array;
  reboot_internal(): void;
}

/**
 * v86 puts the kernel into memory once, when it is made. By the time the guest resets, Linux has overwritten it, and the
 * BIOS would start garbage: so this puts it there again at each reset, as a real machine would load it from its
 * disk. `emulator` is a V86 that has loaded.
 */
export function reloadKernelAtReset(emulator: object, kernelBytes: number, initramfsBytes: number): void {
  const { cpu } = (emulator as unknown as { v86: { cpu: V86Cpu } }).v86;
  const guestMemory = () => new Uint8Array(cpu.wasm_memory.buffer, cpu.mem8.byteOffset);
  const copies = [
    [REAL_MODE_ADDRESS, REAL_MODE_BYTES],
    [KERNEL_ADDRESS, kernelBytes],
    [INITRAMFS_ADDRESS, initramfsBytes],
  ].map(([address, lengthBytes]) => ({
    address: address!,
    bytes: guestMemory().slice(address, address! + lengthBytes!),
  }));

  const reset = cpu.reboot_internal;
  cpu.reboot_internal = function () {
    for (const { address, bytes } of copies) guestMemory().set(bytes, address);
    return reset.call(cpu);
  };
}
