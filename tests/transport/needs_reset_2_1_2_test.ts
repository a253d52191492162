/** A malformed ring: DEVICE_NEEDS_RESET with a configuration interrupt, and recovery by a reset. Virtio 1.4, 2.1.2. */

import { assertEquals } from "@std/assert";
import type { Descriptor } from "../../src/guest/driver_queue.ts";
import { DeviceStatus, InterruptStatus, VIRTQ_AVAIL_IDX } from "../../src/virtio/virtio.gen.ts";
import { GpuQueue } from "../../src/protocol/wire.gen.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { createResource, moveCursor } from "../device/requests.ts";
import { makeMockMachine, READY, startMock } from "./mock_machine.ts";

const readable: Descriptor = { address: 4096, length: 24 };
const writable: Descriptor = { address: 8192, length: 24, isWritable: true };

/** Makes a chain available in the control queue and kicks. */
function kickChain({ driver }: Machine, chain: readonly Descriptor[]): void {
  const queue = driver.queue(GpuQueue.Control);
  queue.push(queue.writeChain(chain));
  driver.transport.kick(GpuQueue.Control);
}

const malformed: [name: string, break_: (machine: Machine) => void][] = [
  ["A writable descriptor before a readable one", (machine) => kickChain(machine, [writable, readable])],
  ["A descriptor of no bytes", (machine) => kickChain(machine, [{ ...readable, length: 0 }])],
  ["A descriptor outside of guest memory", (machine) => kickChain(machine, [{ ...readable, address: 2 ** 40 }])],
  ["A chain that loops", (machine) => {
    const queue = machine.driver.queue(GpuQueue.Control);
    queue.writeDescriptor(queue.descriptors, 0, readable, 1);
    queue.writeDescriptor(queue.descriptors, 1, readable, 0);
    queue.push(0);
    machine.driver.transport.kick(GpuQueue.Control);
  }],
  ["A head that is no descriptor", (machine) => {
    machine.driver.queue(GpuQueue.Control).push(256);
    machine.driver.transport.kick(GpuQueue.Control);
  }],
  ["An available index that jumps by more than the queue's size", (machine) => {
    const { available } = machine.driver.queue(GpuQueue.Control);
    machine.ram.fields(available, 4).setUint16(VIRTQ_AVAIL_IDX, 257, true);
    machine.driver.transport.kick(GpuQueue.Control);
  }],
];

for (const [name, break_] of malformed) {
  Deno.test(`${name} sets DEVICE_NEEDS_RESET with a configuration interrupt, and nothing is used`, async () => {
    const machine = await startMachine();

    break_(machine);

    assertEquals(machine.driver.transport.readStatus(), READY | DeviceStatus.DeviceNeedsReset);
    assertEquals(machine.line, { isAsserted: true, rises: 1 });
    assertEquals(machine.driver.transport.takeInterrupt(), InterruptStatus.Config);
    assertEquals(machine.driver.queue(GpuQueue.Control).pop(), undefined);
  });

  Deno.test(`${name} stops the queue until a reset, after which commands are answered`, async () => {
    const machine = await startMachine();
    break_(machine);
    machine.driver.transport.takeInterrupt();

    kickChain(machine, [readable, writable]);
    assertEquals(machine.gpu.counters.commands, 0);
    assertEquals(machine.line, { isAsserted: false, rises: 1 });

    machine.driver.start();
    assertEquals(machine.driver.transport.readStatus(), READY);
    assertEquals(createResource(machine.driver, 1, 8, 8), "OK_NODATA");
  });
}

Deno.test("Commands before a malformed chain are answered, those behind it are not", async () => {
  const machine = await startMachine();
  const queue = machine.driver.queue(GpuQueue.Control);
  for (const chain of [[readable, writable], [readable], [writable, readable], [readable]]) {
    queue.push(queue.writeChain(chain));
  }

  machine.driver.transport.kick(GpuQueue.Control);

  const used = [queue.pop(), queue.pop(), queue.pop()].map((chain) => chain?.length);
  assertEquals(used, [24, 0, undefined]);
});

Deno.test("A ring that lies outside of guest memory sets DEVICE_NEEDS_RESET at the first kick", async () => {
  const machine = await startMachine();
  const { guest, driver } = machine;
  const [region] = guest.regions;

  guest.setRegions([{ ...region!, guestAddress: 2 ** 33 }]);
  driver.transport.kick(GpuQueue.Control);

  assertEquals(driver.transport.readStatus() & DeviceStatus.DeviceNeedsReset, DeviceStatus.DeviceNeedsReset);
});

Deno.test("A malformed control queue does not keep cursor commands from being answered", async () => {
  const machine = await startMachine();
  kickChain(machine, [writable, readable]);

  assertEquals(moveCursor(machine.driver, 0, 1, 2), "OK_NODATA");
});

Deno.test("needsReset is reported once, however often the device asks", async () => {
  const machine = await makeMockMachine();
  startMock(machine);
  const { events } = machine.device;

  events!.needsReset();
  machine.transport.takeInterrupt();
  events!.needsReset();

  assertEquals(machine.transport.takeInterrupt(), 0);
  assertEquals(machine.line.rises, 1);
});

Deno.test("needsReset can be reported again after a reset", async () => {
  const machine = await makeMockMachine();
  startMock(machine);
  machine.device.events!.needsReset();
  machine.transport.writeStatus(0);

  startMock(machine);
  machine.device.events!.needsReset();

  assertEquals(machine.transport.readStatus(), READY | DeviceStatus.DeviceNeedsReset);
  assertEquals(machine.transport.takeInterrupt(), InterruptStatus.Config);
});

Deno.test("workLeft is deferred once for each queue, and notifies that queue when it runs", async () => {
  const machine = await makeMockMachine();
  startMock(machine);
  const { device, deferred } = machine;
  device.take();

  for (const queue of [0, 1, 0, 1]) device.events!.workLeft(queue);
  const works = deferred.splice(0);
  for (const work of works) work();

  assertEquals(works.length, 2);
  assertEquals(device.take(), ["notify 0", "notify 1"]);
});
