import { type Command, CommanderError } from "commander";
import type { TextOutput } from "./terminal.ts";

/** Where the command line writes. */
export interface Streams {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
}

/**
 * Carries out the command line `args` by `program` and its subcommands, and returns the exit status; never throws. 0: done;
 * 1: it could not be done; 2: the command line was wrong. Errors are told on `stderr`, after `beforeError` was called.
 */
export async function runProgram(
  program: Command,
  args: readonly string[],
  { stdout, stderr }: Streams,
  beforeError: () => void = () => {},
): Promise<number> {
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => write(stdout, text), writeErr: (text) => write(stderr, text) })
      .showHelpAfterError(`Try: ${nameOf(command)} --help`);
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return isAnswer(error) ? 0 : 2; // commander has told it
    beforeError();
    write(stderr, `scanout: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}

/** Writes text to a stream. */
export function write(stream: TextOutput, text: string): void {
  stream.write(new TextEncoder().encode(text));
}

/** Whether the "error" is the end of --help or --version. */
function isAnswer({ exitCode }: CommanderError): boolean {
  return exitCode === 0;
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`;
}
