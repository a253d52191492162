/** What a driver does with a GPU, over each transport. Virtio 1.4, 3.1, 4.1 and 4.2. */

import { assertEquals } from "@std/assert";
import { MmioDriverTransport } from "../../src/guest/mmio_driver_transport.ts";
import type { DriverTransport } from "../../src/guest/driver_transport.ts";
import { PciDriverTransport } from "../../src/guest/pci_driver_transport.ts";
import {
  CONFIG_EVENTS_CLEAR_OFFSET,
  CONFIG_EVENTS_READ_OFFSET,
  CONFIG_NUM_SCANOUTS_OFFSET,
  ConfigEvent,
  GpuQueue,
  responseName,
  writeGetDisplayInfo,
  writeGetEdid,
} from "../../src/protocol/wire.gen.ts";
import { VirtioMmio } from "../../src/transport/mmio.ts";
import { VirtioPci } from "../../src/transport/pci.ts";
import { featureSet, hasFeature } from "../../src/virtio/virtio_device.ts";
import { CommonCfg, DeviceStatus, InterruptStatus, VirtioFeature } from "../../src/virtio/virtio.gen.ts";
import {
  attach,
  createBacked,
  createFilled,
  createResource,
  detach,
  flush,
  moveCursor,
  pictureWords,
  pixel,
  rect,
  setScanout,
  transfer,
  unref,
  updateCursor,
} from "../device/requests.ts";
import { type Machine, makeMachine, startMachine, TRANSPORTS } from "../support/machine.ts";
import { MockDevice } from "./mock_device.ts";
import { makeMockMachine, readCommon, startMock, writeCommon } from "./mock_machine.ts";

const { Acknowledge, Driver, DriverOk, FeaturesOk, DeviceNeedsReset } = DeviceStatus;
const READY = Acknowledge | Driver | FeaturesOk | DriverOk;
const SIZE = 16;
const whole = rect(0, 0, SIZE, SIZE);
/** Guest address of the shared memory of `transportOf`'s device. */
const WINDOW = 3 * 2 ** 32;
/** Where a PCI function's base address register 2 is. */
const SHARED_MEMORY_BAR = 0x18;

/** Makes resource 1 with the numbers of its pixels as colours, on scanout 0. */
function showNumbers(machine: Machine): void {
  createFilled(machine, 1, SIZE, SIZE, pixel);
  setScanout(machine.driver, 0, 1, whole);
}

const commands: [command: string, answer: string, send: (machine: Machine) => string][] = [
  ["GET_DISPLAY_INFO", "OK_DISPLAY_INFO", ({ driver }) => {
    const { header } = driver.send(writeGetDisplayInfo, {}, { replyBytes: 408 });
    return responseName(header.type);
  }],
  ["GET_EDID", "OK_EDID", ({ driver }) => {
    const { header } = driver.send(writeGetEdid, { scanout: 0 }, { replyBytes: 1056 });
    return responseName(header.type);
  }],
  ["RESOURCE_CREATE_2D", "OK_NODATA", ({ driver }) => createResource(driver, 2, SIZE, SIZE)],
  ["RESOURCE_ATTACH_BACKING", "OK_NODATA", ({ driver }) => {
    createResource(driver, 2, SIZE, SIZE);
    return attach(driver, 2, [{ addr: 0, length: SIZE * SIZE * 4 }]);
  }],
  ["RESOURCE_DETACH_BACKING", "OK_NODATA", ({ driver }) => detach(driver, 1)],
  ["TRANSFER_TO_HOST_2D", "OK_NODATA", ({ driver }) => transfer(driver, 1, whole, 0)],
  ["SET_SCANOUT", "OK_NODATA", ({ driver }) => setScanout(driver, 0, 1, whole)],
  ["RESOURCE_FLUSH", "OK_NODATA", ({ driver }) => flush(driver, 1, whole)],
  ["RESOURCE_UNREF", "OK_NODATA", ({ driver }) => unref(driver, 1)],
  ["UPDATE_CURSOR", "OK_NODATA", (machine) => {
    createBacked(machine, 2, 64, 64);
    return updateCursor(machine.driver, 2);
  }],
  ["MOVE_CURSOR", "OK_NODATA", ({ driver }) => moveCursor(driver, 0, 3, 4)],
];

for (const transport of TRANSPORTS) {
  Deno.test(`${transport}: a driver finds features, two queues and the configuration, and starts the device`, async () => {
    const { driver, gpu } = await makeMachine({ transport });
    const way = driver.transport;

    const offered = { low: way.readFeatures(0), high: way.readFeatures(1) };
    const sizes = [0, 1, 2].map((index) => way.readQueueSize(index));
    driver.start();

    assertEquals(offered, gpu.offeredFeatures);
    assertEquals(hasFeature(offered, VirtioFeature.Version1), true);
    assertEquals(sizes, [256, 16, 0]);
    assertEquals(way.readConfig(CONFIG_NUM_SCANOUTS_OFFSET, 4), 1);
    assertEquals(way.readStatus(), READY);
  });

  for (const [command, answer, send] of commands) {
    Deno.test(`${transport}: ${command} answers ${answer} and interrupts the driver`, async () => {
      const machine = await startMachine({ transport });
      showNumbers(machine);
      machine.driver.transport.takeInterrupt();
      for (const queue of [GpuQueue.Control, GpuQueue.Cursor]) askForInterrupts(machine, queue);

      const given = send(machine);

      assertEquals(given, answer);
      assertEquals(machine.line.isAsserted, true);
      assertEquals(machine.driver.transport.takeInterrupt(), InterruptStatus.Queue);
      assertEquals(machine.line.isAsserted, false);
    });
  }

  Deno.test(`${transport}: what the guest draws is shown, pixel for pixel`, async () => {
    const machine = await startMachine({ transport });
    showNumbers(machine);

    flush(machine.driver, 1, whole);

    const shown = pictureWords(machine.display.picture(0)!.rgba);
    assertEquals(shown, Array.from({ length: SIZE * SIZE }, (_, index) => pixel(index)));
  });

  Deno.test(`${transport}: the cursor queue shows a cursor and moves it`, async () => {
    const machine = await startMachine({ transport });
    createBacked(machine, 2, 64, 64);

    updateCursor(machine.driver, 2, { hotX: 5, hotY: 6 });
    moveCursor(machine.driver, 0, 30, 40, 2);

    const { picture, x, y } = machine.display.cursor(0)!;
    assertEquals([x, y, picture.widthPixels, picture.hotspotX, picture.hotspotY], [30, 40, 64, 5, 6]);
  });

  Deno.test(`${transport}: a malformed ring needs a reset, after which commands are answered`, async () => {
    const { driver } = await startMachine({ transport });
    const way = driver.transport;
    const queue = driver.queue(GpuQueue.Control);

    queue.push(queue.size); // no such descriptor
    way.kick(GpuQueue.Control);
    const needed = [way.readStatus(), way.takeInterrupt()];
    driver.start();

    assertEquals(needed, [READY | DeviceNeedsReset, InterruptStatus.Config]);
    assertEquals(way.readStatus(), READY);
    assertEquals(createResource(driver, 1, SIZE, SIZE), "OK_NODATA");
  });

  Deno.test(`${transport}: a changed output interrupts with the configuration, until the driver clears the event`, async () => {
    const { driver, gpu, line } = await startMachine({ transport });
    const way = driver.transport;
    const generation = way.readConfigGeneration();

    gpu.setOutput(0, { widthPixels: 800, heightPixels: 600 });
    const causes = way.takeInterrupt();
    const events = way.readConfig(CONFIG_EVENTS_READ_OFFSET, 4);
    way.writeConfig(CONFIG_EVENTS_CLEAR_OFFSET, 4, events);

    assertEquals([causes, events], [InterruptStatus.Config, ConfigEvent.Display]);
    assertEquals(way.readConfigGeneration() !== generation, true);
    assertEquals(way.readConfig(CONFIG_EVENTS_READ_OFFSET, 4), 0);
    assertEquals(line.isAsserted, false);
  });

  Deno.test(`${transport}: a status of 0 resets, and the device starts again`, async () => {
    const machine = await startMachine({ transport });
    showNumbers(machine);

    machine.driver.start();

    assertEquals(flush(machine.driver, 1, whole), "ERR_INVALID_RESOURCE_ID");
    assertEquals(createResource(machine.driver, 1, SIZE, SIZE), "OK_NODATA");
  });

  Deno.test(`${transport}: a driver finds each shared memory region, and none under another id`, async () => {
    const way = await transportOf(transport);

    const found = [1, 2, 3].map((id) => way.findSharedMemory(id));

    assertEquals(found, [
      { guestAddress: WINDOW, lengthBytes: 5 * 2 ** 32 },
      undefined,
      { guestAddress: WINDOW + 5 * 2 ** 32, lengthBytes: 65536 },
    ]);
  });
}

/** Asks for an interrupt at the next buffer that the device uses in `queue`, of which it has used few. */
function askForInterrupts({ driver, ram }: Machine, queue: GpuQueue): void {
  const ring = driver.queue(queue);
  const usedIndex = ram.fields(ring.used, 4).getUint16(2, true);
  ring.requestInterrupt(usedIndex);
}

/** A driver's way to a device with the shared memory regions 1 and 3, one behind the other. */
async function transportOf(transport: typeof TRANSPORTS[number]): Promise<DriverTransport> {
  const { guest } = await makeMachine();
  const device = new MockDevice({ sharedMemory: [{ id: 1, lengthBytes: 5 * 2 ** 32 }, { id: 3, lengthBytes: 65536 }] });
  const host = { setInterrupt() {}, defer() {} };
  if (transport === "mmio") {
    const sharedMemoryAddresses = { 1: WINDOW, 3: WINDOW + 5 * 2 ** 32 };
    return new MmioDriverTransport(new VirtioMmio(device, guest, host, { sharedMemoryAddresses }));
  }
  const pci = new VirtioPci(device, guest, host);
  const space = new DataView(pci.configSpace.buffer);
  space.setUint32(SHARED_MEMORY_BAR + 4, WINDOW / 2 ** 32, true); // as the firmware does
  return new PciDriverTransport(pci);
}

Deno.test("pci: queue_reset stops the queue and forgets its settings when RING_RESET is negotiated", async () => {
  const machine = await makeMockMachine({
    offeredFeatures: featureSet(VirtioFeature.Version1, VirtioFeature.RingReset),
  });
  startMock(machine);
  const { device, pci } = machine;

  writeCommon(pci, CommonCfg.QueueSelect, 0);
  writeCommon(pci, CommonCfg.QueueReset, 1);

  assertEquals([readCommon(pci, CommonCfg.QueueReset), readCommon(pci, CommonCfg.QueueEnable)], [0, 0]);
  assertEquals(device.queues.map((queue) => queue !== undefined), [false, true]);
});
