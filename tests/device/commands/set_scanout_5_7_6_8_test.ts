/** SET_SCANOUT. Virtio 1.4, 5.7.6.8. */

import { assertEquals } from "@std/assert";
import { type Machine, startMachine } from "../../support/machine.ts";
import { createFilled, createResource, flush, pictureWords, pixel, rect, setScanout } from "../requests.ts";
import { RecordingDisplay } from "../recording_display.ts";

const output = { widthPixels: 8, heightPixels: 8 };
const whole = rect(0, 0, 8, 8);

/** The words of what a scanout shows. */
function shownOn({ display }: Machine, scanout: number): number[] {
  return pictureWords(display.picture(scanout)!.rgba);
}

for (const scanout of [2, 16, 0xffffffff]) {
  Deno.test(`SET_SCANOUT answers ERR_INVALID_SCANOUT_ID for scanout ${scanout} of two`, async () => {
    const { driver } = await startMachine({ outputs: [output, output] });
    createResource(driver, 1, 8, 8);

    assertEquals(setScanout(driver, scanout, 1, whole), "ERR_INVALID_SCANOUT_ID");
    assertEquals(setScanout(driver, scanout, 0, whole), "ERR_INVALID_SCANOUT_ID");
  });
}

Deno.test("SET_SCANOUT answers ERR_INVALID_RESOURCE_ID when the resource does not exist, and shows what it did", async () => {
  const machine = await startMachine();
  createFilled(machine, 1, 8, 8, pixel);
  setScanout(machine.driver, 0, 1, whole);

  assertEquals(setScanout(machine.driver, 0, 2, whole), "ERR_INVALID_RESOURCE_ID");
  flush(machine.driver, 1, whole);
  assertEquals(shownOn(machine, 0)[63], pixel(63));
});

Deno.test("SET_SCANOUT takes a resource without backing, which shows black", async () => {
  const machine = await startMachine();
  createResource(machine.driver, 1, 8, 8);

  assertEquals(setScanout(machine.driver, 0, 1, whole), "OK_NODATA");
  flush(machine.driver, 1, whole);
  assertEquals(shownOn(machine, 0), new Array(64).fill(pixel(0)));
});

const outside = [
  rect(1, 0, 8, 8),
  rect(0, 1, 8, 8),
  rect(8, 0, 1, 1),
  rect(0, 8, 1, 1),
  rect(0xffffffff, 0, 2, 1),
  rect(0, 0xffffffff, 1, 2),
  rect(1, 1, 0xffffffff, 0xffffffff),
  rect(0, 0, 0, 0),
  rect(0, 0, 0, 8),
  rect(0, 0, 8, 0),
];

for (const where of outside) {
  Deno.test(`SET_SCANOUT answers ERR_INVALID_PARAMETER for ${JSON.stringify(where)} of 8x8`, async () => {
    const machine = await startMachine();
    createFilled(machine, 1, 8, 8, pixel);
    createResource(machine.driver, 2, 8, 8);
    setScanout(machine.driver, 0, 1, whole);

    assertEquals(setScanout(machine.driver, 0, 2, where), "ERR_INVALID_PARAMETER");
    flush(machine.driver, 1, whole);
    assertEquals(shownOn(machine, 0)[63], pixel(63));
  });
}

for (const size of [1, 15]) {
  Deno.test(`SET_SCANOUT takes a rectangle of ${size}x${size}`, async () => {
    const machine = await startMachine();
    createFilled(machine, 1, 16, 16, pixel);

    assertEquals(setScanout(machine.driver, 0, 1, rect(0, 0, size, size)), "OK_NODATA");
    flush(machine.driver, 1, rect(0, 0, 16, 16));
    assertEquals(shownOn(machine, 0).length, size * size);
  });
}

Deno.test("SET_SCANOUT of resource 0 disables the scanout, twice too, whatever its rectangle says", async () => {
  const machine = await startMachine();
  createFilled(machine, 1, 8, 8, pixel);
  setScanout(machine.driver, 0, 1, whole);
  flush(machine.driver, 1, whole);

  assertEquals(setScanout(machine.driver, 0, 0, rect(0, 0, 1280, 800)), "OK_NODATA");
  assertEquals(machine.display.picture(0), undefined);
  assertEquals(setScanout(machine.driver, 0, 0, rect(0, 0, 0, 0)), "OK_NODATA");
  assertEquals(machine.display.picture(0), undefined);
});

Deno.test("SET_SCANOUT shows the part of the resource that it names", async () => {
  const machine = await startMachine();
  createFilled(machine, 1, 8, 8, pixel);

  setScanout(machine.driver, 0, 1, rect(5, 2, 3, 2));
  flush(machine.driver, 1, whole);

  assertEquals(shownOn(machine, 0), [21, 22, 23, 29, 30, 31].map(pixel));
});

Deno.test("SET_SCANOUT of one resource on two scanouts mirrors it", async () => {
  const machine = await startMachine({ outputs: [output, output] });
  createFilled(machine, 1, 8, 8, pixel);

  setScanout(machine.driver, 0, 1, whole);
  setScanout(machine.driver, 1, 1, whole);
  flush(machine.driver, 1, whole);

  assertEquals(shownOn(machine, 0), shownOn(machine, 1));
  assertEquals(shownOn(machine, 1)[63], pixel(63));
});

Deno.test("SET_SCANOUT lets sixteen scanouts show a row each of one resource", async () => {
  const machine = await startMachine({ outputs: new Array(16).fill(output) });
  createFilled(machine, 1, 2, 16, pixel);
  const scanouts = Array.from({ length: 16 }, (_, index) => index);

  for (const scanout of scanouts) setScanout(machine.driver, scanout, 1, rect(0, scanout, 2, 1));
  flush(machine.driver, 1, rect(0, 0, 2, 16));

  const shown = scanouts.map((scanout) => shownOn(machine, scanout));
  assertEquals(shown, scanouts.map((scanout) => [pixel(scanout * 2), pixel(scanout * 2 + 1)]));
});

Deno.test("SET_SCANOUT with another rectangle of the same size shows the other part whole at the next flush", async () => {
  const machine = await startMachine();
  createFilled(machine, 1, 8, 8, pixel);
  setScanout(machine.driver, 0, 1, rect(0, 0, 2, 2));
  flush(machine.driver, 1, whole);

  setScanout(machine.driver, 0, 1, rect(6, 6, 2, 2));
  flush(machine.driver, 1, rect(6, 6, 1, 1));

  assertEquals(shownOn(machine, 0), [54, 55, 62, 63].map(pixel));
});

Deno.test("SET_SCANOUT to another buffer shows it whole at the next flush, and converts it only once", async () => {
  const display = new RecordingDisplay();
  const { driver } = await startMachine({ display });
  createResource(driver, 1, 8, 8);
  createResource(driver, 2, 8, 8);
  setScanout(driver, 0, 1, whole);
  flush(driver, 1, whole);
  display.take();

  setScanout(driver, 0, 2, whole);
  assertEquals(display.take(), []);
  flush(driver, 2, rect(3, 3, 1, 1));
  assertEquals(display.take(), ["show 0: 0,0 8x8 of 8x8"]);
  flush(driver, 2, rect(3, 3, 1, 1));
  assertEquals(display.take(), ["show 0: 3,3 1x1 of 8x8"]);
});

Deno.test("SET_SCANOUT shows the new buffer's pixels after a flip, not the old one's", async () => {
  const machine = await startMachine();
  createFilled(machine, 1, 8, 8, () => pixel(1));
  createFilled(machine, 2, 8, 8, () => pixel(2));
  setScanout(machine.driver, 0, 1, whole);
  flush(machine.driver, 1, whole);

  setScanout(machine.driver, 0, 2, whole);
  assertEquals(shownOn(machine, 0), new Array(64).fill(pixel(1)));
  flush(machine.driver, 1, whole);
  assertEquals(shownOn(machine, 0), new Array(64).fill(pixel(1)));
  flush(machine.driver, 2, rect(0, 0, 1, 1));
  assertEquals(shownOn(machine, 0), new Array(64).fill(pixel(2)));
});

Deno.test("SET_SCANOUT to what is shown already costs no second conversion of all of it", async () => {
  const display = new RecordingDisplay();
  const { driver } = await startMachine({ display });
  createResource(driver, 1, 8, 8);
  setScanout(driver, 0, 1, whole);
  flush(driver, 1, whole);
  display.take();

  setScanout(driver, 0, 1, whole);
  flush(driver, 1, rect(0, 0, 1, 1));

  assertEquals(display.take(), ["show 0: 0,0 1x1 of 8x8"]);
});

Deno.test("SET_SCANOUT after a disable shows all of the same resource again", async () => {
  const display = new RecordingDisplay();
  const { driver } = await startMachine({ display });
  createResource(driver, 1, 8, 8);
  setScanout(driver, 0, 1, whole);
  flush(driver, 1, whole);

  setScanout(driver, 0, 0, whole);
  setScanout(driver, 0, 1, whole);
  flush(driver, 1, rect(0, 0, 1, 1));

  assertEquals(display.take().slice(-2), ["disable 0", "show 0: 0,0 8x8 of 8x8"]);
});
