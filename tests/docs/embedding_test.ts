// docs/embedding.md: its blocks run, do what the text says of them, and have types that fit. Those that need a canvas run in
// Chromium: tests/external/embedding_browser_test.ts.

import { assert, assertEquals, assertGreater, assertLess, assertStrictEquals, assertThrows } from "@std/assert";
import type { Counters } from "../../src/device/command_answerer.ts";
import type { VirtioGpuOptions } from "../../src/device/gpu_options.ts";
import { VirtioGpu } from "../../src/device/virtio_gpu.ts";
import type { Display } from "../../src/display/display.ts";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { GuestRam } from "../../src/guest/guest_ram.ts";
import { MmioDriverTransport, type MmioRange } from "../../src/guest/mmio_driver_transport.ts";
import type { GuestMemory } from "../../src/memory/guest_memory.ts";
import type { Arena } from "../../src/memory/host_heap.ts";
import { type PixelSource, readPixels } from "../../src/memory/pixel_source.ts";
import { Format, writeResourceFlush } from "../../src/protocol/wire.gen.ts";
import { VirtioMmio } from "../../src/transport/mmio.ts";
import { DeviceStatus } from "../../src/virtio/virtio.gen.ts";
import { createBlob, setScanoutBlob } from "../device/blob_requests.ts";
import {
  createFilled,
  createResource,
  flush,
  pictureWords,
  pixel,
  rect,
  setScanout,
  transfer,
} from "../device/requests.ts";
import { createContext } from "../device/three_d_requests.ts";
import { makeHostBlob, mapBlob } from "../device/window_requests.ts";
import { codeBlock, runBlock } from "../support/code_block.ts";
import { clearUnusedBars, cpuOf, loadEmulator } from "../support/guest_emulator.ts";
import { attachToPorts } from "../support/guest_ports.ts";
import { type Machine, makeMachine, startMachine } from "../support/machine.ts";
import { PendingRequest } from "../support/pending_request.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";

const GUIDE = new URL("../../docs/embedding.md", import.meta.url);
const CONFIG = new URL("../../deno.json", import.meta.url);
const MIB = 1024 * 1024;
const WHOLE = rect(0, 0, 16, 8);
/** TypeScript's words on variables that only the reader uses. */
const NEVER_READ = ["TS6133", "TS6198"];
/** What a guest writes so that keyboard and mouse report: the second 0xf4 is for the mouse. */
const TURN_ON = [[0x60, 0xf4], [0x64, 0xd4], [0x60, 0xf4]] as const;
const PIXELS = Array.from({ length: 128 }, (_, index) => pixel(index));

/** Draws pictures of 16x8 on scanout 0. */
function draw(machine: Pick<Machine, "driver" | "ram">, resourceId: number, color: (index: number) => number): void {
  createFilled(machine as Machine, resourceId, 16, 8, color, Format.R8G8B8X8Unorm);
  setScanout(machine.driver, 0, resourceId, WHOLE);
  flush(machine.driver, resourceId, WHOLE);
}

function shown(display: MemoryDisplay): number[] | undefined {
  const picture = display.picture(0);
  return picture && pictureWords(picture.rgba);
}

/** What the guide calls the reader's own CPU, as far as it is asked for anything. */
class Cpu {
  readonly levels: boolean[] = [];
  readonly forgotten: [offset: number, bytes: number][] = [];
  range: MmioRange & { sizeBytes: number } | undefined;
  mapped: number[] = [];
  onReset = () => {};

  setInterruptLine(isAsserted: boolean): void {
    this.levels.push(isAsserted);
  }

  forgetCode(offset: number, bytes: number): void {
    this.forgotten.push([offset, bytes]);
  }

  mapRegisters(range: MmioRange & { sizeBytes: number }): void {
    this.range = range;
  }

  mapMemory(...range: number[]): void {
    this.mapped = range;
  }
}

Deno.test("docs/embedding.md: what its input sends over v86's bus, the guest reads at its ports", async () => {
  const emulator = await loadEmulator({});
  const cpu = cpuOf(emulator);
  const io = cpu.io as unknown as {
    port_read8(port: number): number;
    port_write8(port: number, value: number): void;
  };
  const block = await codeBlock(GUIDE, "## Input");
  const { pressKey, moveMouse, pressButtons } = await runBlock<InputCalls>(block, { emulator }, [
    "pressKey",
    "moveMouse",
    "pressButtons",
  ]);
  const read = (count: number) => Array.from({ length: count }, () => io.port_read8(0x60));
  for (const [port, value] of TURN_ON) io.port_write8(port, value);
  read(2); // their acknowledgements

  pressKey(0x1e);
  assertEquals(read(2), [0x1e, 0x9e]);
  moveMouse(5, 3);
  assertEquals(read(3), [0x28, 5, 0xfd]); // down is negative
  pressButtons(true, false, true);
  assertEquals(read(3), [0x0b, 0, 0]);

  await emulator.destroy();
});

interface InputCalls {
  pressKey(scanCode: number): void;
  moveMouse(right: number, down: number): void;
  pressButtons(left: boolean, middle: boolean, right: boolean): void;
}

Deno.test("docs/embedding.md: the saved v86 is taken up again, picture and all", async () => {
  const display = new MemoryDisplay();
  const device = await attachToPorts({ display });
  clearUnusedBars(device.cpu);
  device.driver.start();
  draw({ driver: device.driver, ram: device.driver.ram }, 1, pixel);
  const block = await codeBlock(GUIDE, "## Save, restore, reset");
  const changing = {
    saveState: async () => {
      const file = await device.saveState();
      draw({ driver: device.driver, ram: device.driver.ram }, 2, () => 0);
      return file;
    },
    restoreState: device.restoreState,
  };

  const { file } = await runBlock<{ file: ArrayBuffer }>(block, { device: changing }, ["file"]);

  assert(file instanceof ArrayBuffer);
  assertEquals(shown(display), PIXELS);
  await device.close();
});

Deno.test("docs/embedding.md: a machine of one's own is saved and restored, and damaged files change nothing", async () => {
  const source = await startMachine();
  draw(source, 1, pixel);
  const saving = await saver(source);
  const file = saving.save();
  draw(source, 2, () => 0);
  const target = await startMachine();
  const restoring = await saver(target);

  assertThrows(() => saving.restore(file.subarray(0, file.length - 1)), RangeError);
  assertEquals(shown(source.display), new Array(128).fill(pixel(0)));
  saving.restore(file);
  assertEquals(shown(source.display), PIXELS);
  restoring.restore(file);
  assertEquals(shown(target.display), PIXELS);
});

function saver({ pci, ram }: Machine): Promise<{ save(): Uint8Array; restore(file: Uint8Array): void }> {
  return codeBlock(GUIDE, "## Save, restore, reset", "ts", 1).then((block) =>
    runBlock(block, { pci, ram: () => ram.bytes(0, 32 * MIB) }, ["save", "restore"])
  );
}

/** A machine of the guide's own memory. */
async function memoryOfGuide(cpu: Cpu) {
  const block = await codeBlock(GUIDE, "### Memory");
  const wanted = ["memory", "heap", "guest"];
  return await runBlock<{ memory: WebAssembly.Memory; heap: Arena; guest: GuestMemory }>(block, { cpu }, wanted);
}

Deno.test("docs/embedding.md: in its memory, behind its registers, a guest draws from RAM above 4 GiB", async () => {
  const cpu = new Cpu();
  const { memory, guest } = await memoryOfGuide(cpu);
  const buffer = memory.buffer;
  const block = await codeBlock(GUIDE, "### Registers and interrupt");
  const { display, mmio } = await runBlock<{ display: MemoryDisplay; mmio: VirtioMmio }>(
    block,
    { guest, cpu },
    ["display", "mmio"],
  );
  const ram = new GuestRam(() => new Uint8Array(memory.buffer), 48 * MIB);
  const driver = new GpuDriver(new MmioDriverTransport(cpu.range!), ram);
  driver.start();
  new Uint32Array(memory.buffer, 48 * MIB, 128).set(PIXELS);

  createResource(driver, 1, 16, 8, Format.R8G8B8X8Unorm);
  driver.attachBacking(1, [{ addr: 4096 * MIB, length: 512 }]);
  transfer(driver, 1, WHOLE, 0);
  setScanout(driver, 0, 1, WHOLE);
  flush(driver, 1, WHOLE);

  assertEquals(shown(display), PIXELS);
  assertStrictEquals(memory.buffer, buffer); // it has not grown since it was made
  assertEquals([cpu.range!.sizeBytes, cpu.levels], [mmio.sizeBytes, [true]]);
  assertGreater(cpu.forgotten.length, 0);
  cpu.onReset();
  assertEquals([display.picture(0), cpu.levels.at(-1)], [undefined, false]);
});

Deno.test("docs/embedding.md: regions that move are found anew, a page that is gone keeps the last picture, a ring stops", async () => {
  const { guest, driver, ram, display } = await startMachine();
  const { offset } = guest.regions[0]!;
  const low = { guestAddress: 0, sizeBytes: 31 * MIB, offset };
  const moved = guest.heap.allocate(MIB);
  new Uint32Array(guest.bytes.buffer, moved, 64).set(PIXELS.slice(0, 64));
  ram.words(31 * MIB, 64).fill(pixel(7));
  createBlob(driver, 1, [{ addr: 31 * MIB, length: 256 }]);
  setScanoutBlob(driver, 1);

  guest.setRegions([low, { guestAddress: 31 * MIB, sizeBytes: MIB, offset: moved }]);
  flush(driver, 1, rect(0, 0, 8, 8));
  assertEquals(shown(display), PIXELS.slice(0, 64));
  guest.setRegions([low]);
  flush(driver, 1, rect(0, 0, 8, 8));
  assertEquals(shown(display), PIXELS.slice(0, 64));
  guest.setRegions([]);
  driver.transport.kick(0);
  assertEquals(driver.transport.readStatus() & DeviceStatus.DeviceNeedsReset, DeviceStatus.DeviceNeedsReset);
});

Deno.test("docs/embedding.md: what its guest maps of a blob lies in the window", async () => {
  const cpu = new Cpu();
  const { memory, guest } = await memoryOfGuide(cpu);
  const block = await codeBlock(GUIDE, "### A window for host blobs");
  const host = { setInterrupt() {}, defer() {} };
  const given = { guest, cpu, host, renderer: new ReferenceRenderer() };
  const { mmio, address } = await runBlock<{ mmio: VirtioMmio; address: number }>(block, given, ["mmio", "address"]);
  const ram = new GuestRam(() => new Uint8Array(memory.buffer), 48 * MIB);
  const driver = new GpuDriver(new MmioDriverTransport(mmio), ram);
  driver.start();

  assertEquals(driver.transport.findSharedMemory(1), { guestAddress: 2 ** 33, lengthBytes: 16 * MIB });
  assertEquals(cpu.mapped, [2 ** 33, address, 16 * MIB]);
  createContext(driver, 1);
  guest.words.fill(7, address / 4, address / 4 + 4096);
  makeHostBlob(driver, 5, 4096);
  assertEquals(mapBlob(driver, 5, 8192).answer, "OK_MAP_INFO");
  assertEquals([...guest.words.subarray(address / 4 + 2048, address / 4 + 3072)], new Array(1024).fill(0));
});

Deno.test("docs/embedding.md: its own display sends what was damaged, and that a scanout shows nothing", async () => {
  const sent: Record<string, unknown>[] = [];
  const block = await codeBlock(GUIDE, "## A display of one's own");
  const { display } = await runBlock<{ display: Display }>(
    block,
    { send: (message: Record<string, unknown>) => sent.push(message) },
    ["display"],
  );
  const { driver, ram, heap, pci } = await startMachine({ display });
  draw({ driver, ram }, 1, pixel);
  const usedBytes = heap.usedBytes;

  flush(driver, 1, rect(4, 2, 2, 1));
  pci.reset();

  const part = pictureWords(sent[1]!["rgba"] as Uint8Array<ArrayBuffer>);
  assertEquals(sent.map(({ rgba: _, ...rest }) => rest), [
    { scanoutId: 0, ...WHOLE },
    { scanoutId: 0, ...rect(4, 2, 2, 1) },
    { scanoutId: 0 },
  ]);
  assertEquals([part, heap.usedBytes <= usedBytes], [[pixel(36), pixel(37)], true]);
});

Deno.test("docs/embedding.md: its listener hears what a guest does wrong, and its counters count", async () => {
  const { guest, ram } = await makeMachine();
  const warnings: string[] = [];
  const console = { warn: (text: string) => warnings.push(text) };
  const block = await codeBlock(GUIDE, "## Errors, limits, counters");
  const { gpu, ...counters } = await runBlock<{ gpu: VirtioGpu } & Counters>(
    block,
    { guest, console },
    ["gpu", "commands", "errors", "bytes"],
  );
  const mmio = new VirtioMmio(gpu, guest, { setInterrupt() {}, defer() {} });
  const driver = new GpuDriver(new MmioDriverTransport(mmio), ram);
  driver.start();

  assertEquals(createResource(driver, 0, 16, 8), "ERR_INVALID_RESOURCE_ID");
  assertEquals(createResource(driver, 1, 8192, 4097), "ERR_OUT_OF_MEMORY"); // more than 128 MiB
  assertEquals({ ...counters }, { commands: 0, errors: 0, bytes: 0 });
  assertEquals([gpu.counters.commands, gpu.counters.errors], [2, 2]);
  assertEquals(warnings, [
    "RESOURCE_CREATE_2D: resource id 0 is reserved (Virtio 1.4, 5.7.6.8); 0 more were not told",
    "RESOURCE_CREATE_2D: the limit of host memory is reached (Virtio 1.4, 5.7.6.7); 0 more were not told",
  ]);
});

Deno.test("docs/embedding.md: a device takes about 0.6 MB of its heap, and 1 MiB more with a renderer", async () => {
  const { guest } = await makeMachine();
  const heap = guest.heap as Arena;
  const bytesOf = (options: VirtioGpuOptions) => {
    const before = heap.usedBytes;
    new VirtioGpu(guest, options);
    return heap.usedBytes - before;
  };

  assertEquals(Math.round(bytesOf({}) / 1e5), 6);
  assertEquals(Math.round((bytesOf({ renderer: new ReferenceRenderer() }) - bytesOf({})) / MIB), 1);
});

Deno.test("docs/embedding.md: a scanout's source is one object, which can be read between commands", async () => {
  const sources: PixelSource[] = [];
  const display: Display = {
    show: (_scanoutId, source) => sources.push(source),
    disable() {},
    setCursor() {},
    moveCursor() {},
  };
  const { driver, ram, guest } = await startMachine({ display });
  draw({ driver, ram }, 1, () => pixel(1));
  draw({ driver, ram }, 2, pixel);

  const address = guest.heap.allocate(512);
  assertStrictEquals(sources[0], sources[1]);
  assertEquals(readPixels(sources[0]!, WHOLE, { address, strideBytes: 64, layout: "rgbx" }), true);
  assertEquals([...guest.words.subarray(address / 4, address / 4 + 128)], PIXELS);
  setScanout(driver, 0, 0, WHOLE);
  assertEquals(readPixels(sources[0]!, WHOLE, { address, strideBytes: 64, layout: "rgbx" }), false);
});

Deno.test("docs/embedding.md: what a display throws comes out of the access, and the device goes on at the next", async () => {
  const faults = [new Error("no display")];
  const display: Display = {
    show() {
      for (const fault of faults.splice(0)) throw fault;
    },
    disable() {},
    setCursor() {},
    moveCursor() {},
  };
  const machine = await startMachine({ display });
  createFilled(machine, 1, 16, 8, pixel);
  setScanout(machine.driver, 0, 1, WHOLE);

  assertThrows(
    () => PendingRequest.send(machine, writeResourceFlush, { resourceId: 1, rect: WHOLE }),
    Error,
    "no display",
  );
  assertEquals(flush(machine.driver, 1, WHOLE), "OK_NODATA");
});

Deno.test("docs/embedding.md: a command in progress refuses a snapshot, and a kick by the interrupt line is put off", async () => {
  const answers: unknown[] = [];
  const { guest, ram, display } = await makeMachine();
  const deferred: (() => void)[] = [];
  const gpu: VirtioGpu = new VirtioGpu(guest, {
    display,
    onGuestError: () => answers.push(assertThrows(() => mmio.snapshot(), Error).message),
  });
  const setInterrupt = () => driver.transport.kick(0);
  const mmio: VirtioMmio = new VirtioMmio(gpu, guest, { setInterrupt, defer: (work) => deferred.push(work) });
  const driver: GpuDriver = new GpuDriver(new MmioDriverTransport(mmio), ram);
  driver.start();

  assertEquals(createResource(driver, 0, 16, 8), "ERR_INVALID_RESOURCE_ID");
  assertEquals(answers, ["Cannot take a snapshot: a command is being carried out"]);
  assertEquals(deferred.length, 1);
});

Deno.test("docs/embedding.md: the types of its blocks fit", async () => {
  const given = {
    emulator: 'declare const emulator: import("v86").V86;',
    machine: 'declare const machine: import("v86").V86Options;',
    device: 'declare const device: import("@scanout/scanout/v86").V86Gpu;',
    pci: 'declare const pci: import("@scanout/scanout").VirtioPci; declare function ram(): Uint8Array;',
    start: 'declare function startMachine(display: import("@scanout/scanout").Display): Promise<void>;',
    guest: 'declare const guest: import("@scanout/scanout").GuestMemory;',
    host: 'declare const host: import("@scanout/scanout").TransportHost;',
    renderer: 'declare const renderer: import("@scanout/scanout").Renderer;',
    cpu: `declare const cpu: {
      onReset: () => void;
      forgetCode(offset: number, bytes: number): void;
      setInterruptLine(isAsserted: boolean): void;
      mapMemory(guestAddress: number, offset: number, bytes: number): void;
      mapRegisters(range: {
        sizeBytes: number;
        read(offset: number, bytes: number): number;
        write(offset: number, bytes: number, value: number): void;
      }): void;
    };`,
    send: "declare function send(message: object): void;",
  };
  const blocks = [
    [given.machine, await codeBlock(GUIDE, "## Into v86, on a canvas")],
    [await codeBlock(GUIDE, "## A canvas")],
    [await codeBlock(GUIDE, "### By WebGPU")],
    [given.emulator, await codeBlock(GUIDE, "## Input")],
    [given.emulator, await codeBlock(GUIDE, "## Monitors")],
    [given.device, await codeBlock(GUIDE, "## Save, restore, reset")],
    [given.pci, await codeBlock(GUIDE, "## Save, restore, reset", "ts", 1)],
    [await codeBlock(GUIDE, "## In a Worker")],
    [given.start, await codeBlock(GUIDE, "## In a Worker", "ts", 1)],
    [given.cpu, await codeBlock(GUIDE, "### Memory")],
    [given.cpu, given.guest, await codeBlock(GUIDE, "### Registers and interrupt")],
    [given.cpu, given.guest, given.host, given.renderer, await codeBlock(GUIDE, "### A window for host blobs")],
    [given.send, await codeBlock(GUIDE, "## A display of one's own")],
    [given.guest, await codeBlock(GUIDE, "## Errors, limits, counters")],
  ];
  const folder = await Deno.makeTempDir();
  try {
    const write = (lines: string[], index: number) =>
      Deno.writeTextFile(`${folder}/block${index}.ts`, [...lines, "export {};\n"].join("\n"));
    await Promise.all(blocks.map(write));
    const files = blocks.map((_, index) => `${folder}/block${index}.ts`);
    const args = ["check", "--config", CONFIG.pathname, ...files];
    const { stderr } = await new Deno.Command(Deno.execPath(), { args, stderr: "piped" }).output();
    const output = new TextDecoder().decode(stderr);
    const errors = [...output.matchAll(/TS\d+/g)].filter(([code]) => !NEVER_READ.includes(code));
    assertEquals(errors.length, 0, output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("docs/embedding.md: the way into v86 has at most ten lines", async () => {
  assertLess((await codeBlock(GUIDE, "## Into v86, on a canvas")).split("\n").length, 11);
});
