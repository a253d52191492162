import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AptMissingError } from "../../build/guest/image.ts";
import { runDemo } from "../../src/cli/demo.ts";
import { makeAnimation } from "../../src/cli/demo/animation.ts";
import { Terminal } from "../../src/cli/terminal.ts";
import { assertGoldenPng } from "../support/golden.ts";
import { decodePng } from "../support/png.ts";
import { KeptOutput, runScanout } from "./run_scanout.ts";

Deno.test("scanout demo --built-in leaves the golden picture, and says what it did", async () => {
  const out = await Deno.makeTempDir();
  try {
    const { status, stdout, stderr } = await runScanout("demo", "--built-in", "--out", join(out, "new"));

    assertEquals([status, stderr.text], [0, ""]);
    assertMatch(stdout.text, /^Scanout's built-in guest driver draws/m);
    assertMatch(stdout.text, /^Mode: 1024x768$/m);
    assertMatch(
      stdout.text,
      /^Drawn: 961 frames in [\d.]+ s, 1,922 commands, none refused, .* [\d,]+ commands per second$/m,
    );
    assertMatch(stdout.text, new RegExp(`^Written: ${join(out, "new", "picture.png")}$`, "m"));
    const { rgba, widthPixels, heightPixels } = decodePng(await Deno.readFile(join(out, "new", "picture.png")));
    assertGoldenPng("demo_picture", rgba, widthPixels, heightPixels);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});

Deno.test("runDemo says why there is no Debian guest, and draws with the built-in driver", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const output = new KeptOutput();
    const makeImage = () => Promise.reject(new AptMissingError("apt-get"));

    await runDemo({ out: folder }, new Terminal(output), makeImage);

    assertMatch(output.text, /^No Debian here\. Cannot fetch the guest's packages: apt-get is not on this machine$/m);
    assertMatch(output.text, /^Scanout's built-in guest driver draws/m);
    assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["picture.png"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("runDemo does not hide an error that has nothing to do with packages", async () => {
  const makeImage = () => Promise.reject(new Error("disk full"));

  await assertRejects(() => runDemo({ out: "out" }, new Terminal(new KeptOutput()), makeImage), Error, "disk full");
});

Deno.test("makeAnimation begins with the picture's own water, and no two frames of the water are the same", () => {
  const { whole, water, waterOffsetBytes } = makeAnimation();

  assertEquals(whole.subarray(waterOffsetBytes), water[0]);
  assertEquals(water.map((frame) => frame.length), water.map(() => whole.length - waterOffsetBytes));
  assertEquals(new Set(water.map((frame) => frame.toBase64())).size, water.length);
});
