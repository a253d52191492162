/**
 * Prints each whole command's time against a device in plain JavaScript and against its floor (a copy of the same bytes,
 * or the kernels alone): medians of runs that take turns. `deno run -A bench/device_ratios.ts [rounds] [name]`
 */

import { deviceCases } from "./support/device_cases.ts";
import { medianNanoseconds } from "./support/medians.ts";

const rounds = Number(Deno.args[0] ?? 101);
const wanted = Deno.args[1] ?? "";

console.log("case".padEnd(46), " scanout ns    plain ns    floor ns  plain/scanout  scanout/floor");
for (const { name, operations, scanout, plain, floor } of await deviceCases()) {
  if (!name.includes(wanted)) continue;
  const times = medianNanoseconds(floor === undefined ? [scanout, plain] : [scanout, plain, floor], rounds);
  const [ours, plainTime, floorTime] = times.map((time) => time / operations) as [number, number, number?];
  const columns = [
    ours.toFixed(0).padStart(11),
    plainTime.toFixed(0).padStart(11),
    (floorTime?.toFixed(0) ?? "-").padStart(11),
    (plainTime / ours).toFixed(2).padStart(14),
    (floorTime === undefined ? "-" : (ours / floorTime).toFixed(2)).padStart(14),
  ];
  console.log(name.padEnd(46), ...columns);
}
