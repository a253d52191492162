/** How long one sample should take: long against the clock's grain and a call, short against other work's bursts. */
const SAMPLE_MILLISECONDS = 2;
/** How long each function runs before it is measured: until the engine has optimised it. */
const WARM_UP_MILLISECONDS = 100;

/**
 * Measures functions that take turns, so that the machine's other work falls on all alike, and returns the lower quartile of
 * the time of one call of each in nanoseconds: other work can only add to a time.
 */
export function interleavedNanoseconds(runs: readonly (() => void)[], rounds: number): number[] {
  for (const run of runs) {
    for (const end = performance.now() + WARM_UP_MILLISECONDS; performance.now() < end;) run();
  }
  const times = runs.map((run) => Math.max(1, Math.round(SAMPLE_MILLISECONDS * 1e6 / nanoseconds(run, 5))));
  const samples = runs.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    runs.forEach((run, index) => samples[index]!.push(nanoseconds(run, times[index]!)));
  }
  return samples.map((values) => values.toSorted((a, b) => a - b)[values.length >> 2]!);
}

function nanoseconds(run: () => void, times: number): number {
  const started = performance.now();
  for (let time = 0; time < times; time++) run();
  return (performance.now() - started) * 1e6 / times;
}
