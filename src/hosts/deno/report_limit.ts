/** Passes texts on, at most so many a second; then one that says how many were left out. */
export class ReportLimit {
  readonly #perSecond: number;
  readonly #pass: (text: string) => void;
  #secondStarted = -Infinity;
  #count = 0;

  /** Passes at most `perSecond` texts a second on to `pass`. */
  constructor(perSecond: number, pass: (text: string) => void) {
    this.#perSecond = perSecond;
    this.#pass = pass;
  }

  /** Passes `text` on, or leaves it out; `text` is asked for only if it is passed on. */
  report(text: string): void {
    const now = performance.now();
    if (now - this.#secondStarted >= 1000) {
      if (this.#count > this.#perSecond) this.#pass(`${this.#count - this.#perSecond} more messages were left out`);
      this.#secondStarted = now;
      this.#count = 0;
    }
    if (++this.#count <= this.#perSecond) this.#pass(text);
  }
}
