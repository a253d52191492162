import { assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { makeAnimation } from "../../src/cli/demo/animation.ts";
import { assertGoldenPng } from "../support/golden.ts";
import { decodePng } from "../support/png.ts";

Deno.test("deno task demo boots Debian, whose own driver draws the console and the picture to the last pixel", async () => {
  const out = await Deno.makeTempDir();
  try {
    const args = ["task", "demo", "--out", out];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    const text = new TextDecoder().decode(stdout);

    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assertMatch(text, /^Debian's Linux \S+ boots in v86/m);
    assertMatch(text, /^ {2}\[.*\[drm\] pci: virtio-gpu-pci detected at 0000:00:0f\.0$/m);
    assertMatch(text, /^Mode: 1024x768$/m);
    assertMatch(text, /^Drawn: 97 frames .*, none refused, .* [\d,]+ commands per second$/m);
    const console = decodePng(await Deno.readFile(join(out, "console.png")));
    const picture = decodePng(await Deno.readFile(join(out, "picture.png")));
    assertGoldenPng("console", console.rgba, console.widthPixels, console.heightPixels);
    assertEquals(picture.rgba, makeAnimation().last.rgba);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});

Deno.test("deno task scanout edid writes an EDID that edid-decode passes", async () => {
  const args = ["task", "-q", "scanout", "edid", "1280x800"];
  const scanout = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
  const decode = new Deno.Command("edid-decode", { args: ["--check"], stdin: "piped", stdout: "piped" }).spawn();
  await scanout.stdout.pipeTo(decode.stdin);
  const { code, stdout } = await decode.output();

  assertMatch(new TextDecoder().decode(stdout), /EDID conformity: PASS/);
  assertEquals([code, (await scanout.status).code], [0, 0]);
});
