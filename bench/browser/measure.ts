import { CONTENDERS, VGA, WORKLOADS } from "./contenders.ts";
import { FiguresInBrowser } from "./figures_page.ts";
import type { DrawRun } from "./machine_calls.ts";
import { waitForQuiet } from "./quiet.ts";

/** What one contender did of one workload, over all rounds. */
export interface Figure {
  /** Pictures, or lines of the console, that the guest drew in a second. */
  readonly rate: number;
  /** How often that is the VGA's rate. */
  readonly ratio: number;
  /** Pictures that reached the canvas in a second. */
  readonly shown: number;
  /** Pixels that were put on the canvas in a second. */
  readonly shownPixels: number;
  /** Guest instructions for each picture that the guest drew. */
  readonly instructions: number;
  /** Part of the time that our device took, 0 to 1. */
  readonly deviceShare: number;
  /** Part of the time that the screen's frames took on the machine's thread, 0 to 1. */
  readonly frameShare: number;
}

/** What one contender did of one workload in one round. */
type SingleFigure = Omit<Figure, "ratio">;

/** The figures of a run, and in which circumstances they were made. */
export interface Figures {
  /** Chromium's. */
  readonly version: string;
  readonly date: string;
  /** How many programs wanted a processor, on the average of the last minute: before and after. */
  readonly load: readonly [before: number, after: number];
  readonly processors: number;
  readonly rounds: number;
  /** How long each run was. */
  readonly milliseconds: number;
  /** For each of `WORKLOADS` one for each of `CONTENDERS`. */
  readonly figures: readonly (readonly Figure[])[];
}

/** Lets every contender draw every workload in turn, for so many milliseconds each, in so many rounds: 1 or more. */
export async function measure(rounds: number, milliseconds: number): Promise<Figures> {
  return await FiguresInBrowser.with(CONTENDERS.map(({ way }) => way), async (page) => {
    await warmUp(page, milliseconds);
    const before = Deno.loadavg()[0]!;
    const runs: DrawRun[][][] = [];
    for (let round = 0; round < rounds; round++) runs.push(await runRound(page, milliseconds));
    return {
      version: page.version,
      date: new Date().toISOString().slice(0, 10),
      load: [before, Deno.loadavg()[0]!],
      processors: navigator.hardwareConcurrency,
      rounds,
      milliseconds,
      figures: WORKLOADS.map((_, workload) =>
        CONTENDERS.map((_, contender) => figureOf(runs.map((round) => round[workload]!), contender))
      ),
    };
  });
}

async function warmUp(page: FiguresInBrowser, milliseconds: number): Promise<void> {
  for (const { kind, warmUpRuns } of WORKLOADS) {
    for (const index of CONTENDERS.keys()) await page.draw(index, kind, warmUpRuns * milliseconds);
  }
}

/** One run of each contender for each workload; what is compared is made one after the other, in quiet if it can be. */
async function runRound(page: FiguresInBrowser, milliseconds: number): Promise<DrawRun[][]> {
  const runs: DrawRun[][] = [];
  for (const { kind } of WORKLOADS) {
    const row: DrawRun[] = [];
    for (const index of CONTENDERS.keys()) {
      await waitForQuiet(milliseconds);
      row.push(await page.draw(index, kind, milliseconds));
    }
    runs.push(row);
  }
  return runs;
}

/** One contender's figures of a workload: what other work on this machine can only lessen as upper quartiles. */
function figureOf(rounds: readonly (readonly DrawRun[])[], contender: number): Figure {
  const single = rounds.map((round) => singleFigure(round[contender]!));
  const of = (part: number, name: keyof SingleFigure) => quantile(single.map((figure) => figure[name]), part);
  return {
    rate: of(0.75, "rate"),
    ratio: of(0.75, "rate") / quantile(rounds.map((round) => singleFigure(round[VGA]!).rate), 0.75),
    shown: of(0.75, "shown"),
    shownPixels: of(0.75, "shownPixels"),
    instructions: of(0.5, "instructions"),
    deviceShare: of(0.5, "deviceShare"),
    frameShare: of(0.5, "frameShare"),
  };
}

function singleFigure({ before, after, count }: DrawRun): SingleFigure {
  const milliseconds = after.milliseconds - before.milliseconds;
  const perSecond = (value: number) => value * 1000 / milliseconds;
  return {
    rate: perSecond(count),
    shown: perSecond(after.canvas.pictures - before.canvas.pictures),
    shownPixels: perSecond(after.canvas.pixels - before.canvas.pixels),
    instructions: ((after.instructions - before.instructions) >>> 0) / count,
    deviceShare: (after.deviceMilliseconds - before.deviceMilliseconds) / milliseconds,
    frameShare: (after.canvas.milliseconds - before.canvas.milliseconds) / milliseconds,
  };
}

/** The value below which `part` of the values lie, 0 to 1. */
function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part + 0.5)]!;
}
