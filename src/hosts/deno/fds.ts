import {
  AT_EMPTY_PATH,
  F_GETFL,
  F_SETFL,
  Layout,
  O_CLOEXEC,
  O_NONBLOCK,
  S_IFMT,
  STATX_BASIC_STATS,
} from "./linux_abi.ts";
import { cString, type Libc, type StableBytes } from "./libc.ts";

/** What is known of the file behind a descriptor. */
export interface FileStatus {
  /** Its kind: one of the S_IF numbers, 0 for what has none, as an eventfd. */
  readonly kind: number;
  /** Its length in bytes; exact up to 2^53. */
  readonly sizeBytes: number;
  /** A text that no other file has while this one is open. */
  readonly identity: string;
}

const STATX = Layout.statx;
const NO_PATH = cString("");
const EVENT_BYTES = 8;
const PIPE_BYTES = 4096;

/** Operations on file descriptors, whatever they stand for. None of them blocks. */
export class Fds {
  readonly #libc: Libc;
  readonly #one: Uint8Array<ArrayBuffer>;
  readonly #counter: StableBytes;
  readonly #status: StableBytes;

  /** Operations by the calls of `libc`. */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#counter = libc.stableBytes(PIPE_BYTES);
    this.#status = libc.stableBytes(STATX.sizeof);
    this.#one = libc.stableBytes(EVENT_BYTES).bytes;
    this.#one[0] = 1;
  }

  /** Makes an eventfd whose count is 0; the caller owns it. Throws `Error` when there are too many descriptors. */
  makeEvent(): number {
    const fd = this.#libc.calls.eventfd(0, O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) throw this.#libc.error("make an eventfd");
    return fd;
  }

  /** Adds one to an eventfd, or writes eight bytes to a pipe in its place. What cannot be written now is dropped. */
  signal(fd: number): void {
    this.#libc.calls.write(fd, this.#one, 8n);
  }

  /**
   * Takes the count of an eventfd, modulo 2^32, and leaves 0; 0 when there was none. Of a pipe in its place it takes what has
   * come, as far as that is not thousands of bytes.
   */
  takeCount(fd: number): number {
    const { bytes, view } = this.#counter;
    return this.#libc.calls.read(fd, bytes, BigInt(bytes.length)) === EVENT_BYTES ? view.getUint32(0, true) : 0;
  }

  /** Writes `bytes` to `fd`, a socket or a pipe that does not block; what cannot be written now is dropped. */
  write(fd: number, bytes: Uint8Array): void {
    this.#libc.calls.write(fd, bytes as Uint8Array<ArrayBuffer>, BigInt(bytes.length));
  }

  /**
   * Makes reads and writes of `fd` fail rather than wait. This changes the descriptors that others have of it, too: theirs
   * can undo it.
   */
  setNonBlocking(fd: number): void {
    const { calls } = this.#libc;
    const flags = calls.fcntl(fd, F_GETFL, 0);
    if (flags >= 0 && (flags & O_NONBLOCK) === 0) calls.fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  }

  /** What is known of the file behind `fd`; undefined when `fd` is no descriptor. */
  status(fd: number): FileStatus | undefined {
    const { bytes, view } = this.#status;
    if (this.#libc.calls.statx(fd, NO_PATH, AT_EMPTY_PATH, STATX_BASIC_STATS, bytes) < 0) return undefined;
    return {
      kind: view.getUint16(STATX.stx_mode, true) & S_IFMT,
      sizeBytes: Number(view.getBigUint64(STATX.stx_size, true)),
      identity: `${view.getBigUint64(STATX.stx_dev_major, true)}:${view.getBigUint64(STATX.stx_ino, true)}`,
    };
  }

  /** Closes `fd`. */
  close(fd: number): void {
    this.#libc.calls.close(fd);
  }
}
