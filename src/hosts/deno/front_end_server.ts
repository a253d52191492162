import type { VhostUserConnection } from "../../transport/vhost_user/connection.ts";
import { MAX_REPLY_BYTES } from "../../transport/vhost_user/reply_writer.ts";
import { MAX_MESSAGE_FDS } from "../../transport/vhost_user/vhost_user.gen.ts";
import type { Epoll } from "./epoll.ts";
import type { Fds } from "./fds.ts";
import type { Libc } from "./libc.ts";
import { SocketMessages } from "./socket_messages.ts";
import { acceptFrom } from "./unix_socket.ts";
import type { Report } from "./vhost_user_messages.ts";

/** What a server is made of. */
export interface FrontEndServerParts {
  readonly libc: Libc;
  readonly fds: Fds;
  readonly epoll: Epoll;
  /** Makes the connection of a front end that has come. */
  readonly connect: () => VhostUserConnection;
  readonly report: (report: Report) => void;
}

/** Messages that are read before rings and others have their turn. */
const MESSAGES_PER_TURN = 16;

interface FrontEnd {
  readonly fd: number;
  readonly connection: VhostUserConnection;
}

/** Programs that have connected and say nothing: the one that has done so for longest is sent away for another. */
const MOST_SILENT = 8;

/**
 * The sockets of front ends: one is served at a time, others are sent away. Whoever connects to a socket that listens is a
 * front end as soon as it says something: a program that finds out whether somebody listens comes and goes without a word.
 */
export class FrontEndServer {
  readonly #parts: FrontEndServerParts;
  readonly #messages: SocketMessages;
  #frontEnd: FrontEnd | undefined;
  /** Those who have said nothing, the oldest first. */
  readonly #silent = new Set<number>();
  #listener: number | undefined;
  #hasServed = false;

  /** Serves nobody yet. */
  constructor(parts: FrontEndServerParts) {
    this.#parts = parts;
    // One descriptor more than a message may bring, so that the connection sees that there are too many.
    this.#messages = new SocketMessages(parts.libc, MAX_REPLY_BYTES, MAX_MESSAGE_FDS + 1);
  }

  /** Whether the first front end is still to come, or is there; false once it has gone, unless another is there. */
  get isWanted(): boolean {
    return this.#frontEnd !== undefined || !this.#hasServed;
  }

  /** Serves front ends that connect to the socket `fd`, which listens; the server owns it. */
  listen(fd: number): void {
    this.#listener = fd;
    this.#parts.fds.setNonBlocking(fd);
    this.#parts.epoll.watch(fd, { toRead: true }, () => this.#accept(fd));
  }

  /** Serves the front end at the other end of the socket `fd`, which the server owns. */
  serve(fd: number): void {
    const { epoll, fds, connect, report } = this.#parts;
    fds.setNonBlocking(fd);
    this.#frontEnd = { fd, connection: connect() };
    this.#hasServed = true;
    epoll.watch(fd, { toRead: true }, () => this.#read());
    report({ level: "info", text: "a front end has connected" });
  }

  /** There may be buffers in `queue` of the front end's driver; void when there is none. */
  notify(queue: number): void {
    this.#frontEnd?.connection.notify(queue);
  }

  /** Sends the front end away and closes all sockets. */
  close(): void {
    this.#end("info", "this program ends");
    for (const fd of this.#silent) this.#forget(fd);
    if (this.#listener === undefined) return;
    this.#parts.epoll.unwatch(this.#listener);
    this.#parts.fds.close(this.#listener);
    this.#listener = undefined;
  }

  #accept(listener: number): void {
    const { libc, epoll } = this.#parts;
    const fd = acceptFrom(libc, listener);
    if (fd === undefined) return;
    const [oldest] = this.#silent;
    if (this.#silent.size === MOST_SILENT) this.#forget(oldest!);
    this.#silent.add(fd);
    epoll.watch(fd, { toRead: true }, () => this.#hearFirst(fd));
  }

  /** Somebody who has connected says something, or goes. */
  #hearFirst(fd: number): void {
    const { epoll, report } = this.#parts;
    if (!this.#messages.hasBytes(fd)) return this.#forget(fd);
    if (this.#frontEnd !== undefined) {
      this.#forget(fd);
      return report({ level: "warning", text: "another front end was sent away: one is connected" });
    }
    this.#silent.delete(fd);
    epoll.unwatch(fd);
    this.serve(fd);
  }

  /** Closes the socket of somebody who is no front end. */
  #forget(fd: number): void {
    this.#silent.delete(fd);
    this.#parts.epoll.unwatch(fd);
    this.#parts.fds.close(fd);
  }

  #read(): void {
    for (let count = 0; count < MESSAGES_PER_TURN && this.#frontEnd !== undefined; count++) {
      const { fd, connection } = this.#frontEnd;
      const received = this.#messages.receive(fd, connection.wantedBytes);
      if (received === "nothing") return;
      if (received === "closed") return this.#end("info", "it has gone");
      for (const sent of received.fds) this.#parts.fds.setNonBlocking(sent);
      const answer = connection.receive(received.bytes, received.fds);
      if (answer === undefined) continue;
      if ("close" in answer) return this.#end("warning", answer.close);
      if (!this.#messages.send(fd, answer.reply)) return this.#end("warning", "it does not read what it asked for");
    }
  }

  #end(level: Report["level"], reason: string): void {
    if (this.#frontEnd === undefined) return;
    const { epoll, fds, report } = this.#parts;
    const { fd, connection } = this.#frontEnd;
    this.#frontEnd = undefined;
    connection.close();
    epoll.unwatch(fd);
    fds.close(fd);
    report({ level, text: `the front end is disconnected: ${reason}` });
  }
}
