/** H9: resources and pages that end while something still shows, reads or waits for them. */

import { assert, assertEquals } from "@std/assert";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import type { Display } from "../../src/display/display.ts";
import { entryWords } from "../../src/guest/gpu_driver.ts";
import { type PixelSource, readPixels } from "../../src/memory/pixel_source.ts";
import type { Rect } from "../../src/memory/rect.ts";
import {
  BlobMem,
  Format,
  GpuQueue,
  writeResourceCreateBlob,
  writeSetScanoutBlob,
} from "../../src/protocol/wire.gen.ts";
import {
  answerTo,
  attach,
  createBacked,
  createFilled,
  createResource,
  detach,
  flush,
  pictureWords,
  pixel,
  rect,
  setScanout,
  transfer,
  unref,
  updateCursor,
} from "../device/requests.ts";
import { type Machine, makeMachine, startMachine } from "../support/machine.ts";
import { recovers } from "./raw_chain.ts";

const whole = rect(0, 0, 4, 4);
const options = { resourceBlob: true };

/** Makes blob 2 of 4x4 pixels of one colour and returns where they are. */
function createBlob({ driver, ram }: Machine, colour: number): number {
  const addr = ram.allocate(64);
  ram.words(addr, 16).fill(colour);
  const fields = {
    resourceId: 2,
    blobMem: BlobMem.Guest,
    blobFlags: 0,
    nrEntries: 1,
    blobIdLow: 0,
    blobIdHigh: 0,
    size: 64,
  };
  const trailing = entryWords([{ addr, length: 64 }]);
  assertEquals(answerTo(driver, writeResourceCreateBlob, fields, { trailing }), "OK_NODATA");
  return addr;
}

/** Shows blob 2 on scanout 0. */
function showBlob({ driver }: Machine): void {
  const picture = {
    width: 4,
    height: 4,
    format: Format.R8G8B8X8Unorm,
    strides: Uint32Array.of(16, 0, 0, 0),
    offsets: Uint32Array.of(0, 0, 0, 0),
  };
  const fields = { rect: whole, scanoutId: 0, resourceId: 2, ...picture };
  assertEquals(answerTo(driver, writeSetScanoutBlob, fields), "OK_NODATA");
}

function shown({ display }: Machine): number[] {
  return pictureWords(display.picture(0)!.rgba);
}

const plain = (colour: number) => new Array(16).fill(pixel(colour));

/** A display that reads what it was shown later, when it pleases, as one with a picture rate of its own does. */
class LazyDisplay implements Display {
  source: PixelSource | undefined;

  show(_scanoutId: number, source: PixelSource): void {
    this.source = source;
  }

  disable(): void {
    this.source = undefined;
  }

  setCursor(): void {}
  moveCursor(): void {}

  /** Reads the whole picture into `target`; false when there is nothing to read. */
  read(target: number): boolean {
    const { source } = this;
    if (source === undefined) return false;
    const { widthPixels, heightPixels } = source;
    const picture = rect(0, 0, widthPixels, heightPixels);
    return readPixels(source, picture, { address: target, strideBytes: widthPixels * 4, layout: "rgbx" });
  }
}

Deno.test("RESOURCE_UNREF of what two scanouts and a cursor show leaves nothing that reads it", async () => {
  const outputs = [{ widthPixels: 64, heightPixels: 64 }, { widthPixels: 64, heightPixels: 64 }];
  const machine = await startMachine({ outputs });
  const { driver, display } = machine;
  createFilled(machine, 1, 64, 64, () => pixel(0x123456));
  for (const scanout of [0, 1]) setScanout(driver, scanout, 1, rect(0, 0, 64, 64));
  flush(driver, 1, rect(0, 0, 64, 64));
  updateCursor(driver, 1);
  const cursor = display.cursor(0)!.picture.rgba;

  unref(driver, 1);
  createResource(driver, 3, 64, 64); // takes the memory that is free now
  createResource(driver, 1, 64, 64);

  assertEquals(flush(driver, 1, rect(0, 0, 64, 64)), "OK_NODATA");
  assertEquals([display.picture(0), display.picture(1)], [undefined, undefined]);
  assertEquals(display.cursor(0)!.picture.rgba, cursor);
});

Deno.test("RESOURCE_DETACH_BACKING while a transfer could follow leaves a resource without pages, not old pages", async () => {
  const machine = await startMachine();
  const { driver } = machine;
  createFilled(machine, 1, 4, 4, () => pixel(0x111111));
  setScanout(driver, 0, 1, whole);
  detach(driver, 1);

  assertEquals(transfer(driver, 1, whole, 0), "ERR_UNSPEC");
  assertEquals(flush(driver, 1, whole), "OK_NODATA");

  assertEquals(shown(machine), plain(0x111111));
});

Deno.test("A blob that is detached while shown keeps its last picture, and shows other pages once attached", async () => {
  const machine = await startMachine(options);
  const { driver, ram } = machine;
  createBlob(machine, 0x202020);
  showBlob(machine);
  flush(driver, 2, whole);
  detach(driver, 2);
  assertEquals(flush(driver, 2, whole), "OK_NODATA");
  assertEquals(shown(machine), plain(0x202020));

  const addr = ram.allocate(64);
  ram.words(addr, 16).fill(0x303030);
  attach(driver, 2, [{ addr, length: 64 }]);
  flush(driver, 2, whole);

  assertEquals(shown(machine), plain(0x303030));
});

Deno.test("A display that reads later reads nothing of a blob whose pages were detached (CVE-2026-6502)", async () => {
  const display = new LazyDisplay();
  const machine = await startMachine({ ...options, display });
  createBlob(machine, 0x404040);
  showBlob(machine);
  flush(machine.driver, 2, whole);
  const target = machine.heap.allocate(64);
  assert(display.read(target));
  machine.guest.bytes.fill(0, target, target + 64);
  machine.guest.words.fill(4096, 0, 16); // what a list of no block would take for its segments

  detach(machine.driver, 2);

  assert(!display.read(target));
  assertEquals([...machine.guest.bytes.subarray(target, target + 64)], new Array(64).fill(0));
});

Deno.test("A display that reads later reads nothing of detached pages under another region table either", async () => {
  const display = new LazyDisplay();
  const machine = await startMachine({ ...options, display });
  createBlob(machine, 0x404040);
  showBlob(machine);
  flush(machine.driver, 2, whole);
  const target = machine.heap.allocate(64);
  detach(machine.driver, 2);
  const usedBefore = machine.heap.usedBytes;

  machine.guest.setRegions(machine.guest.regions);

  assert(!display.read(target));
  assertEquals(machine.heap.usedBytes, usedBefore);
});

for (const [from, to] of [["2D", "blob"], ["blob", "2D"]] as const) {
  Deno.test(`A display that reads between SET_SCANOUT from a ${from} to a ${to} and the flush reads no other memory`, async () => {
    const display = new LazyDisplay();
    const machine = await startMachine({ ...options, display });
    const { driver, guest } = machine;
    const show = {
      "2D": () => assertEquals(setScanout(driver, 0, 1, whole), "OK_NODATA"),
      blob: () => showBlob(machine),
    };
    createFilled(machine, 1, 4, 4, () => pixel(0x555555));
    createBlob(machine, 0x666666);
    show[from]();
    flush(driver, from === "2D" ? 1 : 2, whole);
    const target = machine.heap.allocate(64);

    show[to]();

    const isRead = display.read(target);
    const words = [...guest.words.subarray(target / 4, target / 4 + 16)];
    assertEquals(isRead ? words : plain(0x555555), to === "blob" ? plain(0x666666) : plain(0x555555));
  });
}

Deno.test("A scanout goes from one resource to another, to none and back, and shows what it was told last", async () => {
  const machine = await startMachine(options);
  const { driver } = machine;
  createFilled(machine, 1, 4, 4, () => pixel(0x777777));
  createBlob(machine, 0x888888);
  setScanout(driver, 0, 1, whole);
  showBlob(machine);
  unref(driver, 1);
  assertEquals(flush(driver, 2, whole), "OK_NODATA");
  assertEquals(shown(machine), plain(0x888888));

  unref(driver, 2);

  assertEquals(machine.display.picture(0), undefined);
});

/** A display that resets the machine from inside a command, as an embedder might that has seen enough. */
class ResettingDisplay extends MemoryDisplay {
  reset = () => {};

  override show(scanoutId: number, source: PixelSource, damage: Rect): void {
    super.show(scanoutId, source, damage);
    this.reset();
  }
}

Deno.test("A reset from inside RESOURCE_FLUSH ends the command: no reply, nothing freed twice, and a new start works", async () => {
  const display = new ResettingDisplay();
  const machine = await startMachine({ display });
  const { driver, pci, heap } = machine;
  pci.reset();
  const usedBefore = heap.usedBytes;
  driver.start();
  createBacked(machine, 1, 4, 4);
  setScanout(driver, 0, 1, whole);
  display.reset = () => pci.reset();
  const { used } = driver.queue(GpuQueue.Control);
  const doneBefore = machine.ram.fields(used, 4).getUint16(2, true);

  let isAnswered = true;
  try {
    flush(driver, 1, whole);
  } catch {
    isAnswered = false; // the driver waits for the used ring
  }

  assert(!isAnswered);
  assertEquals(machine.ram.fields(used, 4).getUint16(2, true), doneBefore);
  assertEquals(heap.usedBytes, usedBefore);
  display.reset = () => {};
  assert(recovers(machine));
});

Deno.test("A reset from inside onGuestError writes nothing to the rings of before", async () => {
  let reset = () => {};
  const machine = await makeMachine({ onGuestError: () => reset() });
  const { driver, pci, ram } = machine;
  driver.start();
  const { used } = driver.queue(GpuQueue.Control);
  reset = () => pci.reset();
  const chain = [{ address: ram.allocate(32), length: 24 }, {
    address: ram.allocate(32),
    length: 24,
    isWritable: true,
  }];

  const queue = driver.queue(GpuQueue.Control);
  queue.push(queue.writeChain(chain));
  driver.transport.kick(GpuQueue.Control);

  assertEquals(ram.fields(used, 4).getUint16(2, true), 0);
  reset = () => {};
  assert(recovers(machine));
});

Deno.test("A reset while work is put off gives everything back, and the work does nothing", async () => {
  const machine = await startMachine({ limits: { workBytesPerNotify: 1 } });
  const { driver, pci, heap, deferred, ram } = machine;
  pci.reset();
  const usedBefore = heap.usedBytes;
  driver.start();
  createResource(driver, 1, 64, 64);
  deferred.shift()!();
  const queue = driver.queue(GpuQueue.Control);
  const request = ram.allocate(32);
  for (let count = 0; count < 4; count++) queue.push(queue.writeChain([{ address: request, length: 24 }]));
  driver.transport.kick(GpuQueue.Control);
  const commandsBefore = machine.gpu.counters.commands;

  pci.reset();
  for (const work of deferred.splice(0)) work();

  assertEquals(machine.gpu.counters.commands, commandsBefore);
  assertEquals(heap.usedBytes, usedBefore);
  assert(recovers(machine));
});
