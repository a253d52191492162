import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { EDID_MAX_BYTES, type EdidMonitor, writeEdid } from "../../src/protocol/edid.ts";
import { assertGoldenJson } from "../support/golden.ts";
import { EDID_MODES } from "../support/edid_modes.ts";

const BLOCK = 128;

function edidOf(monitor: EdidMonitor): Uint8Array {
  const bytes = new Uint8Array(EDID_MAX_BYTES).fill(0xaa); // a reply's buffer holds what the last reply left
  return bytes.subarray(0, writeEdid(bytes, 0, monitor));
}

function sum(bytes: Uint8Array): number {
  return bytes.reduce((total, byte) => total + byte, 0) % 256;
}

interface Timing {
  clockHz: number;
  width: number;
  height: number;
  totalWidth: number;
  totalHeight: number;
}

/** Reads the first detailed timing descriptor, which lies at byte 54. */
function detailedTiming(edid: Uint8Array): Timing {
  const at = (i: number) => edid[54 + i]!;
  const width = at(2) | (at(4) & 0xf0) << 4;
  const height = at(5) | (at(7) & 0xf0) << 4;
  return {
    clockHz: (at(0) | at(1) << 8) * 10_000,
    width,
    height,
    totalWidth: width + (at(3) | (at(4) & 0xf) << 8),
    totalHeight: height + (at(6) | (at(7) & 0xf) << 8),
  };
}

/** Reads the type I timing of the DisplayID section, whose data lie at byte 38 of the extension. */
function displayIdTiming(edid: Uint8Array): Timing {
  const view = new DataView(edid.buffer, edid.byteOffset + BLOCK + 38, 20);
  const width = view.getUint16(4, true) + 1;
  const height = view.getUint16(12, true) + 1;
  return {
    clockHz: ((view.getUint32(0, true) & 0xffffff) + 1) * 10_000,
    width,
    height,
    totalWidth: width + view.getUint16(6, true) + 1,
    totalHeight: height + view.getUint16(14, true) + 1,
  };
}

function refreshOf({ clockHz, totalWidth, totalHeight }: Timing): number {
  return clockHz / (totalWidth * totalHeight);
}

for (const { widthPixels, heightPixels, refreshHz, blocks } of EDID_MODES) {
  const mode = `${widthPixels}x${heightPixels} at ${refreshHz} Hz`;

  Deno.test(`writeEdid writes ${blocks} whole blocks with right checksums for ${mode}`, () => {
    const edid = edidOf({ widthPixels, heightPixels, refreshHz, index: 0 });
    const sums = Array.from({ length: blocks }, (_, i) => sum(edid.subarray(i * BLOCK, (i + 1) * BLOCK)));

    assertEquals(edid.length, blocks * BLOCK);
    assertEquals([...edid.subarray(0, 8)], [0, 255, 255, 255, 255, 255, 255, 0]);
    assertEquals([edid[18], edid[19], edid[126]], [1, 4, blocks - 1]);
    assertEquals(sums, Array(blocks).fill(0));
  });

  Deno.test(`writeEdid prefers exactly ${mode}`, () => {
    const edid = edidOf({ widthPixels, heightPixels, refreshHz, index: 0 });
    const timing = blocks === 1 ? detailedTiming(edid) : displayIdTiming(edid);

    assertEquals([timing.width, timing.height], [widthPixels, heightPixels]);
    assertAlmostEquals(refreshOf(timing), refreshHz, refreshHz / 1000);
  });
}

Deno.test("writeEdid makes the base block prefer a halved mode when only the extension holds the mode", () => {
  const edid = edidOf({ widthPixels: 7680, heightPixels: 4320, index: 0 });
  const { width, height } = detailedTiming(edid);
  assertEquals([width, height], [3840, 2160]);
});

Deno.test("writeEdid takes 60 Hz when no refresh rate is given", () => {
  const edid = edidOf({ widthPixels: 1024, heightPixels: 768, index: 0 });
  assertAlmostEquals(refreshOf(detailedTiming(edid)), 60, 0.01);
});

Deno.test("writeEdid gives each scanout its own name and serial number", () => {
  const edids = Array.from({ length: 16 }, (_, index) => edidOf({ widthPixels: 640, heightPixels: 480, index }));
  const names = edids.map((edid) => new TextDecoder().decode(edid.subarray(95, 108)));
  const serials = edids.map((edid) => edid[12]);

  assertEquals(names[0], "Scanout 0\n   ");
  assertEquals(names[15], "Scanout 15\n  ");
  assertEquals(new Set(names).size, 16);
  assertEquals(serials, Array.from({ length: 16 }, (_, index) => index + 1));
});

Deno.test("writeEdid gives the physical size at 96 dpi, and none where a byte of centimetres cannot hold it", () => {
  const usual = edidOf({ widthPixels: 1920, heightPixels: 1080, index: 0 });
  const small = edidOf({ widthPixels: 1920, heightPixels: 10, index: 0 });
  const large = edidOf({ widthPixels: 16384, heightPixels: 1000, index: 0 });

  assertEquals([usual[21], usual[22]], [51, 29]);
  assertEquals([small[21], small[22]], [0, 0]);
  assertEquals([large[21], large[22]], [0, 0]);
});

Deno.test("writeEdid writes where it is told and nothing else", () => {
  const bytes = new Uint8Array(400).fill(0xaa);
  const length = writeEdid(bytes, 100, { widthPixels: 1024, heightPixels: 768, index: 3 });

  assertEquals(length, 128);
  assertEquals(bytes.subarray(100, 228), edidOf({ widthPixels: 1024, heightPixels: 768, index: 3 }));
  assert(bytes.subarray(0, 100).every((byte) => byte === 0xaa));
  assert(bytes.subarray(228).every((byte) => byte === 0xaa));
});

const usual = { widthPixels: 1024, heightPixels: 768, refreshHz: 60, index: 0 };
const wrong: [change: Partial<EdidMonitor>, message: string][] = [
  [{ widthPixels: 0 }, "widthPixels must be a whole number from 1 to 16384, got 0"],
  [{ widthPixels: 16385 }, "widthPixels must be a whole number from 1 to 16384, got 16385"],
  [{ heightPixels: 1.5 }, "heightPixels must be a whole number from 1 to 16384, got 1.5"],
  [{ refreshHz: 23 }, "refreshHz must be a whole number from 24 to 240, got 23"],
  [{ refreshHz: NaN }, "refreshHz must be a whole number from 24 to 240, got NaN"],
  [{ index: 16 }, "index must be a whole number from 0 to 15, got 16"],
];

for (const [change, message] of wrong) {
  Deno.test(`writeEdid throws a RangeError: ${message}`, () => {
    assertThrows(() => edidOf({ ...usual, ...change }), RangeError, message);
  });
}

Deno.test("writeEdid writes the bytes that edid-decode has passed", () => {
  const hex = (bytes: Uint8Array) => bytes.toHex().match(/.{32}/g);
  const edids = EDID_MODES.map(({ widthPixels, heightPixels, refreshHz }, i) => {
    const monitor = { widthPixels, heightPixels, refreshHz, index: i % 16 };
    return { ...monitor, edid: hex(edidOf(monitor)) };
  });
  assertGoldenJson("edid", edids);
});
