import { cString, type Libc } from "./libc.ts";
import {
  AF_UNIX,
  AT_FDCWD,
  Errno,
  Layout,
  S_IFMT,
  S_IFSOCK,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  STATX_BASIC_STATS,
  SUN_PATH_BYTES,
} from "./linux_abi.ts";

const SOCKADDR_UN = Layout.sockaddr_un;
const BACKLOG = 8;
const STREAM = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

/**
 * Listens on a stream socket at `path` and returns its descriptor, which does not block. A socket file there that nobody
 * listens on any more is replaced. Throws `Error` when that cannot be, as when somebody does listen.
 */
export function listenAt(libc: Libc, path: string): number {
  const { calls } = libc;
  const address = socketAddress(path);
  if (isStale(libc, path)) removeSocket(libc, path);
  const fd = openSocket(libc);
  const isListening = calls.bind(fd, address, address.length) === 0 && calls.listen(fd, BACKLOG) === 0;
  if (!isListening) throw failure(libc, fd, `listen at ${path}`);
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
  const fds = new Int32Array(2);
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

function openSocket(libc: Libc): number {
  const fd = libc.calls.socket(AF_UNIX, STREAM, 0);
  if (fd < 0) throw libc.error("make a socket");
  return fd;
}

/** What to throw when `action` on `fd`, which is of no use then, has failed. */
function failure(libc: Libc, fd: number, action: string): Error {
  const error = libc.error(action);
  libc.calls.close(fd);
  return error;
}

/** Whether `path` is a socket's that nobody listens on. */
function isStale(libc: Libc, path: string): boolean {
  const status = libc.stableBytes(Layout.statx.sizeof);
  const isSocket = libc.calls.statx(AT_FDCWD, cString(path), 0, STATX_BASIC_STATS, status.bytes) === 0 &&
    (status.view.getUint16(Layout.statx.stx_mode, true) & S_IFMT) === S_IFSOCK;
  if (!isSocket) return false; // connecting to another file is refused, too
  const address = socketAddress(path);
  const fd = openSocket(libc);
  const isRefused = libc.calls.connect(fd, address, address.length) < 0 && libc.errno() === Errno.ECONNREFUSED;
  libc.calls.close(fd);
  return isRefused;
}

function socketAddress(path: string): Uint8Array<ArrayBuffer> {
  const bytes = cString(path);
  if (path === "" || bytes.length > SUN_PATH_BYTES) {
    throw new RangeError(`Cannot use ${path} for a socket: it must have 1 to ${SUN_PATH_BYTES - 1} bytes`);
  }
  const address = new Uint8Array(SOCKADDR_UN.sun_path + bytes.length);
  new DataView(address.buffer).setUint16(SOCKADDR_UN.sun_family, AF_UNIX, true);
  address.set(bytes, SOCKADDR_UN.sun_path);
  return address;
}
