/** RESOURCE_FLUSH. Virtio 1.4, 5.7.6.8. */

import { assertEquals } from "@std/assert";
import { Format } from "../../../src/protocol/wire.gen.ts";
import { startMachine } from "../../support/machine.ts";
import { createBacked, createFilled, createResource, flush, pixel, rect, setScanout, transfer } from "../requests.ts";
import { RecordingDisplay } from "../recording_display.ts";

const output = { widthPixels: 8, heightPixels: 8 };
const whole = rect(0, 0, 8, 8);

for (const id of [0, 1, 0xffffffff]) {
  Deno.test(`RESOURCE_FLUSH answers ERR_INVALID_RESOURCE_ID when resource ${id} does not exist`, async () => {
    const { driver } = await startMachine();

    assertEquals(flush(driver, id, rect(0, 0, 0, 0)), "ERR_INVALID_RESOURCE_ID");
  });
}

const outside = [
  rect(1, 0, 8, 8),
  rect(0, 1, 8, 8),
  rect(8, 8, 1, 1),
  rect(0xffffffff, 0, 2, 1),
  rect(0, 0xffffffff, 1, 2),
  rect(0, 0, 0xffffffff, 0xffffffff),
];

for (const where of outside) {
  Deno.test(`RESOURCE_FLUSH answers ERR_INVALID_PARAMETER for ${JSON.stringify(where)} of 8x8`, async () => {
    const { driver, display } = await startMachine();
    createResource(driver, 1, 8, 8);
    setScanout(driver, 0, 1, whole);

    assertEquals(flush(driver, 1, where), "ERR_INVALID_PARAMETER");
    assertEquals(display.frames, 0);
  });
}

for (const where of [rect(0, 0, 0, 0), rect(8, 0, 0, 8), rect(2, 8, 3, 0)]) {
  Deno.test(`RESOURCE_FLUSH of no pixels, ${JSON.stringify(where)}, answers OK_NODATA and shows nothing`, async () => {
    const { driver, display } = await startMachine();
    createResource(driver, 1, 8, 8);
    setScanout(driver, 0, 1, whole);

    assertEquals(flush(driver, 1, where), "OK_NODATA");
    assertEquals(display.frames, 0);
  });
}

Deno.test("RESOURCE_FLUSH of a resource on no scanout answers OK_NODATA", async () => {
  const { driver, display } = await startMachine();
  createResource(driver, 1, 8, 8);

  assertEquals(flush(driver, 1, whole), "OK_NODATA");
  assertEquals(display.frames, 0);
});

Deno.test("RESOURCE_FLUSH damages the part of each scanout that shows the rectangle, in that scanout's pixels", async () => {
  const display = new RecordingDisplay();
  const { driver } = await startMachine({ display, outputs: [output, output, output, output] });
  createResource(driver, 1, 8, 8);
  setScanout(driver, 0, 1, whole);
  setScanout(driver, 1, 1, rect(4, 4, 4, 4));
  setScanout(driver, 2, 1, rect(0, 0, 3, 3));
  flush(driver, 1, whole);
  display.take();

  assertEquals(flush(driver, 1, rect(3, 2, 3, 4)), "OK_NODATA");

  assertEquals(display.take(), ["show 0: 3,2 3x4 of 8x8", "show 1: 0,0 2x2 of 4x4"]);
});

Deno.test("RESOURCE_FLUSH updates the rectangle on the display and nothing around it", async () => {
  const machine = await startMachine();
  const { driver, display } = machine;
  const address = createFilled(machine, 1, 8, 8, () => pixel(1));
  setScanout(driver, 0, 1, whole);
  flush(driver, 1, whole);
  machine.ram.words(address, 64).fill(pixel(2));
  transfer(driver, 1, whole, 0);

  flush(driver, 1, rect(2, 3, 4, 1));

  const expected = new Array(64).fill(pixel(1)).fill(pixel(2), 26, 30);
  assertEquals([...new Uint32Array(display.picture(0)!.rgba.buffer)], expected);
});

Deno.test("RESOURCE_FLUSH shows each resource on its own scanout alone", async () => {
  const display = new RecordingDisplay();
  const { driver } = await startMachine({ display, outputs: [output, output] });
  createResource(driver, 1, 8, 8);
  createResource(driver, 2, 8, 8);
  setScanout(driver, 0, 1, whole);
  setScanout(driver, 1, 2, whole);
  display.take();

  flush(driver, 2, whole);

  assertEquals(display.take(), ["show 1: 0,0 8x8 of 8x8"]);
});

// The same pixel in each format: red 10, green 20, blue 30; the fourth byte, alpha or unused, is 40.
const formats: [name: keyof typeof Format, bytes: number[]][] = [
  ["B8G8R8A8Unorm", [30, 20, 10, 40]],
  ["B8G8R8X8Unorm", [30, 20, 10, 40]],
  ["A8R8G8B8Unorm", [40, 10, 20, 30]],
  ["X8R8G8B8Unorm", [40, 10, 20, 30]],
  ["R8G8B8A8Unorm", [10, 20, 30, 40]],
  ["X8B8G8R8Unorm", [40, 30, 20, 10]],
  ["A8B8G8R8Unorm", [40, 30, 20, 10]],
  ["R8G8B8X8Unorm", [10, 20, 30, 40]],
];

for (const [name, bytes] of formats) {
  Deno.test(`RESOURCE_FLUSH shows pixels of ${name} with their red, green and blue, opaque`, async () => {
    const machine = await startMachine();
    const { driver, ram, display } = machine;
    const address = createBacked(machine, 1, 5, 3, Format[name]);
    for (let index = 0; index < 15; index++) ram.bytes(address + index * 4, 4).set(bytes);
    transfer(driver, 1, rect(0, 0, 5, 3), 0);

    setScanout(driver, 0, 1, rect(0, 0, 5, 3));
    flush(driver, 1, rect(0, 0, 5, 3));

    const expected = new Uint8Array(60).map((_, index) => [10, 20, 30, 255][index % 4]!);
    assertEquals(display.picture(0), { widthPixels: 5, heightPixels: 3, rgba: expected });
  });
}
