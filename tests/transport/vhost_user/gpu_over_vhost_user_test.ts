/** A GPU behind vhost-user, from a driver's commands to pictures. */

import { assertEquals } from "@std/assert";
import { MemoryDisplay } from "../../../src/display/memory_display.ts";
import type { Descriptor } from "../../../src/guest/driver_queue.ts";
import { GpuDriver } from "../../../src/guest/gpu_driver.ts";
import {
  CONFIG_EVENTS_CLEAR_OFFSET,
  CONFIG_EVENTS_READ_OFFSET,
  CONFIG_NUM_SCANOUTS_OFFSET,
  ConfigEvent,
  GpuQueue,
} from "../../../src/protocol/wire.gen.ts";
import { FrontEndRequest } from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { DeviceStatus, VIRTQ_AVAIL_IDX } from "../../../src/virtio/virtio.gen.ts";
import { createBlob, setScanoutBlob } from "../../device/blob_requests.ts";
import {
  attach,
  createResource,
  detach,
  flush,
  moveCursor,
  setScanout,
  transfer,
  unref,
} from "../../device/requests.ts";
import { VhostDriverTransport } from "./vhost_driver_transport.ts";
import { makeGpuVhost, RAM_BYTES } from "./vhost_machine.ts";

const SIZE = { x: 0, y: 0, width: 8, height: 8 };
const PICTURE_BYTES = 8 * 8 * 4;

/** A GPU whose driver has started it over vhost-user, with what it shows. */
async function startGpu(isShared = false) {
  const display = new MemoryDisplay();
  const machine = await makeGpuVhost({ display, resourceBlob: true }, isShared);
  const { frontEnd, file } = machine;
  frontEnd.setMemTable([{ guestAddress: 0, sizeBytes: RAM_BYTES, file }]);
  frontEnd.negotiate(0, 0);
  const transport = new VhostDriverTransport(frontEnd, [64, 16]);
  const driver = new GpuDriver(transport, machine.ram);
  driver.start();
  return { ...machine, display, transport, driver };
}

type Running = Awaited<ReturnType<typeof startGpu>>;

/** Shows resource 1, whose pixels are the bytes of RAM at `backing`. */
function showPicture({ driver }: Running, backing: number): string[] {
  return [
    createResource(driver, 1, 8, 8),
    attach(driver, 1, [{ addr: backing, length: PICTURE_BYTES }]),
    setScanout(driver, 0, 1, SIZE),
    transfer(driver, 1, SIZE, 0),
    flush(driver, 1, SIZE),
  ];
}

function firstPixel({ display }: Running): number[] {
  return [...display.picture(0)!.rgba.subarray(0, 4)];
}

for (const isShared of [false, true]) {
  Deno.test(`A picture gets from the guest to the display, in a memory that is ${isShared ? "" : "not "}shared`, async () => {
    const machine = await startGpu(isShared);
    const backing = machine.ram.allocate(PICTURE_BYTES);
    machine.ram.bytes(backing, PICTURE_BYTES).fill(0x40);

    assertEquals(new Set(showPicture(machine, backing)), new Set(["OK_NODATA"]));

    assertEquals(firstPixel(machine), [0x40, 0x40, 0x40, 0xff]);
  });
}

Deno.test("The memory is mapped elsewhere between attaching and transferring, in two regions that the backing crosses", async () => {
  const machine = await startGpu();
  const { frontEnd, file, driver, ram } = machine;
  const half = RAM_BYTES / 2;
  const backing = half - PICTURE_BYTES / 2;
  ram.bytes(backing, PICTURE_BYTES).fill(0x20);
  const answers = [createResource(driver, 1, 8, 8), attach(driver, 1, [{ addr: backing, length: PICTURE_BYTES }])];

  frontEnd.setMemTable([
    { guestAddress: half, sizeBytes: half, file, fileOffset: half },
    { guestAddress: 0, sizeBytes: half, file },
  ]);
  answers.push(setScanout(driver, 0, 1, SIZE), transfer(driver, 1, SIZE, 0), flush(driver, 1, SIZE));

  assertEquals(new Set(answers), new Set(["OK_NODATA"]));
  assertEquals([...machine.display.picture(0)!.rgba.subarray(-4)], [0x20, 0x20, 0x20, 0xff]);
});

Deno.test("S7: a blob is swapped out and in over vhost-user: it shows its last picture, then that of its new pages", async () => {
  const machine = await startGpu();
  const { driver, ram } = machine;
  const pages = [0x50, 0x60].map((value) => {
    const addr = ram.allocate(PICTURE_BYTES, 4096);
    ram.bytes(addr, PICTURE_BYTES).fill(value);
    return { addr, length: PICTURE_BYTES };
  });
  const answers = [createBlob(driver, 1, [pages[0]!]), setScanoutBlob(driver, 1), flush(driver, 1, SIZE)];

  answers.push(detach(driver, 1), flush(driver, 1, SIZE));
  assertEquals(firstPixel(machine), [0x50, 0x50, 0x50, 0xff]);

  answers.push(attach(driver, 1, [pages[1]!]), flush(driver, 1, SIZE));
  assertEquals(firstPixel(machine), [0x60, 0x60, 0x60, 0xff]);
  assertEquals(new Set(answers), new Set(["OK_NODATA"]));
});

Deno.test("A guest that is paused and goes on finds its resources, and its screen", async () => {
  const machine = await startGpu();
  const { frontEnd, driver, ram, transport } = machine;
  const backing = ram.allocate(PICTURE_BYTES);
  showPicture(machine, backing);
  const bases = [frontEnd.stopRing(0), frontEnd.stopRing(1)];
  frontEnd.sendU64(FrontEndRequest.SetStatus, 0);

  bases.forEach((base, index) => frontEnd.startRing(index, driver.queue(index as GpuQueue), base));
  ram.bytes(backing, PICTURE_BYTES).fill(0x30);

  assertEquals([transfer(driver, 1, SIZE, 0), flush(driver, 1, SIZE)], ["OK_NODATA", "OK_NODATA"]);
  assertEquals(firstPixel(machine), [0x30, 0x30, 0x30, 0xff]);
  assertEquals(transport.readStatus(), 0);
});

Deno.test("A guest that reboots finds no resource of the one before, and can take its ids", async () => {
  const machine = await startGpu();
  const { driver, ram } = machine;
  showPicture(machine, ram.allocate(PICTURE_BYTES));

  driver.start();

  assertEquals(unref(driver, 1), "ERR_INVALID_RESOURCE_ID");
  assertEquals(createResource(driver, 1, 8, 8), "OK_NODATA");
  assertEquals(machine.display.picture(0), undefined);
});

Deno.test("The configuration shows the number of scanouts and takes the clearing of an event", async () => {
  const { device, transport } = await startGpu();
  assertEquals(transport.readConfig(CONFIG_NUM_SCANOUTS_OFFSET, 4), 1);
  device.setOutput(0, { widthPixels: 640, heightPixels: 480 });
  assertEquals(transport.readConfig(CONFIG_EVENTS_READ_OFFSET, 4), ConfigEvent.Display);

  transport.writeConfig(CONFIG_EVENTS_CLEAR_OFFSET, 4, ConfigEvent.Display);

  assertEquals(transport.readConfig(CONFIG_EVENTS_READ_OFFSET, 4), 0);
});

const readable: Descriptor = { address: 4096, length: 24 };
const writable: Descriptor = { address: 8192, length: 24, isWritable: true };

const malformed: [name: string, push: (machine: Running) => void][] = [
  ["A writable descriptor before a readable one", (machine) => pushChain(machine, [writable, readable])],
  ["A descriptor of no bytes", (machine) => pushChain(machine, [{ ...readable, length: 0 }])],
  ["A descriptor outside of guest memory", (machine) => pushChain(machine, [{ ...readable, address: 2 ** 40 }])],
  ["A head that is no descriptor", ({ driver }) => driver.queue(GpuQueue.Control).push(64)],
  ["A chain that loops", ({ driver }) => {
    const queue = driver.queue(GpuQueue.Control);
    queue.writeDescriptor(queue.descriptors, 0, readable, 1);
    queue.writeDescriptor(queue.descriptors, 1, readable, 0);
    queue.push(0);
  }],
  ["An available index that jumps by more than the queue's size", ({ driver, ram }) => {
    ram.fields(driver.queue(GpuQueue.Control).available, 4).setUint16(VIRTQ_AVAIL_IDX, 65, true);
  }],
];

function pushChain({ driver }: Running, chain: readonly Descriptor[]): void {
  const queue = driver.queue(GpuQueue.Control);
  queue.push(queue.writeChain(chain));
}

for (const [name, push] of malformed) {
  Deno.test(`${name} stops its ring and signals its error; the cursor goes on, and a reset brings all back`, async () => {
    const machine = await startGpu();
    const { driver, host, transport } = machine;
    host.signals.length = 0;
    push(machine);

    transport.kick(GpuQueue.Control);

    assertEquals(host.signals, [transport.eventFds[0]!.error]);
    assertEquals(host.kicks[0], undefined);
    assertEquals(transport.readStatus() & DeviceStatus.DeviceNeedsReset, DeviceStatus.DeviceNeedsReset);
    assertEquals(moveCursor(driver, 0, 1, 2), "OK_NODATA");
    driver.start();
    assertEquals(createResource(driver, 1, 8, 8), "OK_NODATA");
    assertEquals(transport.readStatus() & DeviceStatus.DeviceNeedsReset, 0);
  });
}

Deno.test("A ring in a region that lies askew in its file does not trap in a shared memory", async () => {
  const { frontEnd, guest, host, file, device } = await makeGpuVhost({}, true);
  frontEnd.negotiate(device.offeredFeatures.low, device.offeredFeatures.high);
  frontEnd.setMemTable([{ guestAddress: 0, sizeBytes: RAM_BYTES - 3, file, fileOffset: 3 }]);
  const queue = { size: 8, descriptors: 4096, available: 8192, used: 12288 };

  const { error } = frontEnd.startRing(0, queue as Parameters<typeof frontEnd.startRing>[1]);

  assertEquals(guest.regions.length, 1);
  assertEquals(host.signals, [error]);
});

Deno.test("A GPU gives all of its memory back when the connection ends", async () => {
  const machine = await makeGpuVhost();
  const { usedBytes } = machine.heap;
  machine.frontEnd.setMemTable([{ guestAddress: 0, sizeBytes: RAM_BYTES, file: machine.file }]);
  machine.frontEnd.negotiate(0, 0);
  const driver = new GpuDriver(new VhostDriverTransport(machine.frontEnd, [1024, 1024]), machine.ram);
  driver.start();
  createResource(driver, 1, 64, 64);

  machine.connection.close();

  assertEquals(machine.heap.usedBytes, usedBytes);
});
