/** Interrupts over INTx and the ISR status. Virtio 1.4, 4.1.4.5 and 2.3. */

import { assertEquals } from "@std/assert";
import { InterruptStatus, VirtioFeature } from "../../src/virtio/virtio.gen.ts";
import { makeMachine, startMachine } from "../support/machine.ts";
import { createResource } from "../device/requests.ts";
import { makeMockMachine, startMock } from "./mock_machine.ts";

const ISR = 0x50;

Deno.test("A used buffer asserts the line, and reading the ISR status says so, clears it and lowers the line", async () => {
  const { driver, line } = await startMachine();

  createResource(driver, 1, 8, 8);

  assertEquals(line, { isAsserted: true, rises: 1 });
  assertEquals(driver.transport.takeInterrupt(), InterruptStatus.Queue);
  assertEquals(line.isAsserted, false);
  assertEquals(driver.transport.takeInterrupt(), 0);
});

for (
  const [name, accepted, rises] of [["With", 0xffffffff, 0], ["Without", ~(1 << VirtioFeature.EventIdx), 1]] as const
) {
  Deno.test(`${name} EVENT_IDX negotiated, a used buffer before used_event gives ${rises} interrupts`, async () => {
    const { driver, line } = await makeMachine();
    driver.start([accepted, 0xffffffff]);
    driver.queue(0).requestInterrupt(5);

    createResource(driver, 1, 8, 8);

    assertEquals(line.rises, rises);
  });
}

Deno.test("A change of the configuration asserts the line with the configuration bit", async () => {
  const machine = await makeMockMachine();
  startMock(machine);

  machine.device.events!.configChanged();

  assertEquals(machine.line.isAsserted, true);
  assertEquals(machine.transport.takeInterrupt(), InterruptStatus.Config);
  assertEquals(machine.line.isAsserted, false);
});

Deno.test("The line rises once for several causes, and the ISR status names all of them", async () => {
  const { driver, line } = await startMachine();
  const { transport } = driver;

  createResource(driver, 1, 8, 8);
  driver.queue(0).requestInterrupt(1);
  createResource(driver, 2, 8, 8);

  assertEquals(line.rises, 1);
  assertEquals(transport.takeInterrupt(), InterruptStatus.Queue);
  assertEquals(line.isAsserted, false);
});

Deno.test("The ISR status reads queue and configuration together", async () => {
  const machine = await startMachine();
  createResource(machine.driver, 1, 8, 8);
  const queue = machine.driver.queue(0);

  queue.push(0xffff); // no such descriptor: the device needs a reset
  machine.driver.transport.kick(0);

  assertEquals(machine.driver.transport.takeInterrupt(), InterruptStatus.Queue | InterruptStatus.Config);
  assertEquals(machine.line, { isAsserted: false, rises: 1 });
});

Deno.test("A change of the configuration before DRIVER_OK interrupts nobody", async () => {
  const machine = await makeMockMachine();
  startMock(machine);
  const events = machine.device.events!;
  machine.transport.writeStatus(0);

  events.configChanged();

  assertEquals(machine.line.isAsserted, false);
  assertEquals(machine.transport.takeInterrupt(), 0);
});

for (const bytes of [1, 2, 4]) {
  Deno.test(`A read of ${bytes} bytes takes the ISR status`, async () => {
    const machine = await makeMockMachine();
    startMock(machine);
    machine.device.events!.configChanged();

    assertEquals(machine.pci.readBar(ISR, bytes), InterruptStatus.Config);
    assertEquals(machine.line.isAsserted, false);
  });
}

for (const offset of [ISR - 1, ISR + 1, ISR + 2, ISR + 3]) {
  Deno.test(`A read of the byte at 0x${offset.toString(16)}, beside the ISR status, does not clear it`, async () => {
    const machine = await makeMockMachine();
    startMock(machine);
    machine.device.events!.configChanged();

    assertEquals(machine.pci.readBar(offset, 1), 0);
    assertEquals(machine.line.isAsserted, true);
  });
}

Deno.test("The ISR status ignores what is written to it", async () => {
  const machine = await makeMockMachine();
  startMock(machine);
  machine.device.events!.configChanged();

  machine.pci.writeBar(ISR, 1, 0xff);

  assertEquals(machine.transport.takeInterrupt(), InterruptStatus.Config);
});
