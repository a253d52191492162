import type { Fds } from "./fds.ts";

/** The socket on which a front end wants to be told what the screens show. Nothing is said on it yet. */
export class GpuSocket {
  readonly #fds: Fds;
  #fd: number | undefined;

  /** No socket yet. */
  constructor(fds: Fds) {
    this.#fds = fds;
  }

  /** Takes the socket `fd`, which it owns from now on, in place of the one before; undefined when there is none any more. */
  set(fd: number | undefined): void {
    if (this.#fd !== undefined) this.#fds.close(this.#fd);
    this.#fd = fd;
  }
}
