import type { Libc, StableBytes } from "./libc.ts";
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLIN,
  EPOLLOUT,
  Errno,
  Layout,
  O_CLOEXEC,
} from "./linux_abi.ts";

/** What a descriptor is watched for. */
export interface Interest {
  /** When it can be read, or its other end was closed: again and again while that is so. */
  readonly toRead?: boolean;
  /** When it can be written, or its other end was closed. */
  readonly toWrite?: boolean;
  /** When something arrives, once each time, whether or not what arrived before was read. */
  readonly arrivals?: boolean;
}

interface Watch {
  readonly number: number;
  readonly onReady: () => void;
}

const EVENT = Layout.epoll_event;
const MAX_EVENTS = 32;

/** Waits for file descriptors: the one place where a thread blocks. */
export class Epoll {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #events: StableBytes;
  readonly #change: StableBytes;
  readonly #watches = new Map<number, Watch>();
  /** Events name a watch by its number: the descriptor may be another file's by the time that its event is looked at. */
  readonly #byNumber = new Map<number, Watch>();
  #lastNumber = 0;

  /** Waits for nothing yet. Throws `Error` when there are too many descriptors. */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#events = libc.stableBytes(MAX_EVENTS * EVENT.sizeof);
    this.#change = libc.stableBytes(EVENT.sizeof);
    this.#fd = libc.calls.epoll_create1(O_CLOEXEC);
    if (this.#fd < 0) throw libc.error("make an epoll descriptor");
  }

  /**
   * Calls `onReady` from `wait` for what `interest` says, until `unwatch`, which must come before `fd` is closed. False when
   * it is a descriptor that nobody can wait for, as that of a file on disk, or is watched already.
   */
  watch(fd: number, interest: Interest, onReady: () => void): boolean {
    const watch = { number: ++this.#lastNumber, onReady };
    if (!this.#control(EPOLL_CTL_ADD, fd, interest, watch.number)) return false;
    this.#watches.set(fd, watch);
    this.#byNumber.set(watch.number, watch);
    return true;
  }

  /** Changes what `fd`, which is watched, is watched for. */
  change(fd: number, interest: Interest): void {
    const watch = this.#watches.get(fd);
    if (watch !== undefined) this.#control(EPOLL_CTL_MOD, fd, interest, watch.number);
  }

  /** Ends the watch of `fd`; nothing happens when there is none. */
  unwatch(fd: number): void {
    const watch = this.#watches.get(fd);
    if (watch === undefined) return;
    this.#control(EPOLL_CTL_DEL, fd, {}, watch.number);
    this.#watches.delete(fd);
    this.#byNumber.delete(watch.number);
  }

  /**
   * Waits until something is ready, at most `milliseconds` (-1 for ever), and calls whom it concerns, in no certain order;
   * not whose watch ended meanwhile. What they throw comes out here, and the others are called by the next `wait`, unless
   * they watch arrivals.
   */
  wait(milliseconds: number): void {
    const { bytes, view } = this.#events;
    const count = this.#libc.calls.epoll_wait(this.#fd, bytes, MAX_EVENTS, milliseconds);
    if (count < 0 && this.#libc.errno() !== Errno.EINTR) throw this.#libc.error("wait for file descriptors");
    for (let index = 0; index < count; index++) {
      const number = view.getUint32(index * EVENT.sizeof + EVENT.data, true);
      this.#byNumber.get(number)?.onReady();
    }
  }

  /** Ends all watches. */
  close(): void {
    this.#libc.calls.close(this.#fd);
  }

  #control(operation: number, fd: number, interest: Interest, number: number): boolean {
    const { bytes, view } = this.#change;
    view.setUint32(EVENT.events, eventsOf(interest), true);
    view.setUint32(EVENT.data, number, true);
    return this.#libc.calls.epoll_ctl(this.#fd, operation, fd, bytes) === 0;
  }
}

function eventsOf({ toRead = false, toWrite = false, arrivals = false }: Interest): number {
  return ((toRead ? EPOLLIN : 0) | (toWrite ? EPOLLOUT : 0) | (arrivals ? EPOLLIN | EPOLLET : 0)) >>> 0;
}
