/**
 * Prints the time of each whole command, and how it compares with a device in plain JavaScript, with the kernels alone and
 * with a plain copy of the same bytes; the runs take turns. Each group of cases has a process of its own.
 * `deno run -A bench/device_ratios.ts [rounds] [name] [group]`
 */

import { type DeviceCase, deviceCases } from "./support/device_cases.ts";
import { interleavedNanoseconds } from "./support/interleaved.ts";

const [rounds = "101", wanted = "", group] = Deno.args;

if (group === undefined) await runAllGroups();
else printRatios(await deviceCases[group]!());

async function runAllGroups(): Promise<void> {
  console.log("case".padEnd(42), "scanout ns", "plain/scanout", "scanout/kernels", "scanout/copy");
  for (const name of Object.keys(deviceCases)) {
    const args = ["run", "-A", "--no-check", import.meta.filename!, rounds, wanted, name];
    const { code } = await new Deno.Command(Deno.execPath(), { args, stdout: "inherit", stderr: "inherit" }).output();
    if (code !== 0) Deno.exit(code);
  }
}

function printRatios(cases: readonly DeviceCase[]): void {
  for (const { name, operations, scanout, plain, kernels, copy } of cases) {
    if (!name.includes(wanted)) continue;
    const nothing = () => {};
    const times = interleavedNanoseconds([scanout, plain, kernels ?? nothing, copy ?? nothing], Number(rounds));
    const [ours, plainTime, kernelsTime, copyTime] = times as [number, number, number, number];
    console.log(
      name.padEnd(42),
      (ours / operations).toFixed(0).padStart(10),
      (plainTime / ours).toFixed(2).padStart(13),
      (kernels ? (ours / kernelsTime).toFixed(2) : "").padStart(15),
      (copy ? (ours / copyTime).toFixed(2) : "").padStart(12),
    );
  }
}
