/**
 * Prints the time of each whole command, and how it compares with a device in plain JavaScript, with the kernels alone and
 * with a plain copy of the same bytes; the runs take turns. `deno run -A bench/device_ratios.ts [rounds] [name]`
 */

import { deviceCases } from "./support/device_cases.ts";
import { interleavedNanoseconds } from "./support/interleaved.ts";

const rounds = Number(Deno.args[0] ?? 101);
const wanted = Deno.args[1] ?? "";
const nothing = () => {};

console.log("case".padEnd(42), "scanout ns", "plain/scanout", "scanout/kernels", "scanout/copy");
for (const { name, operations, scanout, plain, kernels, copy } of await deviceCases()) {
  if (!name.includes(wanted)) continue;
  const times = interleavedNanoseconds([scanout, plain, kernels ?? nothing, copy ?? nothing], rounds);
  const [ours, plainTime, kernelsTime, copyTime] = times as [number, number, number, number];
  console.log(
    name.padEnd(42),
    (ours / operations).toFixed(0).padStart(10),
    (plainTime / ours).toFixed(2).padStart(13),
    (kernels ? (ours / kernelsTime).toFixed(2) : "").padStart(15),
    (copy ? (ours / copyTime).toFixed(2) : "").padStart(12),
  );
}
