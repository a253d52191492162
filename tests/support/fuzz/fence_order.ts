import { assert } from "@std/assert";
import type { ModelState } from "./model_state.ts";

/** The timeline of commands without a fence: they are answered in order, too. */
export const NO_FENCE_TIMELINE = "none";

/** The timeline of a ring of a context. */
export function ringTimeline(contextId: number, ringIndex: number): string {
  return `${contextId}:${ringIndex}`;
}

/** A command that was given its place in a timeline. */
export interface TimelinePlace {
  readonly timeline: string;
  /** The how manyth command it is. */
  readonly sequence: number;
}

/** Watches that the commands of each timeline come back in the order in which they went out. Virtio 1.4, 5.7.6.7. */
export class FenceOrder {
  readonly #last = new Map<string, number>();
  #sequence = 0;

  /** Forgets all. */
  clear(): void {
    this.#last.clear();
  }

  /** A command goes out. */
  begin(timeline: string): TimelinePlace {
    return { timeline, sequence: ++this.#sequence };
  }

  /** A command comes back. */
  end({ timeline, sequence }: TimelinePlace): void {
    const last = this.#last.get(timeline) ?? 0;
    assert(sequence > last, `command ${sequence} of timeline ${timeline} comes back after ${last}`);
    this.#last.set(timeline, sequence);
  }

  /** Throws when a command still waits whose context is gone. */
  checkWaiting({ timeline }: TimelinePlace, { contexts }: ModelState): void {
    const [contextId, ringIndex] = timeline.split(":");
    if (ringIndex === undefined) return;
    assert(contexts.has(Number(contextId)), `a fence waits on ring ${ringIndex} of no context ${contextId}`);
  }
}
