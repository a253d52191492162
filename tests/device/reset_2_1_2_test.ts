/** A reset forgets everything of the guest. Virtio 1.4, 2.1.2 and 2.4. */

import { assertEquals } from "@std/assert";
import { Format } from "../../src/protocol/wire.gen.ts";
import { type Machine, makeMachine, startMachine } from "../support/machine.ts";
import {
  createBacked,
  createFilled,
  createResource,
  flush,
  pixel,
  rect,
  setScanout,
  updateCursor,
} from "./requests.ts";
import { RecordingDisplay } from "./recording_display.ts";

/** Does what a session does: resources with backing, scanouts, a cursor. */
function draw(machine: Machine): void {
  for (let id = 1; id <= 20; id++) createFilled(machine, id, 64, 64, () => pixel(id), Format.R8G8B8A8Unorm);
  setScanout(machine.driver, 0, 1, rect(0, 0, 64, 64));
  flush(machine.driver, 1, rect(0, 0, 64, 64));
  updateCursor(machine.driver, 2);
}

const resets: [name: string, reset: (machine: Machine) => void][] = [
  ["A device status of 0", ({ driver }) => driver.transport.writeStatus(0)],
  ["VirtioPci.reset", ({ pci }) => pci.reset()],
];

for (const [name, reset] of resets) {
  Deno.test(`${name} gives all host memory of the guest's back`, async () => {
    const machine = await makeMachine();
    const usedBytes = machine.heap.usedBytes;
    machine.driver.start();
    draw(machine);

    reset(machine);

    assertEquals(machine.heap.usedBytes, usedBytes);
  });

  Deno.test(`${name} disables the scanouts and hides the cursors`, async () => {
    const machine = await startMachine();
    draw(machine);

    reset(machine);

    assertEquals(machine.display.picture(0), undefined);
    assertEquals(machine.display.cursor(0), undefined);
  });

  Deno.test(`${name} frees every id and the whole limit`, async () => {
    const machine = await startMachine({ limits: { hostMemoryBytes: 21 * (64 * 64 * 4 + 100), resources: 20 } });
    draw(machine);

    reset(machine);
    machine.driver.start();
    machine.errors.length = 0;
    draw(machine);

    assertEquals(machine.errors, []);
    assertEquals(machine.display.picture(0)!.rgba[0], 1);
  });

  Deno.test(`${name} stops the queues: a kick without a new start does nothing`, async () => {
    const machine = await startMachine();
    const queue = machine.driver.queue(0);

    reset(machine);
    queue.push(queue.writeChain([{ address: 4096, length: 24 }]));
    machine.driver.transport.kick(0);

    assertEquals(queue.pop(), undefined);
    assertEquals(machine.gpu.counters.commands, 0);
  });
}

Deno.test("A reset disables each scanout once, and tells the display nothing twice", async () => {
  const display = new RecordingDisplay();
  const { driver, pci } = await startMachine({
    display,
    outputs: new Array(2).fill({ widthPixels: 8, heightPixels: 8 }),
  });
  createResource(driver, 1, 8, 8);
  setScanout(driver, 1, 1, rect(0, 0, 8, 8));
  display.take();

  pci.reset();

  assertEquals(display.take().toSorted(), ["cursor 0: hidden", "cursor 1: hidden", "disable 1"]);
});

Deno.test("A hundred sessions, each ended without RESOURCE_UNREF, take no more memory than one", async () => {
  const machine = await startMachine({ ramBytes: 64 * 1024 * 1024 });
  createBacked(machine, 1, 512, 512);
  machine.driver.start();
  const memoryBytes = machine.memory.buffer.byteLength;

  for (let session = 0; session < 100; session++) {
    createResource(machine.driver, 1, 512, 512);
    machine.driver.start();
  }

  assertEquals(machine.memory.buffer.byteLength, memoryBytes);
});
