/**
 * Prints each kernel's time against C and against plain JavaScript: medians over rounds in which the three take turns,
 * so that the machine's other work falls on all alike. `deno run -A bench/kernel_ratios.ts [rounds] [part of a name]`
 */

import { kernelCases } from "./kernel_cases.ts";

/** How long one sample should take: long against the clock's grain and a call, short against other work's bursts. */
const sampleMilliseconds = 1;

const rounds = Number(Deno.args[0] ?? 201);
const wanted = Deno.args[1] ?? "";

function nanoseconds(run: () => void, times: number): number {
  const started = performance.now();
  for (let i = 0; i < times; i++) run();
  return (performance.now() - started) * 1e6 / times;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN; // NaN where there is no C
}

/** The median of the rounds' ratios: what disturbed both in one round disturbs this less than the medians' ratio. */
function medianRatio(times: number[], baseline: number[]): number {
  return median(baseline.map((time, round) => times[round]! / time));
}

console.log("case".padEnd(32), "wasm ns", "     c ns", "     js ns", "  wasm/c", "  js/c", "  js/wasm");
for (const { name, operations, wasm, c, javascript } of await kernelCases()) {
  if (!name.includes(wanted)) continue;
  const runs = c === undefined ? [wasm, javascript] : [wasm, javascript, c];
  const times = runs.map((run) => {
    nanoseconds(run, 20); // so that the engine has optimized it
    return Math.max(1, Math.round(sampleMilliseconds * 1e6 / nanoseconds(run, 5)));
  });
  const samples = runs.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    runs.forEach((run, i) => samples[i]!.push(nanoseconds(run, times[i]!) / operations));
  }
  const [wasmTimes = [], javascriptTimes = [], cTimes = []] = samples;
  const figures = [
    median(wasmTimes),
    median(cTimes),
    median(javascriptTimes),
    medianRatio(wasmTimes, cTimes),
    medianRatio(javascriptTimes, cTimes),
    medianRatio(javascriptTimes, wasmTimes),
  ];
  console.log(name.padEnd(32), ...figures.map((figure) => figure.toFixed(2).padStart(9)));
}
