import { assert, assertEquals } from "@std/assert";
import { denoConfig } from "../../build/package/manifest.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("deno task reference makes a page for each entry, to which the first page has a link, and says how to import", async () => {
  const folder = await Deno.makeTempDir();
  const args = ["run", "-A", "build/reference.ts", folder];
  const { success } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdout: "null" }).output();
  assert(success);
  const index = await Deno.readTextFile(`${folder}/index.html`);
  for (const entry of Object.keys(denoConfig().exports).filter((entry) => entry !== ".")) {
    assert((await Deno.stat(`${folder}/${entry}/index.html`)).isFile);
    assert(index.includes(`href="${entry.slice(2)}/index.html"`));
  }
  const usage = async (page: string) =>
    / from &quot;(.*?)&quot;/.exec(await Deno.readTextFile(`${folder}/${page}`))?.[1];
  assertEquals(await usage("~/VirtioGpu.html"), "@scanout/scanout");
  assertEquals(await usage("displays/canvas/~/CanvasDisplay.html"), "@scanout/scanout/displays/canvas");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("deno doc --lint finds nothing missing in the documentation of the entries", async () => {
  const args = ["doc", "--lint", ...Object.values(denoConfig().exports)];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdout: "null" }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
});
