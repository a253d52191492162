/** Snapshots: what a guest sees of being moved to another machine. */

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { decodeSnapshot, encodeSnapshot } from "../../src/snapshot/snapshot_file.ts";
import type { GpuSnapshot } from "../../src/device/snapshot/gpu_snapshot.ts";
import type { Display } from "../../src/display/display.ts";
import type { Region } from "../../src/memory/guest_memory.ts";
import {
  BlobFlag,
  BlobMem,
  ConfigEvent,
  Format,
  GpuQueue,
  writeGetDisplayInfo,
  writeResourceAssignUuid,
  writeResourceCreateBlob,
  writeResourceFlush,
  writeSetScanoutBlob,
} from "../../src/protocol/wire.gen.ts";
import { entryWords } from "../../src/guest/gpu_driver.ts";
import { DeviceStatus, InterruptStatus } from "../../src/virtio/virtio.gen.ts";
import { type Machine, type MachineOptions, makeMachine, startMachine } from "../support/machine.ts";
import { copyRam, MovingGuest, ramOf, relocateRam, runDeferred } from "../support/moving_guest.ts";
import { Random } from "../support/fuzz/random.ts";
import { RandomGuest } from "../support/random_guest.ts";
import {
  answerTo,
  attach,
  createBacked,
  createFilled,
  createResource,
  detach,
  fill,
  flush,
  moveCursor,
  pictureWords,
  pixel,
  rect,
  setScanout,
  shownPixels,
  transfer,
  unref,
  updateCursor,
} from "./requests.ts";

const OPTIONS: MachineOptions = {
  ramBytes: 8 * 1024 * 1024,
  outputs: [{ widthPixels: 640, heightPixels: 480 }, { widthPixels: 320, heightPixels: 200, isEnabled: false }],
  resourceBlob: true,
  resourceUuid: true,
};
const whole = rect(0, 0, 8, 8);

/** A guest that has started its device. */
async function startGuest(options: MachineOptions = OPTIONS): Promise<MovingGuest> {
  const guest = new MovingGuest(await makeMachine(options));
  guest.machine.driver.start();
  return guest;
}

/** A machine like the guest's, with its RAM at another place. */
async function otherMachine(options: MachineOptions = OPTIONS): Promise<Machine> {
  const machine = await makeMachine(options);
  relocateRam(machine);
  return machine;
}

/** The device's part of a machine's snapshot. */
function gpuSnapshot({ gpu }: Machine): GpuSnapshot {
  return gpu.snapshot();
}

function words(display: Machine["display"], scanoutId: number): number[] | undefined {
  const picture = display.picture(scanoutId);
  return picture && pictureWords(picture.rgba);
}

function createBlob({ driver }: Machine, resourceId: number, addr: number, length: number, blobFlags = 0): string {
  const fields = {
    resourceId,
    blobMem: BlobMem.Guest,
    blobFlags,
    nrEntries: 1,
    blobIdLow: 0,
    blobIdHigh: 0,
    size: length,
  };
  return answerTo(driver, writeResourceCreateBlob, fields, { trailing: entryWords([{ addr, length }]) });
}

function showBlob({ driver }: Machine, scanoutId: number, resourceId: number, stride: number, offset: number): string {
  const strides = Uint32Array.of(stride, 0, 0, 0);
  const offsets = Uint32Array.of(offset, 0, 0, 0);
  const fields = { scanoutId, resourceId, rect: rect(2, 1, 4, 3), width: 8, height: 8, format: Format.R8G8B8X8Unorm };
  return answerTo(driver, writeSetScanoutBlob, { ...fields, strides, offsets });
}

Deno.test("A snapshot of a device that nobody started is restored as one", async () => {
  const machine = await makeMachine(OPTIONS);
  const target = await otherMachine();

  target.pci.restore(machine.pci.snapshot());

  assertEquals(target.pci.snapshot(), machine.pci.snapshot());
  assertEquals(target.driver.transport.readStatus(), 0);
});

Deno.test("A snapshot holds what it took until then, and nothing that comes later", async () => {
  const { machine } = await startGuest();
  createFilled(machine, 1, 8, 8, pixel);
  const snapshot = machine.pci.snapshot();
  const copy = structuredClone(snapshot);

  fill(machine, createBacked(machine, 2, 8, 8), 64, pixel);
  unref(machine.driver, 1);

  assertEquals(snapshot, copy);
});

Deno.test("A snapshot is the same after it was cloned, and after it was a file", async () => {
  const { machine } = await startGuest();
  const address = createFilled(machine, 1, 8, 8, pixel);
  createBlob(machine, 2, address, 256, BlobFlag.UseMappable);
  createFilled(machine, 3, 64, 64, pixel);
  setScanout(machine.driver, 0, 1, whole);
  updateCursor(machine.driver, 3, { hotX: 5 });
  const snapshot = machine.pci.snapshot();

  assertEquals<unknown>(structuredClone(snapshot), snapshot);
  assertEquals(decodeSnapshot(encodeSnapshot(snapshot)), snapshot);
});

Deno.test("restore shows the picture of a 2D resource again, whole and once, and none that was never shown", async () => {
  const guest = await startGuest();
  createFilled(guest.machine, 1, 8, 8, pixel);
  setScanout(guest.machine.driver, 0, 1, whole);
  flush(guest.machine.driver, 1, whole);
  const target = await otherMachine();

  guest.moveTo(target);

  assertEquals(words(target.display, 0), Array.from({ length: 64 }, (_, index) => pixel(index)));
  assertEquals(words(target.display, 1), undefined);
  assertEquals(target.display.frames, 1);
});

Deno.test("restore shows nothing of a scanout that was not flushed yet; its first flush shows all of it", async () => {
  const guest = await startGuest();
  createFilled(guest.machine, 1, 8, 8, pixel);
  setScanout(guest.machine.driver, 0, 1, whole);
  const target = await otherMachine();

  guest.moveTo(target);
  assertEquals(target.display.frames, 0);
  flush(guest.machine.driver, 1, rect(0, 0, 1, 1));

  assertEquals(words(target.display, 0), Array.from({ length: 64 }, (_, index) => pixel(index)));
});

Deno.test("restore shows a part of a picture in a blob from guest memory, and the guest draws on", async () => {
  const guest = await startGuest();
  const address = guest.machine.ram.allocate(4096);
  fill(guest.machine, address, 1024, pixel);
  createBlob(guest.machine, 1, address, 4096);
  showBlob(guest.machine, 1, 1, 64, 128);
  answerTo(guest.machine.driver, writeResourceFlush, { resourceId: 1, rect: whole });
  const shown = words(guest.machine.display, 1);
  const target = await otherMachine();

  guest.moveTo(target);
  assertEquals(words(target.display, 1), shown);
  assertEquals(shown!.slice(0, 4), [50, 51, 52, 53].map(pixel));

  fill(guest.machine, address + 128 + 64 + 8, 1, () => pixel(0xabcdef));
  flush(guest.machine.driver, 1, rect(2, 1, 1, 1));
  assertEquals(words(target.display, 1)![0], pixel(0xabcdef));
});

Deno.test("restore keeps a blob that is shown while its pages are swapped out, and shows it when they are back", async () => {
  const guest = await startGuest();
  const first = guest.machine.ram.allocate(4096);
  createBlob(guest.machine, 1, first, 4096);
  showBlob(guest.machine, 0, 1, 64, 0);
  flush(guest.machine.driver, 1, whole);
  detach(guest.machine.driver, 1);
  const target = await otherMachine();

  guest.moveTo(target);
  assertEquals(words(target.display, 0), undefined);
  const second = guest.machine.ram.allocate(4096);
  fill(guest.machine, second, 1024, pixel);
  assertEquals(attach(guest.machine.driver, 1, [{ addr: second, length: 4096 }]), "OK_NODATA");
  flush(guest.machine.driver, 1, rect(2, 1, 1, 1));

  assertEquals(words(target.display, 0)!.slice(0, 5), [18, 19, 20, 21, 34].map(pixel));
});

Deno.test("restore sets the cursor, with its hotspot and its place; a hidden one keeps its place", async () => {
  const guest = await startGuest();
  createFilled(guest.machine, 1, 64, 64, (index) => index, Format.R8G8B8A8Unorm);
  updateCursor(guest.machine.driver, 1, { pos: { scanoutId: 0, x: -3, y: 70 }, hotX: 9, hotY: 63 });
  moveCursor(guest.machine.driver, 1, 11, -12);
  unref(guest.machine.driver, 1);
  const target = await otherMachine();

  guest.moveTo(target);

  const cursor = target.display.cursor(0)!;
  assertEquals([cursor.x, cursor.y, cursor.picture.hotspotX, cursor.picture.hotspotY], [-3, 70, 9, 63]);
  assertEquals(cursor.picture, guest.machine.display.cursor(0)!.picture);
  assertEquals(pictureWords(cursor.picture.rgba), Array.from({ length: 4096 }, (_, index) => index));
  assertEquals(target.display.cursor(1), undefined);
  assertEquals([gpuSnapshot(target).cursors[1]!.x, gpuSnapshot(target).cursors[1]!.y], [11, -12]);
});

Deno.test("restore keeps outputs, pending events, and the configuration's generation", async () => {
  const guest = await startGuest();
  guest.machine.gpu.setOutput(1, { widthPixels: 800, heightPixels: 600, isEnabled: true, x: 5, y: 6 });
  const target = await otherMachine();

  guest.moveTo(target);

  const { driver } = guest.machine;
  assertEquals(driver.transport.readConfig(0, 4), ConfigEvent.Display);
  assertEquals(driver.transport.readConfigGeneration(), 1);
  const { words: info } = driver.send(writeGetDisplayInfo, {}, { replyBytes: 408 });
  assertEquals([...info.slice(6, 18)], [0, 0, 640, 480, 1, 0, 5, 6, 800, 600, 1, 0]);
});

Deno.test("restore raises the interrupt line again when an interrupt was pending, which the driver can take", async () => {
  const guest = await startGuest();
  guest.machine.gpu.setOutput(0, { widthPixels: 800 });
  assert(guest.machine.line.isAsserted);
  const target = await otherMachine();

  guest.moveTo(target);

  assertEquals(target.line, { isAsserted: true, rises: 1 });
  assertEquals(guest.machine.driver.transport.takeInterrupt() & InterruptStatus.Config, InterruptStatus.Config);
  assertEquals(target.line.isAsserted, false);
});

Deno.test("restore lowers the interrupt line when nothing was pending", async () => {
  const machine = await startMachine(OPTIONS);
  machine.driver.transport.takeInterrupt();
  const snapshot = machine.pci.snapshot();
  machine.gpu.setOutput(0, { widthPixels: 800 });

  machine.pci.restore(snapshot);

  assertEquals(machine.line.isAsserted, false);
  assertEquals(machine.driver.transport.takeInterrupt(), 0);
});

Deno.test("restore keeps the UUID of a resource, by which others find its bytes", async () => {
  const guest = await startGuest();
  createFilled(guest.machine, 1, 8, 8, pixel);
  const ask = () => guest.machine.driver.send(writeResourceAssignUuid, { resourceId: 1 }, { replyBytes: 40 }).words;
  const uuid = ask();
  const target = await otherMachine();

  guest.moveTo(target);

  assertEquals(ask(), uuid);
  const digits = new Uint8Array(uuid.buffer, 24, 16).toHex();
  const shared = target.gpu.findShared(digits)!;
  const room = target.heap.allocate(16);
  assert(shared.read(4, 16, room));
  assertEquals([...target.guest.words.subarray(room / 4, room / 4 + 4)], [1, 2, 3, 4].map(pixel));
});

Deno.test("restore lets transfers read the pages of the resource where they now lie", async () => {
  const guest = await startGuest();
  const { ram } = guest.machine;
  const pages = [3, 1, 2, 0].map((page) => ({ addr: page * 64, length: 64 }));
  const address = ram.allocate(256, 4096);
  createResource(guest.machine.driver, 1, 8, 8);
  attach(guest.machine.driver, 1, pages.map(({ addr, length }) => ({ addr: address + addr, length })));
  const target = await otherMachine();

  guest.moveTo(target);
  fill(guest.machine, address, 64, pixel);
  assertEquals(transfer(guest.machine.driver, 1, whole, 0), "OK_NODATA");

  const expected = [3, 1, 2, 0].flatMap((page) => Array.from({ length: 16 }, (_, index) => pixel(page * 16 + index)));
  assertEquals(shownPixels(guest.machine, 1, 8, 8), expected);
});

Deno.test("restore makes page lists of any number of pages, on memory in other regions, and costs the account the same", async () => {
  const guest = await startGuest();
  createResource(guest.machine.driver, 1, 64, 64);
  const entries = Array.from({ length: 4000 }, (_, index) => ({ addr: (4001 - index) * 16, length: 8 }));
  attach(guest.machine.driver, 1, entries);
  const target = await otherMachine();
  const snapshot = guest.machine.pci.snapshot();

  guest.moveTo(target);

  assertEquals(target.pci.snapshot(), snapshot);
  assertEquals(target.heap.usedBytes, guest.machine.heap.usedBytes);
});

Deno.test("A snapshot says which guest memory a resource has, however many regions that lay in", async () => {
  const machine = await makeMachine(OPTIONS);
  const [{ offset }] = machine.guest.regions as [Region];
  const half = OPTIONS.ramBytes! / 2;
  const elsewhere = machine.memory.grow(half / 65536) * 65536;
  machine.guest.setRegions([
    { guestAddress: 0, sizeBytes: half, offset },
    { guestAddress: half, sizeBytes: half, offset: elsewhere },
  ]);
  machine.driver.start();
  createResource(machine.driver, 1, 8, 8);
  attach(machine.driver, 1, [{ addr: half - 100, length: 300 }, { addr: 4096, length: 8 }, { addr: 4104, length: 8 }]);

  const { backing } = gpuSnapshot(machine).resources[0]!;

  assertEquals([...new Uint32Array(backing!.buffer)], [half - 100, 0, 300, 0, 4096, 0, 16, 0]);
  const target = await otherMachine();
  target.pci.restore(machine.pci.snapshot());
  assertEquals(gpuSnapshot(target), gpuSnapshot(machine));
});

Deno.test("restore takes up chains that the device had not come to", async () => {
  const guest = await startGuest({ ...OPTIONS, limits: { workBytesPerNotify: 1 } });
  const { driver, ram } = guest.machine;
  const queue = driver.queue(GpuQueue.Control);
  const reply = ram.allocate(24);
  for (const offset of [0, 64, 128]) {
    const request = ram.allocate(64);
    writeResourceFlush(ram.words(request, 16), 0, { resourceId: 7 + offset, rect: whole });
    queue.push(queue.writeChain([{ address: request, length: 48 }, { address: reply, length: 24, isWritable: true }]));
  }
  driver.transport.kick(GpuQueue.Control);
  assertNotEquals(queue.pop(), undefined);
  assertEquals(queue.pop(), undefined);
  const target = await otherMachine({ ...OPTIONS, limits: { workBytesPerNotify: 1 } });

  guest.moveTo(target);

  assertEquals([queue.pop()?.length, queue.pop()?.length, queue.pop()], [24, 24, undefined]);
  assertEquals(target.gpu.counters.commands, 2);
});

Deno.test("restore keeps a queue that is stopped by an error stopped, until the driver resets the device", async () => {
  const guest = await startGuest();
  const { driver } = guest.machine;
  driver.queue(GpuQueue.Cursor).push(99); // no such descriptor
  driver.transport.kick(GpuQueue.Cursor);
  const target = await otherMachine();

  guest.moveTo(target);

  const needsReset = DeviceStatus.DeviceNeedsReset;
  assertEquals(driver.transport.readStatus() & needsReset, needsReset);
  assertEquals(createResource(driver, 1, 8, 8), "OK_NODATA");
  assertThrows(() => moveCursor(driver, 0, 1, 1), Error, "left the chain");
  driver.start();
  assertEquals(moveCursor(driver, 0, 1, 1), "OK_NODATA");
});

Deno.test("restore finds a driver in the middle of its start where it was", async () => {
  const machine = await makeMachine(OPTIONS);
  const target = await makeMachine(OPTIONS);
  const { transport } = machine.driver;
  transport.writeStatus(0);
  transport.writeStatus(DeviceStatus.Acknowledge | DeviceStatus.Driver);
  transport.writeFeatures(0, 0xffffffff); // more than is offered, which FEATURES_OK would refuse
  const snapshot = machine.pci.snapshot();

  target.pci.restore(snapshot);

  assertEquals(target.pci.snapshot(), snapshot);
  target.driver.start();
  assertEquals(createResource(target.driver, 1, 8, 8), "OK_NODATA");
});

Deno.test("restore replaces whatever the same machine had come to, and gives its memory back", async () => {
  const { machine } = await startGuest();
  createFilled(machine, 1, 8, 8, pixel);
  setScanout(machine.driver, 0, 1, whole);
  flush(machine.driver, 1, whole);
  const ram = ramOf(machine).slice();
  const snapshot = machine.pci.snapshot();
  const usedBytes = machine.heap.usedBytes;
  const shown = words(machine.display, 0);
  createFilled(machine, 2, 64, 64, () => 0);
  setScanout(machine.driver, 0, 2, rect(0, 0, 64, 64));
  setScanout(machine.driver, 1, 2, rect(0, 0, 64, 64));
  flush(machine.driver, 2, rect(0, 0, 64, 64));
  updateCursor(machine.driver, 2);
  unref(machine.driver, 1);

  ramOf(machine).set(ram);
  machine.pci.restore(snapshot);

  assertEquals(machine.pci.snapshot(), snapshot);
  assertEquals(words(machine.display, 0), shown);
  assertEquals(words(machine.display, 1), undefined);
  assertEquals(machine.display.cursor(0), undefined);
  assertEquals(machine.heap.usedBytes, usedBytes);
});

Deno.test("prepareRestore changes nothing until apply, and discard gives all memory back", async () => {
  const { machine } = await startGuest();
  createFilled(machine, 1, 8, 8, pixel);
  const target = await otherMachine();
  copyRam(machine, target);
  const before = target.pci.snapshot();
  const usedBytes = target.heap.usedBytes;

  const discarded = target.pci.prepareRestore(machine.pci.snapshot());
  assertEquals(target.pci.snapshot(), before);
  discarded.discard();
  assertEquals(target.heap.usedBytes, usedBytes);

  target.pci.prepareRestore(machine.pci.snapshot()).apply();
  assertEquals(target.pci.snapshot(), machine.pci.snapshot());
});

Deno.test("A snapshot taken behind virtio-pci is restored behind virtio-mmio", async () => {
  const { machine } = await startGuest();
  createFilled(machine, 1, 8, 8, pixel);
  const target = await makeMachine({ ...OPTIONS, transport: "mmio" });
  copyRam(machine, target);

  target.mmio.restore(machine.pci.snapshot());
  runDeferred(target);

  assertEquals(target.mmio.snapshot(), machine.pci.snapshot());
  assertEquals(target.driver.transport.readStatus(), machine.driver.transport.readStatus());
});

Deno.test("snapshot and restore throw while a command is carried out, and the command goes on", async () => {
  const thrown: unknown[] = [];
  const display: Display = {
    show() {
      for (const action of [() => machine.pci.snapshot(), () => machine.pci.restore(snapshot)]) {
        try {
          action();
        } catch (error) {
          thrown.push((error as Error).message);
        }
      }
    },
    disable() {},
    setCursor() {},
    moveCursor() {},
  };
  const machine = await startMachine({ ...OPTIONS, display });
  const snapshot = machine.pci.snapshot();
  createFilled(machine, 1, 8, 8, pixel);
  setScanout(machine.driver, 0, 1, whole);

  assertEquals(flush(machine.driver, 1, whole), "OK_NODATA");

  assertEquals(thrown, [
    "Cannot take a snapshot: a command is being carried out",
    "Cannot restore: a command is being carried out",
  ]);
});

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  Deno.test(`A guest that moves again and again sees what one sees that stays (seed ${seed})`, async () => {
    const stays = await startGuest();
    const moves = await startGuest();
    const one = new RandomGuest(new Random(seed), 2);
    const other = new RandomGuest(new Random(seed), 2);
    for (const isShared of [false, true, false]) {
      for (let step = 0; step < 150; step++) assertEquals(other.act(moves.machine), one.act(stays.machine));
      const target = await otherMachine({ ...OPTIONS, isShared });
      moves.moveTo(target, decodeSnapshot(encodeSnapshot(moves.machine.pci.snapshot())));
    }

    assertEquals(other.showAll(moves.machine), one.showAll(stays.machine));

    assertEquals(moves.machine.pci.snapshot(), stays.machine.pci.snapshot());
    assertEquals(ramOf(moves.machine), ramOf(stays.machine));
    assertEquals(
      [0, 1].map((id) => words(moves.machine.display, id)),
      [0, 1].map((id) => words(stays.machine.display, id)),
    );
    assertEquals(moves.machine.display.cursor(0), stays.machine.display.cursor(0));
  });
}
