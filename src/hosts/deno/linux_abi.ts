/**
 * Numbers and layouts of Linux on x86-64 that the calls of `libc.ts` take. The names are those of the C headers, with which
 * a test compares all of them.
 */

/** Numbers of errors, as `Libc.errno` gives them. */
export const Errno = {
  ENOENT: 2,
  EINTR: 4,
  EAGAIN: 11,
  ECONNREFUSED: 111,
} as const;

/** Flags of file descriptors. */
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
/** Commands of `fcntl`. */
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_ADD_SEALS = 1033;
export const F_GET_SEALS = 1034;
/** Seals of a file: what nobody can do to it any more. */
export const F_SEAL_SEAL = 1;
export const F_SEAL_SHRINK = 2;
export const F_SEAL_GROW = 4;
/** What `fallocate` does: pages become holes, and the file stays as long as it is. */
export const FALLOC_FL_KEEP_SIZE = 1;
export const FALLOC_FL_PUNCH_HOLE = 2;
/** Flags of `memfd_create`. */
export const MFD_CLOEXEC = 1;
export const MFD_ALLOW_SEALING = 2;

/** Protection and flags of `mmap`. */
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 0x01;
export const MAP_PRIVATE = 0x02;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_NORESERVE = 0x4000;

/** Sockets. */
export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SCM_RIGHTS = 1;
export const MSG_PEEK = 0x2;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x40000000;

/** Operations and events of epoll. */
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLET = 0x80000000;

/** Kinds of files, in `stx_mode`. */
export const S_IFMT = 0o170000;
export const S_IFREG = 0o100000;
export const S_IFSOCK = 0o140000;
/** For `statx`: to look at a path, at a file descriptor, and at what `stat` tells. */
export const AT_FDCWD = -100;
export const AT_EMPTY_PATH = 0x1000;
export const STATX_BASIC_STATS = 0x7ff;
/** What `f_type` says of a file of huge pages. */
export const HUGETLBFS_MAGIC = 0x958458f6;

/** Bytes of a path in `sun_path`, its final 0 included. */
export const SUN_PATH_BYTES = 108;

/** Offsets in bytes of the fields of C's structures, and with `sizeof` their sizes. */
export const Layout = {
  statx: { stx_mode: 28, stx_ino: 32, stx_size: 40, stx_dev_major: 136, sizeof: 256 },
  statfs: { f_type: 0, f_bsize: 8, sizeof: 120 },
  epoll_event: { events: 0, data: 4, sizeof: 12 },
  msghdr: { msg_iov: 16, msg_iovlen: 24, msg_control: 32, msg_controllen: 40, msg_flags: 48, sizeof: 56 },
  iovec: { iov_base: 0, iov_len: 8, sizeof: 16 },
  cmsghdr: { cmsg_len: 0, cmsg_level: 8, cmsg_type: 12, sizeof: 16 },
  sockaddr_un: { sun_family: 0, sun_path: 2, sizeof: 110 },
} as const;
