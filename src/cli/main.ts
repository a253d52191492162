/**
 * The command line: `deno task scanout SUBCOMMAND`. Exit status 0: done; 1: it could not be done; 2: the command line was
 * wrong. Both kinds of error are told on standard error.
 */
import { Command } from "commander";
import { demoCommand } from "./demo.ts";
import { edidCommand } from "./edid.ts";
import { imageCommand } from "./image.ts";
import { runProgram, type Streams } from "./run_program.ts";
import { standardStream, Terminal } from "./terminal.ts";
import { vhostUserCommand } from "./vhost_user.ts";

const EXAMPLES = `
Examples:
  scanout demo                            boot Debian in v86 and see it draw on the device
  scanout demo --built-in --out pictures  the same without Debian, into another folder
  scanout edid 1280x800 | edid-decode     look at the monitor that a guest would find
  scanout vhost-user --socket-path=gpu.sock --http=8000
                                          be the GPU of a QEMU, and show its screens to a browser

Exit status: 0 done, 1 it could not be done, 2 the command line was wrong.
From a checkout, scanout is: deno task scanout`;

/** Carries out the command line `args` and returns the exit status; never throws. */
export function main(args: readonly string[], streams: Streams): Promise<number> {
  const terminal = new Terminal(streams.stdout);
  const program = new Command("scanout")
    .description("Scanout: a virtio-gpu device for JavaScript hosts")
    .version(projectVersion(), "-V, --version")
    .addHelpText("after", EXAMPLES);
  const commands = [
    demoCommand(terminal),
    edidCommand(streams.stdout),
    imageCommand(terminal),
    vhostUserCommand(streams),
  ];
  for (const command of commands) program.addCommand(command);
  return runProgram(program, args, streams, () => terminal.clearStatus());
}

function projectVersion(): string {
  return JSON.parse(Deno.readTextFileSync(new URL("../../deno.json", import.meta.url))).version;
}

if (import.meta.main) {
  const status = await main(Deno.args, { stdout: standardStream(Deno.stdout), stderr: standardStream(Deno.stderr) });
  Deno.exit(status); // v86 may have a timer left
}
