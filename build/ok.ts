/** Everything that a change must pass, cheapest first: `deno task ok`. Stops at the first failure and shows its output. */

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
  const deno = new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } });
  const { success, stdout, stderr } = await deno.output();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${success ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (!success) {
    await Deno.stdout.write(stdout);
    await Deno.stderr.write(stderr);
    Deno.exit(1);
  }
  const summary = /^ok \| .*$/m.exec(new TextDecoder().decode(stdout)); // of the tests
  if (summary) console.log(summary[0]);
}
