/**
 * `scanout-vhost-user-gpu`, as QEMU's tools and libvirt start it: `scanout vhost-user` under a name of its own. It loads
 * nothing of the other subcommands.
 */
import { runProgram } from "./run_program.ts";
import { standardStream } from "./terminal.ts";
import { vhostUserCommand } from "./vhost_user.ts";

if (import.meta.main) {
  const streams = { stdout: standardStream(Deno.stdout), stderr: standardStream(Deno.stderr) };
  const program = vhostUserCommand(streams).name("scanout-vhost-user-gpu");
  Deno.exit(await runProgram(program, Deno.args, streams));
}
