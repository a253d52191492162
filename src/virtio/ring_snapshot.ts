import type { PlainValue } from "../snapshot/plain_value.ts";
import { ERROR_SEGMENTS } from "../wasm/layout.gen.ts";

/** How far a queue has come; what the driver said of it is the transport's to know. */
export interface RingSnapshot {
  /** Index in the available ring of the next chain, modulo 2^16. */
  readonly nextAvailable: number;
  /** Index in the used ring of the next place, modulo 2^16. */
  readonly nextUsed: number;
  /** Index in the used ring up to which the driver was interrupted if it wanted, modulo 2^16. */
  readonly signalledUsed: number;
  /** Why the queue stands still, as `SplitQueue.errorCode` says; 0 while it works. */
  readonly errorCode: number;
}

const MAX_INDEX = 0xffff;

/**
 * Checks how far a queue of a snapshot has come: any indices, since the kernels compare them with what is in the rings.
 * Throws `TypeError` or `RangeError` that names what is wrong.
 */
export function checkRing(ring: PlainValue): RingSnapshot {
  return {
    nextAvailable: ring.field("nextAvailable").integer(0, MAX_INDEX),
    nextUsed: ring.field("nextUsed").integer(0, MAX_INDEX),
    signalledUsed: ring.field("signalledUsed").integer(0, MAX_INDEX),
    errorCode: ring.field("errorCode").integer(ERROR_SEGMENTS, 0),
  };
}
