// The host visible window in v86, in each of its three ways: what the guest finds, and that guest and renderer see the same
// bytes. A driver in plain TypeScript sends the commands; the guest's loads and stores are v86's own functions, and the
// instructions of a program in a ROM where that matters. Virtio 1.4, 5.7.6.9 (RESOURCE_MAP_BLOB).

import { assertEquals, assertGreater, assertNotStrictEquals, assertRejects } from "@std/assert";
import type { V86, V86Options as EmulatorOptions } from "v86";
import { attach, type V86Gpu, type V86Options, type V86WindowOptions, type V86WindowWay } from "../../src/hosts/v86.ts";
import type { V86Cpu } from "../../src/hosts/v86_members.ts";
import type { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { attach as attachBacking, createResource } from "../device/requests.ts";
import { attachToContext, createContext, submit } from "../device/three_d_requests.ts";
import { makeHostBlob, mapBlob, unmapBlob } from "../device/window_requests.ts";
import { guestAccess } from "../support/guest_access.ts";
import { clearUnusedBars, cpuOf, guestRam, loadEmulator } from "../support/guest_emulator.ts";
import { driverFor } from "../support/guest_ports.ts";
import { RomMachine, RomProgram } from "../support/guest_rom.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { fill } from "../support/renderer/stream.ts";

const MIB = 1 << 20;
const RAM_BYTES = 32 * MIB;
const VGA_BYTES = 16 * MIB;
const WINDOW_BYTES = 8 * MIB;
const EMULATOR: EmulatorOptions = { memory_size: RAM_BYTES, vga_memory_size: VGA_BYTES };
const PCI_ID = 15 << 3;
const VGA_PCI_ID = 0x12 << 3;
const BASE_ADDRESS = 0x10;
const BLOB_BYTES = 8192;
const OK = "OK_NODATA";
const MAPPED = "OK_MAP_INFO";

/** Where each way's window is in an emulator of `EMULATOR`. */
const ways: { way: V86WindowWay; guestAddress: number }[] = [
  { way: "ram", guestAddress: RAM_BYTES - WINDOW_BYTES },
  { way: "vga", guestAddress: 0xe000_0000 + VGA_BYTES - WINDOW_BYTES },
  { way: "mmio", guestAddress: 0xe000_0000 - WINDOW_BYTES },
];

/** An emulator that does not run, with a window, and a driver that has made context 1. `close` it when done. */
interface WindowMachine extends V86Gpu {
  readonly emulator: V86;
  readonly cpu: V86Cpu;
  readonly renderer: ReferenceRenderer;
  readonly driver: GpuDriver;
  close(): Promise<void>;
}

for (const { way, guestAddress } of ways) {
  Deno.test(`attach by way "${way}": a driver finds the window, and the guest a BAR of its size that stays there`, async () => {
    const bar = BASE_ADDRESS + 8;
    const program = new RomProgram()
      .readConfig(PCI_ID, bar)
      .writeConfig(PCI_ID, bar, 0xffffffff).readConfig(PCI_ID, bar)
      .writeConfig(PCI_ID, bar, 0xa0000000).readConfig(PCI_ID, bar)
      .writeConfig(PCI_ID, bar + 4, 0xffffffff).readConfig(PCI_ID, bar + 4);
    const machine = await RomMachine.load(program, EMULATOR);
    const { hostVisible } = await attach(machine.emulator, windowOptions({ way }));

    const found = driverFor(machine.cpu).transport.findSharedMemory(1);
    const first = await machine.run();
    const afterReset = await machine.run();

    assertEquals(hostVisible, { way, guestAddress, bytes: WINDOW_BYTES });
    assertEquals(found, { guestAddress, lengthBytes: WINDOW_BYTES });
    assertEquals(first, [guestAddress | 8, -WINDOW_BYTES, guestAddress | 8, 0].map((value) => value >>> 0));
    assertEquals(afterReset, first);
    await machine.close();
  });

  Deno.test(`attach by way "${way}": the guest reads what the renderer writes, before it maps the blob and after`, async () => {
    const { driver, cpu, close } = await attachWindow({ way });
    const guest = guestAccess(cpu);
    const at = guestAddress + 0x3000;
    createBlob(driver, 1, 0x44332211);

    assertEquals(map(driver, 1, 0x3000), MAPPED);
    const before = [guest.read32s(at), guest.read32s(at + BLOB_BYTES - 4)];
    submit(driver, 1, fill(1, 4, 8, 0xf8f7f6f5));

    assertEquals(before, [0x44332211, 0x44332211]);
    assertEquals([0, 1, 3, 4, 7].map((offset) => guest.read8(at + offset)), [0x11, 0x22, 0x44, 0xf5, 0xf8]);
    assertEquals([0, 1, 3].map((offset) => guest.read16(at + offset)), [0x2211, 0x3322, 0xf544]);
    const words = [0, 1, 3, 4].map((offset) => guest.read32s(at + offset) >>> 0);
    assertEquals(words, [0x44332211, 0xf5443322, 0xf7f6f544, 0xf8f7f6f5]);
    await close();
  });

  Deno.test(`attach by way "${way}": the renderer reads what the guest writes, while the blob is mapped and after`, async () => {
    const machine = await attachWindow({ way });
    const { driver, cpu, close } = machine;
    const guest = guestAccess(cpu);
    const at = guestAddress + WINDOW_BYTES - BLOB_BYTES;
    createBlob(driver, 1, 0);

    map(driver, 1, WINDOW_BYTES - BLOB_BYTES);
    guest.write8(at, 0x01);
    guest.write16(at + 1, 0x0405);
    guest.write32(at + 3, 0x0a0b0c0d);
    guest.write16(at + 8, 0x0203);
    guest.write32(at + BLOB_BYTES - 4, -2);
    const mapped = blobBytes(machine, 1);
    assertEquals(unmapBlob(driver, 1), OK);
    guest.write32(at, 0); // nobody's now

    assertEquals([...mapped.subarray(0, 12)], [1, 5, 4, 0x0d, 0x0c, 0x0b, 0x0a, 0, 3, 2, 0, 0]);
    assertEquals([...mapped.subarray(-4)], [0xfe, 0xff, 0xff, 0xff]);
    assertEquals(blobBytes(machine, 1), mapped);
    await close();
  });

  Deno.test(`attach by way "${way}": the guest's own instructions reach a blob`, async () => {
    const at = guestAddress + 0x1000;
    const program = new RomProgram()
      .load(4, at).load(2, at + 1).load(1, at + 3).load(4, at + BLOB_BYTES - 4)
      .store(4, at, 0x0a0b0c0d).store(2, at + 5, 0x0102).store(1, at + 9, 0x03);
    const rom = await RomMachine.load(program, EMULATOR);
    const machine = await startIn(rom.emulator, { way });
    createBlob(machine.driver, 1, 0x84838281);
    map(machine.driver, 1, 0x1000);

    const results = await rom.run();

    assertEquals(results, [0x84838281, 0x8382, 0x84, 0x84838281]);
    const bytes = blobBytes(machine, 1).subarray(0, 10);
    assertEquals([...bytes], [0x0d, 0x0c, 0x0b, 0x0a, 0x81, 0x02, 0x01, 0x84, 0x81, 0x03]);
    await rom.close();
  });

  Deno.test(`attach by way "${way}": no command reads or writes the window as if it were RAM`, async () => {
    const { driver, close } = await attachWindow({ way });
    createBlob(driver, 1, 0);
    map(driver, 1, 0);
    createResource(driver, 2, 16, 16);

    const answers = [guestAddress - 16, guestAddress, guestAddress + WINDOW_BYTES - 32].map((addr) =>
      attachBacking(driver, 2, [{ addr, length: 32 }])
    );

    assertEquals(answers, ["ERR_UNSPEC", "ERR_UNSPEC", "ERR_UNSPEC"]);
    await close();
  });

  Deno.test(`attach by way "${way}": after restart() nothing is mapped, and a driver maps at the same address`, async () => {
    const { driver, cpu, emulator, renderer, close } = await attachWindow({ way });
    createBlob(driver, 1, 1);
    map(driver, 1, 0);

    emulator.restart();
    const left = renderer.resourceCount;
    const next = startDriver(cpu);
    createBlob(next, 1, 2);

    assertEquals(left, 0);
    assertEquals(map(next, 1, 0), MAPPED);
    assertEquals(guestAccess(cpu).read32s(guestAddress), 2);
    await close();
  });

  Deno.test(`attach by way "${way}": a machine that is saved and restored has its window, and refuses to lose a blob`, async () => {
    const source = await attachWindow({ way });
    clearUnusedBars(source.cpu);
    createBlob(source.driver, 1, 0);
    await assertRejects(() => source.saveState(), Error, "1 host blob");
    source.emulator.restart();
    const file = await source.saveState();
    const target = await attachWindow({ way });

    await target.restoreState(file);
    const driver = startDriver(target.cpu);
    createBlob(driver, 1, 3);

    assertEquals(driver.transport.findSharedMemory(1), { guestAddress, lengthBytes: WINDOW_BYTES });
    assertEquals(map(driver, 1, 0x2000), MAPPED);
    assertEquals(guestAccess(target.cpu).read32s(guestAddress + 0x2000), 3);
    await source.close();
    await target.close();
  });
}

Deno.test('attach by way "ram": the BIOS is told of so much less RAM, and of all of it by the other ways', async () => {
  const indices = [0x17, 0x18, 0x30, 0x31, 0x34, 0x35];
  const toldBytes = async (options: V86Options, memoryBytes = RAM_BYTES) => {
    const program = new RomProgram();
    for (const index of indices) program.out(1, 0x70, index).in(1, 0x71);
    const machine = await RomMachine.load(program, { ...EMULATOR, memory_size: memoryBytes });
    await attach(machine.emulator, options);
    const [low, high, low2, high2, units, units2] = await machine.run();
    await machine.close();
    return [MIB + (low! | high! << 8) * 1024, MIB + (low2! | high2! << 8) * 1024, (units! | units2! << 8) * 65536];
  };

  const kept = RAM_BYTES - WINDOW_BYTES;
  assertEquals(await toldBytes(windowOptions({ way: "ram" })), [kept, kept, kept - 16 * MIB]);
  assertEquals(await toldBytes(windowOptions({ way: "ram" }), 16 * MIB), [8 * MIB, 8 * MIB, 0]);
  const most = MIB + 0xffff * 1024;
  assertEquals(await toldBytes(windowOptions({ way: "ram" }), 128 * MIB), [most, most, 104 * MIB]);
  assertEquals(await toldBytes(windowOptions({ way: "vga" })), [RAM_BYTES, RAM_BYTES, 16 * MIB]);
  assertEquals(await toldBytes(windowOptions({ way: "mmio" })), [RAM_BYTES, RAM_BYTES, 16 * MIB]);
});

Deno.test('attach by way "ram": v86 saves what is in the window with its state', async () => {
  const { cpu, emulator, close } = await attachWindow({ way: "ram" });
  const guest = guestAccess(cpu);
  clearUnusedBars(cpu);
  guest.write32(RAM_BYTES - 4, 7);

  const state = await emulator.save_state();
  guest.write32(RAM_BYTES - 4, 8);
  await emulator.restore_state(state);

  assertEquals(guest.read32s(RAM_BYTES - 4), 7);
  await close();
});

// The window's code is 32-bit code above the first mebibyte: a function in RAM goes to protected mode for it and back.
Deno.test('attach by way "ram": the guest runs the code of the blob that is mapped, not what it has compiled before', async () => {
  const [function32, port, window] = [0x8000, 0xa000, RAM_BYTES - WINDOW_BYTES];
  const program = new RomProgram().call(function32).out(1, port, 0).call(function32);
  const rom = await RomMachine.load(program, EMULATOR);
  const { driver, cpu } = await startIn(rom.emulator, { way: "ram" });
  guestRam(cpu).set(callInProtectedMode(function32, window), function32);
  createBlob(driver, 1, 0);
  createBlob(driver, 2, 0);
  submit(driver, 1, fillBytes(1, counting(0x40))); // INC EAX
  submit(driver, 1, fillBytes(2, counting(0x48))); // DEC EAX
  map(driver, 1, 0);
  const swap = () => {
    unmapBlob(driver, 1);
    map(driver, 2, 0);
  };
  cpu.io.register_write(port, {}, swap, swap, swap);

  assertEquals(await rom.run(), [1_000_000, -1_000_000 >>> 0]);

  await rom.close();
});

Deno.test('attach by way "vga": the VGA keeps half of its memory, and a new mode of it leaves the blobs alone', async () => {
  const mode: [index: number, value: number][] = [[1, 640], [2, 480], [3, 32], [4, 0x41]];
  const program = new RomProgram()
    .out(2, 0x1ce, 10).in(2, 0x1cf)
    .writeConfig(VGA_PCI_ID, BASE_ADDRESS, 0xffffffff).readConfig(VGA_PCI_ID, BASE_ADDRESS);
  for (const [index, value] of mode) program.out(2, 0x1ce, index).out(2, 0x1cf, value);
  const rom = await RomMachine.load(program, EMULATOR);
  const machine = await startIn(rom.emulator, { way: "vga", bytes: 4 * MIB });
  createBlob(machine.driver, 1, 5);
  map(machine.driver, 1, 0);
  guestAccess(rom.cpu).write32(0xe000_0000, 5);

  const [size, bar] = await rom.run();

  assertEquals([size! * 65536, -bar! >>> 0], [8 * MIB, 8 * MIB]);
  assertEquals(machine.hostVisible?.guestAddress, 0xe000_0000 + 12 * MIB);
  assertEquals(guestAccess(rom.cpu).read32s(0xe000_0000 + 12 * MIB), 5);
  assertEquals(guestAccess(rom.cpu).read32s(0xe000_0000), 0);
  await rom.close();
});

Deno.test("attach by way \"mmio\": guest and renderer see each other's writes when the emulator's memory has grown", async () => {
  const { driver, cpu, close } = await attachWindow({ way: "mmio" }, { reservedBytes: 0 });
  const guest = guestAccess(cpu);
  const at = 0xe000_0000 - WINDOW_BYTES;
  createBlob(driver, 1, 6);
  map(driver, 1, 0);
  const before = cpu.wasm_memory.buffer;

  cpu.wm.exports.v86_malloc(64 * MIB);
  guest.write32(at + 4, 7);
  guest.write8(at + 8, 8);

  assertNotStrictEquals(cpu.wasm_memory.buffer, before);
  assertEquals([guest.read32s(at), guest.read32s(at + 4), guest.read8(at + 8)], [6, 7, 8]);
  await close();
});

const ram = { way: "ram", guestAddress: 32 * MIB };
const mmio = { way: "mmio", guestAddress: 0xe000_0000 - WINDOW_BYTES };
const defaults: [name: string, emulator: EmulatorOptions, window: { way: string; guestAddress: number }][] = [
  ["the end of RAM when memory_size is a multiple of it", { memory_size: 40 * MIB }, ram],
  ["host memory when memory_size is none", { memory_size: 44 * MIB }, mmio],
  ["host memory when nothing of RAM would be left", { memory_size: WINDOW_BYTES }, mmio],
  ["host memory when there is ACPI", { memory_size: 40 * MIB, acpi: true }, mmio],
];

for (const [name, options, window] of defaults) {
  Deno.test(`attach: a window is ${name}`, async () => {
    const emulator = await loadEmulator(options);

    const { hostVisible } = await attach(emulator, windowOptions({}));

    assertEquals<unknown>(hostVisible, { ...window, bytes: WINDOW_BYTES });
    await emulator.destroy();
  });
}

const refused: [name: string, emulator: EmulatorOptions, window: Partial<V86WindowOptions>, message: string][] = [
  ["that is not a power of two", EMULATOR, { bytes: 3 * MIB }, "a power of two, 131072 to 1073741824, got 3145728"],
  ["of less than 128 KiB", EMULATOR, { bytes: 65536 }, "got 65536"],
  ["of more than 1 GiB", EMULATOR, { bytes: 2 ** 31 }, "got 2147483648"],
  ["of no number of bytes", EMULATOR, { bytes: NaN }, "got NaN"],
  ["by no known way", EMULATOR, { way: "rom" as V86WindowWay }, "must be one of ram,vga,mmio, got rom"],
  ["of RAM that is no multiple", { memory_size: 44 * MIB }, { way: "ram" }, "a multiple of them, got 46137344"],
  ["of all RAM", { memory_size: WINDOW_BYTES }, { way: "ram" }, "the guest's RAM and these bytes"],
  ["of more than half of the VGA", EMULATOR, { way: "vga", bytes: 16 * MIB }, "must be 33554432 or more"],
];

for (const [name, emulatorOptions, window, message] of refused) {
  Deno.test(`attach throws RangeError for a window ${name}`, async () => {
    const emulator = await loadEmulator(emulatorOptions);
    await assertRejects(() => attach(emulator, windowOptions(window)), RangeError, message);
    await emulator.destroy();
  });
}

Deno.test("attach throws RangeError for a window of host memory for which no addresses are free", async () => {
  const emulator = await loadEmulator({ memory_size: 1536 * MIB });
  const space = new Uint8Array(256);
  new DataView(space.buffer).setUint32(BASE_ADDRESS, 0xb000_0008, true);
  const device = { pci_id: 20 << 3, pci_space: space, pci_bars: [{ size: 256 * MIB }], name: "other" };
  cpuOf(emulator).devices.pci.register_device(device);

  const largest = windowOptions({ way: "mmio", bytes: 1024 * MIB });
  await assertRejects(() => attach(emulator, largest), RangeError, "so many guest addresses are not free");

  assertEquals((await attach(emulator, windowOptions({ way: "mmio" }))).hostVisible?.guestAddress, 0xdf80_0000);
  await emulator.destroy();
});

Deno.test("attach throws TypeError for a window without a renderer, which leaves the guest its RAM", async () => {
  const emulator = await loadEmulator(EMULATOR);

  const hostVisible = { bytes: WINDOW_BYTES };
  await assertRejects(() => attach(emulator, { hostVisible }), TypeError, "needs a renderer");

  assertEquals((await attach(emulator)).guest.resolve(RAM_BYTES - 1, 1) >= 0, true);
  await emulator.destroy();
});

Deno.test("attach to a machine that has run: a window is host memory, and cannot be what the guest has already", async () => {
  const machine = await RomMachine.load(new RomProgram(), EMULATOR);
  await machine.run();

  for (const way of ["ram", "vga"] as const) {
    await assertRejects(() => attach(machine.emulator, windowOptions({ way })), RangeError, "attach before run()");
  }
  assertEquals((await attach(machine.emulator, windowOptions({}))).hostVisible?.way, "mmio");

  await machine.close();
});

Deno.test("attach: each device in an emulator has a window of its own, and none takes another's for RAM", async () => {
  const emulator = await loadEmulator({ ...EMULATOR, vga_memory_size: 32 * MIB });
  const first = await attach(emulator, windowOptions({}));

  const places: (string | number)[][] = [];
  const asked: [slot: number, way?: V86WindowWay][] = [[20], [21, "mmio"], [22, "vga"], [23, "vga"]];
  for (const [slot, way] of asked) {
    const { hostVisible } = await attach(emulator, { ...windowOptions({ ...way && { way } }), slot });
    places.push([hostVisible!.way, hostVisible!.guestAddress]);
  }

  const { guest } = await attach(emulator, { slot: 24 });
  const { guestAddress } = first.hostVisible!;
  assertEquals(guestAddress, RAM_BYTES - WINDOW_BYTES);
  assertEquals(places, [
    ["mmio", 0xe000_0000 - WINDOW_BYTES],
    ["mmio", 0xe000_0000 - 2 * WINDOW_BYTES],
    ["vga", 0xe000_0000 + 24 * MIB],
    ["vga", 0xe000_0000 + 8 * MIB],
  ]);
  assertEquals([guest.resolve(guestAddress - 1, 1) >= 0, guest.resolve(guestAddress, 1) >= 0], [true, false]);
  const again = windowOptions({ way: "ram" });
  await assertRejects(() => attach(emulator, { ...again, slot: 25 }), RangeError, "another device's window");
  await emulator.destroy();
});

Deno.test("attach takes the window's host memory beside what it reserves", async () => {
  const emulator = await loadEmulator(EMULATOR);
  const { guest } = await attach(emulator, { ...windowOptions({ way: "mmio" }), reservedBytes: 48 * MIB });
  const before = guest.bytes.length;

  assertGreater(guest.heap.allocate(40 * MIB), 0);

  assertEquals(guest.bytes.length, before);
  await emulator.destroy();
});

function windowOptions(window: Partial<V86WindowOptions>): V86Options {
  return { renderer: new ReferenceRenderer(), hostVisible: { bytes: WINDOW_BYTES, ...window } };
}

async function attachWindow(window: Partial<V86WindowOptions>, options: V86Options = {}): Promise<WindowMachine> {
  return await startIn(await loadEmulator(EMULATOR), window, options);
}

async function startIn(
  emulator: V86,
  window: Partial<V86WindowOptions>,
  options: V86Options = {},
): Promise<WindowMachine> {
  const renderer = new ReferenceRenderer();
  const attached = await attach(emulator, { ...options, ...windowOptions(window), renderer });
  const cpu = cpuOf(emulator);
  return { ...attached, emulator, cpu, renderer, driver: startDriver(cpu), close: () => emulator.destroy() };
}

/** Starts the device and makes context 1. */
function startDriver(cpu: V86Cpu): GpuDriver {
  const driver = driverFor(cpu);
  driver.start();
  createContext(driver, 1);
  return driver;
}

/** Makes a blob of `BLOB_BYTES` bytes, each word of which is `word`, that the guest may map and context 1 may write. */
function createBlob(driver: GpuDriver, resourceId: number, word: number): void {
  makeHostBlob(driver, resourceId, BLOB_BYTES);
  assertEquals(attachToContext(driver, 1, resourceId), OK);
  assertEquals(submit(driver, 1, fill(resourceId, 0, BLOB_BYTES, word)), OK);
}

function map(driver: GpuDriver, resourceId: number, offset: number): string {
  return mapBlob(driver, resourceId, offset).answer;
}

/** A copy of a blob's bytes, from where the renderer has them. */
function blobBytes({ guest, renderer }: WindowMachine, resourceId: number): Uint8Array {
  const address = renderer.blobAddress(resourceId);
  return guest.bytes.slice(address, address + BLOB_BYTES);
}

/** Command words that write `bytes` into a resource from its beginning on. */
function fillBytes(resourceId: number, bytes: Uint8Array): number[] {
  const words = new Uint32Array(
    Uint8Array.from({ length: Math.ceil(bytes.length / 4) * 4 }, (_, at) => bytes[at] ?? 0).buffer,
  );
  return [...words].flatMap((word, index) => fill(resourceId, index * 4, 4, word));
}

/** 32-bit machine code: a million times `opcode` on EAX, from 0 on, often enough for v86 to compile it; RET. */
function counting(opcode: number): Uint8Array {
  return new Uint8Array([0x31, 0xc0, 0xb9, 0x40, 0x42, 0x0f, 0x00, opcode, 0x49, 0x75, -4 & 0xff, 0xc3]);
}

/** Real-mode code for `address` that calls `target` as 32-bit code without paging, and returns by RETF what it left in EAX. */
function callInProtectedMode(address: number, target: number): Uint8Array {
  const [code32, code16, realMode, table] = [address + 21, address + 42, address + 58, address + 72];
  const code = [
    ...[0x0f, 0x01, 0x16, ...littleEndian(table + 32, 2), 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0], // LGDT, CR0 |= 1
    ...[0x66, 0xea, ...littleEndian(code32, 4), 0x08, 0x00], // JMP FAR
    ...[0xb9, 0x10, 0, 0, 0, 0x8e, 0xd1, 0xb8, ...littleEndian(target, 4), 0xff, 0xd0], // SS = 16, CALL EAX
    ...[0xea, ...littleEndian(code16, 4), 0x18, 0x00], // JMP FAR
    ...[0x66, 0x89, 0xc3, 0x0f, 0x20, 0xc0, 0x24, 0xfe, 0x0f, 0x22, 0xc0], // EBX = EAX, CR0 &= ~1
    ...[0xea, ...littleEndian(realMode, 2), 0x00, 0x00], // JMP FAR
    ...[0xb9, 0x00, 0x00, 0x8e, 0xd1, 0x66, 0x89, 0xd8, 0xcb, 0, 0, 0, 0, 0], // SS = 0, EAX = EBX, RETF
  ];
  const segments = [
    [0, 0, 0, 0, 0, 0, 0, 0],
    [0xff, 0xff, 0, 0, 0, 0x9a, 0xcf, 0], // 8: 32-bit code
    [0xff, 0xff, 0, 0, 0, 0x92, 0xcf, 0], // 16: data
    [0xff, 0xff, 0, 0, 0, 0x9a, 0x00, 0], // 24: 16-bit code
  ];
  return new Uint8Array([...code, ...segments.flat(), 31, 0, ...littleEndian(table, 4)]);
}

function littleEndian(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => value >>> (8 * index) & 0xff);
}
