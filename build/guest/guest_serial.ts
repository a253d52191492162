import type { V86 } from "v86";

// Generous: a loaded machine of two cores must not fail a test. Only a guest that hangs gets here.
const BOOT_TIMEOUT_SECONDS = 180;
const COMMAND_TIMEOUT_SECONDS = 60;

const READY = /^scanout guest ready: Linux (.*)$/m;

/** A serial line of an emulated machine: text both ways. */
export interface SerialLine {
  /** Sends `text` to the guest as it is. */
  send(text: string): void;
  /** Calls `onText` with what the guest sends from now on, in pieces of any length, until the returned function is called. */
  listen(onText: (text: string) => void): () => void;
}

/** The first serial line of a machine in v86. */
export function v86SerialLine(emulator: V86): SerialLine {
  return {
    send: (text) => emulator.serial0_send(text),
    listen(onText) {
      const onByte = (byte: number) => onText(String.fromCharCode(byte));
      emulator.add_listener("serial0-output-byte", onByte);
      return () => emulator.remove_listener("serial0-output-byte", onByte);
    },
  };
}

/** What a command in the guest printed, and its exit status (0 to 255). */
export interface CommandResult {
  readonly output: string;
  readonly status: number;
}

interface Waiter {
  readonly pattern: RegExp;
  readonly resolve: (match: RegExpExecArray) => void;
}

/** What a guest says on its serial line, and the commands of build/guest/init.sh. */
export class GuestSerial {
  /** Is called with each line that the guest prints, without its end. */
  onLine: (line: string) => void = () => {};

  readonly #serialLine: SerialLine;
  readonly #stopListening: () => void;
  #line = "";
  #unmatched = ""; // whole lines
  #waiters: Waiter[] = [];
  #commands = 0;
  #lastCommand: Promise<unknown> = Promise.resolve();

  /** Listens from now on. `close` ends that. */
  constructor(serialLine: SerialLine) {
    this.#serialLine = serialLine;
    this.#stopListening = serialLine.listen((text) => this.#receive(text));
  }

  /** Stops listening. What still waits is never answered. */
  close(): void {
    this.#stopListening();
  }

  /** Resolves when the guest takes commands. */
  async ready(): Promise<void> {
    await this.waitFor(READY, BOOT_TIMEOUT_SECONDS);
  }

  /** Reboots from inside the guest and resolves when it takes commands again. */
  async reboot(): Promise<void> {
    const ready = this.ready();
    this.#serialLine.send("0 reboot -f\n");
    await ready;
  }

  /**
   * Resolves when `pattern` matches what the guest prints from now on, or has printed since the last match; looks at
   * whole lines only. Rejects after `timeoutSeconds`.
   */
  waitFor(pattern: RegExp, timeoutSeconds = COMMAND_TIMEOUT_SECONDS): Promise<RegExpExecArray> {
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
  run(command: string, timeoutSeconds = COMMAND_TIMEOUT_SECONDS): Promise<CommandResult> {
    if (command.includes("\n")) throw new TypeError("Cannot run a command of several lines in the guest");
    const result = this.#lastCommand.then(() => this.#runNow(command, timeoutSeconds));
    this.#lastCommand = result.catch(() => {});
    return result;
  }

  /** Runs a shell command that must succeed, and gives its output. */
  async output(command: string): Promise<string> {
    const { output, status } = await this.run(command);
    if (status !== 0) throw new Error(`In the guest, ${command} ended with status ${status}:\n${output}`);
    return output;
  }

  async #runNow(command: string, timeoutSeconds: number): Promise<CommandResult> {
    const number = ++this.#commands;
    this.#serialLine.send(`${number} ${command}\n`);
    const answer = new RegExp(`\\x01${number}\\n([^]*)\\x02${number} (\\d+)\\n`);
    const match = await this.waitFor(answer, timeoutSeconds);
    return { output: match[1]!, status: Number(match[2]) };
  }

  #receive(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()!;
    if (lines.length === 0) return;
    lines.forEach((line) => this.onLine(line));
    this.#unmatched += `${lines.join("\n")}\n`;
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
