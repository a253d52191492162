import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a block's run differs in from a reader's. */
export interface ShellBlockOptions {
  /** Texts of the block, and what is in their places: paths of the reader's machine, ports. Each must be there. */
  readonly changes: Readonly<Record<string, string>>;
  /** Programs, by name, that the block finds before the machine's own: each a script for `sh`, which has "$@". */
  readonly programs: Readonly<Record<string, string>>;
  /** Whether it runs in the root of the project; true when absent, else in a folder of its own. */
  readonly isInProject?: boolean;
}

/** How a block has ended. */
export interface ShellBlockEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** `deno@2` by npx, and `deno`, are the Deno that runs the tests. */
export const DENO_PROGRAMS = {
  npx: `[ "$1 $2" = "-y deno@2" ] && shift 2 && exec '${Deno.execPath()}' "$@"`,
  deno: `exec '${Deno.execPath()}' "$@"`,
};

/** A shell block of the docs at work. Disposing ends what is left of it. */
export class ShellBlock implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "scanout-block-" });
  readonly #child: Deno.ChildProcess;
  readonly #stderr: Promise<string>;
  readonly #output: ReadableStreamDefaultReader<string>;
  #stdout = "";

  /** Starts `block`. Throws `Error` when a text to change is not in it. */
  constructor(block: string, { changes, programs, isInProject = true }: ShellBlockOptions) {
    const bin = join(this.#folder, "bin");
    Deno.mkdirSync(bin);
    for (const [name, script] of Object.entries(programs)) {
      Deno.writeTextFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    this.#child = new Deno.Command("setsid", { // a group of its own, which can be ended
      args: ["sh", "-euc", withChanges(block, changes)],
      cwd: isInProject ? ROOT : this.#folder,
      env: { PATH: `${bin}:${Deno.env.get("PATH")}`, NO_COLOR: "1" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stderr = new Response(this.#child.stderr).text();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Waits until it has printed what `pattern` finds. Throws `Error` with all that it has said when it ends before. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#stdout);
      if (found !== null) return found;
      if (!await this.#read()) throw new Error(`It does not print ${pattern}: ${this.#stdout}${await this.#stderr}`);
    }
  }

  /** Waits for its end. */
  async end(): Promise<ShellBlockEnd> {
    while (await this.#read());
    const { code } = await this.#child.status;
    return { code, stdout: this.#stdout, stderr: await this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      Deno.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // all of it has ended
    }
    await this.end();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #read(): Promise<boolean> {
    const { value, done } = await this.#output.read();
    this.#stdout += value ?? "";
    return !done;
  }
}

/** `text` with all `changes` made in it. Throws `Error` when there is nothing to change. */
export function withChanges(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`There is no ${from} in ${changed}`);
    return changed.replaceAll(from, to);
  }, text);
}
