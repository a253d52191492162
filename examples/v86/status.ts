/** What the line below the buttons has beside messages, in this order. */
type Figure = "size" | "work" | "thread" | "running";

/** What the page tells people in words: the line below the buttons, the progress, what went wrong. */
export class Status {
  readonly #message = document.getElementById("message")!;
  readonly #figures = document.getElementById("figures")!;
  readonly #progress = document.getElementById("progress") as HTMLProgressElement;
  readonly #problem = document.getElementById("problem")!;
  readonly #parts: Record<Figure, string> = { size: "", work: "", thread: "", running: "" };

  /** What the machine does or has done; it is read aloud. */
  message(text: string): void {
    this.#message.textContent = text;
  }

  /** Sets a part of what stands behind the message, or takes it out (""). */
  set(part: Figure, text: string): void {
    this.#parts[part] = text;
    this.#figures.textContent = Object.values(this.#parts).filter((text) => text !== "").join(" · ");
  }

  /** How far something is: `done` of `total` bytes, if that is known. */
  progress(text: string, done = 0, total = done): void {
    this.message(total > 0 ? `${text}: ${megabytes(done)} of ${megabytes(total)} MB` : text);
    this.#progress.hidden = done === total;
    this.#progress.max = total || 1;
    this.#progress.value = done;
  }

  /** What went wrong, or nothing any more (""). */
  problem(text: string): void {
    this.#problem.textContent = text;
    this.#problem.hidden = text === "";
  }

  /** Does something that may go wrong, and says so if it does. */
  attempt(work: () => Promise<unknown>): void {
    this.problem("");
    work().catch((error) => this.problem(error instanceof Error ? error.message : String(error)));
  }
}

/** A number of bytes in millions. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
