/** RESOURCE_CREATE_2D. Virtio 1.4, 5.7.6.8. */

import { assertEquals } from "@std/assert";
import { Format } from "../../../src/protocol/wire.gen.ts";
import { type Machine, startMachine } from "../../support/machine.ts";
import { createFilled, createResource, flush, pictureWords, pixel, rect, setScanout, unref } from "../requests.ts";

Deno.test("RESOURCE_CREATE_2D answers ERR_INVALID_RESOURCE_ID for id 0", async () => {
  const { driver } = await startMachine();

  assertEquals(createResource(driver, 0, 8, 8), "ERR_INVALID_RESOURCE_ID");
});

Deno.test("RESOURCE_CREATE_2D answers ERR_INVALID_RESOURCE_ID for an id in use, and the resource stays", async () => {
  const { driver } = await startMachine();
  createResource(driver, 1, 8, 8);

  assertEquals(createResource(driver, 1, 16, 16), "ERR_INVALID_RESOURCE_ID");
  assertEquals(setScanout(driver, 0, 1, rect(0, 0, 16, 16)), "ERR_INVALID_PARAMETER");
});

for (const format of [0, 5, 66, 0xffffffff]) {
  Deno.test(`RESOURCE_CREATE_2D answers ERR_INVALID_PARAMETER for format ${format}`, async () => {
    const { driver } = await startMachine();

    assertEquals(createResource(driver, 1, 8, 8, format), "ERR_INVALID_PARAMETER");
  });
}

for (const [name, format] of Object.entries(Format)) {
  Deno.test(`RESOURCE_CREATE_2D takes format ${name}`, async () => {
    const { driver } = await startMachine();

    assertEquals(createResource(driver, 1, 8, 8, format), "OK_NODATA");
  });
}

for (const [width, height] of [[0, 8], [8, 0], [0, 0]] as const) {
  Deno.test(`RESOURCE_CREATE_2D answers ERR_INVALID_PARAMETER for ${width}x${height}`, async () => {
    const { driver } = await startMachine();

    assertEquals(createResource(driver, 1, width, height), "ERR_INVALID_PARAMETER");
  });
}

const tooLarge: [width: number, height: number][] = [
  [16384, 16384], // 1 GiB
  [0x80000001, 1], // a stride that wraps to 4 in 32 bits
  [0x80000001, 16],
  [0x40000001, 1],
  [0x20000000, 8],
  [65536, 65536],
  [1, 0x7fffffff],
  [0xffffffff, 1],
  [0xffffffff, 0xffffffff],
];

for (const [width, height] of tooLarge) {
  Deno.test(`RESOURCE_CREATE_2D answers ERR_OUT_OF_MEMORY for ${width}x${height}`, async () => {
    const machine = await startMachine();
    const usedBytes = machine.heap.usedBytes;

    assertEquals(createResource(machine.driver, 1, width, height), "ERR_OUT_OF_MEMORY");
    assertEquals(machine.heap.usedBytes, usedBytes);
    assertEquals(unref(machine.driver, 1), "ERR_INVALID_RESOURCE_ID");
  });
}

Deno.test("RESOURCE_CREATE_2D takes 8192x8192, 256 MiB, with the default limits", async () => {
  const { driver } = await startMachine();

  assertEquals(createResource(driver, 1, 8192, 8192), "OK_NODATA");
});

for (const [width, height] of [[40000, 2], [2, 70000]] as const) {
  Deno.test(`RESOURCE_CREATE_2D takes ${width}x${height}, and its last pixel is shown`, async () => {
    const machine = await startMachine();
    const last = width * height - 1;
    createFilled(machine, 1, width, height, pixel);

    setScanout(machine.driver, 0, 1, rect(width - 1, height - 1, 1, 1));
    flush(machine.driver, 1, rect(0, 0, width, height));

    assertEquals(pictureWords(machine.display.picture(0)!.rgba), [pixel(last)]);
  });
}

Deno.test("RESOURCE_CREATE_2D keeps 500 resources apart", async () => {
  const machine = await startMachine();
  const ids = Array.from({ length: 500 }, (_, index) => index + 1);

  for (const id of ids) createFilled(machine, id, 2, 1, (index) => pixel(id * 2 + index));

  const shown = ids.map((id) => pixelsOf(machine, id));
  assertEquals(shown, ids.map((id) => [pixel(id * 2), pixel(id * 2 + 1)]));
});

for (const id of [1, 0x7fffffff, 0x80000000, 0xffffffff]) {
  Deno.test(`RESOURCE_CREATE_2D takes id ${id}, which then names that resource alone`, async () => {
    const machine = await startMachine();

    createFilled(machine, id, 2, 1, (index) => pixel(index + 7));

    assertEquals(pixelsOf(machine, id), [pixel(7), pixel(8)]);
    assertEquals(unref(machine.driver, id - 1), "ERR_INVALID_RESOURCE_ID");
    assertEquals(unref(machine.driver, id), "OK_NODATA");
  });
}

Deno.test("RESOURCE_CREATE_2D makes black pixels, whatever its memory held before", async () => {
  const machine = await startMachine();
  createFilled(machine, 1, 64, 64, () => 0xffffffff);
  unref(machine.driver, 1);

  createResource(machine.driver, 2, 64, 64);

  setScanout(machine.driver, 0, 2, rect(0, 0, 64, 64));
  flush(machine.driver, 2, rect(0, 0, 64, 64));
  assertEquals(pictureWords(machine.display.picture(0)!.rgba), new Array(64 * 64).fill(pixel(0)));
});

/** The two pixels of a 2x1 resource. */
function pixelsOf({ driver, display }: Machine, id: number): number[] {
  setScanout(driver, 0, id, rect(0, 0, 2, 1));
  flush(driver, id, rect(0, 0, 2, 1));
  return pictureWords(display.picture(0)!.rgba);
}
