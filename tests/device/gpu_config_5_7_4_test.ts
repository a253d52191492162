/** The device's configuration space. Virtio 1.4, 5.7.4. */

import { assertEquals } from "@std/assert";
import { GpuConfig } from "../../src/device/gpu_config.ts";
import { makeMachine, startMachine } from "../support/machine.ts";
import { RecordingRenderer } from "../support/recording_renderer.ts";

const EVENTS_READ = 0;
const EVENTS_CLEAR = 4;
const NUM_SCANOUTS = 8;
const NUM_CAPSETS = 12;

/** A configuration space with these bits set in `events_read`. */
function withEvents(events: number): GpuConfig {
  const config = new GpuConfig(1, 0);
  new DataView(config.bytes.buffer).setUint32(EVENTS_READ, events, true);
  return config;
}

function fieldOf(config: GpuConfig, offset: number): number {
  return new DataView(config.bytes.buffer).getUint32(offset, true);
}

for (const count of [1, 2, 16]) {
  Deno.test(`num_scanouts is ${count} for ${count} outputs, and num_capsets 0`, async () => {
    const outputs = Array.from({ length: count }, () => ({ widthPixels: 640, heightPixels: 480 }));
    const { driver } = await makeMachine({ outputs });

    assertEquals(driver.transport.readConfig(NUM_SCANOUTS, 4), count);
    assertEquals(driver.transport.readConfig(NUM_CAPSETS, 4), 0);
  });
}

for (const count of [1, 2, 63]) {
  Deno.test(`num_capsets is ${count} for a renderer of ${count} capability sets`, async () => {
    const capsets = Array.from({ length: count }, (_, index) => ({ id: index + 1, maxVersion: 1, sizeBytes: 8 }));
    const { driver } = await makeMachine({ renderer: new RecordingRenderer(capsets) });

    assertEquals(driver.transport.readConfig(NUM_CAPSETS, 4), count);
  });
}

Deno.test("The configuration space of a device without BLOB_ALIGNMENT has 16 bytes", async () => {
  const { gpu } = await makeMachine();

  assertEquals(gpu.config.length, 16);
});

Deno.test("No event is pending when the driver starts", async () => {
  const { driver } = await startMachine();

  assertEquals(driver.transport.readConfig(EVENTS_READ, 4), 0);
});

Deno.test("events_clear clears the events that are written as 1, and no others", () => {
  const config = withEvents(0b1011);

  config.write(EVENTS_CLEAR, 4, 0b0110);

  assertEquals(fieldOf(config, EVENTS_READ), 0b1001);
  assertEquals(fieldOf(config, EVENTS_CLEAR), 0);
});

Deno.test("events_clear takes 32 bits at once, the highest included", () => {
  const config = withEvents(0xffffffff);

  config.write(EVENTS_CLEAR, 4, 0x80000001);

  assertEquals(fieldOf(config, EVENTS_READ), 0x7ffffffe);
});

Deno.test("events_clear may be written by parts: each byte clears the events of its place", () => {
  const config = withEvents(0xffffffff);

  config.write(EVENTS_CLEAR + 1, 1, 0x0f);
  config.write(EVENTS_CLEAR + 2, 2, 0x8001);

  assertEquals(fieldOf(config, EVENTS_READ), 0x7ffef0ff);
});

Deno.test("events_clear cleared with 0, as Linux does when nothing is pending, clears nothing", () => {
  const config = withEvents(1);

  config.write(EVENTS_CLEAR, 4, 0);

  assertEquals(fieldOf(config, EVENTS_READ), 1);
});

for (const offset of [EVENTS_READ, NUM_SCANOUTS, NUM_CAPSETS, 16]) {
  Deno.test(`A write of 0xffffffff at offset ${offset} changes nothing`, () => {
    const config = withEvents(0x55555555);
    const before = config.bytes.slice();

    config.write(offset, 4, 0xffffffff);

    assertEquals(config.bytes, before);
  });
}

Deno.test("A write over the edges of events_clear reaches events_clear alone", () => {
  const config = withEvents(0xffffffff);

  config.write(EVENTS_CLEAR - 2, 4, 0x00010001);
  config.write(EVENTS_CLEAR + 3, 4, 0x00000180);

  assertEquals(fieldOf(config, EVENTS_READ), 0x7ffffffe);
  assertEquals(fieldOf(config, NUM_SCANOUTS), 1);
});

Deno.test("GpuConfig.reset forgets pending events and keeps num_scanouts", () => {
  const config = withEvents(3);

  config.reset();

  assertEquals(fieldOf(config, EVENTS_READ), 0);
  assertEquals(fieldOf(config, NUM_SCANOUTS), 1);
});
