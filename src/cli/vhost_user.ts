import { posix } from "node:path";
import { Command, Option } from "commander";
import { runVhostUser } from "../hosts/deno/run_vhost_user.ts";
import type { Report, VhostUserBackEnd, VhostUserOptions } from "../hosts/deno/vhost_user.ts";
import type { HttpAddress, HttpServer } from "./http.ts";
import { type Streams, write } from "./run_program.ts";
import { Terminal } from "./terminal.ts";
import {
  outputsOf,
  parseAlignment,
  parseBytes,
  parseFd,
  parseHttpAddress,
  parseMaxOutputs,
  parseSizes,
  type Size,
} from "./vhost_user_options.ts";

/** What a command line says. */
interface VhostUserArguments {
  readonly socketPath?: string;
  readonly fd?: number;
  readonly keep?: boolean;
  readonly printCapabilities?: boolean;
  readonly resolution: readonly Size[];
  readonly maxOutputs: number;
  readonly headless?: boolean;
  readonly http?: HttpAddress;
  readonly hostMemory: number;
  readonly requireSeals?: boolean;
  readonly blobAlignment?: number;
  readonly verbose?: boolean;
  readonly virgl?: boolean;
  readonly renderNode?: string;
}

/** What QEMU and libvirt want to know of a back end before they start it: QEMU's docs/interop/vhost-user.json. */
const CAPABILITIES = { type: "gpu", features: [] };

const HELP = `
Examples:
  scanout vhost-user --socket-path=/tmp/gpu.sock
  scanout vhost-user --socket-path=/tmp/gpu.sock --keep --http=8000 --resolution=1920x1080
  scanout vhost-user --socket-path=/tmp/gpu.sock --headless --resolution=1280x800,1024x768

QEMU then takes, besides a machine whose RAM is shared (docs/qemu.md):
  -chardev socket,id=gpu,path=/tmp/gpu.sock -device vhost-user-gpu-pci,chardev=gpu

Exit status: 0 the front end has gone or a signal said to end, 1 it could not be done, 2 the command line was wrong.`;

/** `scanout vhost-user`: the device as a process of its own, for QEMU and other front ends. */
export function vhostUserCommand(streams: Streams): Command {
  const command = new Command("vhost-user");
  return command
    .description("be the GPU of a QEMU or another vhost-user front end; ends when that has gone")
    .option("-s, --socket-path <path>", "listen there; the socket is made, and removed at the end")
    .addOption(
      new Option("-f, --fd <number>", "use this file descriptor, a connected socket").argParser(parseFd)
        .conflicts(["socketPath", "keep"]),
    )
    .option("--keep", "wait for another front end when one has gone")
    .option("-c, --print-capabilities", "print as JSON what this back end is, and end")
    .option("--resolution <WxH,…>", "the connected monitors, until a front end says otherwise", parseSizes, [
      { widthPixels: 1280, heightPixels: 800 },
    ])
    .option("--max-outputs <number>", "how many monitors the guest can have, 1 to 16", parseMaxOutputs, 16)
    .option("--headless", "do not show the screens in the front end's display")
    .option("--http <[ADDR:]PORT>", "show the screens by HTTP, on this machine unless told otherwise", parseHttpAddress)
    .option("--host-memory <bytes>", "what the guest can make the device spend", parseBytes, 512 * 2 ** 20)
    .option("--require-seals", "refuse guest memory that another program can take away")
    .option("--blob-alignment <bytes>", "offer BLOB_ALIGNMENT: a power of two", parseAlignment)
    .option("--verbose", "say what happens, and what a guest does wrong")
    .option("-v, --virgl", "taken for what QEMU's own back end is told; there is no 3D yet")
    .option("-r, --render-node <path>", "likewise; no GPU of this machine is used")
    .configureHelp({ optionDescription: describeOption })
    .addHelpText("after", HELP)
    .action((args: VhostUserArguments) => {
      if (args.printCapabilities) return write(streams.stdout, `${JSON.stringify(CAPABILITIES, undefined, 2)}\n`);
      const isNowhere = args.socketPath === undefined && args.fd === undefined;
      if (isNowhere) command.error("error: one of '--socket-path' and '--fd' must be given");
      if (args.resolution.length > args.maxOutputs) {
        command.error(`error: ${args.resolution.length} sizes are more than --max-outputs=${args.maxOutputs}`);
      }
      return serve(args, streams);
    });
}

async function serve(args: VhostUserArguments, { stdout, stderr }: Streams): Promise<void> {
  const terminal = new Terminal(stdout);
  const warn = (text: string) => write(stderr, `scanout: ${text}\n`);
  if (args.virgl) warn("--virgl is not there yet: the guest finds a device without 3D");
  if (args.verbose && args.renderNode !== undefined) warn("--render-node is not used: there is no 3D yet");
  const onReport = ({ level, text }: Report) => level === "warning" || args.verbose ? warn(text) : undefined;
  const http = args.http && await import("./http.ts"); // it takes as long to load as all the rest
  let server: HttpServer | undefined;
  let problem: unknown;
  const onStart = (backEnd: VhostUserBackEnd) => {
    try {
      server = http?.serveHttp(backEnd, args.http!);
    } catch (error) {
      problem = describeHttpError(error, args.http!);
      return backEnd.stop();
    }
    if (server !== undefined) terminal.line(`The screens are at ${server.url}`);
    terminal.line(describeStart(args));
  };
  try {
    await runVhostUser(optionsOf(args, onReport), onStart);
  } finally {
    server?.close();
  }
  if (problem !== undefined) throw problem;
}

function optionsOf(args: VhostUserArguments, onReport: (report: Report) => void): VhostUserOptions {
  const { socketPath, fd, blobAlignment } = args;
  return {
    ...(socketPath !== undefined && { socketPath: fromCaller(socketPath) }),
    ...(fd !== undefined && { fd }),
    ...(blobAlignment !== undefined && { blobAlignment }),
    keep: args.keep ?? false,
    requireSeals: args.requireSeals ?? false,
    headless: args.headless ?? false,
    outputs: outputsOf(args.resolution, args.maxOutputs),
    hostMemoryBytes: args.hostMemory,
    reportsGuestErrors: args.verbose ?? false,
    onReport,
  };
}

/** `deno task` goes to another folder than the one in which it was called, and says which that was. */
function fromCaller(path: string): string {
  const isAllowed = Deno.permissions.querySync({ name: "env", variable: "INIT_CWD" }).state === "granted";
  const folder = isAllowed ? Deno.env.get("INIT_CWD") : undefined;
  return folder === undefined ? path : posix.resolve(folder, path);
}

function describeStart({ socketPath, fd, keep }: VhostUserArguments): string {
  if (socketPath === undefined) return `Serving the front end at file descriptor ${fd}`;
  return `Waiting for ${keep ? "front ends" : "a front end"} at ${fromCaller(socketPath)}`;
}

function describeHttpError(error: unknown, { hostname, port }: HttpAddress): Error {
  const reason = error instanceof Deno.errors.NotCapable
    ? `Deno must be started with --allow-net=${hostname.includes(":") ? `[${hostname}]` : hostname}`
    : error instanceof Error
    ? error.message
    : String(error);
  return new Error(`Cannot show the screens at ${hostname} port ${port}: ${reason}`);
}

/** Defaults as a person writes them. */
function describeOption({ long, description }: Option): string {
  const defaults: Record<string, string> = {
    "--resolution": "1280x800",
    "--max-outputs": "16",
    "--host-memory": "512M",
  };
  const value = defaults[long ?? ""];
  return value === undefined ? description : `${description} (default: ${value})`;
}
