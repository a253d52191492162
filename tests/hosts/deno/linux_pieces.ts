import { Epoll } from "../../../src/hosts/deno/epoll.ts";
import { Fds } from "../../../src/hosts/deno/fds.ts";
import { Libc } from "../../../src/hosts/deno/libc.ts";

/** The C library for one test, and what must be closed at its end. */
export class LinuxPieces {
  readonly libc = new Libc();
  readonly fds = new Fds(this.libc);
  readonly epoll = new Epoll(this.libc);
  readonly #opened: number[] = [];

  /** Closes `fd` at the end of the test. */
  own(fd: number): number {
    this.#opened.push(fd);
    return fd;
  }

  /** An eventfd for this test. */
  event(): number {
    return this.own(this.fds.makeEvent());
  }

  [Symbol.dispose](): void {
    this.epoll.close();
    for (const fd of this.#opened) this.fds.close(fd);
    this.libc.close();
  }
}

/** How many file descriptors this process has. */
export function descriptorCount(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}
