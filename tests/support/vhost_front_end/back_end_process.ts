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

/** What a screen shows: 0 by 0 when nothing. */
export interface ProcessScreenshot {
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** One word for each pixel, red in the lowest byte. */
  readonly pixels: Uint32Array;
  /** Where the cursor is; undefined while it is hidden. */
  readonly cursor: { readonly x: number; readonly y: number } | undefined;
}

/** A back end that runs as a process of its own. */
export class BackEndProcess {
  /** Where it listens. */
  readonly path: string;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  readonly #reader: Promise<void>;
  #output = "";
  #hasEnded = false;
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
    const deno = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", env: { NO_COLOR: "1" } });
    this.#child = deno.spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reader = this.#read();
  }

  /** Its number, for /proc. */
  get pid(): number {
    return this.#child.pid;
  }

  /** How many lines of its table of mappings contain `text`. */
  mappings(text: string): number {
    return Deno.readTextFileSync(`/proc/${this.pid}/maps`).split("\n").filter((line) => line.includes(text)).length;
  }

  /** Everything that it has printed so far. */
  get output(): string {
    return this.#output;
  }

  /** Asks it what scanout `scanoutId` shows. */
  async screenshot(scanoutId = 0): Promise<ProcessScreenshot> {
    const from = this.#output.length;
    await this.#input.write(new TextEncoder().encode(`screenshot ${scanoutId}\n`));
    const [, json] = await this.waitFor(/^screenshot (.*)\n/m, from);
    const { widthPixels, heightPixels, base64, x, y } = JSON.parse(json!);
    const pixels = new Uint32Array(Uint8Array.fromBase64(base64).buffer);
    return { widthPixels, heightPixels, pixels, cursor: x === undefined ? undefined : { x, y } };
  }

  /**
   * Waits until what it has printed matches `pattern`, from the place `from` on. Throws `Error` with the output when it has
   * ended without; it is killed when that takes too long.
   */
  async waitFor(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE_MILLISECONDS);
    try {
      while (true) {
        const match = pattern.exec(this.#output.slice(from));
        if (match !== null) return match;
        if (this.#hasEnded) throw new Error(`The back end does not print ${pattern}, but: ${this.#output}`);
        await new Promise<void>((resolve) => this.#onOutput = resolve);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a signal, waits for the end, and returns the exit status. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    this.#child.kill(signal);
    return await this.ended();
  }

  /** Waits for its end and returns its exit status. It is killed when that takes too long. */
  async ended(): Promise<Deno.CommandStatus> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE_MILLISECONDS);
    const status = await this.#child.status;
    clearTimeout(timer);
    await this.#reader;
    await this.#input.close().catch(() => {}); // its other end has gone
    return status;
  }

  /** Ends it, if a test has not done so. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.end("SIGKILL");
    Deno.removeSync(this.#folder, { recursive: true });
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#output += text;
      this.#onOutput?.();
    }
    this.#hasEnded = true;
    this.#onOutput?.();
  }
}
