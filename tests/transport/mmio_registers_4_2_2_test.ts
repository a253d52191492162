/** The registers of virtio-mmio. Virtio 1.4, 4.2.2. */

import { assertEquals, assertThrows } from "@std/assert";
import { MmioDriverTransport } from "../../src/guest/mmio_driver_transport.ts";
import { VirtioMmio } from "../../src/transport/mmio.ts";
import { featureSet } from "../../src/virtio/virtio_device.ts";
import { InterruptStatus, MmioRegister, VirtioFeature } from "../../src/virtio/virtio.gen.ts";
import { makeMachine } from "../support/machine.ts";
import { MockDevice } from "./mock_device.ts";
import { makeMmioMachine, startMmio } from "./mmio_machine.ts";

type RegisterName = keyof typeof MmioRegister;

const { Version1, RingReset } = VirtioFeature;
const NONE = 0xffffffff;

const atStart: [register: RegisterName, value: number][] = [
  ["MagicValue", 0x74726976], // "virt"
  ["Version", 2],
  ["DeviceId", 16],
  ["VendorId", 0x1af4],
  ["DeviceFeatures", 0x30000021], // bits 0, 5, 28, 29
  ["QueueSizeMax", 256],
  ["QueueReady", 0],
  ["InterruptStatus", 0],
  ["Status", 0],
  ["ShmLenLow", NONE],
  ["ShmLenHigh", NONE],
  ["ShmBaseLow", NONE],
  ["ShmBaseHigh", NONE],
  ["QueueReset", 0],
  ["ConfigGeneration", 0],
];

for (const [register, value] of atStart) {
  Deno.test(`${register} reads 0x${value.toString(16)} before a driver has written anything`, async () => {
    const { read } = await makeMmioMachine();

    assertEquals(read(register), value);
  });
}

const readOnly: RegisterName[] = [
  "MagicValue",
  "Version",
  "DeviceId",
  "VendorId",
  "DeviceFeatures",
  "QueueSizeMax",
  "InterruptStatus",
  "ShmLenLow",
  "ShmBaseHigh",
  "ConfigGeneration",
];

for (const register of readOnly) {
  Deno.test(`${register} ignores what is written to it`, async () => {
    const { read, write } = await makeMmioMachine();
    const before = read(register);

    write(register, 0x5a5a5a5a);

    assertEquals(read(register), before);
  });
}

const writeOnly: RegisterName[] = [
  "DeviceFeaturesSel",
  "DriverFeatures",
  "DriverFeaturesSel",
  "QueueSel",
  "QueueSize",
  "QueueNotify",
  "InterruptAck",
  "QueueDescLow",
  "QueueDeviceHigh",
  "ShmSel",
];

for (const register of writeOnly) {
  Deno.test(`${register} reads 0 whatever was written to it`, async () => {
    const { read, write } = await makeMmioMachine();

    write(register, 1);

    assertEquals(read(register), 0);
  });
}

const selects: [select: number, offered: number][] = [[0, 0x30000021], [1, 1], [2, 0], [0xffffffff, 0]];

for (const [select, offered] of selects) {
  Deno.test(`DeviceFeatures reads 0x${offered.toString(16)} for DeviceFeaturesSel ${select}`, async () => {
    const { read, write } = await makeMmioMachine();

    write("DeviceFeaturesSel", select);

    assertEquals(read("DeviceFeatures"), offered);
  });
}

// Offsets without a register: holes, and the legacy interface's GuestPageSize, QueueAlign and QueuePFN.
for (const offset of [0x018, 0x01c, 0x028, 0x03c, 0x040, 0x048, 0x06c, 0x0a8, 0x0c4, 0x0f8]) {
  Deno.test(`Offset 0x${offset.toString(16)} reads 0 and takes nothing`, async () => {
    const { mmio, device } = await makeMmioMachine();

    mmio.write(offset, 4, 0xffffffff);

    assertEquals(mmio.read(offset, 4), 0);
    assertEquals(device.take(), []);
  });
}

const badAccesses: [offset: number, bytes: number][] = [
  [MmioRegister.Status, 1],
  [MmioRegister.Status, 2],
  [MmioRegister.Status + 1, 4],
  [MmioRegister.Status + 2, 2],
  [MmioRegister.Status + 3, 1],
  [MmioRegister.Status - 2, 4],
];

for (const [offset, bytes] of badAccesses) {
  Deno.test(`An access of ${bytes} bytes at 0x${offset.toString(16)} reads 0 and does not touch Status`, async () => {
    const machine = await makeMmioMachine();
    startMmio(machine);
    const { mmio, device, read } = machine;
    const status = read("Status");
    device.take();

    mmio.write(offset, bytes, 0);

    assertEquals(mmio.read(offset, bytes), 0);
    assertEquals(read("Status"), status);
    assertEquals(device.take(), []);
  });
}

Deno.test("Config is read and written by 1, 2 and 4 bytes, and reads 0 past its end", async () => {
  const { mmio, device } = await makeMmioMachine();
  const { Config } = MmioRegister;

  const values = [mmio.read(Config, 4), mmio.read(Config + 5, 1), mmio.read(Config + 6, 2), mmio.read(Config + 14, 4)];
  mmio.write(Config + 4, 4, 0xdeadbeef);
  mmio.write(Config + 9, 1, 0x7f);
  mmio.write(Config + 10, 2, 0x8001);

  assertEquals(values, [0xc3c2c1c0, 0xc5, 0xc7c6, 0xcfce]);
  assertEquals(mmio.read(mmio.sizeBytes - 4, 4), 0);
  assertEquals(device.take(), ["config 4 4 0xdeadbeef", "config 9 1 0x7f", "config 10 2 0x8001"]);
});

Deno.test("ConfigGeneration has all bits of the device's", async () => {
  const { device, read } = await makeMmioMachine();

  device.configGeneration = 0x12345678;

  assertEquals(read("ConfigGeneration"), 0x12345678);
});

Deno.test("InterruptAck clears the causes that are written and lowers the line with the last", async () => {
  const machine = await makeMmioMachine();
  startMmio(machine);
  const { device, line, read, write } = machine;
  device.events!.configChanged();

  write("InterruptAck", InterruptStatus.Queue);
  const kept = [read("InterruptStatus"), line.isAsserted];
  write("InterruptAck", InterruptStatus.Config);

  assertEquals(kept, [InterruptStatus.Config, true]);
  assertEquals([read("InterruptStatus"), line.isAsserted], [0, false]);
});

Deno.test("InterruptStatus stays when it is read", async () => {
  const machine = await makeMmioMachine();
  startMmio(machine);
  machine.device.events!.configChanged();

  const reads = [machine.read("InterruptStatus"), machine.read("InterruptStatus")];

  assertEquals(reads, [InterruptStatus.Config, InterruptStatus.Config]);
});

Deno.test("QueueReady reads what was written to it for each queue, and 0 for one that does not exist", async () => {
  const { read, write } = await makeMmioMachine();
  write("QueueSel", 1);
  write("QueueReady", 1);

  const values = [0, 1, 2, 0xffffffff].map((queue) => {
    write("QueueSel", queue);
    return [read("QueueSizeMax"), read("QueueReady")];
  });

  assertEquals(values, [[256, 0], [16, 1], [0, 0], [0, 0]]);
});

Deno.test("QueueReady 0 takes the queue from the device: a kick reaches it no more", async () => {
  const machine = await makeMmioMachine();
  startMmio(machine);
  const { device, read, write } = machine;
  device.take();

  write("QueueSel", 1);
  write("QueueReady", 0);
  write("QueueNotify", 1);

  assertEquals(read("QueueReady"), 0);
  assertEquals(device.queues.map((queue) => queue !== undefined), [true, false]);
  assertEquals(device.take(), ["queueStopped 1"]);
});

Deno.test("QueueReady 1 after 0 hands the device the queue anew, with other settings", async () => {
  const machine = await makeMmioMachine();
  startMmio(machine);
  const { device, write } = machine;
  const before = device.queues[1];
  device.take();

  write("QueueSel", 1);
  write("QueueReady", 0);
  write("QueueSize", 8);
  write("QueueReady", 1);
  write("QueueNotify", 1);

  assertEquals(device.queues[1] !== undefined && device.queues[1] !== before, true);
  assertEquals(device.take(), ["queueStopped 1", "notify 1"]);
});

Deno.test("QueueReset stops the queue and forgets its settings when RING_RESET is negotiated", async () => {
  const machine = await makeMmioMachine({ offeredFeatures: featureSet(Version1, RingReset) });
  startMmio(machine);
  const { device, read, write } = machine;

  write("QueueSel", 0);
  write("QueueReset", 1);

  assertEquals([read("QueueReset"), read("QueueReady")], [0, 0]);
  assertEquals(device.queues.map((queue) => queue !== undefined), [false, true]);
});

Deno.test("QueueReset does nothing when RING_RESET is not offered", async () => {
  const machine = await makeMmioMachine();
  startMmio(machine);
  const { device, read, write } = machine;

  write("QueueSel", 0);
  write("QueueReset", 1);

  assertEquals([read("QueueReset"), read("QueueReady")], [0, 1]);
  assertEquals(device.queues.map((queue) => queue !== undefined), [true, true]);
});

Deno.test("Status 0 resets the device, QueueReady and InterruptStatus", async () => {
  const machine = await makeMmioMachine();
  startMmio(machine);
  const { device, line, read, write } = machine;
  device.events!.configChanged();
  device.take();

  write("Status", 0);

  assertEquals(device.take(), ["reset"]);
  assertEquals([read("Status"), read("QueueReady"), read("InterruptStatus"), line.isAsserted], [0, 0, 0, false]);
});

Deno.test("VirtioMmio.reset does what Status 0 does", async () => {
  const machine = await makeMmioMachine();
  startMmio(machine);
  machine.device.take();

  machine.mmio.reset();

  assertEquals(machine.device.take(), ["reset"]);
  assertEquals([machine.read("Status"), machine.read("QueueReady")], [0, 0]);
});

Deno.test("SHMLen and SHMBase have all 64 bits of the region that SHMSel names, and -1 for another", async () => {
  const sharedMemory = [{ id: 1, lengthBytes: 5 * 2 ** 32 + 4096 }, { id: 7, lengthBytes: 65536 }];
  const sharedMemoryAddresses = { 1: 9 * 2 ** 32 + 0x80000000, 7: 0 };
  const { read, write } = await makeMmioMachine({ sharedMemory }, { sharedMemoryAddresses });

  const values = [1, 7, 0, 2, 0xffffffff].map((id) => {
    write("ShmSel", id);
    return [read("ShmLenHigh"), read("ShmLenLow"), read("ShmBaseHigh"), read("ShmBaseLow")];
  });

  const none = [NONE, NONE, NONE, NONE];
  assertEquals(values, [[5, 4096, 9, 0x80000000], [0, 65536, 0, 0], none, none, none]);
});

for (const address of [undefined, -4096, 0.5, NaN, 2 ** 53 - 4096]) {
  Deno.test(`VirtioMmio throws a RangeError for a shared memory region at ${address}`, async () => {
    const sharedMemory = [{ id: 1, lengthBytes: 8192 }];
    const sharedMemoryAddresses: Record<number, number> = address === undefined ? {} : { 1: address };
    const { guest } = await makeMachine();
    const host = { setInterrupt() {}, defer() {} };
    const device = new MockDevice({ sharedMemory });

    assertThrows(() => new VirtioMmio(device, guest, host, { sharedMemoryAddresses }), RangeError);
  });
}

Deno.test("VirtioMmio takes 256 bytes of configuration and throws a RangeError for more", async () => {
  const { guest } = await makeMachine();
  const host = { setInterrupt() {}, defer() {} };
  const largest = new MockDevice({ config: new Uint8Array(256).fill(7) });
  const tooLarge = new MockDevice({ config: new Uint8Array(257) });

  assertEquals(new VirtioMmio(largest, guest, host).read(0x1fc, 4), 0x07070707);
  assertThrows(() => new VirtioMmio(tooLarge, guest, host), RangeError);
});

const noDevices: [name: string, values: Record<number, number>][] = [
  ["another magic value", { [MmioRegister.Version]: 2, [MmioRegister.DeviceId]: 16 }],
  ["version 1", {
    [MmioRegister.MagicValue]: 0x74726976,
    [MmioRegister.Version]: 1,
    [MmioRegister.DeviceId]: 16,
  }],
  ["device id 0", { [MmioRegister.MagicValue]: 0x74726976, [MmioRegister.Version]: 2 }],
];

for (const [name, values] of noDevices) {
  Deno.test(`MmioDriverTransport throws for ${name}`, () => {
    const range = { read: (offset: number) => values[offset] ?? 0, write() {} };

    assertThrows(() => new MmioDriverTransport(range), Error, "no virtio device");
  });
}
