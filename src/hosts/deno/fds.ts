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

/** Operations on file descriptors, whatever they stand for. None of them blocks. */
export class Fds {
  readonly #libc: Libc;
  readonly #one: Uint8Array<ArrayBuffer>;
  readonly #counter: StableBytes;
  readonly #status: StableBytes;

  /** Operations by the calls of `libc`. */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#counter = libc.stableBytes(8);
    this.#status = libc.stableBytes(STATX.sizeof);
    this.#one = libc.stableBytes(8).bytes;
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

  /** Takes the count of an eventfd and leaves 0; the first 8 bytes of a pipe in its place. 0 when there is nothing. */
  takeCount(fd: number): number {
    if (this.#libc.calls.read(fd, this.#counter.bytes, 8n) !== 8) return 0;
    return this.#counter.view.getUint32(0, true);
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
