import type { Reason } from "./reasons.ts";

/** Not known yet: whoever answers so is asked the same again once it has said that it knows. */
export const LATER: unique symbol = Symbol("later");
/** The type of `LATER`. */
export type Later = typeof LATER;

/** How a request ended: refused for a reason, not yet, or (undefined) done. */
export type Outcome = Reason | Later | undefined;
