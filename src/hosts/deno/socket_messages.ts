import type { Libc, StableBytes } from "./libc.ts";
import {
  Errno,
  Layout,
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  SCM_RIGHTS,
  SOL_SOCKET,
} from "./linux_abi.ts";

const { msghdr: MSGHDR, iovec: IOVEC, cmsghdr: CMSGHDR } = Layout;
const FD_BYTES = 4;

/** What one read from a socket brought. */
export interface Received {
  /** 1 or more bytes, valid until the next read. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The file descriptors that came with them; the caller owns them. */
  readonly fds: readonly number[];
}

/**
 * Bytes and file descriptors over Unix sockets. Nothing blocks, whatever the socket's flags are.
 *
 * ```
 * msghdr -> iovec -> data
 *        -> control: cmsghdr, descriptors
 * ```
 */
export class SocketMessages {
  readonly #libc: Libc;
  readonly #maxFds: number;
  readonly #header: StableBytes;
  readonly #iovec: StableBytes;
  readonly #data: StableBytes;
  readonly #control: StableBytes;

  /** Room for messages of at most `maxBytes` bytes and `maxFds` file descriptors. */
  constructor(libc: Libc, maxBytes: number, maxFds: number) {
    this.#libc = libc;
    this.#maxFds = maxFds;
    this.#header = libc.stableBytes(MSGHDR.sizeof);
    this.#iovec = libc.stableBytes(IOVEC.sizeof);
    this.#data = libc.stableBytes(maxBytes);
    this.#control = libc.stableBytes(CMSGHDR.sizeof + aligned(maxFds * FD_BYTES));
    this.#iovec.view.setBigUint64(IOVEC.iov_base, this.#data.address, true);
    this.#header.view.setBigUint64(MSGHDR.msg_iov, this.#iovec.address, true);
    this.#header.view.setBigUint64(MSGHDR.msg_iovlen, 1n, true);
    this.#header.view.setBigUint64(MSGHDR.msg_control, this.#control.address, true);
  }

  /**
   * Reads at most `wantedBytes` bytes from the socket `fd`, no more than there is room for. "nothing" when none are there
   * yet, "closed" when none will come. File descriptors beyond `maxFds` are closed by the kernel.
   */
  receive(fd: number, wantedBytes: number): Received | "nothing" | "closed" {
    this.#prepare(Math.min(wantedBytes, this.#data.bytes.length), this.#control.bytes.length);
    const count = this.#libc.calls.recvmsg(fd, this.#header.bytes, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count > 0) return { bytes: this.#data.bytes.subarray(0, count), fds: this.#takeFds() };
    if (count === 0) return "closed";
    const errno = this.#libc.errno();
    return errno === Errno.EAGAIN || errno === Errno.EINTR ? "nothing" : "closed";
  }

  /** Whether `receive` would bring something from the socket `fd` now. Nothing is taken; bytes of an earlier read are void. */
  hasBytes(fd: number): boolean {
    this.#prepare(1, 0);
    return this.#libc.calls.recvmsg(fd, this.#header.bytes, MSG_DONTWAIT | MSG_PEEK) > 0;
  }

  /**
   * Sends `bytes` and duplicates of `fds` on the socket `fd`, which keeps short messages whole. False when the other end
   * has gone, or does not read and there is no room.
   */
  send(fd: number, bytes: Uint8Array, fds: readonly number[] = []): boolean {
    if (bytes.length > this.#data.bytes.length || fds.length > this.#maxFds) {
      throw new RangeError(`Cannot send ${bytes.length} bytes with ${fds.length} file descriptors: there is no room`);
    }
    this.#data.bytes.set(bytes);
    this.#prepare(bytes.length, fds.length === 0 ? 0 : CMSGHDR.sizeof + aligned(fds.length * FD_BYTES));
    if (fds.length > 0) this.#writeFds(fds);
    return this.#libc.calls.sendmsg(fd, this.#header.bytes, MSG_DONTWAIT | MSG_NOSIGNAL) === bytes.length;
  }

  #prepare(dataBytes: number, controlBytes: number): void {
    this.#iovec.view.setBigUint64(IOVEC.iov_len, BigInt(dataBytes), true);
    this.#header.view.setBigUint64(MSGHDR.msg_controllen, BigInt(controlBytes), true);
  }

  #writeFds(fds: readonly number[]): void {
    const { view } = this.#control;
    view.setBigUint64(CMSGHDR.cmsg_len, BigInt(CMSGHDR.sizeof + fds.length * FD_BYTES), true);
    view.setInt32(CMSGHDR.cmsg_level, SOL_SOCKET, true);
    view.setInt32(CMSGHDR.cmsg_type, SCM_RIGHTS, true);
    fds.forEach((fd, index) => view.setInt32(CMSGHDR.sizeof + index * FD_BYTES, fd, true));
  }

  /** The kernel puts the descriptors of one read into one record, and has no room here for a second of another kind. */
  #takeFds(): number[] {
    const { view } = this.#control;
    const controlBytes = this.#header.view.getBigUint64(MSGHDR.msg_controllen, true);
    if (controlBytes < CMSGHDR.sizeof) return [];
    const isRights = view.getInt32(CMSGHDR.cmsg_level, true) === SOL_SOCKET &&
      view.getInt32(CMSGHDR.cmsg_type, true) === SCM_RIGHTS;
    const end = isRights ? Number(view.getBigUint64(CMSGHDR.cmsg_len, true)) : 0;
    const fds: number[] = [];
    for (let at = CMSGHDR.sizeof; at + FD_BYTES <= end; at += FD_BYTES) fds.push(view.getInt32(at, true));
    return fds;
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
