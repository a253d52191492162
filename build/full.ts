/**
 * Runs what is too long for every change: all tests, with the hostile run at its full length and more runs of each
 * property. Its result, with its date, goes to docs/full_run.json and from there into docs/conformance.md. `deno task full`.
 */

import { failuresOf } from "./test_failures.ts";

/** Another run, other guests and cases; to repeat one, set the variables to what its line says. */
const SEED = String(Date.now() % 2 ** 31);
const VARIABLES = {
  SCANOUT_FUZZ_COMMANDS: "1000000",
  SCANOUT_FUZZ_SEED: SEED,
  SCANOUT_PROPERTY_RUNS: "10",
  SCANOUT_PROPERTY_SEED: SEED,
};

const steps: readonly [name: string, args: string[]][] = [
  ["deno task test", ["task", "test"]],
  ["deno task test:external", ["task", "test:external"]],
];

const lines: string[] = [Object.entries(VARIABLES).map((pair) => pair.join("=")).join(" ")];
console.log(lines[0]);
let isGreen = true;
for (const [name, args] of steps) {
  const env = { NO_COLOR: "1", ...VARIABLES };
  const deno = new Deno.Command(Deno.execPath(), { args, env, stdout: "piped", stderr: "inherit" });
  const { success, stdout } = await deno.output();
  const text = new TextDecoder().decode(stdout);
  const summary = /^(?:ok|FAILED) \| .*$/m.exec(text)?.[0] ?? "no summary";
  if (!success) console.log(failuresOf(text));
  isGreen &&= success;
  lines.push(`${name}: ${summary}`);
  console.log(lines.at(-1));
}

const run = { date: new Date().toISOString().slice(0, 10), command: "deno task full", lines };
await Deno.writeTextFile("docs/full_run.json", JSON.stringify(run, undefined, 2) + "\n");
await new Deno.Command(Deno.execPath(), { args: ["task", "conformance"], stdout: "inherit", stderr: "inherit" })
  .output();
if (!isGreen) Deno.exit(1);
