import { main } from "../../src/cli/main.ts";
import type { TextOutput } from "../../src/cli/terminal.ts";

/** An output that keeps what is written to it; a terminal when it has `columns`. */
export class KeptOutput implements TextOutput {
  readonly columns: number | undefined;
  #bytes: number[] = [];

  constructor(columns?: number) {
    this.columns = columns;
  }

  write(bytes: Uint8Array): void {
    this.#bytes.push(...bytes);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#bytes);
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }
}

/** What a command line did. */
export interface Run {
  readonly status: number;
  readonly stdout: KeptOutput;
  readonly stderr: KeptOutput;
}

/** Runs `scanout` with `args` in this process, with no terminal. */
export async function runScanout(...args: string[]): Promise<Run> {
  const stdout = new KeptOutput();
  const stderr = new KeptOutput();
  return { status: await main(args, { stdout, stderr }), stdout, stderr };
}
