import type { Libc, StableBytes } from "./libc.ts";
import {
  AF_UNIX,
  Errno,
  Layout,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SCM_RIGHTS,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  SUN_PATH_BYTES,
} from "./linux_abi.ts";

const { msghdr: MSGHDR, iovec: IOVEC, cmsghdr: CMSGHDR, sockaddr_un: SOCKADDR_UN } = Layout;
const FD_BYTES = 4;
const BACKLOG = 8;
const STREAM = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

/**
 * Listens on a stream socket at `path` and returns its descriptor, which does not block. A socket file there that nobody
 * listens on any more is replaced. Throws `Error` when that cannot be, as when somebody does listen.
 */
export function listenAt(libc: Libc, path: string): number {
  const { calls } = libc;
  const address = socketAddress(path);
  const fd = openSocket(libc);
  if (calls.bind(fd, address, address.length) < 0) {
    if (libc.errno() !== Errno.EADDRINUSE || !isStale(libc, address)) throw failure(libc, fd, `listen at ${path}`);
    removeSocket(libc, path);
    if (calls.bind(fd, address, address.length) < 0) throw failure(libc, fd, `listen at ${path}`);
  }
  if (calls.listen(fd, BACKLOG) < 0) throw failure(libc, fd, `listen at ${path}`);
  return fd;
}

/** Connects to the stream socket at `path` and returns a descriptor that does not block. Throws `Error` when nobody listens. */
export function connectTo(libc: Libc, path: string): number {
  const address = socketAddress(path);
  const fd = openSocket(libc);
  if (libc.calls.connect(fd, address, address.length) < 0) throw failure(libc, fd, `connect to ${path}`);
  return fd;
}

/** Makes two stream sockets that are connected with each other and do not block. Throws `Error` when it cannot. */
export function makeSocketPair(libc: Libc): [number, number] {
  const fds = new Int32Array(libc.stableBytes(2 * FD_BYTES).bytes.buffer);
  if (libc.calls.socketpair(AF_UNIX, STREAM, 0, fds) < 0) throw libc.error("make a pair of sockets");
  return [fds[0]!, fds[1]!];
}

/** Takes a connection that waits at the socket `listener`: a descriptor that does not block; undefined when there is none. */
export function acceptFrom(libc: Libc, listener: number): number | undefined {
  const fd = libc.calls.accept4(listener, 0n, 0n, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd < 0 ? undefined : fd;
}

/** Removes the file of a socket; nothing happens when there is none. */
export function removeSocket(libc: Libc, path: string): void {
  libc.calls.unlink(cString(path));
}
