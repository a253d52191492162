import { fileURLToPath } from "node:url";
import type { VhostUserOptions } from "../../../src/hosts/deno/vhost_user.ts";

const PROGRAM = fileURLToPath(new URL("./back_end_program.ts", import.meta.url));
const SOURCES = fileURLToPath(new URL("../../../src", import.meta.url));
const PATIENCE_MILLISECONDS = 20_000;
/** What the program's answer to a question for a screenshot begins with. */
const SCREENSHOT = "screenshot ";

/** What the back end needs: no more, so that every test shows that it is enough. */
export const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-ffi=/lib/x86_64-linux-gnu/libc.so.6",
  `--allow-read=${SOURCES}`,
];

/** What a back end is told. */
export interface BackEndProcessOptions extends Omit<VhostUserOptions, "renderer"> {
  /**
   * Whether it has the reference renderer, one that throws at each command stream, or one that fills a blob when it has been
   * taken away (`holdFills`); none when absent.
   */
  readonly renderer?: "reference" | "throwing" | "late";
}

/** What a screen shows: 0 by 0 when nothing. */
export interface ProcessScreenshot {
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** One word for each pixel, red in the lowest byte. */
  readonly pixels: Uint32Array;
  /** Where the cursor is; undefined while it is hidden. */
  readonly cursor: { readonly x: number; readonly y: number } | undefined;
  /** The cursor's pixels, 64 by 64; undefined while it is hidden. */
  readonly cursorRgba: Uint8Array | undefined;
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
  /** Answers to `screenshot`: megabytes each, so they are not part of the output. */
  readonly #screenshots: string[] = [];
  #hasEnded = false;
  #onOutput: (() => void) | undefined;

  /** Starts one and waits until front ends can connect. */
  static async start(options: BackEndProcessOptions = {}): Promise<BackEndProcess> {
    const process = new BackEndProcess(options);
    await process.waitFor(/^ready$/m);
    return process;
  }

  private constructor(options: BackEndProcessOptions) {
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

  /** All whole lines that it has printed so far, but for screenshots. */
  get output(): string {
    return this.#output;
  }

  /** Asks it what scanout `scanoutId` shows. */
  async screenshot(scanoutId = 0): Promise<ProcessScreenshot> {
    await this.#input.write(new TextEncoder().encode(`screenshot ${scanoutId}\n`));
    const json = await this.#waitUntil(() => this.#screenshots.shift(), "a screenshot");
    const { widthPixels, heightPixels, base64, x, y, cursorBase64 } = JSON.parse(json);
    const pixels = new Uint32Array(Uint8Array.fromBase64(base64).buffer);
    const isHidden = x === undefined;
    const cursorRgba = isHidden ? undefined : Uint8Array.fromBase64(cursorBase64);
    return { widthPixels, heightPixels, pixels, cursor: isHidden ? undefined : { x, y }, cursorRgba };
  }

  /**
   * Waits until what it has printed matches `pattern`, from the place `from` on. Throws `Error` with the output when it has
   * ended without; it is killed when that takes too long.
   */
  waitFor(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    return this.#waitUntil(() => pattern.exec(this.#output.slice(from)) ?? undefined, String(pattern));
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

  /** Waits until `find` finds something in what was printed. */
  async #waitUntil<T>(find: () => T | undefined, wanted: string): Promise<T> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE_MILLISECONDS);
    try {
      while (true) {
        const found = find();
        if (found !== undefined) return found;
        if (this.#hasEnded) throw new Error(`The back end does not print ${wanted}, but: ${this.#output}`);
        await new Promise<void>((resolve) => this.#onOutput = resolve);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(): Promise<void> {
    let line: string[] = []; // in pieces: a screenshot has megabytes
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const [first, ...more] = text.split("\n");
      line.push(first!);
      for (const next of more) {
        this.#hear(line.join(""));
        line = [next];
      }
    }
    this.#hasEnded = true;
    this.#onOutput?.();
  }

  #hear(line: string): void {
    if (line.startsWith(SCREENSHOT)) this.#screenshots.push(line.slice(SCREENSHOT.length));
    else this.#output += `${line}\n`;
    this.#onOutput?.();
  }
}
