import { assertEquals } from "@std/assert";
import { writeCpio } from "../../build/guest/cpio.ts";
import { GuestSerial, v86SerialLine } from "../../build/guest/guest_serial.ts";
import type { GuestImage } from "../../build/guest/image.ts";
import type { GuestError } from "../../src/device/guest_errors.ts";
import { MemoryDisplay, type Picture } from "../../src/display/memory_display.ts";
import { attach, type V86Gpu } from "../../src/hosts/v86.ts";
import type { V86Cpu, V86Io } from "../../src/hosts/v86_members.ts";
import { VirtioMmio } from "../../src/transport/mmio.ts";
import { acpiTable } from "./acpi_table.ts";
import { debianImage } from "./guest_debian.ts";
import { cpuOf, loadEmulator } from "./guest_emulator.ts";

/** Where the registers lie: above RAM, and where no other device of v86 is. */
const ADDRESS = 0xfe000000;
/** v86 gives handlers of memory to so much at once. */
const V86_BLOCK_BYTES = 128 * 1024;
/** An interrupt that no device of v86 has. */
const INTERRUPT = 5;
const STILL_ROUNDS = 100;

/** The members of v86 that its PCI devices do not need. */
interface MmioCpu extends V86Cpu {
  readonly io: V86Io & {
    mmap_register(
      address: number,
      bytes: number,
      read8: (address: number) => number,
      write8: (address: number, value: number) => void,
      read32: (address: number) => number,
      write32: (address: number, value: number) => void,
    ): void;
  };
  device_raise_irq(interrupt: number): void;
  device_lower_irq(interrupt: number): void;
}

/** A Debian guest at its shell, in a v86 whose ACPI tables name our device on virtio-mmio. */
export interface MmioGuest {
  readonly device: V86Gpu;
  readonly display: MemoryDisplay;
  /** Runs a shell command that must succeed, and gives its output without the last line's end. */
  output(command: string): Promise<string>;
  /** What scanout 0 shows once the guest draws no more. */
  picture(): Promise<Picture>;
}

/** Boots the guest, runs `test`, and asserts that its driver has done nothing wrong. */
export async function withMmioGuest(test: (guest: MmioGuest) => Promise<void>): Promise<void> {
  const image = await debianImage();
  const emulator = await loadEmulator({
    acpi: true,
    memory_size: 128 << 20,
    bios: { buffer: image.bios.slice().buffer },
    vga_bios: { buffer: image.vgaBios.slice().buffer },
    bzimage: { buffer: image.kernel.slice().buffer },
    initrd: { buffer: withTable(image).buffer },
    cmdline: `${image.commandLine} acpiphp.disable=1`, // else Linux switches v86's devices off
  });
  const display = new MemoryDisplay();
  const errors: GuestError[] = [];
  // The device has its PCI function too; a guest that does not load virtio_pci leaves it alone.
  const device = await attach(emulator, { display, onGuestError: (error) => errors.push(error) });
  addMmio(cpuOf(emulator) as MmioCpu, device);
  const serial = new GuestSerial(v86SerialLine(emulator));
  const output = async (command: string) => (await serial.output(command)).trimEnd();
  try {
    await emulator.run();
    await serial.ready();
    await test({ device, display, output, picture: () => stillPicture(display, output) });
    assertEquals(errors, []);
  } finally {
    serial.close();
    await emulator.destroy();
    await new Promise((resolve) => setTimeout(resolve, 110)); // v86 forgets timers of at most 100 ms
  }
}

function addMmio(cpu: MmioCpu, { gpu, guest }: V86Gpu): void {
  const mmio = new VirtioMmio(gpu, guest, {
    setInterrupt: (isAsserted) => isAsserted ? cpu.device_raise_irq(INTERRUPT) : cpu.device_lower_irq(INTERRUPT),
    defer: (work) => setTimeout(work, 0),
  });
  const offset = (address: number) => (address >>> 0) - ADDRESS;
  cpu.io.mmap_register(
    ADDRESS,
    V86_BLOCK_BYTES,
    (address) => mmio.read(offset(address), 1),
    (address, value) => mmio.write(offset(address), 1, value),
    (address) => mmio.read(offset(address), 4) | 0,
    (address, value) => mmio.write(offset(address), 4, value >>> 0),
  );
}

/** The initramfs behind an archive with the table: Linux takes tables from the first archive. */
function withTable({ initramfs }: GuestImage): Uint8Array<ArrayBuffer> {
  const bytes = acpiTable({ hardwareId: "LNRO0005", address: ADDRESS, sizeBytes: 0x200, interrupt: INTERRUPT });
  const first = writeCpio([
    { path: "kernel", mode: 0o040755 },
    { path: "kernel/firmware", mode: 0o040755 },
    { path: "kernel/firmware/acpi", mode: 0o040755 },
    { path: "kernel/firmware/acpi/ssdt.aml", mode: 0o100644, bytes },
  ]);
  const both = new Uint8Array(first.length + initramfs.length);
  both.set(first);
  both.set(initramfs, first.length);
  return both;
}

async function stillPicture(display: MemoryDisplay, output: (command: string) => Promise<string>): Promise<Picture> {
  for (let round = 0; round < STILL_ROUNDS; round++) {
    const before = display.frames;
    await output("sleep 0.1"); // of the guest's time: its console is drawn by a worker
    if (display.frames === before) return display.picture(0)!;
  }
  throw new Error(`The guest goes on drawing for ${STILL_ROUNDS / 10} s`);
}
