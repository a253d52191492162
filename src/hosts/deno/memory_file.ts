import { cString, type Libc } from "./libc.ts";
import {
  F_ADD_SEALS,
  F_GET_SEALS,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  HUGETLBFS_MAGIC,
  Layout,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
} from "./linux_abi.ts";

const PAGE_BYTES = 4096;

/**
 * Makes a file of `sizeBytes` zero bytes that is in no folder and can be mapped, sealed and sent; the caller owns the
 * descriptor. `name` is for /proc. -1 when the machine has no room.
 */
export function makeMemoryFile(libc: Libc, name: string, sizeBytes: number): number {
  const { calls } = libc;
  const fd = calls.memfd_create(cString(name), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0 || calls.ftruncate(fd, BigInt(sizeBytes)) === 0) return fd;
  calls.close(fd);
  return -1;
}

/** Seals `fd` against being shortened, if it can be; false when somebody can still shorten it. */
export function sealLength(libc: Libc, fd: number): boolean {
  libc.calls.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
  const seals = libc.calls.fcntl(fd, F_GET_SEALS, 0);
  return seals >= 0 && (seals & F_SEAL_SHRINK) !== 0;
}

/** Seals `fd`, a file of `makeMemoryFile`, for ever: nobody can change its length, or take away that it can be written. */
export function sealForGood(libc: Libc, fd: number): void {
  libc.calls.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

/** Makes whole pages of `fd`, a file in memory, zero for everybody who has them, and takes no memory for them any more. */
export function punchHole(libc: Libc, fd: number, offsetBytes: number, sizeBytes: number): void {
  const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  const result = libc.calls.fallocate(fd, mode, BigInt(offsetBytes), BigInt(sizeBytes));
  if (result < 0) throw libc.error("give back pages of a file in memory");
}

/** Bytes of a page of the file `fd`: more than the machine's for one of huge pages, which is mapped in those alone. */
export function pageBytesOf(libc: Libc, fd: number): number {
  const { bytes, view } = libc.stableBytes(Layout.statfs.sizeof);
  if (libc.calls.fstatfs(fd, bytes) < 0) return PAGE_BYTES;
  const isHuge = view.getUint32(Layout.statfs.f_type, true) === HUGETLBFS_MAGIC;
  return isHuge ? view.getUint32(Layout.statfs.f_bsize, true) : PAGE_BYTES;
}
