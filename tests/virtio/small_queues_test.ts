/** A driver may make its queues smaller than the device allows. Virtio 1.4, 4.1.5.1.3. */

import { assertEquals } from "@std/assert";
import { GpuQueue } from "../../src/protocol/wire.gen.ts";
import { makeMachine } from "../support/machine.ts";
import { createFilled, createResource, moveCursor, pixel, shownPixels } from "../device/requests.ts";

for (const size of [2, 4, 16, 128]) {
  Deno.test(`Commands are answered over queues of ${size} descriptors`, async () => {
    const machine = await makeMachine();
    machine.driver.start(undefined, size);

    createFilled(machine, 1, 4, 4, pixel);

    assertEquals(machine.driver.queue(GpuQueue.Control).size, size);
    assertEquals(shownPixels(machine, 1, 4, 4), Array.from({ length: 16 }, (_, index) => pixel(index)));
    assertEquals(moveCursor(machine.driver, 0, 1, 2), "OK_NODATA");
  });
}

Deno.test("Commands are answered beyond the wrap of both queues' 16-bit indices", async () => {
  const machine = await makeMachine();
  machine.driver.start();
  createResource(machine.driver, 1, 8, 8);

  let answered = 0;
  for (let count = 0; count < 65600; count++) {
    answered += moveCursor(machine.driver, 0, count, 0) === "OK_NODATA" ? 1 : 0;
    answered += createResource(machine.driver, 1, 8, 8) === "ERR_INVALID_RESOURCE_ID" ? 1 : 0;
    machine.errors.length = 0;
  }

  assertEquals(answered, 2 * 65600);
});
