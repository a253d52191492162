import { UNTIL_RELEASED } from "./stream.ts";

/** The longest time that a timer takes; a longer one would end at once. */
const MAX_TIMER_MILLISECONDS = 2 ** 31 - 1;

/** A piece of work on a timeline: what is left of a stream, and the fence behind it. */
export interface Work {
  readonly contextId: number;
  /** The stream's words; none for a fence alone. */
  readonly words: Uint32Array;
  /** The word at which the work goes on. */
  at: number;
  /** The fence's slot, or `NO_FENCE`. */
  readonly slot: number;
}

/** What a piece of work came to: all done, its context lost, or held up for so many milliseconds. */
export type Progress = "done" | "lost" | number;

/** Work that is done in order. Nothing is kept while nothing is held up. */
export class Timeline {
  readonly #run: (work: Work) => Progress;
  readonly #fenceDone: (slot: number) => void;
  readonly #queue: Work[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isHeld = false;
  #isAdvancing = false;

  /** `run` does a piece of work from `at` on and moves `at`; `fenceDone` hears of each fence. */
  constructor(run: (work: Work) => Progress, fenceDone: (slot: number) => void) {
    this.#run = run;
    this.#fenceDone = fenceDone;
  }

  /** Whether work can be done at once, since there is none before it. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && !this.#isAdvancing;
  }

  /** Whether something holds the work up. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Adds work behind all other. */
  add(work: Work): void {
    this.#queue.push(work);
    this.#advance();
  }

  /** Adds work that has been begun and is held up: there is none before it. */
  hold(work: Work, milliseconds: number): void {
    this.#queue.push(work);
    this.#holdUp(milliseconds);
  }

  /** Ends what holds the work up; false when nothing does. */
  release(): boolean {
    if (!this.#isHeld) return false;
    this.#letGo();
    this.#advance();
    return true;
  }

  /** Ends what holds the work up when it belongs to a context. */
  releaseContext(contextId: number): void {
    if (this.#isHeld && this.#queue[0]!.contextId === contextId) this.release();
  }

  /** Drops all work. */
  clear(): void {
    this.#letGo();
    this.#queue.length = 0;
  }

  #advance(): void {
    if (this.#isAdvancing) return; // a fence's end may bring the next command
    this.#isAdvancing = true;
    while (!this.#isHeld && this.#queue.length > 0) this.#step(this.#queue[0]!);
    this.#isAdvancing = false;
  }

  #step(work: Work): void {
    const progress = this.#run(work);
    if (this.#queue[0] !== work) return; // the context was lost, and its ring cleared
    if (typeof progress === "number") return this.#holdUp(progress);
    this.#queue.shift();
    this.#fenceDone(work.slot);
  }

  #holdUp(milliseconds: number): void {
    this.#isHeld = true;
    if (milliseconds === UNTIL_RELEASED) return;
    this.#timer = setTimeout(() => this.release(), Math.min(milliseconds, MAX_TIMER_MILLISECONDS));
  }

  #letGo(): void {
    this.#isHeld = false;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
