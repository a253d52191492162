import type { Libc } from "../../../src/hosts/deno/libc.ts";
import { SocketMessages } from "../../../src/hosts/deno/socket_messages.ts";
import { makeSocketPair } from "../../../src/hosts/deno/unix_socket.ts";
import { displayInfoReply, edidReply, featuresReply, GpuFrontEnd } from "../gpu_front_end.ts";

const READ_BYTES = 256 * 1024;
const PATIENCE_MILLISECONDS = 10_000;

/** A front end's end of a real display socket: shows what it is told, and answers for its monitors. */
export class GpuSocketEnd {
  /** The other end, to be handed over. */
  readonly backEndFd: number;
  readonly shown = new GpuFrontEnd();
  /** The sizes of the monitors; undefined for one that is not connected. */
  monitors: (readonly [width: number, height: number] | undefined)[] = [[1280, 800]];
  /** What it knows of the protocol. */
  features = 0;
  /** Whether it answers. */
  isAnswering = true;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #messages: SocketMessages;
  #answered = 0;

  /** Makes a pair of sockets. */
  constructor(libc: Libc) {
    [this.#fd, this.backEndFd] = makeSocketPair(libc);
    this.#libc = libc;
    this.#messages = new SocketMessages(libc, READ_BYTES, 0);
  }

  /** Reads what has come and answers it; false when the back end has closed its end. */
  work(): boolean {
    for (;;) {
      const received = this.#messages.receive(this.#fd, READ_BYTES);
      if (received === "closed") return false;
      if (received === "nothing") return true;
      this.shown.send(received.bytes);
      if (this.isAnswering) this.#answer();
    }
  }

  /** Works until `condition` holds. Throws `Error` when that takes too long. */
  async workUntil(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE_MILLISECONDS;
    for (this.work(); !condition(); this.work()) {
      if (performance.now() > deadline) {
        throw new Error(`The display socket brought ${JSON.stringify(this.shown.told)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Closes it. */
  close(): void {
    this.#libc.calls.close(this.#fd);
  }

  #answer(): void {
    for (; this.#answered < this.shown.told.length; this.#answered++) {
      const [name, id] = this.shown.told[this.#answered]!;
      if (name === "GET_PROTOCOL_FEATURES") this.#messages.send(this.#fd, featuresReply(this.features));
      if (name === "GET_DISPLAY_INFO") this.#messages.send(this.#fd, displayInfoReply(...this.monitors));
      if (name === "GET_EDID") this.#messages.send(this.#fd, edidReply(new Uint8Array([id!, 1, 2, 3])));
    }
  }
}
