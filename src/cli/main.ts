/**
 * The command line: `deno task scanout SUBCOMMAND`. Exit status 0: done; 1: it could not be done; 2: the command line was
 * wrong. Both kinds of error are told on standard error.
 */
import { Command, CommanderError } from "commander";
import { demoCommand } from "./demo.ts";
import { edidCommand } from "./edid.ts";
import { imageCommand } from "./image.ts";
import { standardStream, Terminal, type TextOutput } from "./terminal.ts";

/** Where the command line writes. */
export interface Streams {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
}

const EXAMPLES = `
Examples:
  scanout demo                            boot Debian in v86 and see it draw on the device
  scanout demo --built-in --out pictures  the same without Debian, into another folder
  scanout edid 1280x800 | edid-decode     look at the monitor that a guest would find

Exit status: 0 done, 1 it could not be done, 2 the command line was wrong.
From a checkout, scanout is: deno task scanout`;

/** Carries out the command line `args` and returns the exit status; never throws. */
export async function main(args: readonly string[], { stdout, stderr }: Streams): Promise<number> {
  const terminal = new Terminal(stdout);
  const program = new Command("scanout")
    .description("Scanout: a virtio-gpu device for JavaScript hosts")
    .version(projectVersion(), "-V, --version")
    .addHelpText("after", EXAMPLES);
  for (const command of [demoCommand(terminal), edidCommand(stdout), imageCommand(terminal)]) {
    program.addCommand(command);
  }
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
    terminal.clearStatus();
    write(stderr, `scanout: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}

/** Whether the "error" is the end of --help or --version. */
function isAnswer({ exitCode }: CommanderError): boolean {
  return exitCode === 0;
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`;
}

function projectVersion(): string {
  return JSON.parse(Deno.readTextFileSync(new URL("../../deno.json", import.meta.url))).version;
}

function write(stream: TextOutput, text: string): void {
  stream.write(new TextEncoder().encode(text));
}

if (import.meta.main) {
  const status = await main(Deno.args, { stdout: standardStream(Deno.stdout), stderr: standardStream(Deno.stderr) });
  Deno.exit(status); // v86 may have a timer left
}
