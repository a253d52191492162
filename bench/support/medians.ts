/** How long one sample should take: long against the clock's grain and a call, short against other work's bursts. */
const SAMPLE_MILLISECONDS = 2;

/**
 * Measures functions that take turns, so that the machine's other work falls on all alike, and returns the median time of
 * one call of each in nanoseconds. Each is called often enough before that the engine has optimised it.
 */
export function medianNanoseconds(runs: readonly (() => void)[], rounds: number): number[] {
  const times = runs.map((run) => {
    nanoseconds(run, 200);
    return Math.max(1, Math.round(SAMPLE_MILLISECONDS * 1e6 / nanoseconds(run, 5)));
  });
  const samples = runs.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    runs.forEach((run, index) => samples[index]!.push(nanoseconds(run, times[index]!)));
  }
  return samples.map((values) => values.toSorted((a, b) => a - b)[values.length >> 1]!);
}

function nanoseconds(run: () => void, times: number): number {
  const started = performance.now();
  for (let time = 0; time < times; time++) run();
  return (performance.now() - started) * 1e6 / times;
}
