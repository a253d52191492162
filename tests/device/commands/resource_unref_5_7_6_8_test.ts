/** RESOURCE_UNREF. Virtio 1.4, 5.7.6.8. */

import { assertEquals } from "@std/assert";
import { startMachine } from "../../support/machine.ts";
import {
  createBacked,
  createFilled,
  createResource,
  flush,
  pixel,
  rect,
  setScanout,
  shownPixels,
  unref,
} from "../requests.ts";

const whole = rect(0, 0, 8, 8);

for (const id of [0, 1, 0xffffffff]) {
  Deno.test(`RESOURCE_UNREF answers ERR_INVALID_RESOURCE_ID for id ${id}, which no resource has`, async () => {
    const { driver } = await startMachine();

    assertEquals(unref(driver, id), "ERR_INVALID_RESOURCE_ID");
  });
}

Deno.test("RESOURCE_UNREF answers ERR_INVALID_RESOURCE_ID the second time", async () => {
  const { driver } = await startMachine();
  createResource(driver, 1, 8, 8);

  assertEquals(unref(driver, 1), "OK_NODATA");
  assertEquals(unref(driver, 1), "ERR_INVALID_RESOURCE_ID");
});

Deno.test("RESOURCE_UNREF gives the memory of the pixels and of the page list back", async () => {
  const machine = await startMachine();
  const usedBytes = machine.heap.usedBytes;
  createBacked(machine, 1, 64, 64);

  unref(machine.driver, 1);

  assertEquals(machine.heap.usedBytes, usedBytes);
});

Deno.test("RESOURCE_UNREF disables every scanout that shows the resource, and no other", async () => {
  const output = { widthPixels: 8, heightPixels: 8 };
  const machine = await startMachine({ outputs: [output, output, output] });
  const { driver, display } = machine;
  createFilled(machine, 1, 8, 8, () => pixel(1));
  createFilled(machine, 2, 8, 8, () => pixel(2));
  setScanout(driver, 0, 1, whole);
  setScanout(driver, 1, 2, whole);
  setScanout(driver, 2, 1, whole);
  flush(driver, 1, whole);
  flush(driver, 2, whole);

  assertEquals(unref(driver, 1), "OK_NODATA");

  assertEquals([0, 1, 2].map((scanout) => display.picture(scanout) !== undefined), [false, true, false]);
});

Deno.test("RESOURCE_UNREF frees the id, and a new resource with it is not shown where the old one was", async () => {
  const machine = await startMachine();
  const { driver, display } = machine;
  createFilled(machine, 1, 8, 8, () => pixel(1));
  setScanout(driver, 0, 1, whole);
  unref(driver, 1);

  createFilled(machine, 1, 8, 8, () => pixel(2));
  flush(driver, 1, whole);

  assertEquals(display.picture(0), undefined);
  assertEquals(shownPixels(machine, 1, 8, 8), new Array(64).fill(pixel(2)));
});
