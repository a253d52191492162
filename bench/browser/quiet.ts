import { cpus } from "node:os";

/** How long one look at the processors takes. */
const LOOK_MILLISECONDS = 100;
/** Part of the processors' time that nobody wants when a machine is quiet. */
const IDLE_PART = 0.7;
/** How long to wait for quiet, in durations of what shall be done then. */
const PATIENCE = 3;

/** Waits until this machine does little else, but no longer than several times the `milliseconds` of what comes then. */
export async function waitForQuiet(milliseconds: number): Promise<void> {
  const end = performance.now() + PATIENCE * milliseconds;
  while (await idlePart() < IDLE_PART && performance.now() < end);
}

/** The part of the processors' time in which they had nothing to do, of the time of one look. */
async function idlePart(): Promise<number> {
  const before = processorTimes();
  await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
  const after = processorTimes();
  return (after.idle - before.idle) / (after.all - before.all || 1);
}

function processorTimes(): { idle: number; all: number } {
  let [idle, all] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    all += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idle, all };
}
