/** GET_DISPLAY_INFO and GET_EDID. Virtio 1.4, 5.7.6.8. */

import { assertEquals, assertThrows } from "@std/assert";
import type { OutputOptions } from "../../../src/device/output.ts";
import { VirtioGpu } from "../../../src/device/virtio_gpu.ts";
import { EDID_MAX_BYTES, writeEdid } from "../../../src/protocol/edid.ts";
import type { GpuDriver } from "../../../src/guest/gpu_driver.ts";
import {
  type DisplayOne,
  readRespDisplayInfo,
  readRespEdid,
  responseName,
  writeGetDisplayInfo,
  writeGetEdid,
} from "../../../src/protocol/wire.gen.ts";
import { makeMachine, startMachine } from "../../support/machine.ts";
import { answerTo } from "../requests.ts";

const NONE: DisplayOne = { rect: { x: 0, y: 0, width: 0, height: 0 }, enabled: 0, flags: 0 };

/** The sixteen modes that the device tells of. */
function displayInfo(driver: GpuDriver): DisplayOne[] {
  const { header, words } = driver.send(writeGetDisplayInfo, {}, { replyBytes: 408 });
  assertEquals(responseName(header.type), "OK_DISPLAY_INFO");
  return readRespDisplayInfo(words, 0).pmodes;
}

/** The answer to GET_EDID: the size it says, and all of the 1024 bytes. */
function edidOf(driver: GpuDriver, scanout: number): { size: number; edid: Uint8Array } {
  const { header, words } = driver.send(writeGetEdid, { scanout }, { replyBytes: 1056 });
  assertEquals(responseName(header.type), "OK_EDID");
  return { size: readRespEdid(words, 0).size, edid: new Uint8Array(words.buffer, words.byteOffset + 32, 1024) };
}

function shown(x: number, width: number, height: number): DisplayOne {
  return { rect: { x, y: 0, width, height }, enabled: 1, flags: 0 };
}

function outputsOf(count: number): OutputOptions[] {
  return Array.from({ length: count }, (_, index) => ({ widthPixels: 640 + index * 8, heightPixels: 480 + index }));
}

Deno.test("GET_DISPLAY_INFO tells of one output of 1024x768 when the embedder names none", async () => {
  const { driver } = await startMachine();

  assertEquals(displayInfo(driver), [shown(0, 1024, 768), ...new Array(15).fill(NONE)]);
});

for (let count = 1; count <= 16; count++) {
  Deno.test(`GET_DISPLAY_INFO tells of ${count} outputs side by side, and zeroes behind them`, async () => {
    const { driver } = await startMachine({ outputs: outputsOf(count) });
    const widthBefore = (index: number) => outputsOf(index).reduce((sum, output) => sum + output.widthPixels, 0);

    const pmodes = displayInfo(driver);

    const expected = outputsOf(count).map(({ widthPixels, heightPixels }, index) =>
      shown(widthBefore(index), widthPixels, heightPixels)
    );
    assertEquals(pmodes, [...expected, ...new Array(16 - count).fill(NONE)]);
  });
}

Deno.test("GET_DISPLAY_INFO tells of a disconnected output as not enabled, and leaves it no place", async () => {
  const { driver } = await startMachine({
    outputs: [
      { widthPixels: 800, heightPixels: 600 },
      { widthPixels: 640, heightPixels: 480, isEnabled: false },
      { widthPixels: 1280, heightPixels: 720 },
    ],
  });

  const [first, second, third] = displayInfo(driver);

  assertEquals(first, shown(0, 800, 600));
  assertEquals(second, { ...shown(800, 640, 480), enabled: 0 });
  assertEquals(third, shown(800, 1280, 720));
});

Deno.test("GET_DISPLAY_INFO tells of outputs where the embedder put them", async () => {
  const { driver } = await startMachine({
    outputs: [{ widthPixels: 800, heightPixels: 600, x: 100, y: 50 }, { widthPixels: 640, heightPixels: 480 }],
  });

  const [first, second] = displayInfo(driver);

  assertEquals(first!.rect, { x: 100, y: 50, width: 800, height: 600 });
  assertEquals(second!.rect, { x: 900, y: 0, width: 640, height: 480 });
});

Deno.test("GET_DISPLAY_INFO holds nothing of the EDID that was sent before it", async () => {
  const { driver } = await startMachine();
  edidOf(driver, 0);

  const pmodes = displayInfo(driver);

  assertEquals(pmodes.slice(1), new Array(15).fill(NONE));
});

for (let scanout = 0; scanout < 16; scanout++) {
  Deno.test(`GET_EDID of scanout ${scanout} of 16 gives that output's EDID, and zeroes behind it`, async () => {
    const outputs = outputsOf(16);
    const { driver } = await startMachine({ outputs });
    const expected = new Uint8Array(1024);
    writeEdid(expected, 0, { ...outputs[scanout]!, index: scanout });

    const { size, edid } = edidOf(driver, scanout);

    assertEquals(size, 128);
    assertEquals(edid, expected);
    assertEquals(edid.subarray(0, size).reduce((sum, byte) => sum + byte, 0) % 256, 0);
  });
}

Deno.test("GET_EDID holds nothing of the display info that was sent before it", async () => {
  const { driver } = await startMachine({ outputs: outputsOf(16) });
  displayInfo(driver);

  const { size, edid } = edidOf(driver, 0);

  assertEquals(edid.subarray(size), new Uint8Array(1024 - size));
});

Deno.test("GET_EDID of an output that is not connected gives an EDID too", async () => {
  const { driver } = await startMachine({
    outputs: [{ widthPixels: 800, heightPixels: 600 }, { widthPixels: 640, heightPixels: 480, isEnabled: false }],
  });

  assertEquals(edidOf(driver, 1).size, 128);
});

Deno.test("GET_EDID of an output wider than a detailed timing gives two blocks with right checksums", async () => {
  const { driver } = await startMachine({ outputs: [{ widthPixels: 7680, heightPixels: 4320 }] });

  const { size, edid } = edidOf(driver, 0);

  const sums = [0, 128].map((at) => edid.subarray(at, at + 128).reduce((sum, byte) => sum + byte, 0) % 256);
  assertEquals(size, EDID_MAX_BYTES);
  assertEquals(sums, [0, 0]);
});

for (const scanout of [2, 16, 0xffffffff]) {
  Deno.test(`GET_EDID answers ERR_INVALID_PARAMETER for scanout ${scanout} of two`, async () => {
    const { driver } = await startMachine({ outputs: outputsOf(2) });

    assertEquals(answerTo(driver, writeGetEdid, { scanout }, { replyBytes: 1056 }), "ERR_INVALID_PARAMETER");
  });
}

for (const count of [0, 17]) {
  Deno.test(`VirtioGpu throws a RangeError for ${count} outputs`, async () => {
    const { guest } = await makeMachine();

    assertThrows(() => new VirtioGpu(guest, { outputs: outputsOf(count) }), RangeError, `got ${count}`);
  });
}

for (const size of [0, -1, 16385, 1.5, NaN]) {
  Deno.test(`VirtioGpu throws a RangeError for an output of ${size} pixels`, async () => {
    const { guest } = await makeMachine();
    const wide = { widthPixels: size, heightPixels: 480 };
    const high = { widthPixels: 640, heightPixels: size };

    assertThrows(() => new VirtioGpu(guest, { outputs: [wide] }), RangeError, `got ${size}`);
    assertThrows(() => new VirtioGpu(guest, { outputs: [high] }), RangeError, `got ${size}`);
  });
}
