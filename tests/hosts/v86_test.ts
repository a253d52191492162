import { assert, assertEquals, assertNotStrictEquals, assertRejects, assertThrows } from "@std/assert";
import { V86 } from "v86";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import { attach } from "../../src/hosts/v86.ts";
import {
  Format,
  GpuQueue,
  ResponseType,
  writeResourceCreate2d,
  writeResourceFlush,
  writeResourceUnref,
  writeSetScanout,
  writeTransferToHost2d,
} from "../../src/protocol/wire.gen.ts";
import type { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { cpuOf, emulatorOptions, loadEmulator } from "../support/guest_emulator.ts";
import { attachToPorts, driverFor } from "../support/guest_ports.ts";
import { RomMachine, RomProgram } from "../support/guest_rom.ts";

const RECT = { x: 0, y: 0, width: 64, height: 32 };
const SIZE = { widthPixels: 640, heightPixels: 480 };
const RED = 0xff0000ff; // RGBA bytes as a little-endian word

Deno.test("attach throws TypeError when the emulator is not loaded yet", async () => {
  const emulator = new V86(emulatorOptions({}));
  const loaded = new Promise<void>((resolve) => emulator.add_listener("emulator-loaded", () => resolve()));

  await assertRejects(() => attach(emulator), TypeError, "it is not loaded yet");

  await loaded;
  await emulator.destroy();
});

Deno.test("attach throws TypeError that names the member that a release of v86 lacks", async () => {
  const emulator = await loadEmulator({});
  Object.assign(cpuOf(emulator), { jit_dirty_cache: undefined });

  await assertRejects(() => attach(emulator), TypeError, "emulator.v86.cpu.jit_dirty_cache must be of type function");

  await emulator.destroy();
});

for (const slot of [0, 5, 32, 15.5, -1, NaN]) {
  Deno.test(`attach throws RangeError for slot ${slot}, which is in use or none`, async () => {
    const emulator = await loadEmulator({});
    await assertRejects(() => attach(emulator, { slot }), RangeError, `slot must be free and 1 to 31, got ${slot}`);
    await emulator.destroy();
  });
}

for (const reservedBytes of [-1, 0.5, NaN, 2 ** 31]) {
  Deno.test(`attach throws RangeError for ${reservedBytes} reserved bytes`, async () => {
    const emulator = await loadEmulator({});
    await assertRejects(() => attach(emulator, { reservedBytes }), RangeError, `got ${reservedBytes}`);
    await emulator.destroy();
  });
}

Deno.test("attach puts back the word at address 0 that v86's allocator spoils when it has no room", async () => {
  const emulator = await loadEmulator({});
  const cpu = cpuOf(emulator);
  cpu.wm.exports.v86_malloc(0x7fff_0000);
  new Uint32Array(cpu.wasm_memory.buffer)[0] = 0x12345678;

  await assertRejects(() => attach(emulator, { reservedBytes: 0x7fff_0000 }), RangeError, "its heap has no room");

  assertEquals(new Uint32Array(cpu.wasm_memory.buffer)[0], 0x12345678);
  await emulator.destroy();
});

Deno.test("attach: the guest finds a virtio-gpu on the PCI bus, moves its ports and reaches its registers", async () => {
  const pciId = 15 << 3;
  const moved = 0xc000;
  const [deviceStatus, numScanouts] = [moved + 0x14, moved + 0x68];
  const program = new RomProgram()
    .readConfig(pciId, 0x00)
    .writeConfig(pciId, 0x10, moved)
    .out(1, deviceStatus, 3).in(1, deviceStatus).in(4, numScanouts);
  const machine = await RomMachine.load(program);
  await attach(machine.emulator, { outputs: [SIZE, SIZE] });

  assertEquals(await machine.run(), [0x10501af4, 3, 2]);

  await machine.close();
});

Deno.test("attach: a driver draws through the emulator's ports and memory", async () => {
  const display = new MemoryDisplay();
  const { driver, close } = await attachToPorts({ display });

  driver.start();
  draw(driver, 1, RED);

  assertEquals(shownColors(display), [RED]);
  await close();
});

Deno.test("attach raises the slot's interrupt for an answer, and lowers it when the driver takes the interrupt", async () => {
  const { driver, cpu, close } = await attachToPorts();
  const levels: [string, number][] = [];
  cpu.devices.pci.raise_irq = (pciId) => levels.push(["raise", pciId]);
  cpu.devices.pci.lower_irq = (pciId) => levels.push(["lower", pciId]);

  driver.start();
  createResource(driver, 1);
  assertEquals(levels, [["raise", 15 << 3]]);
  assertEquals(driver.transport.takeInterrupt(), 1);

  assertEquals(levels, [["raise", 15 << 3], ["lower", 15 << 3]]);
  await close();
});

Deno.test("attach tells v86 to forget code where an answer and the used ring were written", async () => {
  const { driver, cpu, close } = await attachToPorts();
  const ranges: [start: number, end: number][] = [];
  cpu.jit_dirty_cache = (start, end) => ranges.push([start, end]);

  driver.start();
  const { used, size } = driver.queue(GpuQueue.Control);
  const reply = driver.ram.allocate(24);
  const request = driver.ram.allocate(24);
  driver.sendChain(GpuQueue.Control, [
    { address: request, length: 24 },
    { address: reply, length: 24, isWritable: true },
  ]);

  assertEquals(ranges, [[reply, reply + 24], [used, used + 6 + size * 8]]);
  await close();
});

Deno.test("attach: no command reaches the addresses of the VGA and the BIOS", async () => {
  const { driver, close } = await attachToPorts();
  driver.start();
  createResource(driver, 1);

  const answers = [0x9fff0, 0xa0000, 0xffff0].map((addr) =>
    driver.attachBacking(1, [{ addr, length: 32 }]).header.type
  );

  assertEquals(answers, [ResponseType.ErrUnspec, ResponseType.ErrUnspec, ResponseType.ErrUnspec]);
  await close();
});

Deno.test("attach: the device goes on and its pictures are right when the emulator's memory grows", async () => {
  const display = new MemoryDisplay();
  const { driver, cpu, close } = await attachToPorts({ display, reservedBytes: 0 });
  driver.start();
  draw(driver, 1, RED);
  const before = cpu.wasm_memory.buffer;

  driver.send(writeResourceCreate2d, { resourceId: 2, format: Format.R8G8B8A8Unorm, width: 2048, height: 2048 });
  const shown = shownColors(display);
  draw(driver, 3, 0xff00ff00);

  assertNotStrictEquals(cpu.wasm_memory.buffer, before);
  assertEquals(shown, [RED]);
  assertEquals(shownColors(display), [0xff00ff00]);
  await close();
});

Deno.test("attach: restart() resets the device and the emulator, and a driver can start again", async () => {
  const display = new MemoryDisplay();
  const { driver, emulator, cpu, close } = await attachToPorts({ display });
  driver.start();
  draw(driver, 1, RED);

  emulator.restart();

  assertEquals(driver.transport.readStatus(), 0);
  assertEquals(display.picture(0), undefined);
  const next = driverFor(cpu);
  next.start();
  draw(next, 1, RED);
  assertEquals(shownColors(display), [RED]);
  await close();
});

Deno.test("attach: two devices in one emulator do not disturb each other", async () => {
  const displays = [new MemoryDisplay(), new MemoryDisplay()];
  const { driver, cpu, emulator, close } = await attachToPorts({ display: displays[0]! });
  await attach(emulator, { display: displays[1]!, slot: 16 });
  const second = driverFor(cpu, 16, 16 << 20);

  driver.start();
  second.start();
  draw(driver, 1, RED);
  draw(second, 1, 0xffff0000);

  assertEquals(displays.map(shownColors), [[RED], [0xffff0000]]);
  await close();
});

Deno.test("attach: what exceeds the budget of one notification is done after the guest had a turn", async () => {
  const { driver, gpu, close } = await attachToPorts({ limits: { workBytesPerNotify: 1 } });
  driver.start();
  const queue = driver.queue(GpuQueue.Control);
  const request = driver.ram.allocate(24);
  for (const reply of [driver.ram.allocate(24), driver.ram.allocate(24)]) {
    queue.push(queue.writeChain([{ address: request, length: 24 }, { address: reply, length: 24, isWritable: true }]));
  }

  driver.transport.kick(GpuQueue.Control);
  const atOnce = gpu.counters.commands;
  await nextTurn();

  assertEquals(atOnce, 1);
  assertEquals(gpu.counters.commands, 2);
  await close();
});

Deno.test("attach: what a display throws is thrown outside the emulator, which would stand still otherwise", async () => {
  const display = new MemoryDisplay();
  const error = new Error("a display's own mistake");
  display.show = () => {
    throw error;
  };
  const { driver, close } = await attachToPorts({ display });
  driver.start();

  const uncaught = await uncaughtErrors(() => {
    createResource(driver, 1);
    driver.send(writeSetScanout, { scanoutId: 0, resourceId: 1, rect: RECT });
    const flush = () => driver.send(writeResourceFlush, { resourceId: 1, rect: RECT });
    assertThrows(flush, Error, "left the chain"); // the driver's words: it has no answer
  });
  const later = driver.send(writeResourceUnref, { resourceId: 1 });

  assertEquals(uncaught, [error]);
  assertEquals(later.header.type, ResponseType.OkNodata);
  await close();
});

Deno.test("attach: a display that throws when it is disabled does not keep the machine from a reset", async () => {
  const display = new MemoryDisplay();
  const error = new Error("a display's own mistake");
  display.disable = () => {
    throw error;
  };
  const emulator = await loadEmulator({ memory_size: 32 << 20 });
  const cpu = cpuOf(emulator);
  let resets = 0;
  cpu.reboot_internal = () => resets++;
  await attach(emulator, { display });
  const driver = driverFor(cpu);
  driver.start();
  draw(driver, 1, RED);

  const uncaught = await uncaughtErrors(() => emulator.restart());

  assertEquals(uncaught, [error]);
  assertEquals(resets, 1);
  await emulator.destroy();
});

function createResource(driver: GpuDriver, resourceId: number): void {
  const { width, height } = RECT;
  driver.send(writeResourceCreate2d, { resourceId, format: Format.R8G8B8A8Unorm, width, height });
}

/** Fills a new resource with one color and shows it. */
function draw(driver: GpuDriver, resourceId: number, rgba: number): void {
  const addr = driver.ram.allocate(RECT.width * RECT.height * 4, 4096);
  driver.ram.words(addr, RECT.width * RECT.height).fill(rgba);
  createResource(driver, resourceId);
  driver.attachBacking(resourceId, [{ addr, length: RECT.width * RECT.height * 4 }]);
  driver.send(writeTransferToHost2d, { resourceId, rect: RECT, offset: 0 });
  driver.send(writeSetScanout, { scanoutId: 0, resourceId, rect: RECT });
  const { header } = driver.send(writeResourceFlush, { resourceId, rect: RECT });
  assertEquals(header.type, ResponseType.OkNodata);
}

/** The different colors of what is shown. */
function shownColors(display: MemoryDisplay): number[] {
  const picture = display.picture(0);
  assert(picture !== undefined);
  return [...new Set(new Uint32Array(picture.rgba.buffer))];
}

/** What is thrown, and caught by nobody, while `work` runs and until the event loop has turned. */
async function uncaughtErrors(work: () => void): Promise<unknown[]> {
  const errors: unknown[] = [];
  const listener = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error);
  };
  globalThis.addEventListener("error", listener);
  try {
    work();
    await nextTurn();
  } finally {
    globalThis.removeEventListener("error", listener);
  }
  return errors;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
