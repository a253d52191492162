import type { Later, Outcome } from "../../protocol/outcome.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";

const NUMBERED: readonly Reason[] = Object.values(Reasons);

/** The number by which a reason crosses to another thread, from 1 on; 0 for none. Both threads run the same table. */
export function numberOfOutcome(outcome: Exclude<Outcome, Later>): number {
  if (outcome === undefined) return 0;
  const number = NUMBERED.indexOf(outcome) + 1;
  // A renderer may have reasons of its own: what the guest sees of one is the code alone.
  return number || NUMBERED.findIndex(({ response }) => response === outcome.response) + 1;
}

/** The outcome with this number. */
export function outcomeOfNumber(number: number): Reason | undefined {
  return number === 0 ? undefined : NUMBERED[number - 1] ?? Reasons.rendererGone;
}
