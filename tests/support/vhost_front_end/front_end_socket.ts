import { Epoll } from "../../../src/hosts/deno/epoll.ts";
import type { Libc } from "../../../src/hosts/deno/libc.ts";
import { SocketMessages } from "../../../src/hosts/deno/socket_messages.ts";
import { connectTo } from "../../../src/hosts/deno/unix_socket.ts";
import {
  MESSAGE_HEADER_SIZE,
  MessageFlag,
  readMessageHeader,
  VHOST_USER_VERSION,
  writeMessageHeader,
} from "../../../src/transport/vhost_user/vhost_user.gen.ts";

/** A reply of the back end. */
export interface FrontEndReply {
  readonly request: number;
  readonly flags: number;
  /** The payload, as words; a copy. */
  readonly words: Uint32Array<ArrayBuffer>;
}

const MAX_BYTES = 4096;
const MAX_FDS = 16;
const PATIENCE_MILLISECONDS = 10_000;

/** A front end's socket: sends requests as they are, right or wrong, and waits for replies. */
export class FrontEndSocket {
  readonly fd: number;
  readonly #libc: Libc;
  readonly #epoll: Epoll;
  readonly #messages: SocketMessages;

  /** Connects to the back end that listens at `path`. Throws `Error` when none does. */
  static connect(libc: Libc, path: string): FrontEndSocket {
    return new FrontEndSocket(libc, connectTo(libc, path));
  }

  /** Takes a socket that is connected to a back end. */
  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.fd = fd;
    this.#messages = new SocketMessages(libc, MAX_BYTES, MAX_FDS);
    this.#epoll = new Epoll(libc);
    this.#epoll.watch(fd, { toRead: true }, () => {});
  }

  /** Sends a request with the payload `words` and duplicates of `fds`. */
  send(request: number, words: ArrayLike<number> = [], fds: readonly number[] = [], flags = VHOST_USER_VERSION): void {
    const message = new Uint32Array(MESSAGE_HEADER_SIZE / 4 + words.length);
    writeMessageHeader(message, 0, { request, flags, sizeBytes: words.length * 4 });
    message.set(words, MESSAGE_HEADER_SIZE / 4);
    this.sendBytes(new Uint8Array(message.buffer), fds);
  }

  /** Sends any bytes. */
  sendBytes(bytes: Uint8Array, fds: readonly number[] = []): void {
    if (!this.#messages.send(this.fd, bytes, fds)) throw new Error("The back end takes no message");
  }

  /** Sends a request and returns its reply. Throws `Error` when another message comes, or none. */
  ask(request: number, words: ArrayLike<number> = [], fds: readonly number[] = [], flags = VHOST_USER_VERSION) {
    this.send(request, words, fds, flags);
    const reply = this.receive();
    if (reply?.request !== request || (reply.flags & MessageFlag.Reply) === 0) {
      throw new Error(`Request ${request} is answered by ${reply === undefined ? "a closed socket" : reply.request}`);
    }
    return reply;
  }

  /** Waits for a message; undefined when the back end has closed the socket. */
  receive(): FrontEndReply | undefined {
    const header = this.#receiveBytes(MESSAGE_HEADER_SIZE);
    if (header === undefined) return undefined;
    const { request, flags, sizeBytes } = readMessageHeader(new Uint32Array(header.buffer), 0);
    const payload = this.#receiveBytes(sizeBytes);
    return payload && { request, flags, words: new Uint32Array(payload.buffer) };
  }

  /** Closes the socket. */
  close(): void {
    this.#epoll.close();
    this.#libc.calls.close(this.fd);
  }

  #receiveBytes(count: number): Uint8Array<ArrayBuffer> | undefined {
    const bytes = new Uint8Array(Math.ceil(count / 4) * 4);
    const deadline = performance.now() + PATIENCE_MILLISECONDS;
    for (let filled = 0; filled < count;) {
      const received = this.#messages.receive(this.fd, count - filled);
      if (received === "closed") return undefined;
      if (received !== "nothing") {
        bytes.set(received.bytes, filled);
        filled += received.bytes.length;
        continue;
      }
      if (performance.now() > deadline) throw new Error("The back end is silent");
      this.#epoll.wait(100);
    }
    return bytes;
  }
}
