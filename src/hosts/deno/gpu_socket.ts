import type { GpuPort, VhostUserGpuDisplay } from "../../display/vhost_user_gpu.ts";
import { MAX_REPLY_BYTES } from "../../display/vhost_user_gpu_replies.ts";
import type { Epoll } from "./epoll.ts";
import type { Fds } from "./fds.ts";
import type { Libc } from "./libc.ts";
import { Errno, MSG_DONTWAIT, MSG_NOSIGNAL } from "./linux_abi.ts";
import { SocketMessages } from "./socket_messages.ts";

/** What a `GpuSocket` is made of. */
export interface GpuSocketParts {
  readonly libc: Libc;
  readonly fds: Fds;
  readonly epoll: Epoll;
  /** What speaks on the socket; undefined when nothing shall be said. */
  readonly display: VhostUserGpuDisplay | undefined;
  /** Told in a sentence why the socket was closed. */
  readonly report: (message: string) => void;
  /** Takes up the commands again that waited for the front end to say what the monitors are. */
  readonly resume: () => void;
}

/** How long a guest's question about its monitors waits for the front end's answer: QEMU's takes less than one. */
const PATIENCE_MILLISECONDS = 1000;

/**
 * The socket on which a front end wants to be told what the screens show. It stays open for as long as the front end has it,
 * even when there is nothing more to say: QEMU complains of a closed one at every turn of its loop.
 */
export class GpuSocket implements GpuPort {
  readonly #parts: GpuSocketParts;
  readonly #messages: SocketMessages;
  #fd: number | undefined;
  #isHeard = false;
  #areWritesWanted = false;
  #deadline: number | undefined;

  /** No socket yet. */
  constructor(parts: GpuSocketParts) {
    this.#parts = parts;
    this.#messages = new SocketMessages(parts.libc, MAX_REPLY_BYTES, 0);
  }

  /** Takes the socket `fd`, which it owns from now on, in place of the one before; undefined when there is none any more. */
  set(fd: number | undefined): void {
    this.#fallSilent();
    if (this.#fd !== undefined) this.#parts.fds.close(this.#fd);
    this.#fd = fd;
    const { epoll, display, report } = this.#parts;
    if (fd === undefined || display === undefined) return;
    this.#isHeard = epoll.watch(fd, { toRead: true }, () => this.#work());
    if (this.#isHeard) display.connect(this);
    else report("the display socket is nothing that can be waited for");
  }

  /**
   * How many milliseconds the loop may wait, -1 for ever: a guest waits for an answer that the front end owes it, but not for
   * long.
   */
  waitMilliseconds(): number {
    if (!this.#parts.display?.isAwaited) {
      this.#deadline = undefined;
      return -1;
    }
    const now = performance.now();
    this.#deadline ??= now + PATIENCE_MILLISECONDS;
    if (now < this.#deadline) return Math.ceil(this.#deadline - now);
    this.#fail("the front end does not say what its monitors are");
    return 0;
  }

  send(bytes: Uint8Array): number {
    const { libc } = this.#parts;
    const whole = bytes as Uint8Array<ArrayBuffer>;
    const sent = libc.calls.send(this.#fd!, whole, BigInt(bytes.length), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    const errno = libc.errno();
    return errno === Errno.EAGAIN || errno === Errno.EINTR ? 0 : -1;
  }

  wantWrites(areWanted: boolean): void {
    this.#areWritesWanted = areWanted;
    this.#parts.epoll.change(this.#fd!, { toRead: true, toWrite: areWanted });
  }

  #work(): void {
    this.#read();
    if (!this.#isHeard || !this.#areWritesWanted) return;
    if (!this.#parts.display!.write()) this.set(undefined); // QEMU closes it whenever the guest resets the device
  }

  #read(): void {
    const display = this.#parts.display!;
    while (this.#isHeard) {
      const received = this.#messages.receive(this.#fd!, display.wantedBytes);
      if (received === "nothing") return;
      if (received === "closed") return this.set(undefined);
      const problem = display.receive(received.bytes);
      if (problem !== undefined) return this.#fail(problem);
    }
  }

  #fail(problem: string): void {
    this.#parts.report(`nothing is shown on the display socket any more: ${problem}`);
    this.#fallSilent();
  }

  #fallSilent(): void {
    if (!this.#isHeard) return;
    const { epoll, display, resume } = this.#parts;
    const isAwaited = display!.isAwaited;
    this.#isHeard = false;
    this.#areWritesWanted = false;
    this.#deadline = undefined;
    epoll.unwatch(this.#fd!);
    display!.disconnect();
    if (isAwaited) resume(); // those commands are carried out with what is known
  }
}
