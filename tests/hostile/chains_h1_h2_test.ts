/** H1 and H2: rings and chains that no driver makes, and addresses that are nobody's. */

import { assert, assertEquals } from "@std/assert";
import { DeviceStatus, InterruptStatus, VirtioFeature } from "../../src/virtio/virtio.gen.ts";
import { featureSet } from "../../src/virtio/virtio_device.ts";
import { GpuQueue } from "../../src/protocol/wire.gen.ts";
import { firstDifference } from "../support/fuzz/first_difference.ts";
import { startDevice } from "../support/fuzz/start_device.ts";
import { type Machine, makeMachine, startMachine } from "../support/machine.ts";
import {
  copyOf,
  INDIRECT,
  kickRaw,
  needsReset,
  NEXT,
  raw,
  type RawDescriptor,
  recovers,
  takeConfigInterrupt,
  WRITE,
  writeTable,
} from "./raw_chain.ts";

const RAM_BYTES = 8 * 1024 * 1024;
const BUFFER = 0x10_0000; // RAM that nobody else uses
const TABLE = 0x11_0000;
const good = raw(BUFFER, 24, NEXT, 1);
const reply = raw(BUFFER + 64, 24, WRITE);
const loop = Array.from({ length: 256 }, (_, index) => raw(BUFFER, 24, NEXT, (index + 1) % 256));
const toTable = (entries: number, flags = INDIRECT) => raw(TABLE, entries * 16, flags, 1);
const huge = (flags: number) =>
  Array.from({ length: 513 }, (_, index) => raw(0, RAM_BYTES, index < 512 ? flags | NEXT : flags, index + 1));

/** What is wrong, the control queue's table, and the indirect table behind it. */
const malformed: [what: string, direct: RawDescriptor[], indirect?: RawDescriptor[]][] = [
  ["a chain that loops over all descriptors", loop],
  ["a descriptor that is its own next", [raw(BUFFER, 24, NEXT, 0)]],
  ["a next outside the table", [raw(BUFFER, 24, NEXT, 256)]],
  ["a descriptor of no bytes", [good, raw(BUFFER + 64, 0, WRITE)]],
  ["a readable descriptor behind a writable one", [raw(BUFFER, 24, WRITE | NEXT, 1), raw(BUFFER, 24)]],
  ["an indirect table in an indirect table", [toTable(1)], [toTable(1)]],
  ["an indirect descriptor with a next", [toTable(1, INDIRECT | NEXT), reply], [raw(BUFFER, 24)]],
  ["an indirect table of no descriptors", [toTable(0)]],
  ["an indirect table that ends in a descriptor's middle", [toTable(1.5)], [good, reply]],
  ["an indirect table of 1025 descriptors", [toTable(1025)], [raw(BUFFER, 24)]],
  ["an indirect table of 2^28 descriptors", [raw(TABLE, 0xfffffff0, INDIRECT)]],
  ["a loop in an indirect table", [toTable(2)], [good, raw(BUFFER, 24, NEXT, 0)]],
  ["a next outside an indirect table", [toTable(2)], [raw(BUFFER, 24, NEXT, 2), reply, reply]],
  ["more than 4 GiB to read", [toTable(513)], huge(0)],
  ["more than 4 GiB to write", [toTable(513)], huge(WRITE)],
  ["a buffer behind the end of RAM", [good, raw(RAM_BYTES, 24, WRITE)]],
  ["a buffer that ends behind the end of RAM", [good, raw(RAM_BYTES - 23, 24, WRITE)]],
  ["a request behind the end of RAM", [raw(RAM_BYTES, 24, NEXT, 1), reply]],
  ["a buffer of 4 GiB - 1", [good, raw(BUFFER, 0xffffffff, WRITE)]],
  ["a buffer whose address wraps in 64 bits", [good, raw(-16n, 32, WRITE)]],
  ["a buffer whose end is 2^64", [good, raw(-24n, 24, WRITE)]],
  ["a buffer whose address is RAM's in its lower 32 bits alone", [good, raw(2 ** 32 + BUFFER, 24, WRITE)]],
  ["a buffer at 2^53", [good, raw(2 ** 53, 24, WRITE)]],
  ["a buffer where a machine has its devices", [good, raw(0xfe00_0050, 24, WRITE)]],
  ["an indirect table behind the end of RAM", [raw(RAM_BYTES, 32, INDIRECT)]],
  ["an indirect table that ends behind the end of RAM", [raw(RAM_BYTES - 16, 32, INDIRECT)]],
  ["an indirect table whose address wraps", [raw(-16n, 32, INDIRECT)]],
];

/** A queue of 256 descriptors, with RAM behind them that belongs to nobody. */
const RINGS = { descriptors: 0x12_0000, available: 0x13_0000, used: 0x14_0000 };

/** Starts the device with its control queue there. */
function startWith({ pci }: Machine, { descriptors, available, used }: typeof RINGS): void {
  pci.reset();
  startDevice(pci, featureSet(VirtioFeature.Version1), [{ index: 0, size: 256, descriptors, available, used }]);
}

for (const isShared of [false, true]) {
  for (const [what, direct, indirect = []] of malformed) {
    const name = `${what} sets DEVICE_NEEDS_RESET and writes nothing (${isShared ? "shared" : "unshared"} memory)`;
    Deno.test(name[0]!.toUpperCase() + name.slice(1), async () => {
      const machine = await startMachine({ isShared, ramBytes: RAM_BYTES });
      const { driver, ram } = machine;
      writeTable(ram, TABLE, indirect);
      const queue = driver.queue(GpuQueue.Control);
      writeTable(ram, queue.descriptors, direct);
      queue.push(0);
      const before = copyOf(ram, RAM_BYTES);

      driver.transport.kick(GpuQueue.Control);

      assert(needsReset(machine));
      assert(takeConfigInterrupt(machine));
      assertEquals(firstDifference(copyOf(ram, RAM_BYTES), before), -1);
      assertEquals(machine.gpu.counters.commands, 0);
      assert(recovers(machine));
    });
  }
}

const outside: [what: string, heads: number[], descriptors: RawDescriptor[]][] = [
  ["A head", [256, 257, 0xffff], []],
  ["A next", [0], [raw(BUFFER, 24, NEXT, 256)]],
];
for (const [what, heads, descriptors] of outside) {
  Deno.test(`${what} outside the table sets DEVICE_NEEDS_RESET, though a good descriptor lies there`, async () => {
    const machine = await startMachine({ ramBytes: RAM_BYTES });
    const { driver, ram } = machine;
    for (const head of heads) {
      startWith(machine, RINGS);
      ram.bytes(RINGS.available, 4096).fill(0);
      writeTable(ram, RINGS.descriptors, descriptors);
      writeTable(ram, RINGS.descriptors + 256 * 16, [reply, reply]);
      const available = ram.fields(RINGS.available, 8);
      available.setUint16(4, head, true);
      available.setUint16(2, 1, true);

      driver.transport.kick(GpuQueue.Control);

      assert(needsReset(machine), `head ${head}`);
      assertEquals(ram.fields(RINGS.used, 4).getUint16(2, true), 0);
    }
    assert(recovers(machine));
  });
}

for (const index of [257, 258, 0x8000, 0xffff]) {
  Deno.test(`An available index of ${index} in a queue of 256 sets DEVICE_NEEDS_RESET, though every head is good`, async () => {
    const machine = await startMachine({ ramBytes: RAM_BYTES });
    const { driver, ram, gpu } = machine;
    const { descriptors, available } = driver.queue(GpuQueue.Control);
    writeTable(ram, descriptors, [good, reply]); // all heads are 0
    ram.fields(available, 4).setUint16(2, index, true);

    driver.transport.kick(GpuQueue.Control);

    assert(needsReset(machine));
    assertEquals(gpu.counters.commands, 0);
    assert(recovers(machine));
  });
}

Deno.test("An indirect descriptor sets DEVICE_NEEDS_RESET when INDIRECT_DESC was not negotiated", async () => {
  const machine = await makeMachine({ ramBytes: RAM_BYTES });
  machine.driver.start([~(1 << VirtioFeature.IndirectDesc) >>> 0, 0xffffffff]);
  writeTable(machine.ram, TABLE, [good, reply]);

  kickRaw(machine, [toTable(2)]);

  assert(needsReset(machine));
});

Deno.test("An indirect table of 1024 descriptors is walked, whatever the queue's size", async () => {
  const machine = await startMachine({ ramBytes: RAM_BYTES });
  const entries = Array.from({ length: 1024 }, (_, index) => raw(BUFFER + index, 1, NEXT, index + 1));
  entries[1023] = raw(BUFFER + 4096, 24, WRITE);
  writeTable(machine.ram, TABLE, entries);

  const queue = kickRaw(machine, [toTable(1024)]);

  assertEquals(queue.pop(), { head: 0, length: 24 });
});

Deno.test("Chains completed before a malformed one are signalled with it", async () => {
  const machine = await startMachine({ ramBytes: RAM_BYTES });
  const { driver, ram } = machine;
  const queue = driver.queue(GpuQueue.Control);
  writeTable(ram, queue.descriptors, [good, reply, raw(BUFFER, 0)]);
  queue.push(0);
  queue.push(2);

  driver.transport.kick(GpuQueue.Control);

  assertEquals(queue.pop(), { head: 0, length: 24 });
  assertEquals(driver.transport.takeInterrupt(), InterruptStatus.Queue | InterruptStatus.Config);
});

Deno.test("A broken queue stands still and is reported once, however often it is kicked", async () => {
  const machine = await startMachine({ ramBytes: RAM_BYTES });
  const { driver, line } = machine;
  const queue = kickRaw(machine, [raw(BUFFER, 0)]);
  driver.transport.takeInterrupt();
  writeTable(machine.ram, queue.descriptors, [good, reply]);
  const risesBefore = line.rises;

  for (let kicks = 0; kicks < 3; kicks++) {
    queue.push(0);
    driver.transport.kick(GpuQueue.Control);
  }

  assertEquals(queue.pop(), undefined);
  assertEquals(line.rises, risesBefore);
});

Deno.test("A driver cannot clear DEVICE_NEEDS_RESET but by a reset", async () => {
  const machine = await startMachine({ ramBytes: RAM_BYTES });
  kickRaw(machine, [raw(BUFFER, 0)]);

  machine.driver.transport.writeStatus(DeviceStatus.Acknowledge);

  assert(needsReset(machine));
});

const badRings: [what: string, where: Partial<typeof RINGS>][] = [
  ["descriptors behind the end of RAM", { descriptors: RAM_BYTES }],
  ["descriptors that end behind the end of RAM", { descriptors: RAM_BYTES - 16 }],
  ["descriptors at an odd address", { descriptors: BUFFER + 8 }],
  ["descriptors at the end of 64 bits", { descriptors: 2 ** 64 - 4096 }],
  ["an available ring behind the end of RAM", { available: RAM_BYTES }],
  ["an available ring that ends behind the end of RAM", { available: RAM_BYTES - 8 }],
  ["an available ring at an odd address", { available: BUFFER + 1 }],
  ["a used ring behind the end of RAM", { used: RAM_BYTES }],
  ["a used ring that ends behind the end of RAM", { used: RAM_BYTES - 8 }],
  ["a used ring at an odd address", { used: BUFFER + 2 }],
  ["a used ring at 4 GiB above RAM", { used: 2 ** 32 + BUFFER }],
];
for (const [what, where] of badRings) {
  Deno.test(`A queue with ${what} sets DEVICE_NEEDS_RESET at its first kick`, async () => {
    const machine = await makeMachine({ ramBytes: RAM_BYTES });
    startWith(machine, { ...RINGS, ...where });

    machine.driver.transport.kick(GpuQueue.Control);

    assert(needsReset(machine));
    assert(recovers(machine));
  });
}
