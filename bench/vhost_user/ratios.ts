/**
 * Prints how fast our vhost-user back end is beside QEMU's own in C: the same front end and the same guest's driver take
 * turns between the two, and the same sink reads what their display sockets bring.
 * `deno run -A bench/vhost_user/ratios.ts [rounds] [milliseconds] [case]`
 */

import { seededRandom } from "../support/seeded_random.ts";
import { type BackEndProgram, cProgram, scanoutProgram } from "./back_ends.ts";
import { type Case, casesOf, checkReplies } from "./cases.ts";
import type { DisplaySink } from "./display_sink.ts";
import { RunningBackEnd } from "./running_back_end.ts";

const SEED = 1;
const START_ROUNDS = 5;
const WARM_UP_MILLISECONDS = 1000;
const OURS = 0;
const THEIRS = 1;

const rounds = Number(Deno.args[0] ?? 15);
const milliseconds = Number(Deno.args[1] ?? 200);
const wanted = Deno.args[2] ?? "";

interface Contender {
  readonly backEnd: RunningBackEnd;
  readonly sink: DisplaySink;
  readonly cases: readonly Case[];
}

interface Sample {
  /** How often in a second. */
  readonly rate: number;
  /** Bytes of pictures that the display was shown each time. */
  readonly shownBytes: number;
}

/** Starts each program anew in turns: milliseconds to the first reply. */
async function startTimes(programs: readonly BackEndProgram[]): Promise<number[][]> {
  const times = programs.map((): number[] => []);
  for (let round = 0; round < START_ROUNDS; round++) {
    for (const [index, program] of programs.entries()) {
      const backEnd = await RunningBackEnd.start(program);
      times[index]!.push(backEnd.startMilliseconds);
      await backEnd.end();
    }
  }
  return times;
}

async function contend(program: BackEndProgram): Promise<Contender> {
  const backEnd = await RunningBackEnd.start(program);
  const sink = backEnd.startDriver();
  const cases = casesOf(backEnd.machine, sink, SEED).filter(({ name }) => name.includes(wanted));
  for (const one of cases) {
    one.prepare?.();
    one.run(WARM_UP_MILLISECONDS);
    checkReplies(one);
  }
  return { backEnd, sink, cases };
}

function sample({ sink, cases }: Contender, index: number): Sample {
  const one = cases[index]!;
  one.prepare?.();
  const bytes = sink.bytes;
  const began = performance.now();
  const count = one.run(milliseconds);
  const rate = count / (performance.now() - began) * 1000;
  checkReplies(one);
  return { rate, shownBytes: (sink.bytes - bytes) / count };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function line(name: string, ours: string, theirs: string, ratio: number, shown = ""): void {
  console.log(`${name.padEnd(28)}${ours.padStart(11)}${theirs.padStart(17)}${ratio.toFixed(2).padStart(8)}  ${shown}`);
}

const programs = [scanoutProgram(), await cProgram()];
console.log(
  `${"times a second".padEnd(28)}${"scanout".padStart(11)}${"vhost-user-gpu".padStart(17)}${"ratio".padStart(8)}`,
);
if (wanted === "") {
  const [ours, theirs] = (await startTimes(programs)).map(median) as [number, number];
  line("start to first reply, ms", ours.toFixed(0), theirs.toFixed(0), theirs / ours);
}

const contenders: Contender[] = [];
for (const program of programs) contenders.push(await contend(program));
const random = seededRandom(SEED);
for (const [index, { name }] of contenders[OURS]!.cases.entries()) {
  const samples = contenders.map((): Sample[] => []);
  for (let round = 0; round < rounds; round++) {
    const first = random(2);
    for (const turn of [first, 1 - first]) samples[turn]!.push(sample(contenders[turn]!, index));
  }
  const [ours, theirs] = samples.map((all) => median(all.map(({ rate }) => rate))) as [number, number];
  const ratio = median(samples[OURS]!.map(({ rate }, round) => rate / samples[THEIRS]![round]!.rate));
  const shown = samples.map((all) => (median(all.map(({ shownBytes }) => shownBytes)) / 1024).toFixed(1));
  line(
    name,
    ours.toFixed(0),
    theirs.toFixed(0),
    ratio,
    shown.every((kib) => kib === "0.0") ? "" : `KiB shown: ${shown.join(" and ")}`,
  );
}
for (const { backEnd } of contenders) await backEnd.end();
console.log(
  `${rounds} rounds of ${milliseconds} ms; medians; load ${
    Deno.loadavg()[0]!.toFixed(1)
  } on ${navigator.hardwareConcurrency} processors`,
);
Deno.exit(); // a sink may still be blocked
