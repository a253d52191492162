import { assertEquals } from "@std/assert";
import { codeBlock } from "../support/code_block.ts";

const CONFORMANCE = new URL("../../docs/conformance.md", import.meta.url);
const FULL_RUN = new URL("../../docs/full_run.json", import.meta.url);

Deno.test("docs/conformance.md: its last full run is the one that was kept", async () => {
  const { lines } = JSON.parse(await Deno.readTextFile(FULL_RUN));
  assertEquals((await codeBlock(CONFORMANCE, "## Last full run", "")).split("\n"), lines);
});
