/** Device status and feature negotiation. Virtio 1.4, 2.1, 2.2 and 3.1. */

import { assertEquals } from "@std/assert";
import { featureSet } from "../../src/virtio/virtio_device.ts";
import { CommonCfg, DeviceStatus, VirtioFeature } from "../../src/virtio/virtio.gen.ts";
import { makeMockMachine, type MockMachine, NEGOTIATED, readCommon, READY, startMock } from "./mock_machine.ts";

const { Acknowledge, Driver, DriverOk, FeaturesOk, DeviceNeedsReset, Failed } = DeviceStatus;

/** Accepts these features and asks for FEATURES_OK; returns the status. */
function negotiate({ transport }: MockMachine, low: number, high: number): number {
  transport.writeStatus(Acknowledge | Driver);
  transport.writeFeatures(0, low);
  transport.writeFeatures(1, high);
  transport.writeStatus(NEGOTIATED);
  return transport.readStatus();
}

const acceptable: [name: string, low: number, high: number][] = [
  ["everything offered", 0x30000021, 1],
  ["VERSION_1 alone", 0, 1],
  ["VERSION_1 and one feature", 0x20, 1],
];

for (const [name, low, high] of acceptable) {
  Deno.test(`FEATURES_OK stays for ${name}`, async () => {
    assertEquals(negotiate(await makeMockMachine(), low, high), NEGOTIATED);
  });
}

const refused: [name: string, low: number, high: number][] = [
  ["nothing", 0, 0],
  ["everything offered but VERSION_1", 0x30000021, 0],
  ["a feature below 32 that was not offered", 0x30000023, 1],
  ["feature 31, which was not offered", 0x80000000, 1],
  ["a feature above 32 that was not offered", 0x30000021, 3],
  ["feature 63, which was not offered", 0, 0x80000001],
  ["everything there is", 0xffffffff, 0xffffffff],
];

for (const [name, low, high] of refused) {
  Deno.test(`FEATURES_OK is refused for ${name}`, async () => {
    assertEquals(negotiate(await makeMockMachine(), low, high), Acknowledge | Driver);
  });
}

Deno.test("A driver that was refused may accept less and ask again", async () => {
  const machine = await makeMockMachine();
  negotiate(machine, 0xffffffff, 1);

  assertEquals(negotiate(machine, 0x21, 1), NEGOTIATED);
});

Deno.test("Accepted features are frozen by FEATURES_OK, and the device is given those", async () => {
  const machine = await makeMockMachine();
  const { device, transport } = machine;
  negotiate(machine, 0x20, 1);

  transport.writeFeatures(0, 0x30000021);
  transport.writeFeatures(1, 0);
  transport.writeStatus(READY);

  assertEquals(device.features, featureSet(5, VirtioFeature.Version1));
  assertEquals(readCommon(machine.pci, CommonCfg.DriverFeature), 1);
});

Deno.test("DRIVER_OK activates the device once, with its queues", async () => {
  const machine = await makeMockMachine();

  startMock(machine);
  machine.transport.writeStatus(READY);

  assertEquals(machine.device.take(), ["activate"]);
  assertEquals(machine.device.queues.length, 2);
});

Deno.test("DRIVER_OK without FEATURES_OK does not activate the device", async () => {
  const machine = await makeMockMachine();

  machine.transport.writeStatus(Acknowledge | Driver | DriverOk);

  assertEquals(machine.device.take(), []);
});

Deno.test("DRIVER_OK together with features that are refused does not activate the device", async () => {
  const machine = await makeMockMachine();

  machine.transport.writeStatus(READY);

  assertEquals(machine.device.take(), []);
  assertEquals(machine.transport.readStatus() & FeaturesOk, 0);
});

Deno.test("A status bit that is set stays when a driver writes fewer", async () => {
  const { transport } = await makeMockMachine();

  transport.writeStatus(Acknowledge | Driver);
  transport.writeStatus(Acknowledge);

  assertEquals(transport.readStatus(), Acknowledge | Driver);
});

Deno.test("A driver may set FAILED, and cannot set DEVICE_NEEDS_RESET", async () => {
  const { transport } = await makeMockMachine();

  transport.writeStatus(Acknowledge | Failed | DeviceNeedsReset);

  assertEquals(transport.readStatus(), Acknowledge | Failed);
});

Deno.test("A status of 0 resets the device, its features, queues, selects and interrupt", async () => {
  const machine = await makeMockMachine();
  const { device, pci, transport } = machine;
  startMock(machine);
  device.events!.configChanged();
  device.take();

  transport.writeStatus(0);

  const registers = [
    "DeviceFeatureSelect",
    "DriverFeatureSelect",
    "DriverFeature",
    "QueueSelect",
    "QueueEnable",
  ] as const;
  assertEquals(device.take(), ["reset"]);
  assertEquals(transport.readStatus(), 0);
  assertEquals(registers.map((name) => readCommon(pci, CommonCfg[name])), [0, 0, 0, 0, 0]);
  assertEquals(machine.line.isAsserted, false);
  assertEquals(transport.takeInterrupt(), 0);
});

Deno.test("A device can be started again after a reset", async () => {
  const machine = await makeMockMachine();
  startMock(machine);
  machine.transport.writeStatus(0);
  machine.device.take();

  startMock(machine);

  assertEquals(machine.device.take(), ["activate"]);
  assertEquals(machine.transport.readStatus(), READY);
});

Deno.test("A status whose lower byte is 0 in a wider write resets too", async () => {
  const machine = await makeMockMachine();
  startMock(machine);

  machine.pci.writeBar(CommonCfg.DeviceStatus, 2, 0xff00);

  assertEquals(machine.transport.readStatus(), 0);
});
