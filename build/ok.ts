/**
 * Everything that a change must pass, cheapest first: `deno task ok`. Stops at the first failure and shows what it says of
 * it last; its whole output is in out/ok.log.
 */

import { failuresOf } from "./test_failures.ts";

/** A step that hangs is ended before .ci/run ends all of them and nobody knows where it hung. */
const PATIENCE_MILLISECONDS = 10 * 60_000;
const LOG = "out/ok.log";
const { exports } = JSON.parse(Deno.readTextFileSync("deno.json"));

const steps: [name: string, args: string[]][] = [
  ["generated tables are current", ["run", "-A", "build/gen.ts", "--check"]],
  ["generated kernels are current", ["run", "-A", "build/kernels.ts", "--check"]],
  ["docs/conformance.md is current", ["task", "conformance", "--check"]],
  ["format", ["fmt", "--check"]],
  ["lint", ["lint"]],
  ["layers", ["task", "layers"]],
  ["types", ["check", "."]],
  ["documentation of the entries", ["doc", "--lint", ...Object.values<string>(exports)]],
  ["tests", ["task", "test"]],
];

for (const [name, args] of steps) {
  const started = performance.now();
  const signal = AbortSignal.timeout(PATIENCE_MILLISECONDS);
  const deno = new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" }, signal });
  const { success, stdout, stderr } = await deno.output();
  const output = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${success ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (!success) {
    await Deno.mkdir("out", { recursive: true });
    await Deno.writeTextFile(LOG, output);
    console.log(failuresOf(output));
    Deno.exit(1);
  }
  const summary = /^ok \| .*$/m.exec(output); // of the tests
  if (summary) console.log(summary[0]);
}
