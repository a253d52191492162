/** The device configuration as the transport shows it. Virtio 1.4, 2.5 and 4.1.4.6. */

import { assertEquals } from "@std/assert";
import { startMachine } from "../support/machine.ts";
import { makeMockMachine, startMock } from "./mock_machine.ts";

const CONFIG = 0x60;

for (const bytes of [1, 2, 4]) {
  Deno.test(`A read of ${bytes} bytes at any offset gives those of the device, and 0 past the end`, async () => {
    const { pci, device } = await makeMockMachine();
    const offsets = Array.from({ length: 30 }, (_, offset) => offset);

    const values = offsets.map((offset) => pci.readBar(CONFIG + offset, bytes));

    const byteAt = (offset: number) => device.config[offset] ?? 0;
    const expected = offsets.map((offset) => {
      const parts = Array.from({ length: bytes }, (_, index) => byteAt(offset + index) * 256 ** index);
      return parts.reduce((sum, part) => sum + part);
    });
    assertEquals(values, expected);
  });
}

for (const offset of [0x80, 0x1000, 0xffffffff]) {
  Deno.test(`A read at 0x${offset.toString(16)}, past the range, gives 0`, async () => {
    const { pci } = await makeMockMachine();

    assertEquals(pci.readBar(offset, 4), 0);
  });
}

const writes: [offset: number, bytes: number, value: number][] = [
  [4, 4, 0xdeadbeef],
  [5, 1, 0x7f],
  [6, 2, 0x8001],
  [16, 4, 1],
];

for (const [offset, bytes, value] of writes) {
  Deno.test(`A write of ${bytes} bytes at offset ${offset} reaches the device as it is`, async () => {
    const machine = await makeMockMachine();

    machine.transport.writeConfig(offset, bytes, value);

    assertEquals(machine.device.take(), [`config ${offset} ${bytes} 0x${value.toString(16)}`]);
  });
}

Deno.test("The generation that a driver reads follows the device's, modulo 256", async () => {
  const { device, transport } = await makeMockMachine();
  const generations = [0, 1, 255, 256, 257];

  const read = generations.map((generation) => {
    device.configGeneration = generation;
    return transport.readConfigGeneration();
  });

  assertEquals(read, [0, 1, 255, 0, 1]);
});

Deno.test("What the device changes is read at once, with the new generation", async () => {
  const machine = await makeMockMachine();
  startMock(machine);
  const before = machine.transport.readConfigGeneration();

  machine.device.config[0] = 0x42;
  machine.device.configGeneration++;
  machine.device.events!.configChanged();

  assertEquals(machine.transport.readConfig(0, 1), 0x42);
  assertEquals(machine.transport.readConfigGeneration(), before + 1);
});

Deno.test("Writes to the GPU's read-only fields change nothing, and no interrupt follows", async () => {
  const { driver, gpu, line } = await startMachine();
  const before = gpu.config.slice();

  for (const offset of [0, 8, 12, 16, 28]) driver.transport.writeConfig(offset, 4, 0xffffffff);

  assertEquals(gpu.config, before);
  assertEquals(line.rises, 0);
});
