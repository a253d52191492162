/** What a device counts. */

import { assertEquals } from "@std/assert";
import { startMachine } from "../support/machine.ts";
import { createResource, unref } from "./requests.ts";

Deno.test("counters count commands, errors among them", async () => {
  const { driver, gpu } = await startMachine();

  createResource(driver, 1, 8, 8);
  unref(driver, 1);
  unref(driver, 1);

  assertEquals([gpu.counters.commands, gpu.counters.errors], [3, 1]);
});

Deno.test("counters go on over a reset", async () => {
  const { driver, gpu } = await startMachine();
  createResource(driver, 1, 8, 8);

  driver.start();
  createResource(driver, 1, 8, 8);

  assertEquals([gpu.counters.commands, gpu.counters.errors], [2, 0]);
});
