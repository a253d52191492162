import { assertEquals } from "@std/assert";
import { EDID_MAX_BYTES, writeEdid } from "../../src/protocol/edid.ts";
import { runScanout } from "./run_scanout.ts";

const MODES = [
  { widthPixels: 1280, heightPixels: 800, bytes: 128 },
  { widthPixels: 7680, heightPixels: 4320, bytes: 256 },
];

for (const { widthPixels, heightPixels, bytes } of MODES) {
  Deno.test(`scanout edid ${widthPixels}x${heightPixels} writes the device's EDID of ${bytes} bytes`, async () => {
    const expected = new Uint8Array(EDID_MAX_BYTES);
    writeEdid(expected, 0, { widthPixels, heightPixels, index: 0 });

    const { status, stdout } = await runScanout("edid", `${widthPixels}x${heightPixels}`);

    assertEquals(status, 0);
    assertEquals(stdout.bytes, expected.subarray(0, bytes));
  });
}

Deno.test("scanout edid --hex writes the same bytes as lines of 16", async () => {
  const binary = await runScanout("edid", "1280x800");

  const { status, stdout } = await runScanout("edid", "1280x800", "--hex");

  const lines = stdout.text.trimEnd().split("\n");
  assertEquals(status, 0);
  assertEquals(lines.map((line) => line.length), Array(8).fill(32));
  assertEquals(Uint8Array.fromHex(lines.join("")), binary.stdout.bytes);
});
