import type { HostVisibleMemory } from "../../src/memory/host_visible_memory.ts";
import type { MemoryWindow } from "../../src/memory/memory_window.ts";
import type { Outcome } from "../../src/protocol/outcome.ts";

/** A host visible memory that notes what it is asked, and answers what a test says before it does it. */
export class ScriptedWindow implements HostVisibleMemory {
  readonly lengthBytes: number;
  readonly granularityBytes: number;
  /** The calls so far, as "map 4096+8192". */
  readonly calls: string[] = [];
  /** How often it was reset. */
  resets = 0;
  readonly #memory: HostVisibleMemory;
  readonly #answers = new Map<"map" | "unmap", Outcome[]>();

  /** In front of `memory`, with the same granularity or another. */
  constructor(memory: HostVisibleMemory, granularityBytes: number = memory.granularityBytes) {
    this.#memory = memory;
    this.lengthBytes = memory.lengthBytes;
    this.granularityBytes = granularityBytes;
  }

  /** Says what the next calls of a member answer, one after the other; those after them are done. */
  answer(question: "map" | "unmap", ...outcomes: Outcome[]): void {
    this.#answers.set(question, outcomes);
  }

  /** The calls so far, which are forgotten. */
  takeCalls(): string[] {
    return this.calls.splice(0);
  }

  get onReady(): (() => void) | undefined {
    return this.#memory.onReady;
  }

  set onReady(listener: (() => void) | undefined) {
    this.#memory.onReady = listener;
  }

  map(offsetBytes: number, sizeBytes: number): Outcome {
    this.calls.push(`map ${offsetBytes}+${sizeBytes}`);
    return this.#answers.get("map")?.shift() ?? this.#memory.map(offsetBytes, sizeBytes);
  }

  addressOf(offsetBytes: number): number {
    return this.#memory.addressOf(offsetBytes);
  }

  unmap(offsetBytes: number, sizeBytes: number): Outcome {
    this.calls.push(`unmap ${offsetBytes}+${sizeBytes}`);
    return this.#answers.get("unmap")?.shift() ?? this.#memory.unmap(offsetBytes, sizeBytes);
  }

  reset(): void {
    this.resets++;
    this.#memory.reset();
  }
}

/** Makes the option `wrapWindow` of a machine, and tells which window it made. */
export function scripted(
  granularityBytes?: number,
): { wrapWindow: (memory: MemoryWindow) => ScriptedWindow; made: () => ScriptedWindow } {
  let window: ScriptedWindow | undefined;
  return {
    wrapWindow: (memory) => window = new ScriptedWindow(memory, granularityBytes),
    made: () => window!,
  };
}
