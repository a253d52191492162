// The program that measures in the browser, with runs so short that the figures mean nothing.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CONTENDERS, WORKLOADS } from "../../bench/browser/contenders.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SHORT_MILLISECONDS = 50;

/** The cells of the tables in a text, without heads and rules. */
function tableRows(text: string): string[][] {
  const rows = text.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| -"));
  return rows.map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
}

Deno.test("deno task figures:page writes the figures of each workload and way, a chart, and the README's part", async () => {
  const folder = await Deno.makeTempDir();
  const readme = await Deno.readTextFile(join(ROOT, "README.md"));
  await Deno.writeTextFile(join(folder, "README.md"), readme);
  const args = ["task", "-q", "figures:page", "1", String(SHORT_MILLISECONDS), folder];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  assert(success, new TextDecoder().decode(stderr));

  const written = await Deno.readTextFile(join(folder, "README.md"));
  const [before, section] = written.split("<!-- figures: written by `deno task figures:page` -->");
  const [figures, after] = section!.split("<!-- end of figures -->");
  assert(readme.startsWith(before!));
  assert(readme.endsWith(after!));
  const rows = tableRows(figures!).slice(1);
  assertEquals(rows.map(([name]) => name), WORKLOADS.map(({ name }) => name));
  assertEquals(rows.map((row) => row.at(-1)!.replace(/^[1-9][\d,]* /, "")), WORKLOADS.map(() => "(1.00 x)"));

  const document = await Deno.readTextFile(join(folder, "docs/browser_figures.md"));
  const numbers = tableRows(document).filter(([name]) => name !== "");
  assertEquals(numbers.map(([name]) => name), WORKLOADS.flatMap(() => CONTENDERS.map(({ name }) => name)));
  for (const row of numbers) {
    const [drawn, ratio, instructions, ...rest] = row.slice(1).map((cell) => parseFloat(cell.replaceAll(",", "")));
    assert(drawn! > 0 && ratio! >= 0 && instructions! > 0, row.join(" | "));
    assert(rest.every((value) => value >= 0), row.join(" | "));
  }

  const chart = await Deno.readTextFile(join(folder, "docs/pictures/figures.svg"));
  assert(chart.startsWith("<svg "));
  for (const { name } of WORKLOADS) assertStringIncludes(chart, name);
  for (const { shortName } of CONTENDERS) assertStringIncludes(chart, shortName);
  await Deno.remove(folder, { recursive: true });
});
