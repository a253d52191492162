/**
 * The vhost-user host: a virtio-gpu for QEMU and other front ends, in a process of its own. Linux on x86-64. It needs
 * `--allow-ffi` for the C library (see `LIBC_PATHS`) and `--allow-read` for this project's `src` folder, from which the
 * Worker is loaded.
 *
 * @module
 */

import { Fds } from "./fds.ts";
import { Libc } from "./libc.ts";
import { S_IFSOCK } from "./linux_abi.ts";
import { type ScreenState, SharedScreens } from "./shared_screens.ts";
import { listenAt, removeSocket } from "./unix_socket.ts";
import type { DeviceSettings, FromWorker, Report, Screenshot, ToWorker, WorkerStart } from "./vhost_user_messages.ts";
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

/**
 * Starts a back end; it serves when the promise resolves. Rejects with `TypeError` when not exactly one of path and
 * descriptor is given, and with `Error` on another system, without permissions, when another program listens at the path,
 * and when the descriptor is no socket's.
 */
export async function startVhostUser(options: VhostUserOptions): Promise<VhostUserBackEnd> {
  const { socketPath, fd, keep = false } = options;
  if ((socketPath === undefined) === (fd === undefined)) {
    throw new TypeError("Cannot start the back end: one of socketPath and fd must be given");
  }
  if (fd !== undefined && keep) throw new TypeError("Cannot start the back end: keep must go with socketPath, got fd");
  const backEnd = new WorkerBackEnd(options);
  await Promise.race([backEnd.ready, backEnd.ended]);
  return backEnd;
}

/** The main thread's side of a back end: it owns the socket's path, the memory and the wake-ups. */
class WorkerBackEnd implements VhostUserBackEnd {
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly #options: VhostUserOptions;
  readonly #libc = new Libc();
  readonly #fds = new Fds(this.#libc);
  readonly #wakeFd: number;
  readonly #worker: Worker;
  readonly #screens = new SharedScreens();
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #screenshots = new Map<number, (screenshot: Screenshot | undefined) => void>();
  #lastRequestId = 0;
  #hasEnded = false;

  constructor(options: VhostUserOptions) {
    this.#options = options;
    this.ready = this.#ready.promise;
    this.ended = this.#ended.promise;
    const start = this.#makeStartOrClose();
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

  #makeStartOrClose(): WorkerStart {
    try {
      return this.#makeStart();
    } catch (error) {
      this.#libc.close();
      throw error;
    }
  }

  #makeStart(): WorkerStart {
    const { socketPath, fd, keep = false, requireSeals = false, onReport: _, onScreenChange: __, ...device } =
      this.#options;
    if (fd !== undefined && this.#fds.status(fd)?.kind !== S_IFSOCK) {
      throw new Error(`Cannot serve a front end: file descriptor ${fd} must be a socket`);
    }
    return {
      kind: "start",
      memory: new WebAssembly.Memory({ initial: 1, maximum: MAX_WASM_PAGES, shared: true }),
      screens: this.#screens.buffer,
      socketFd: fd ?? listenAt(this.#libc, socketPath!),
      isListening: fd === undefined,
      wakeFd: this.#fds.makeEvent(),
      isKept: keep,
      requiresSeals: requireSeals,
      device,
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
    this.#fds.close(this.#wakeFd);
    if (this.#options.socketPath !== undefined) removeSocket(this.#libc, this.#options.socketPath);
    for (const resolve of this.#screenshots.values()) resolve(undefined);
    this.#screenshots.clear();
    this.#libc.close();
    if (error === undefined) this.#ended.resolve();
    else this.#ended.reject(new Error(`The back end has failed: ${error}`));
  }
}
