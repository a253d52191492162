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
import { GUESTS } from "../examples/v86/guest_files.ts";
import { makePageImage, makeWestonImage, pageFiles, type PageImage } from "./page/page_image.ts";

const APT =
  "The page boots Debian, whose packages come by apt-get, apt-cache and dpkg-deb: run this on Debian or Ubuntu";

/** Everything that the server has to offer: the page, and what the machines of its guests are made of. */
async function collect(terminal: Terminal): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const guests = await makeGuests(terminal).catch((error) => {
    throw error instanceof AptMissingError ? new Error(`${error.message}. ${APT}`) : error;
  });
  terminal.status("Bundling the page");
  const files = await bundlePage();
  const wasm = await v86Wasm();
  for (const [folder, guest] of guests) {
    for (const [name, bytes] of pageFiles(guest, wasm)) files.set(`${folder}${name}`, bytes);
  }
  return files;
}

async function makeGuests(terminal: Terminal): Promise<Map<string, PageImage>> {
  const onProgress = showGuestProgress(terminal);
  return new Map([
    [GUESTS.desktop, await makePageImage(onProgress)],
    [GUESTS.weston, await makeWestonImage(onProgress)],
  ]);
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
