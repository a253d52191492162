/** The common configuration structure. Virtio 1.4, 4.1.4.3. */

import { assertEquals } from "@std/assert";
import { COMMON_CFG_SIZE, CommonCfg, commonCfgWidth } from "../../src/virtio/virtio.gen.ts";
import { DriverQueue } from "../../src/guest/driver_queue.ts";
import { PopResult } from "../../src/virtio/split_queue.ts";
import {
  makeMockMachine,
  type MockMachine,
  NEGOTIATED,
  readCommon,
  READY,
  startMock,
  writeCommon,
} from "./mock_machine.ts";

const registers = Object.entries(CommonCfg);

/** A machine whose registers hold values that tell their bytes apart. */
async function withValues(): Promise<MockMachine> {
  const machine = await makeMockMachine();
  const { pci, device } = machine;
  writeCommon(pci, CommonCfg.DeviceStatus, 3);
  writeCommon(pci, CommonCfg.DriverFeatureSelect, 0);
  writeCommon(pci, CommonCfg.DriverFeature, 0x89abcdef);
  writeCommon(pci, CommonCfg.QueueSelect, 1);
  writeCommon(pci, CommonCfg.QueueDescLow, 0x11121314);
  writeCommon(pci, CommonCfg.QueueDescHigh, 0x21222324);
  writeCommon(pci, CommonCfg.QueueDriverLow, 0x31323334);
  writeCommon(pci, CommonCfg.QueueDriverHigh, 0x41424344);
  writeCommon(pci, CommonCfg.QueueDeviceLow, 0x51525354);
  writeCommon(pci, CommonCfg.QueueDeviceHigh, 0xf1f2f3f4);
  device.configGeneration = 0x1a7;
  return machine;
}

const atStart: [name: keyof typeof CommonCfg, value: number][] = [
  ["DeviceFeatureSelect", 0],
  ["DeviceFeature", 0x30000021], // bits 0, 5, 28, 29
  ["DriverFeatureSelect", 0],
  ["DriverFeature", 0],
  ["ConfigMsixVector", 0xffff],
  ["NumQueues", 2],
  ["DeviceStatus", 0],
  ["ConfigGeneration", 0],
  ["QueueSelect", 0],
  ["QueueSize", 256],
  ["QueueMsixVector", 0xffff],
  ["QueueEnable", 0],
  ["QueueNotifyOff", 0],
  ["QueueDescLow", 0],
  ["QueueDescHigh", 0],
  ["QueueDriverLow", 0],
  ["QueueDriverHigh", 0],
  ["QueueDeviceLow", 0],
  ["QueueDeviceHigh", 0],
  ["QueueNotifConfigData", 0],
  ["QueueReset", 0],
  ["AdminQueueIndex", 0],
  ["AdminQueueNum", 0],
];

for (const [name, value] of atStart) {
  Deno.test(`${name} reads 0x${value.toString(16)} before a driver has written anything`, async () => {
    const { pci } = await makeMockMachine();

    assertEquals(readCommon(pci, CommonCfg[name]), value);
  });
}

const written: [name: keyof typeof CommonCfg, value: number][] = [
  ["DriverFeature", 0x89abcdef],
  ["DeviceStatus", 3],
  ["ConfigGeneration", 0xa7],
  ["QueueSelect", 1],
  ["QueueSize", 16],
  ["QueueNotifyOff", 1],
  ["QueueDescLow", 0x11121314],
  ["QueueDescHigh", 0x21222324],
  ["QueueDriverLow", 0x31323334],
  ["QueueDriverHigh", 0x41424344],
  ["QueueDeviceLow", 0x51525354],
  ["QueueDeviceHigh", 0xf1f2f3f4],
];

for (const [name, value] of written) {
  Deno.test(`${name} reads 0x${value.toString(16)} after that was written, or holds for the queue selected`, async () => {
    const { pci } = await withValues();

    assertEquals(readCommon(pci, CommonCfg[name]), value);
  });
}

for (const [name, offset] of registers) {
  const width = commonCfgWidth(offset);

  Deno.test(`${name} can be read byte by byte`, async () => {
    const { pci } = await withValues();

    const bytes = Array.from({ length: width }, (_, index) => pci.readBar(offset + index, 1) * 256 ** index);

    assertEquals(bytes.reduce((sum, byte) => sum + byte), readCommon(pci, offset));
  });
}

for (const bytes of [2, 4]) {
  Deno.test(`A read of ${bytes} bytes at any offset gives the bytes that lie there`, async () => {
    const { pci } = await withValues();
    const image = Array.from({ length: COMMON_CFG_SIZE }, (_, offset) => pci.readBar(offset, 1));
    const offsets = Array.from({ length: COMMON_CFG_SIZE - bytes + 1 }, (_, offset) => offset);

    const values = offsets.map((offset) => pci.readBar(offset, bytes));

    const at = (offset: number) => image.slice(offset, offset + bytes).reduceRight((sum, byte) => sum * 256 + byte, 0);
    assertEquals(values, offsets.map(at));
  });
}

const writable: (keyof typeof CommonCfg)[] = [
  "DeviceFeatureSelect",
  "DriverFeatureSelect",
  "QueueDescLow",
  "QueueDescHigh",
  "QueueDriverLow",
  "QueueDriverHigh",
  "QueueDeviceLow",
  "QueueDeviceHigh",
];

for (const name of writable) {
  for (const bytes of [1, 2]) {
    Deno.test(`${name} can be written in parts of ${bytes}`, async () => {
      const { pci } = await makeMockMachine();

      for (let part = 0; part < 4; part += bytes) {
        pci.writeBar(CommonCfg[name] + part, bytes, 0x88776655 >>> (8 * part));
      }

      assertEquals(readCommon(pci, CommonCfg[name]), 0x88776655);
    });
  }
}

for (const bytes of [1, 2]) {
  Deno.test(`DriverFeature can be written in parts of ${bytes}`, async () => {
    const { pci } = await makeMockMachine();

    for (let part = 0; part < 4; part += bytes) {
      pci.writeBar(CommonCfg.DriverFeature + part, bytes, 0x88776655 >>> (8 * part));
    }

    assertEquals(readCommon(pci, CommonCfg.DriverFeature), 0x88776655);
  });
}

Deno.test("An unaligned write changes the bytes of both registers that it touches", async () => {
  const { pci } = await withValues();

  pci.writeBar(CommonCfg.QueueDescLow + 2, 4, 0xddccbbaa);

  assertEquals(readCommon(pci, CommonCfg.QueueDescLow), 0xbbaa1314);
  assertEquals(readCommon(pci, CommonCfg.QueueDescHigh), 0x2122ddcc);
});

Deno.test("A write of 4 bytes over device_status, config_generation and queue_select reaches each", async () => {
  const { pci } = await makeMockMachine();

  pci.writeBar(CommonCfg.DeviceStatus, 4, 0x0001ff03);

  assertEquals(readCommon(pci, CommonCfg.DeviceStatus), 3);
  assertEquals(readCommon(pci, CommonCfg.ConfigGeneration), 0);
  assertEquals(readCommon(pci, CommonCfg.QueueSelect), 1);
});

const readOnly: (keyof typeof CommonCfg)[] = [
  "DeviceFeature",
  "ConfigMsixVector",
  "NumQueues",
  "ConfigGeneration",
  "QueueMsixVector",
  "QueueNotifyOff",
  "QueueNotifConfigData",
  "QueueReset",
  "AdminQueueIndex",
  "AdminQueueNum",
];

for (const name of readOnly) {
  Deno.test(`${name} ignores what is written to it`, async () => {
    const { pci } = await withValues();
    const before = readCommon(pci, CommonCfg[name]);

    writeCommon(pci, CommonCfg[name], 0x01010101);

    assertEquals(readCommon(pci, CommonCfg[name]), before);
  });
}

const features: [select: number, offered: number][] = [[0, 0x30000021], [1, 1], [2, 0], [0xffffffff, 0]];

for (const [select, offered] of features) {
  Deno.test(`DeviceFeature reads 0x${offered.toString(16)} for select ${select}`, async () => {
    const { pci } = await makeMockMachine();

    writeCommon(pci, CommonCfg.DeviceFeatureSelect, select);

    assertEquals(readCommon(pci, CommonCfg.DeviceFeature), offered);
  });
}

Deno.test("DriverFeature keeps two words, and reads 0 and takes nothing for any other select", async () => {
  const { pci } = await makeMockMachine();
  const wanted: [select: number, value: number][] = [[0, 0xaaaa5555], [1, 0x12345678], [2, 0xffffffff]];

  for (const [select, value] of wanted) {
    writeCommon(pci, CommonCfg.DriverFeatureSelect, select);
    writeCommon(pci, CommonCfg.DriverFeature, value);
  }

  const read = wanted.map(([select]) => {
    writeCommon(pci, CommonCfg.DriverFeatureSelect, select);
    return readCommon(pci, CommonCfg.DriverFeature);
  });
  assertEquals(read, [0xaaaa5555, 0x12345678, 0]);
});

for (const select of [2, 255, 0xffff]) {
  Deno.test(`Queue ${select} of two has size 0, and takes no setting`, async () => {
    const { pci } = await makeMockMachine();

    writeCommon(pci, CommonCfg.QueueSelect, select);
    writeCommon(pci, CommonCfg.QueueSize, 16);
    writeCommon(pci, CommonCfg.QueueDescLow, 4096);
    writeCommon(pci, CommonCfg.QueueEnable, 1);

    const names = ["QueueSize", "QueueEnable", "QueueNotifyOff", "QueueDescLow"] as const;
    assertEquals(names.map((name) => readCommon(pci, CommonCfg[name])), [0, 0, 0, 0]);
  });
}

Deno.test("Each queue keeps registers of its own", async () => {
  const { pci } = await makeMockMachine();
  for (const queue of [0, 1]) {
    writeCommon(pci, CommonCfg.QueueSelect, queue);
    writeCommon(pci, CommonCfg.QueueSize, 8 >> queue);
    writeCommon(pci, CommonCfg.QueueDescLow, 4096 * (queue + 1));
  }

  writeCommon(pci, CommonCfg.QueueSelect, 0);

  assertEquals(readCommon(pci, CommonCfg.QueueSize), 8);
  assertEquals(readCommon(pci, CommonCfg.QueueDescLow), 4096);
});

for (const size of [1, 2, 64, 256]) {
  Deno.test(`QueueSize takes ${size} of 256`, async () => {
    const { pci } = await makeMockMachine();

    writeCommon(pci, CommonCfg.QueueSize, size);

    assertEquals(readCommon(pci, CommonCfg.QueueSize), size);
  });
}

for (const size of [0, 3, 255, 512, 0x8000, 0xffff]) {
  Deno.test(`QueueSize keeps what it was when ${size} is written`, async () => {
    const { pci } = await makeMockMachine();

    writeCommon(pci, CommonCfg.QueueSize, 64);
    writeCommon(pci, CommonCfg.QueueSize, size);

    assertEquals(readCommon(pci, CommonCfg.QueueSize), 64);
  });
}

for (const value of [0, 2, 0xffff]) {
  Deno.test(`QueueEnable ignores ${value}`, async () => {
    const { pci } = await makeMockMachine();

    writeCommon(pci, CommonCfg.QueueEnable, value);

    assertEquals(readCommon(pci, CommonCfg.QueueEnable), 0);
  });
}

Deno.test("A queue that is enabled keeps its settings, and cannot be disabled but by a reset", async () => {
  const { pci, transport } = await makeMockMachine();
  writeCommon(pci, CommonCfg.QueueDescLow, 4096);
  writeCommon(pci, CommonCfg.QueueEnable, 1);

  writeCommon(pci, CommonCfg.QueueEnable, 0);
  writeCommon(pci, CommonCfg.QueueSize, 16);
  writeCommon(pci, CommonCfg.QueueDescLow, 8192);

  const names = ["QueueEnable", "QueueSize", "QueueDescLow"] as const;
  assertEquals(names.map((name) => readCommon(pci, CommonCfg[name])), [1, 256, 4096]);
  transport.writeStatus(0);
  assertEquals(names.map((name) => readCommon(pci, CommonCfg[name])), [0, 256, 0]);
});

Deno.test("A queue may lie above 4 GiB: both halves of its three addresses count", async () => {
  const machine = await makeMockMachine();
  const { guest, transport, ram, device } = machine;
  const [region] = guest.regions;
  const low = new DriverQueue(ram, 8);
  const above = 5 * 2 ** 32;
  const high = {
    size: 8,
    descriptors: low.descriptors + above,
    available: low.available + above,
    used: low.used + above,
  };
  guest.setRegions([{ ...region!, guestAddress: above }]);
  for (const select of [0, 1]) transport.writeFeatures(select, transport.readFeatures(select));

  transport.enableQueue(0, high as DriverQueue);
  transport.writeStatus(NEGOTIATED);
  transport.writeStatus(READY);

  assertEquals(device.queues[0]!.pop(), PopResult.Empty);
});

Deno.test("Only the queues that were enabled are handed to the device", async () => {
  const machine = await makeMockMachine({ queueSizes: [8, 8, 8] });
  const { pci, device, transport } = machine;
  writeCommon(pci, CommonCfg.QueueSelect, 1);
  writeCommon(pci, CommonCfg.QueueEnable, 1);
  for (const select of [0, 1]) transport.writeFeatures(select, transport.readFeatures(select));

  transport.writeStatus(NEGOTIATED);
  transport.writeStatus(READY);

  assertEquals(device.queues.map((queue) => queue !== undefined), [false, true, false]);
});

Deno.test("A kick reaches the queue of its notification register, whatever value is written", async () => {
  const machine = await makeMockMachine();
  startMock(machine);
  machine.device.take();

  machine.transport.kick(0);
  machine.transport.kick(1);
  machine.pci.writeBar(0x40 + 4, 2, 0);

  assertEquals(machine.device.take(), ["notify 0", "notify 1", "notify 1"]);
});

Deno.test("A kick before DRIVER_OK, or of a queue that does not exist, does nothing", async () => {
  const machine = await makeMockMachine();
  machine.transport.kick(0);
  startMock(machine);
  const afterStart = machine.device.take();

  machine.transport.kick(2);
  machine.transport.kick(3);

  assertEquals(afterStart.includes("notify 0"), false);
  assertEquals(machine.device.take(), []);
});

Deno.test("The notification registers read 0", async () => {
  const machine = await makeMockMachine();
  startMock(machine);

  assertEquals([0x40, 0x44, 0x48, 0x4c].map((offset) => machine.pci.readBar(offset, 4)), [0, 0, 0, 0]);
});
