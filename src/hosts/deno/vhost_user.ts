/**
 * The vhost-user host: a virtio-gpu for QEMU and other front ends, in a process of its own. Linux on x86-64. It needs
 * `--allow-ffi` for the C library (see `LIBC_PATHS`) and `--allow-read` for this project's `src` folder, from which the
 * Worker is loaded.
 *
 * @module
 */

import type { Renderer } from "../../renderer/renderer.ts";
import { Fds } from "./fds.ts";
import { Libc } from "./libc.ts";
import { S_IFSOCK } from "./linux_abi.ts";
import { ServedRenderer } from "./served_renderer.ts";
import { type ScreenState, SharedScreens } from "./shared_screens.ts";
import { listenAt, removeSocket } from "./unix_socket.ts";
import {
  DEFAULT_HOST_MEMORY_BYTES,
  type DeviceSettings,
  type FromWorker,
  type Report,
  type Screenshot,
  type ToWorker,
  type WorkerStart,
} from "./vhost_user_messages.ts";
import { startWorker } from "./vhost_user_worker.ts";

export type { DeviceSettings, Report, Screenshot, ScreenState };

/** Where front ends come from, and what they find. One of `socketPath` and `fd` must be given. */
export interface VhostUserOptions extends DeviceSettings {
  /** The path of a socket to listen on: it is made, and removed at the end. */
  readonly socketPath?: string;
  /** A socket of this process that a front end is connected to already; the back end owns it. */
  readonly fd?: number;
  /** Whether to wait for another front end when one has gone; false when absent, and not with `fd`. */
  readonly keep?: boolean;
  /** Whether guest memory must be sealed, so that no other program can end this one by shortening it; false when absent. */
  readonly requireSeals?: boolean;
  /**
   * What draws for the guest: VIRGL and CONTEXT_INIT are offered then. It is made for this back end alone, and called on this
   * thread, whenever its event loop has a turn. When it throws, the guest's contexts are lost. None when absent.
   */
  readonly renderer?: Renderer;
  /** Told what happens, and what is wrong with a front end or a guest: at most some 20 times a second. */
  readonly onReport?: (report: Report) => void;
  /** Told that a scanout has another size, or shows nothing any more: look at `VhostUserBackEnd.screen`. */
  readonly onScreenChange?: () => void;
}

/** A back end that runs. */
export interface VhostUserBackEnd {
  /** Resolves when the back end has ended, as after `stop`; rejects with `Error` when it has failed. */
  readonly ended: Promise<void>;
  /** What scanout `scanoutId`, 0 to 15, shows, in few words. */
  screen(scanoutId: number): ScreenState;
  /** What it shows; undefined when that is nothing, or the back end has ended. The rings stand still for the copy. */
  screenshot(scanoutId: number): Promise<Screenshot | undefined>;
  /** Sends the front end away and ends; `ended` says when. */
  stop(): void;
}

const MAX_WASM_PAGES = 65536;
const PAGE_BYTES = 4096;
const MAX_WINDOW_BYTES = 2 ** 31;
/** For what a renderer's blocks take besides what the guest is charged for: the channel, and gaps between blocks. */
const RENDERER_SLACK_BYTES = 64 * 1024 * 1024;

/**
 * Starts a back end; it serves when the promise resolves. Rejects with `TypeError` when not exactly one of path and
 * descriptor is given, or options do not go together, with `RangeError` for a window of another length than a power of two,
 * and with `Error` on another system, without permissions, when another program listens at the path, and when the descriptor
 * is no socket's.
 */
export async function startVhostUser(options: VhostUserOptions): Promise<VhostUserBackEnd> {
  checkOptions(options);
  const backEnd = await WorkerBackEnd.create(options);
  await Promise.race([backEnd.ready, backEnd.ended]);
  return backEnd;
}

function checkOptions({ socketPath, fd, keep = false, renderer, hostVisibleBytes }: VhostUserOptions): void {
  if ((socketPath === undefined) === (fd === undefined)) {
    throw new TypeError("Cannot start the back end: one of socketPath and fd must be given");
  }
  if (fd !== undefined && keep) throw new TypeError("Cannot start the back end: keep must go with socketPath, got fd");
  if (hostVisibleBytes === undefined) return;
  if (renderer === undefined) {
    throw new TypeError("Cannot start the back end: hostVisibleBytes must go with a renderer");
  }
  const isLength = hostVisibleBytes >= PAGE_BYTES && hostVisibleBytes <= MAX_WINDOW_BYTES &&
    Number.isInteger(Math.log2(hostVisibleBytes));
  if (!isLength) {
    const wanted = `a power of two from ${PAGE_BYTES} to ${MAX_WINDOW_BYTES}`;
    throw new RangeError(`Cannot start the back end: hostVisibleBytes must be ${wanted}, got ${hostVisibleBytes}`);
  }
}

/** What a back end on the main thread is made of. */
interface MainThread {
  readonly libc: Libc;
  readonly fds: Fds;
  readonly memory: WebAssembly.Memory;
  readonly renderer: ServedRenderer | undefined;
}

/** The main thread's side of a back end: it owns the socket's path, the memory, the renderer and the wake-ups. */
class WorkerBackEnd implements VhostUserBackEnd {
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly #options: VhostUserOptions;
  readonly #libc: Libc;
  readonly #fds: Fds;
  readonly #renderer: ServedRenderer | undefined;
  readonly #wakeFd: number;
  readonly #worker: Worker;
  readonly #screens = new SharedScreens();
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #screenshots = new Map<number, (screenshot: Screenshot | undefined) => void>();
  #lastRequestId = 0;
  #hasEnded = false;

  /** Starts the Worker; nothing is left of it when that throws. */
  static async create(options: VhostUserOptions): Promise<WorkerBackEnd> {
    const libc = new Libc();
    const fds = new Fds(libc);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_WASM_PAGES, shared: true });
    let renderer: ServedRenderer | undefined;
    try {
      renderer = await serveRenderer(options, fds, memory);
      return new WorkerBackEnd(options, { libc, fds, memory, renderer });
    } catch (error) {
      renderer?.close();
      libc.close();
      throw error;
    }
  }

  private constructor(options: VhostUserOptions, { libc, fds, memory, renderer }: MainThread) {
    this.#options = options;
    this.#libc = libc;
    this.#fds = fds;
    this.#renderer = renderer;
    this.ready = this.#ready.promise;
    this.ended = this.#ended.promise;
    const start = this.#makeStart(memory);
    this.#wakeFd = start.wakeFd;
    this.#worker = startWorker();
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end(event.message);
    };
    this.#worker.postMessage(start);
  }

  screen(scanoutId: number): ScreenState {
    return this.#screens.read(scanoutId);
  }

  screenshot(scanoutId: number): Promise<Screenshot | undefined> {
    this.#screens.read(scanoutId); // throws for one that is not there
    if (this.#hasEnded) return Promise.resolve(undefined);
    const requestId = ++this.#lastRequestId;
    const { promise, resolve } = Promise.withResolvers<Screenshot | undefined>();
    this.#screenshots.set(requestId, resolve);
    this.#tell({ kind: "screenshot", requestId, scanoutId });
    return promise;
  }

  stop(): void {
    if (!this.#hasEnded) this.#tell({ kind: "stop" });
  }

  #makeStart(memory: WebAssembly.Memory): WorkerStart {
    const {
      socketPath,
      fd,
      keep = false,
      requireSeals = false,
      renderer: _,
      onReport: __,
      onScreenChange: ___,
      ...device
    } = this.#options;
    if (fd !== undefined && this.#fds.status(fd)?.kind !== S_IFSOCK) {
      throw new Error(`Cannot serve a front end: file descriptor ${fd} must be a socket`);
    }
    return {
      kind: "start",
      memory,
      screens: this.#screens.buffer,
      socketFd: fd ?? listenAt(this.#libc, socketPath!),
      isListening: fd === undefined,
      wakeFd: this.#fds.makeEvent(),
      isKept: keep,
      requiresSeals: requireSeals,
      device,
      renderer: this.#renderer?.setup,
    };
  }

  /** Sends a message to the Worker, and wakes it up to take it. */
  #tell(message: ToWorker): void {
    this.#worker.postMessage(message);
    this.#fds.signal(this.#wakeFd);
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case "ready":
        return this.#ready.resolve();
      case "report":
        return this.#options.onReport?.(message.report);
      case "screens":
        this.#screens.hear();
        return this.#options.onScreenChange?.();
      case "screenshot":
        this.#screenshots.get(message.requestId)?.(message.screenshot);
        this.#screenshots.delete(message.requestId);
        return;
      case "ended":
        return this.#end(message.error);
    }
  }

  /** The Worker does not block any more: lets go of everything, and says so. */
  #end(error: string | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#worker.terminate();
    this.#renderer?.close();
    this.#fds.close(this.#wakeFd);
    if (this.#options.socketPath !== undefined) removeSocket(this.#libc, this.#options.socketPath);
    for (const resolve of this.#screenshots.values()) resolve(undefined);
    this.#screenshots.clear();
    this.#libc.close();
    if (error === undefined) this.#ended.resolve();
    else this.#ended.reject(new Error(`The back end has failed: ${error}`));
  }
}

/** Takes the renderer of `options` into service, if there is one. */
async function serveRenderer(
  { renderer, hostMemoryBytes = DEFAULT_HOST_MEMORY_BYTES, onReport }: VhostUserOptions,
  fds: Fds,
  memory: WebAssembly.Memory,
): Promise<ServedRenderer | undefined> {
  if (renderer === undefined) return undefined;
  const heapBytes = hostMemoryBytes + RENDERER_SLACK_BYTES;
  const report = (text: string) => onReport?.({ level: "warning", text });
  return await ServedRenderer.create({ fds, memory, renderer, heapBytes, report });
}
