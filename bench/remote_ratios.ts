/**
 * Prints what a renderer on another thread costs against one that the device calls: with both sides on one thread, in turns,
 * and with a Worker for which the device's thread blocks. `deno run -A bench/remote_ratios.ts [rounds]`
 */

import { interleavedNanoseconds } from "./support/interleaved.ts";
import { remoteCases } from "./support/remote_cases.ts";

const rounds = Number(Deno.args[0] ?? 101);
const { cases, end } = await remoteCases();

console.log("case".padEnd(42), "direct ns", "one thread/direct", "two threads/direct", "two threads ns");
for (const { name, operations, direct, stepped, threaded } of cases) {
  const times = interleavedNanoseconds([direct, stepped, threaded], rounds) as [number, number, number];
  const [directTime, steppedTime, threadedTime] = times;
  console.log(
    name.padEnd(42),
    (directTime / operations).toFixed(0).padStart(9),
    (steppedTime / directTime).toFixed(2).padStart(17),
    (threadedTime / directTime).toFixed(2).padStart(18),
    (threadedTime / operations).toFixed(0).padStart(14),
  );
}
end();
