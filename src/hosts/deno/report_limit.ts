import type { Report } from "./vhost_user_messages.ts";

const WINDOW_MILLISECONDS = 1000;

/** Passes reports on, at most so many a second, and says how many were left out. */
export class ReportLimit {
  readonly #perSecond: number;
  readonly #pass: (report: Report) => void;
  readonly #now: () => number;
  #windowBegan = -Infinity;
  #inWindow = 0;

  /** Passes at most `perSecond` reports a second on to `pass`; `now` tells milliseconds. */
  constructor(perSecond: number, pass: (report: Report) => void, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#pass = pass;
    this.#now = now;
  }

  /** Passes `report` on, or leaves it out. */
  report(report: Report): void {
    const now = this.#now();
    if (now - this.#windowBegan >= WINDOW_MILLISECONDS) {
      const left = this.#inWindow - this.#perSecond;
      this.#windowBegan = now;
      this.#inWindow = 0;
      if (left > 0) this.#pass({ level: "warning", text: `${left} more messages were left out` });
    }
    if (++this.#inWindow <= this.#perSecond) this.#pass(report);
  }
}
