// The contract with v86: each member that the host uses is there and does what the host relies on. When a new release of v86
// breaks one, the test that fails names it. What a guest does is done by a real guest: a few instructions in a ROM.

import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertNotStrictEquals,
  assertStrictEquals,
} from "@std/assert";
import type { V86, V86Options } from "v86";
import { V86_MEMBERS, type V86Cpu, type V86PciDevice } from "../../src/hosts/v86_members.ts";
import { instantiateKernels } from "../../src/wasm/kernels.ts";
import { cpuOf, guestRam, loadEmulator } from "../support/guest_emulator.ts";
import { RomMachine, RomProgram } from "../support/guest_rom.ts";

const RAM_BYTES = 16 << 20;
const PORT = 0x9000;
const PCI_ID = 15 << 3;
const ISA_BRIDGE_ID = 1 << 3;
const BASE_ADDRESS = 0x10;
/** Where memory-mapped I/O is put: its address is negative as a signed number. */
const MMIO = 0x9000_0000;
const MMIO_BYTES = 0x20000;
const VGA_PCI_ID = 0x12 << 3;
const FRAME_BUFFER = 0xe000_0000;
const RESET_VECTOR = 0xffff0;
/** Opcodes of one byte, on EAX. */
const INC = 0x40;
const DEC = 0x48;

for (const [path, type] of V86_MEMBERS) {
  Deno.test(`v86 has emulator.${path}, of type ${type}`, async () => {
    await withEmulator((_, emulator) => {
      const found = path.split(".").reduce(
        (value: unknown, name) => (value as Record<string, unknown>)[name],
        emulator,
      );
      assertEquals(typeof found, type);
    });
  });
}

Deno.test("v86.cpu.wasm_memory is unshared and another instance can import it", async () => {
  await withEmulator(async (cpu) => {
    assert(cpu.wasm_memory.buffer instanceof ArrayBuffer);
    await instantiateKernels(cpu.wasm_memory);
  });
});

Deno.test("v86.cpu.wasm_memory.buffer is another one after the memory has grown", async () => {
  await withEmulator((cpu) => {
    const before = cpu.wasm_memory.buffer;

    cpu.wm.exports.v86_malloc(64 << 20);

    assertNotStrictEquals(cpu.wasm_memory.buffer, before);
    assertEquals(before.byteLength, 0);
    assertGreater(cpu.wasm_memory.buffer.byteLength, 64 << 20);
  });
});

Deno.test("v86.cpu.mem8.byteOffset is where guest address 0 lies", async () => {
  await withRom(new RomProgram().call(0x8000), async (machine) => {
    const offset = machine.cpu.mem8.byteOffset;
    new Uint8Array(machine.cpu.wasm_memory.buffer).set(returning(0x12345678), offset + 0x8000);

    assertEquals(await machine.run(), [0x12345678]);
  });
});

Deno.test("v86.cpu.mem8.byteOffset is the same after the memory has grown", async () => {
  await withEmulator((cpu) => {
    const before = cpu.mem8.byteOffset;

    cpu.wm.exports.v86_malloc(64 << 20);

    assertEquals(cpu.mem8.byteOffset, before);
  });
});

Deno.test("v86.cpu.memory_size[0] is the bytes of guest RAM", async () => {
  await withEmulator((cpu) => assertEquals(cpu.memory_size[0], RAM_BYTES));
});

Deno.test("v86.cpu.wm.exports.v86_malloc gives a block outside guest RAM whose address is 4 more than a multiple of 16", async () => {
  await withEmulator((cpu) => {
    const address = cpu.wm.exports.v86_malloc(1000) >>> 0;

    assertEquals(address % 16, 4);
    assert(address + 1000 <= cpu.mem8.byteOffset || address >= cpu.mem8.byteOffset + RAM_BYTES);
    assertLess(address + 1000, cpu.wasm_memory.buffer.byteLength);
  });
});

Deno.test("v86.cpu.wm.exports.v86_malloc answers 4 when there is no room, and writes the size to address 0", async () => {
  await withEmulator((cpu) => {
    const huge = 0x7fff_0000;
    const word = () => new Uint32Array(cpu.wasm_memory.buffer)[0];
    assertEquals(word(), 0);

    const addresses = [huge, huge].map((bytes) => cpu.wm.exports.v86_malloc(bytes) >>> 0); // they and RAM: over 4 GiB

    assertGreater(addresses[0]!, 4);
    assertEquals(addresses[1], 4);
    assertEquals(word(), huge);
  });
});

Deno.test("v86.cpu.wm.exports.v86_free gives a block back: the next of its size is the same", async () => {
  await withEmulator((cpu) => {
    const { v86_malloc, v86_free } = cpu.wm.exports;
    const address = v86_malloc(1 << 20);

    v86_free(address);

    assertEquals(v86_malloc(1 << 20), address);
  });
});

Deno.test("v86.cpu.io.register_read: IN calls the function of its width at its port, whose value the guest gets", async () => {
  const program = new RomProgram().in(1, PORT).in(2, PORT).in(4, PORT).in(4, PORT + 1);
  await withRom(program, async (machine) => {
    machine.cpu.io.register_read(PORT, {}, () => 0x81, () => 0x8182, () => 0x81828384);
    machine.cpu.io.register_read(PORT + 1, {}, () => 0, () => 0, () => 0xffffffff);

    assertEquals(await machine.run(), [0x81, 0x8182, 0x81828384, 0xffffffff]);
  });
});

Deno.test("v86.cpu.io.register_write: OUT calls the function of its width at its port, 32 bits as a signed number", async () => {
  const program = new RomProgram().out(1, PORT, 0x81).out(2, PORT, 0x8182).out(4, PORT, 0x81828384).out(4, PORT + 1, 5);
  await withRom(program, async (machine) => {
    const calls: [string, number][] = [];
    const note = (name: string) => (value: number) => calls.push([name, value]);
    machine.cpu.io.register_write(PORT, {}, note("8"), note("16"), note("32"));
    machine.cpu.io.register_write(PORT + 1, {}, note("8 at + 1"), note("16 at + 1"), note("32 at + 1"));

    await machine.run();

    assertEquals(calls, [["8", 0x81], ["16", 0x8182], ["32", 0x81828384 | 0], ["32 at + 1", 5]]);
  });
});

Deno.test("v86.cpu.io.mmap_register: the guest's accesses call the functions, 16 bits as two times 8", async () => {
  const program = new RomProgram()
    .load(1, MMIO).load(2, MMIO + 2).load(4, MMIO + 5)
    .store(1, MMIO, 0x81).store(2, MMIO + 2, 0x8182).store(4, MMIO + 5, 0x81828384)
    .load(4, MMIO + MMIO_BYTES - 4);
  await withRom(program, async (machine) => {
    const { cpu } = machine;
    const calls: [string, number, number][] = [];
    const note = (name: string) => (address: number, value: number) => calls.push([name, address >>> 0, value]);
    const [w8, w32] = [note("8"), note("32")];
    const addresses: number[] = [];
    const read = (value: number) => (address: number) => {
      addresses.push(address);
      return value;
    };

    cpu.io.mmap_register(MMIO, MMIO_BYTES, read(0x81), w8, read(0x81828384), w32);

    assertEquals(await machine.run(), [0x81, 0x8181, 0x81828384, 0x81828384]);
    assertEquals(addresses, [0, 2, 3, 5, MMIO_BYTES - 4].map((offset) => MMIO + offset | 0));
    assertEquals(calls, [["8", MMIO, 0x81], ["8", MMIO + 2, 0x82], ["8", MMIO + 3, 0x81], [
      "32",
      MMIO + 5,
      0x81828384 | 0,
    ]]);
  });
});

Deno.test("v86.cpu.devices.rtc.cmos_write writes what cmos_read and the guest read, and RAM's size is there", async () => {
  const program = new RomProgram();
  for (const index of [0x17, 0x18, 0x30, 0x31, 0x34, 0x35]) program.out(1, 0x70, index).in(1, 0x71);
  await withRom(program, async (machine) => {
    const { cpu } = machine;
    const { rtc } = cpu.devices;
    const kib = (RAM_BYTES >> 10) - 1024;
    assertEquals([0x17, 0x18, 0x30, 0x31].map((index) => rtc.cmos_read(index)), [
      kib & 255,
      kib >> 8,
      kib & 255,
      kib >> 8,
    ]);
    rtc.cmos_write(0x34, 0x12);
    rtc.cmos_write(0x35, 0xfe);

    assertEquals(await machine.run(), [kib & 255, kib >> 8, kib & 255, kib >> 8, 0x12, 0xfe]);
  }, { memory_size: RAM_BYTES });
});

Deno.test("v86.cpu.devices.rtc.cmos_write is not undone by restart()", async () => {
  await withEmulator(({ devices }, emulator) => {
    devices.rtc.cmos_write(0x34, 0x12);

    emulator.restart();

    assertEquals(devices.rtc.cmos_read(0x34), 0x12);
  });
});

Deno.test("v86.cpu.devices.vga.vga_memory_size and pci_bars[0].size are what the guest finds, and no more than that", async () => {
  const program = new RomProgram()
    .out(2, 0x1ce, 10).in(2, 0x1cf)
    .writeConfig(VGA_PCI_ID, BASE_ADDRESS, 0xffffffff).readConfig(VGA_PCI_ID, BASE_ADDRESS)
    .store(4, FRAME_BUFFER + (12 << 20), 0x12345678).load(4, FRAME_BUFFER + (12 << 20));
  await withRom(program, async (machine) => {
    const { cpu } = machine;
    const { vga } = cpu.devices;
    assertEquals([vga.vga_memory_size, vga.pci_bars[0]!.size], [16 << 20, 16 << 20]);
    assertEquals(vga.pci_bars[0]!.original_bar! & ~0xf, FRAME_BUFFER | 0);

    vga.vga_memory_size = 8 << 20;
    vga.pci_bars[0]!.size = 8 << 20;

    assertEquals(await machine.run(), [(8 << 20) / 65536, -(8 << 20) >>> 0, 0x12345678]);
    assertEquals(new Uint32Array(cpu.wasm_memory.buffer, vga.svga_memory.byteOffset + (12 << 20), 1)[0], 0x12345678);
  }, { vga_memory_size: 16 << 20 });
});

Deno.test("v86.cpu.devices.vga.svga_memory is what a new mode clears, and a property that may be replaced", async () => {
  const setMode = (program: RomProgram) =>
    [[1, 640], [2, 480], [3, 32], [4, 0x41]].forEach(([index, value]) =>
      program.out(2, 0x1ce, index!).out(2, 0x1cf, value!)
    );
  const program = new RomProgram();
  setMode(program);
  await withRom(program, async (machine) => {
    const { cpu } = machine;
    const { vga } = cpu.devices;
    const { svga_memory: { byteOffset }, vga_memory_size: length } = vga;
    const bytes = () => new Uint8Array(cpu.wasm_memory.buffer, byteOffset, length);
    bytes().fill(1);

    Object.defineProperty(vga, "svga_memory", { get: () => bytes().subarray(0, length / 2) });

    await machine.run();
    assertEquals([bytes()[0], bytes()[length / 2 - 1], bytes()[length / 2], bytes()[length - 1]], [0, 0, 1, 1]);
  });
});

for (const acpi of [false, true]) {
  Deno.test(`v86.cpu.acpi_enabled[0] is ${Number(acpi)} in an emulator with acpi: ${acpi}`, async () => {
    const emulator = await loadEmulator({ acpi });
    assertEquals(cpuOf(emulator).acpi_enabled[0], Number(acpi));
    await emulator.destroy();
  });
}

Deno.test("v86.cpu.instruction_pointer[0] is 0xFFFF0 until the guest has run, and again after a reset", async () => {
  await withRom(sizeIdeBars(new RomProgram()), async (machine) => {
    const { cpu, emulator } = machine;
    assertEquals(cpu.instruction_pointer[0], RESET_VECTOR);
    await machine.run();
    const state = await emulator.save_state();
    assertNotEquals(cpu.instruction_pointer[0], RESET_VECTOR);

    emulator.restart();
    assertEquals(cpu.instruction_pointer[0], RESET_VECTOR);

    await emulator.restore_state(state);
    assertNotEquals(cpu.instruction_pointer[0], RESET_VECTOR);
  });
});

Deno.test("v86.cpu.devices.pci.devices has undefined for a free slot and the device for another", async () => {
  await withEmulator((cpu) => {
    const { pci } = cpu.devices;
    const device = pciDevice();
    assertEquals(pci.devices[PCI_ID], undefined);

    pci.register_device(device);

    assertEquals(pci.devices[PCI_ID], device);
  });
});

Deno.test("v86.cpu.devices.pci.register_device: the guest reads a copy of pci_space", async () => {
  const program = new RomProgram().readConfig(PCI_ID, 0x00).readConfig(PCI_ID, 0x40).readConfig(PCI_ID, 0xfc);
  await withRom(program, async (machine) => {
    const device = pciDevice();
    const view = new DataView(device.pci_space.buffer);
    view.setUint32(0x00, 0x10501af4, true);
    view.setUint32(0x40, 0x01104009, true);
    view.setUint32(0xfc, 0xfedcba98, true);

    machine.cpu.devices.pci.register_device(device);
    device.pci_space.fill(0);

    assertEquals(await machine.run(), [0x10501af4, 0x01104009, 0xfedcba98]);
  });
});

Deno.test("v86.cpu.devices.pci.register_device: the guest finds the size of a BAR in I/O space, and moves its ports", async () => {
  const moved = 0xc080;
  const program = new RomProgram()
    .writeConfig(PCI_ID, BASE_ADDRESS, 0xffffffff).readConfig(PCI_ID, BASE_ADDRESS)
    .writeConfig(PCI_ID, BASE_ADDRESS, moved).readConfig(PCI_ID, BASE_ADDRESS)
    .in(1, PORT).in(1, moved).in(1, moved + 127);
  await withRom(program, async (machine) => {
    for (let offset = 0; offset < 128; offset++) {
      machine.cpu.io.register_read(PORT + offset, {}, () => offset + 1, () => 0, () => 0);
    }
    machine.cpu.devices.pci.register_device(pciDevice());

    assertEquals(await machine.run(), [0xffffff81, moved | 1, 0xff, 1, 128]);
  });
});

Deno.test("v86.cpu.devices.pci.register_device: the guest finds the size of a BAR in memory space, and cannot move it", async () => {
  const bar = BASE_ADDRESS + 8;
  const program = new RomProgram()
    .writeConfig(PCI_ID, bar, 0xffffffff).readConfig(PCI_ID, bar)
    .writeConfig(PCI_ID, bar, 0xa0000000).readConfig(PCI_ID, bar)
    .writeConfig(PCI_ID, bar + 4, 0xffffffff).readConfig(PCI_ID, bar + 4);
  await withRom(program, async (machine) => {
    const { cpu } = machine;
    const device = pciDevice();
    new DataView(device.pci_space.buffer).setUint32(bar, MMIO | 8, true);
    const bars = [...device.pci_bars, undefined, { size: MMIO_BYTES }];

    cpu.devices.pci.register_device({ ...device, pci_bars: bars });

    assertEquals(bars.map((each) => each?.original_bar), [PORT | 1, undefined, MMIO | 8]);
    assertEquals(await machine.run(), [0xfffe0000, (MMIO | 8) >>> 0, 0]);
  });
});

// The program routes the PCI interrupts and makes IRQ 10 and 11 level-triggered, as SeaBIOS does, then raises and lowers the
// line and reads what the second interrupt controller has pending: bit 3 is IRQ 11.
Deno.test("v86.cpu.devices.pci.raise_irq and lower_irq set the level of IRQ 11 for slot 15", async () => {
  const routes = 0x0b0b0a0a;
  const readPending = (program: RomProgram) => program.out(1, 0xa0, 0x0a).in(1, 0xa0);
  const program = new RomProgram().writeConfig(ISA_BRIDGE_ID, 0x60, routes).out(1, 0x4d1, 0x0c);
  readPending(program);
  readPending(program.out(1, PORT, 1));
  readPending(program.out(1, PORT, 0));
  await withRom(program, async (machine) => {
    const { pci } = machine.cpu.devices;
    pci.register_device(pciDevice());
    onWrite(machine.cpu, (isRaised) => isRaised ? pci.raise_irq(PCI_ID) : pci.lower_irq(PCI_ID));

    assertEquals(await machine.run(), [0, 1 << 3, 0]);
  });
});

Deno.test("v86.cpu.jit_dirty_cache: the guest runs the code that the host has put over compiled code of RAM", async () => {
  const address = 0x8000;
  await withRom(new RomProgram().call(address).out(1, PORT, 0).call(address), async (machine) => {
    guestRam(machine.cpu).set(counting(INC), address);
    onWrite(machine.cpu, () => {
      guestRam(machine.cpu).set(counting(DEC), address);
      machine.cpu.jit_dirty_cache(address, address + 16);
    });

    assertEquals(await machine.run(), [1_000_000, -1_000_000 >>> 0]);
  });
});

Deno.test("v86.cpu.reboot_internal is what restart() calls, as a method that may be replaced", async () => {
  await withEmulator((cpu, emulator) => {
    const calls = spyOnReboot(cpu);

    emulator.restart();

    assertEquals(calls, [cpu]);
  });
});

Deno.test("v86.cpu.reboot_internal is what the guest's reset port 0xCF9 calls", async () => {
  await assertReboots(new RomProgram().out(1, 0xcf9, 0x02).out(1, 0xcf9, 0x06));
});

Deno.test("v86.cpu.reboot_internal is what the guest's keyboard controller calls for a reset", async () => {
  await assertReboots(new RomProgram().out(1, 0x64, 0xfe));
});

Deno.test("v86 save_state takes the state as it is at the call, and restore_state puts it back into the same memory", async () => {
  await withRom(sizeIdeBars(new RomProgram()), async (machine) => {
    const { cpu, emulator } = machine;
    await machine.run();
    const [memory, offset] = [cpu.wasm_memory, cpu.mem8.byteOffset];
    guestRam(cpu)[0x8000] = 1;

    const saving = emulator.save_state();
    guestRam(cpu)[0x8000] = 2;
    await emulator.restore_state(await saving);

    assertEquals(guestRam(cpu)[0x8000], 1);
    assertStrictEquals(cpu.wasm_memory, memory);
    assertEquals(cpu.mem8.byteOffset, offset);
  });
});

Deno.test("v86 restore_state moves a device's ports to where the guest had them when the state was saved", async () => {
  const moved = 0xc080;
  const move = sizeIdeBars(new RomProgram()).writeConfig(PCI_ID, BASE_ADDRESS, moved);
  const states: ArrayBuffer[] = [];
  await withRom(move, async (machine) => {
    machine.cpu.devices.pci.register_device(pciDevice());
    await machine.run();
    states.push(await machine.emulator.save_state());
  });

  await withRom(new RomProgram().in(1, moved), async (machine) => {
    machine.cpu.io.register_read(PORT, {}, () => 7, () => 0, () => 0);
    machine.cpu.devices.pci.register_device(pciDevice());
    await machine.emulator.restore_state(states[0]!);
    machine.emulator.restart(); // the saved processor is in the other program

    assertEquals(await machine.run(), [7]);
  });
});

async function withEmulator(test: (cpu: V86Cpu, emulator: V86) => unknown): Promise<void> {
  const emulator = await loadEmulator({ memory_size: RAM_BYTES });
  try {
    await test(cpuOf(emulator), emulator);
  } finally {
    await emulator.destroy();
  }
}

async function withRom(
  program: RomProgram,
  test: (machine: RomMachine) => Promise<void>,
  options: V86Options = {},
): Promise<void> {
  const machine = await RomMachine.load(program, options);
  try {
    await test(machine);
  } finally {
    await machine.close();
  }
}

async function assertReboots(program: RomProgram): Promise<void> {
  await withRom(program, async (machine) => {
    const calls = spyOnReboot(machine.cpu);
    await machine.run();
    assertEquals(calls, [machine.cpu]);
  });
}

/** Replaces the method by one that only notes the object it was called on. */
function spyOnReboot(cpu: V86Cpu): unknown[] {
  const calls: unknown[] = [];
  cpu.reboot_internal = function () {
    calls.push(this);
  };
  return calls;
}

/** A BIOS asks for the size of every BAR. v86 does not restore a state from before that: its IDE's first four are unclear. */
function sizeIdeBars(program: RomProgram): RomProgram {
  for (const bar of [0, 1, 2, 3]) {
    program.writeConfig(0x1e << 3, BASE_ADDRESS + 4 * bar, 0xffffffff);
  }
  return program;
}

/** A function with one base address register of 128 ports at `PORT` and the interrupt pin A. */
function pciDevice(): V86PciDevice {
  const space = new Uint8Array(256);
  new DataView(space.buffer).setUint16(BASE_ADDRESS, PORT | 1, true);
  space[0x3d] = 1;
  return { pci_id: PCI_ID, pci_space: space, pci_bars: [{ size: 128 }], name: "test" };
}

/** Machine code: MOV EAX, `value`; RETF. */
function returning(value: number): Uint8Array {
  const code = new Uint8Array([0x66, 0xb8, 0, 0, 0, 0, 0xcb]);
  new DataView(code.buffer).setUint32(2, value, true);
  return code;
}

/** Calls `listener` with each byte that the guest writes to `PORT`. */
function onWrite(cpu: V86Cpu, listener: (value: number) => void): void {
  const ignore = () => {};
  cpu.io.register_write(PORT, {}, listener, ignore, ignore);
}

/** Machine code: a million times `opcode` on EAX, from 0 on, often enough for v86 to compile it; RETF. */
function counting(opcode: number): Uint8Array {
  const clearEax = [0x66, 0x31, 0xc0];
  const setCounter = [0x66, 0xb9, 0x40, 0x42, 0x0f, 0x00];
  const countDown = [0x66, 0x49, 0x75, -6 & 0xff];
  return new Uint8Array([...clearEax, ...setCounter, 0x66, opcode, ...countDown, 0xcb]);
}
