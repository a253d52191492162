import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodePng, type Picture } from "../png.ts";
import { decodePpm } from "../ppm.ts";

/** What the back end says of a scanout: `/scanout/N.json`. */
export interface ScanoutState {
  readonly width: number;
  readonly height: number;
  readonly format: string | null;
  readonly resource: number | null;
  readonly cursor: CursorState | null;
}

/** Where a cursor that is shown is, and what it is like. */
export interface CursorState {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly hotspotX: number;
  readonly hotspotY: number;
}

/** How a back end has ended. */
export interface BackEndEnd {
  /** Its exit status. */
  readonly code: number;
  /** What it has written to standard error. */
  readonly complaints: string;
}

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const URL_LINE = /^The screens are at (\S+)$/m;
const READY_LINE = /^Waiting for .*$/m;

/** `deno task scanout vhost-user` with exactly the task's permissions, and its screens as HTTP shows them. */
export class ScanoutBackEnd {
  /** Where front ends connect. */
  readonly socketPath: string;
  readonly #folder: string;
  readonly #child: Deno.ChildProcess;
  readonly #complaints: Promise<string>;
  #url = "";

  /** Starts one with these arguments besides the socket's path, and waits until front ends can connect. */
  static async start(...args: string[]): Promise<ScanoutBackEnd> {
    const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
    const [, ...scanout] = (tasks.scanout as string).split(" "); // "deno run …", one process less to end
    const backEnd = new ScanoutBackEnd([...scanout, "vhost-user", "--http=0", "--verbose", ...args]);
    await backEnd.#start();
    return backEnd;
  }

  private constructor(args: readonly string[]) {
    this.#folder = Deno.makeTempDirSync({ prefix: "scanout-back-end-" });
    this.socketPath = join(this.#folder, "socket");
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...args, `--socket-path=${this.socketPath}`],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#complaints = new Response(this.#child.stderr).text();
  }

  /** What a scanout shows, from its PPM file. */
  async picture(scanoutId = 0): Promise<Picture> {
    return decodePpm(await this.#get(`scanout/${scanoutId}.ppm`));
  }

  /** What a scanout shows, from its PNG file. */
  async png(scanoutId = 0): Promise<Picture> {
    return decodePng(await this.#get(`scanout/${scanoutId}.png`));
  }

  /** What the back end says of a scanout. */
  async state(scanoutId = 0): Promise<ScanoutState> {
    return JSON.parse(new TextDecoder().decode(await this.#get(`scanout/${scanoutId}.json`)));
  }

  /** Waits for its end, as it ends when its front end has gone. */
  async ended(): Promise<BackEndEnd> {
    const { code } = await this.#child.status;
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {}); // it may be gone
    return { code, complaints: await this.#complaints };
  }

  /** Ends it by `signal`, unless it has ended. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<BackEndEnd> {
    try {
      this.#child.kill(signal);
    } catch {
      // it has ended
    }
    return await this.ended();
  }

  async #start(): Promise<void> {
    let output = "";
    const { promise, resolve } = Promise.withResolvers<void>();
    const read = async () => {
      for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
        output += text;
        if (READY_LINE.test(output)) resolve();
      }
      resolve();
    };
    read();
    await promise;
    const url = URL_LINE.exec(output)?.[1];
    if (url === undefined) throw new Error(`The back end does not start: ${(await this.end()).complaints}`);
    this.#url = url;
  }

  async #get(path: string): Promise<Uint8Array> {
    const response = await fetch(this.#url + path);
    const body = await response.bytes();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${new TextDecoder().decode(body)}`);
    return body;
  }
}
