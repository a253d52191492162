import { cString, type Libc } from "./libc.ts";
import {
  F_ADD_SEALS,
  F_GET_SEALS,
  F_SEAL_SHRINK,
  HUGETLBFS_MAGIC,
  Layout,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
} from "./linux_abi.ts";

const PAGE_BYTES = 4096;

/**
 * Makes a file of `sizeBytes` zero bytes that is in no folder and can be mapped, sealed and sent; the caller owns the
 * descriptor. `name` is for /proc. Throws `Error` when the machine has no room.
 */
export function makeMemoryFile(libc: Libc, name: string, sizeBytes: number): number {
  const { calls } = libc;
  const fd = calls.memfd_create(cString(name), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0 || calls.ftruncate(fd, BigInt(sizeBytes)) < 0) {
    throw libc.error(`make a file of ${sizeBytes} bytes in memory`);
  }
  return fd;
}

/** Seals `fd` against being shortened, if it can be; false when somebody can still shorten it. */
export function sealLength(libc: Libc, fd: number): boolean {
  libc.calls.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
  const seals = libc.calls.fcntl(fd, F_GET_SEALS, 0);
  return seals >= 0 && (seals & F_SEAL_SHRINK) !== 0;
}

/** Bytes of a page of the file `fd`: more than the machine's for one of huge pages, which is mapped in those alone. */
export function pageBytesOf(libc: Libc, fd: number): number {
  const { bytes, view } = libc.stableBytes(Layout.statfs.sizeof);
  if (libc.calls.fstatfs(fd, bytes) < 0) return PAGE_BYTES;
  const isHuge = view.getUint32(Layout.statfs.f_type, true) === HUGETLBFS_MAGIC;
  return isHuge ? view.getUint32(Layout.statfs.f_bsize, true) : PAGE_BYTES;
}
