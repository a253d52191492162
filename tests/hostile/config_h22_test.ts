/** H22: the configuration space and the registers, written and read in any way. */

import { assert, assertEquals } from "@std/assert";
import { CONFIG_EVENTS_CLEAR_OFFSET, CONFIG_EVENTS_READ_OFFSET } from "../../src/protocol/wire.gen.ts";
import { BAR_BYTES, CONFIG_AT } from "../../src/transport/pci_config.ts";
import { CommonCfg, DeviceStatus } from "../../src/virtio/virtio.gen.ts";
import { makeMachine, startMachine } from "../support/machine.ts";
import { recovers } from "./raw_chain.ts";

const CONFIG_BYTES = 16;

Deno.test("Writes of any width anywhere in the configuration change nothing but pending events", async () => {
  const { pci } = await startMachine();
  const read = () => Array.from({ length: BAR_BYTES - CONFIG_AT }, (_, index) => pci.readBar(CONFIG_AT + index, 1));
  const before = read();

  for (const bytes of [1, 2, 4]) {
    for (let offset = CONFIG_AT - 3; offset < BAR_BYTES; offset++) pci.writeBar(offset, bytes, 0xffff_ffff);
  }

  assertEquals(read(), before);
});

Deno.test("events_clear clears the events that are set, by its own bits, whatever else is written with them", async () => {
  const { pci, gpu } = await startMachine();
  const pending = () => pci.readBar(CONFIG_AT + CONFIG_EVENTS_READ_OFFSET, 4);
  gpu.setOutput(0, { widthPixels: 800 });
  assertEquals(pending(), 1);

  pci.writeBar(CONFIG_AT + CONFIG_EVENTS_CLEAR_OFFSET, 4, 0xffff_fffe);
  const afterOthers = pending();
  pci.writeBar(CONFIG_AT + CONFIG_EVENTS_CLEAR_OFFSET + 1, 2, 0xffff);
  const afterUpperBytes = pending();
  pci.writeBar(CONFIG_AT + CONFIG_EVENTS_READ_OFFSET, 4, 0);
  const afterWriteOfRead = pending();
  pci.writeBar(CONFIG_AT + CONFIG_EVENTS_CLEAR_OFFSET - 2, 4, 0xffff_0000);

  assertEquals([afterOthers, afterUpperBytes, afterWriteOfRead, pending()], [1, 1, 1, 0]);
});

Deno.test("The configuration reads the same in bytes, in halves and in words, and 0 behind its end", async () => {
  const { pci } = await startMachine({ outputs: new Array(16).fill({ widthPixels: 640, heightPixels: 480 }) });
  const bytes = Array.from({ length: CONFIG_BYTES + 12 }, (_, index) => pci.readBar(CONFIG_AT + index, 1));
  const view = new DataView(Uint8Array.from([...bytes, 0, 0, 0]).buffer);

  for (let offset = 0; offset < CONFIG_BYTES + 8; offset++) {
    assertEquals(pci.readBar(CONFIG_AT + offset, 2), view.getUint16(offset, true));
    assertEquals(pci.readBar(CONFIG_AT + offset, 4), view.getUint32(offset, true));
  }
  assertEquals(bytes.slice(CONFIG_BYTES), new Array(12).fill(0));
});

Deno.test("Reads of any width anywhere in the range give a number of that width", async () => {
  const { pci } = await startMachine();
  for (const bytes of [1, 2, 4]) {
    for (let offset = 0; offset < BAR_BYTES + 8; offset++) {
      const value = pci.readBar(offset, bytes);
      assert(Number.isInteger(value) && value >= 0 && value < 2 ** (bytes * 8), `${value} at ${offset}`);
    }
  }
});

Deno.test("Registers of queues that do not exist read 0 and take nothing", async () => {
  const machine = await makeMachine();
  const { pci } = machine;
  for (const select of [2, 3, 255, 0x7fff, 0xffff]) {
    pci.writeBar(CommonCfg.QueueSelect, 2, select);
    for (let offset = CommonCfg.QueueDescLow; offset < CommonCfg.QueueDeviceHigh + 4; offset += 4) {
      pci.writeBar(offset, 4, 0xffff_ffff);
      assertEquals(pci.readBar(offset, 4), 0);
    }
    pci.writeBar(CommonCfg.QueueEnable, 2, 1);
    assertEquals([pci.readBar(CommonCfg.QueueSize, 2), pci.readBar(CommonCfg.QueueEnable, 2)], [0, 0]);
  }

  assert(recovers(machine));
});

Deno.test("A queue takes only sizes that are powers of two and that it has", async () => {
  const { pci } = await makeMachine();
  for (const size of [0, 3, 5, 255, 257, 512, 0x8000, 0xffff]) {
    pci.writeBar(CommonCfg.QueueSelect, 2, 0);
    pci.writeBar(CommonCfg.QueueSize, 2, size);
    assertEquals(pci.readBar(CommonCfg.QueueSize, 2), 256);
  }
});

Deno.test("Registers of a queue that is enabled cannot be changed until a reset", async () => {
  const { pci, driver } = await startMachine();
  pci.writeBar(CommonCfg.QueueSelect, 2, 0);
  const { descriptors } = driver.queue(0);

  pci.writeBar(CommonCfg.QueueSize, 2, 8);
  pci.writeBar(CommonCfg.QueueDescLow, 4, 0xdead_0000);

  assertEquals(pci.readBar(CommonCfg.QueueSize, 2), 256);
  assertEquals(pci.readBar(CommonCfg.QueueDescLow, 4), descriptors);
});

const refusedFeatures: [what: string, low: number, high: number][] = [
  ["without VERSION_1", 0, 0],
  ["with a feature that was not offered", 1, 1],
  ["with every bit there is", 0xffff_ffff, 0xffff_ffff],
];
for (const [what, low, high] of refusedFeatures) {
  Deno.test(`FEATURES_OK does not stick ${what}, and DRIVER_OK then starts nothing`, async () => {
    const machine = await makeMachine();
    const { transport } = machine.driver;
    transport.writeStatus(DeviceStatus.Acknowledge | DeviceStatus.Driver);
    transport.writeFeatures(0, low);
    transport.writeFeatures(1, high);

    transport.writeStatus(0xff & ~DeviceStatus.DeviceNeedsReset);

    assertEquals(transport.readStatus() & DeviceStatus.FeaturesOk, 0);
    transport.kick(0);
    assertEquals(machine.gpu.counters.commands, 0);
    assert(recovers(machine));
  });
}

Deno.test("Kicks of any queue at any time before DRIVER_OK do nothing", async () => {
  const machine = await makeMachine();
  for (const status of [0, 1, 3, 0xb]) {
    machine.driver.transport.writeStatus(status);
    for (const queue of [0, 1, 2, 3]) machine.driver.transport.kick(queue);
  }

  assertEquals(machine.gpu.counters.commands, 0);
  assert(recovers(machine));
});
