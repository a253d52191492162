import type { V86 } from "v86";

/** What a command in the guest printed, and its exit status (0 to 255). */
export interface CommandResult {
  readonly output: string;
  readonly status: number;
}

interface Waiter {
  readonly pattern: RegExp;
  readonly resolve: (match: RegExpExecArray) => void;
}

/** The first serial line of a guest in v86: text both ways, and the commands of build/guest/init.sh. */
export class GuestSerial {
  /** Is called with each line that the guest prints, without its end. */
  onLine: (line: string) => void = () => {};

  readonly #emulator: V86;
  readonly #onByte = (byte: number) => this.#receive(String.fromCharCode(byte));
  #line = "";
  #unmatched = ""; // whole lines
  #waiters: Waiter[] = [];
  #commands = 0;
  #lastCommand: Promise<unknown> = Promise.resolve();

  /** Listens from now on. `close` ends that. */
  constructor(emulator: V86) {
    this.#emulator = emulator;
    emulator.add_listener("serial0-output-byte", this.#onByte);
  }

  /** Stops listening. What still waits is never answered. */
  close(): void {
    this.#emulator.remove_listener("serial0-output-byte", this.#onByte);
  }

  /** Sends `text` as it is. */
  send(text: string): void {
    this.#emulator.serial0_send(text);
  }

  /**
   * Resolves when `pattern` matches what the guest prints from now on, or has printed since the last match; looks at
   * whole lines only. Rejects after `timeoutSeconds`.
   */
  waitFor(pattern: RegExp, timeoutSeconds: number): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const waiter = { pattern, resolve };
    const timer = setTimeout(() => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      reject(
        new Error(`The guest did not print ${pattern} in ${timeoutSeconds} s; but:\n${this.#unmatched.slice(-2000)}`),
      );
    }, timeoutSeconds * 1000);
    this.#waiters.push(waiter);
    this.#search();
    return promise.finally(() => clearTimeout(timer));
  }

  /** Runs a shell command in the guest, after those asked for before. Rejects after `timeoutSeconds`. */
  run(command: string, timeoutSeconds: number): Promise<CommandResult> {
    if (command.includes("\n")) throw new TypeError("Cannot run a command of several lines in the guest");
    const result = this.#lastCommand.then(() => this.#runNow(command, timeoutSeconds));
    this.#lastCommand = result.catch(() => {});
    return result;
  }

  async #runNow(command: string, timeoutSeconds: number): Promise<CommandResult> {
    const number = ++this.#commands;
    this.send(`${number} ${command}\n`);
    const answer = new RegExp(`\\x01${number}\\n([^]*)\\x02${number} (\\d+)\\n`);
    const match = await this.waitFor(answer, timeoutSeconds);
    return { output: match[1]!, status: Number(match[2]) };
  }

  #receive(character: string): void {
    if (character !== "\n") {
      this.#line += character;
      return;
    }
    this.onLine(this.#line);
    this.#unmatched += `${this.#line}\n`;
    this.#line = "";
    this.#search();
  }

  #search(): void {
    for (const waiter of [...this.#waiters]) {
      const match = waiter.pattern.exec(this.#unmatched);
      if (match === null) continue;
      this.#unmatched = this.#unmatched.slice(match.index + match[0].length);
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      waiter.resolve(match);
    }
  }
}
