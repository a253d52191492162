/**
 * Serves the page of examples/v86: `deno task demo:page`. Makes the guest's image, bundles the page, prints the URL, and
 * serves until it is ended. Exit status 1 where the image or the port cannot be had; standard error says what is missing.
 */
import { Command } from "commander";
import { showGuestProgress } from "../src/cli/guest_progress.ts";
import { runProgram } from "../src/cli/run_program.ts";
import { standardStream, Terminal } from "../src/cli/terminal.ts";
import { AptMissingError } from "./guest/image.ts";
import { bundlePage, v86Wasm } from "./page/bundle.ts";
import { serveFiles } from "./page/file_server.ts";
import { makePageImage, pageFiles } from "./page/page_image.ts";

const APT =
  "The page boots Debian, whose packages come by apt-get, apt-cache and dpkg-deb: run this on Debian or Ubuntu";

/** Everything that the server has to offer: the page, and in guest/ what the machine is made of. */
async function collect(terminal: Terminal): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const guest = await makePageImage(showGuestProgress(terminal)).catch((error) => {
    throw error instanceof AptMissingError ? new Error(`${error.message}. ${APT}`) : error;
  });
  terminal.status("Bundling the page");
  const files = await bundlePage();
  for (const [name, bytes] of pageFiles(guest, await v86Wasm())) files.set(`guest/${name}`, bytes);
  return files;
}

async function servePage(port: number, terminal: Terminal): Promise<void> {
  const server = serveFiles(await collect(terminal), port);
  terminal.line(`Debian in a page: ${server.url}`);
  await server.finished;
}

if (import.meta.main) {
  const streams = { stdout: standardStream(Deno.stdout), stderr: standardStream(Deno.stderr) };
  const terminal = new Terminal(streams.stdout);
  const program = new Command("demo:page")
    .description("boot Debian in a web page, with Scanout as its graphics card")
    .option("--port <port>", "where to listen on 127.0.0.1; 0: any free port", "8086")
    .action(({ port }: { port: string }) => servePage(Number(port), terminal));
  Deno.exit(await runProgram(program, Deno.args, streams, () => terminal.clearStatus()));
}
