/**
 * fast-check, whose properties begin with one seed, so that a run can be repeated: `fast-check` in deno.json means this
 * file. `SCANOUT_PROPERTY_SEED` is another seed, `SCANOUT_PROPERTY_RUNS` how many times as many runs each property gets;
 * `deno task full` draws the one and raises the other.
 */

import * as original from "fast-check/original";

export * from "fast-check/original";
export * as default from "./fast_check.ts";

const SEED = Number(Deno.env.get("SCANOUT_PROPERTY_SEED") ?? 20_260_921);
const TIMES = Number(Deno.env.get("SCANOUT_PROPERTY_RUNS") ?? 1);
const DEFAULT_RUNS = 100;

/** Throws when `property` does not hold, with the seed and the smallest case that was found. */
export function assert<Ts>(property: original.IProperty<Ts>, parameters: original.Parameters<Ts> = {}): void {
  const numRuns = (parameters.numRuns ?? DEFAULT_RUNS) * TIMES;
  original.assert(property, { seed: SEED, ...parameters, numRuns });
}
