import type { RendererConnection } from "../../renderer/remote/connection.ts";
import { RendererServer } from "../../renderer/remote/renderer_server.ts";
import { serveWithAtomics } from "../../renderer/remote/serve_with_atomics.ts";
import type { Renderer } from "../../renderer/renderer.ts";
import type { Fds } from "./fds.ts";

/** What the Worker needs of a renderer on the main thread. */
export interface RendererSetup {
  readonly connection: RendererConnection;
  /** The eventfd that counts when the Worker has to look what the renderer has done. */
  readonly bellFd: number;
}

/** What a `ServedRenderer` is made of. */
export interface ServedRendererParts {
  readonly fds: Fds;
  readonly memory: WebAssembly.Memory;
  readonly renderer: Renderer;
  /** Bytes that the renderer's blocks may take. */
  readonly heapBytes: number;
  /** Told in a sentence that the renderer has thrown: the guest's contexts are lost then. */
  readonly report: (message: string) => void;
}

/** A renderer on a thread with an event loop, and an eventfd by which the thread that blocks in `epoll_wait` hears of it. */
export class ServedRenderer {
  readonly setup: RendererSetup;
  readonly #fds: Fds;
  readonly #server: RendererServer;

  /** Takes `parts.renderer`, which nobody has started, into service. Throws as `RendererServer.create`. */
  static async create(parts: ServedRendererParts): Promise<ServedRenderer> {
    const { fds, memory, renderer, heapBytes } = parts;
    const bellFd = fds.makeEvent();
    try {
      const server = await RendererServer.create(memory, renderer, { heapBytes, tell: () => fds.signal(bellFd) });
      return new ServedRenderer(parts, server, bellFd);
    } catch (error) {
      fds.close(bellFd);
      throw error;
    }
  }

  private constructor({ fds, report }: ServedRendererParts, server: RendererServer, bellFd: number) {
    this.setup = { connection: server.connection, bellFd };
    this.#fds = fds;
    this.#server = server;
    serveWithAtomics(server).catch((error) => {
      report(`the renderer has failed: ${error instanceof Error ? error.message : error}`);
    });
  }

  /** Resets the renderer and serves no more; nobody may wait for the bell any more. */
  close(): void {
    this.#server.close();
    this.#fds.close(this.setup.bellFd);
  }
}
