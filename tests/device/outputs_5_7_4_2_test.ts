/** Outputs that change while the guest runs. Virtio 1.4, 5.7.4.2 (EVENT_DISPLAY). */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  CONFIG_EVENTS_CLEAR_OFFSET,
  CONFIG_EVENTS_READ_OFFSET,
  readRespDisplayInfo,
  writeGetDisplayInfo,
  writeGetEdid,
} from "../../src/protocol/wire.gen.ts";
import type { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { makeMachine, startMachine } from "../support/machine.ts";

const CONFIG_INTERRUPT = 2;

function modes(driver: GpuDriver): [x: number, width: number, height: number, enabled: number][] {
  const { words } = driver.send(writeGetDisplayInfo, {}, { replyBytes: 408 });
  return readRespDisplayInfo(words, 0).pmodes.slice(0, 2).map(({ rect, enabled }) => [
    rect.x,
    rect.width,
    rect.height,
    enabled,
  ]);
}

/** The preferred mode of an output's EDID: the active pixels of the first detailed timing. */
function edidMode(driver: GpuDriver, scanout: number): [number, number] {
  const { words } = driver.send(writeGetEdid, { scanout }, { replyBytes: 1056 });
  const edid = new Uint8Array(words.buffer, words.byteOffset + 32);
  return [edid[56]! | (edid[58]! & 0xf0) << 4, edid[59]! | (edid[61]! & 0xf0) << 4];
}

const two = [{ widthPixels: 1024, heightPixels: 768 }, { widthPixels: 800, heightPixels: 600 }];

Deno.test("setOutput raises EVENT_DISPLAY with a configuration interrupt and another generation", async () => {
  const { driver, gpu, line } = await startMachine({ outputs: two });
  const generation = driver.transport.readConfigGeneration();

  gpu.setOutput(1, { widthPixels: 1280, heightPixels: 720 });

  assert(line.isAsserted);
  assertEquals(driver.transport.takeInterrupt() & CONFIG_INTERRUPT, CONFIG_INTERRUPT);
  assertEquals(driver.transport.readConfig(CONFIG_EVENTS_READ_OFFSET, 4), 1);
  assert(driver.transport.readConfigGeneration() !== generation);
});

Deno.test("EVENT_DISPLAY stays until the driver clears it", async () => {
  const { driver, gpu } = await startMachine();
  gpu.setOutput(0, { widthPixels: 640, heightPixels: 480 });

  driver.transport.writeConfig(CONFIG_EVENTS_CLEAR_OFFSET, 4, 0);
  assertEquals(driver.transport.readConfig(CONFIG_EVENTS_READ_OFFSET, 4), 1);
  driver.transport.writeConfig(CONFIG_EVENTS_CLEAR_OFFSET, 4, 1);
  assertEquals(driver.transport.readConfig(CONFIG_EVENTS_READ_OFFSET, 4), 0);
});

Deno.test("setOutput resizes: GET_DISPLAY_INFO and GET_EDID follow, and what is right of it moves", async () => {
  const { driver, gpu } = await startMachine({ outputs: two });
  assertEquals(modes(driver), [[0, 1024, 768, 1], [1024, 800, 600, 1]]);

  gpu.setOutput(0, { widthPixels: 1920, heightPixels: 1080 });

  assertEquals(modes(driver), [[0, 1920, 1080, 1], [1920, 800, 600, 1]]);
  assertEquals(edidMode(driver, 0), [1920, 1080]);
  assertEquals(edidMode(driver, 1), [800, 600]);
});

Deno.test("setOutput unplugs and plugs, and keeps the size", async () => {
  const { driver, gpu } = await startMachine({ outputs: two });

  gpu.setOutput(0, { isEnabled: false });
  assertEquals(modes(driver), [[0, 1024, 768, 0], [0, 800, 600, 1]]);
  gpu.setOutput(0, { isEnabled: true });
  assertEquals(modes(driver), [[0, 1024, 768, 1], [1024, 800, 600, 1]]);
});

Deno.test("setOutput leaves a place that was given alone", async () => {
  const { driver, gpu } = await startMachine({ outputs: [two[0]!, { ...two[1]!, x: 5000 }] });
  gpu.setOutput(0, { widthPixels: 1920 });
  assertEquals(modes(driver)[1]![0], 5000);
});

Deno.test("setOutput before the driver is there interrupts nobody, and the driver finds the new size", async () => {
  const { driver, gpu, line } = await makeMachine();
  gpu.setOutput(0, { widthPixels: 640, heightPixels: 480 });
  assertEquals(line.rises, 0);
  driver.start();
  assertEquals(modes(driver)[0], [0, 640, 480, 1]);
});

Deno.test("setOutput throws RangeError for an output that does not exist and for a size out of range, and changes nothing", async () => {
  const { driver, gpu } = await startMachine();
  assertThrows(() => gpu.setOutput(1, { widthPixels: 640 }), RangeError, "Cannot change output 1");
  assertThrows(() => gpu.setOutput(0, { widthPixels: 0 }), RangeError, "its size must be 1 to 16384");
  assertThrows(() => gpu.setOutput(0, { heightPixels: 16385 }), RangeError);
  assertThrows(() => gpu.setOutput(0, { widthPixels: 1.5 }), RangeError);
  assertEquals(modes(driver)[0], [0, 1024, 768, 1]);
  assertEquals(driver.transport.readConfig(CONFIG_EVENTS_READ_OFFSET, 4), 0);
});
