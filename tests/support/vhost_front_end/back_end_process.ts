import { fileURLToPath } from "node:url";
import type { VhostUserOptions } from "../../../src/hosts/deno/vhost_user.ts";

const PROGRAM = fileURLToPath(new URL("./back_end_program.ts", import.meta.url));
const SOURCES = fileURLToPath(new URL("../../../src", import.meta.url));
const PATIENCE_MILLISECONDS = 20_000;

/** What the back end needs: no more, so that every test shows that it is enough. */
export const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-ffi=/lib/x86_64-linux-gnu/libc.so.6",
  `--allow-read=${SOURCES}`,
];

/** A back end that runs as a process of its own. */
export class BackEndProcess {
  /** Where it listens. */
  readonly path: string;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  readonly #reader: Promise<void>;
  #output = "";
  #onOutput: (() => void) | undefined;

  /** Starts one and waits until front ends can connect. */
  static async start(options: VhostUserOptions = {}): Promise<BackEndProcess> {
    const process = new BackEndProcess(options);
    await process.waitFor(/^ready$/m);
    return process;
  }

  private constructor(options: VhostUserOptions) {
    this.#folder = Deno.makeTempDirSync({ prefix: "scanout-vhost-user-" });
    this.path = `${this.#folder}/socket`;
    const args = ["run", ...PERMISSIONS, PROGRAM, JSON.stringify({ socketPath: this.path, ...options })];
    this.#child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", env: { NO_COLOR: "1" } }).spawn();
    this.#reader = this.#read();
  }

  /** Its number, for /proc. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Everything that it has printed so far. */
  get output(): string {
    return this.#output;
  }

  /** Waits until what it has printed matches `pattern`; throws `Error` with the output when it does not. */
  async waitFor(pattern: RegExp): Promise<void> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE_MILLISECONDS);
    let hasEnded = false;
    this.#reader.then(() => {
      hasEnded = true;
      this.#onOutput?.();
    });
    while (!pattern.test(this.#output) && !hasEnded) {
      await new Promise<void>((resolve) => this.#onOutput = resolve);
    }
    clearTimeout(timer);
    if (!pattern.test(this.#output)) throw new Error(`The back end does not print ${pattern}, but: ${this.#output}`);
  }

  /** Sends SIGTERM, if it still runs, waits for its end, and returns its exit status. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    try {
      this.#child.kill(signal);
    } catch {
      // it has ended already
    }
    return await this.ended();
  }

  /** Waits for its end and returns its exit status. */
  async ended(): Promise<Deno.CommandStatus> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE_MILLISECONDS);
    const status = await this.#child.status;
    clearTimeout(timer);
    await this.#reader;
    Deno.removeSync(this.#folder, { recursive: true });
    return status;
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#output += text;
      this.#onOutput?.();
    }
  }
}
