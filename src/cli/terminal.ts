/** Where a program's text goes: its standard output or error. */
export interface TextOutput {
  /** Writes all of `bytes`. */
  write(bytes: Uint8Array): void;
  /** Characters in a line of the terminal; undefined when the output is a file or a pipe. */
  readonly columns: number | undefined;
}

const STATUS_SECONDS = 2;
const USUAL_COLUMNS = 80;

/**
 * Lines, and below them one line that says how far things are: a terminal shows it in place and forgets it, a file gets
 * it as a line of its own, for each new step and every two seconds of a long one.
 */
export class Terminal {
  readonly #output: TextOutput;
  #hasStatus = false;
  #step = "";
  #stepWritten = 0; // milliseconds

  constructor(output: TextOutput) {
    this.#output = output;
  }

  /** Writes a line that stays. */
  line(text: string): void {
    this.clearStatus();
    this.#write(`${text}\n`);
  }

  /** Says how far `step` is, in one line; on a terminal it replaces what the last call said. */
  status(step: string, detail?: string): void {
    const text = detail === undefined ? step : `${step}: ${detail}`;
    const { columns } = this.#output;
    if (columns === undefined) {
      if (this.#isTimeFor(step)) this.#write(`${text}\n`);
      return;
    }
    this.clearStatus();
    this.#write(text.slice(0, columns - 1));
    this.#hasStatus = true;
  }

  /** Whether a file should have a line about `step` now. */
  #isTimeFor(step: string): boolean {
    const now = performance.now();
    if (step === this.#step && now - this.#stepWritten < STATUS_SECONDS * 1000) return false;
    this.#step = step;
    this.#stepWritten = now;
    return true;
  }

  /** Takes the status away; whatever is written next begins at the left. */
  clearStatus(): void {
    if (this.#hasStatus) this.#write("\r\x1b[K");
    this.#hasStatus = false;
  }

  #write(text: string): void {
    this.#output.write(new TextEncoder().encode(text));
  }
}

/** A standard stream of this process. Its width is asked for at each use, as windows change. */
export function standardStream(stream: typeof Deno.stdout | typeof Deno.stderr): TextOutput {
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
    },
    get columns() {
      return stream.isTerminal() ? Deno.consoleSize().columns || USUAL_COLUMNS : undefined; // 0: it does not know
    },
  };
}
