/** The C library of Linux on x86-64: the only native code that this project calls, and the calls that it uses. */

const SYMBOLS = {
  // Deno's pointers take a permission for all libraries: an address is a number here, and these turn it into bytes.
  addressOfBytes: { name: "memmove", parameters: ["buffer", "buffer", "usize"], result: "usize" },
  copyFrom: { name: "memmove", parameters: ["buffer", "usize", "usize"], result: "usize" },
  strlen: { parameters: ["usize"], result: "usize" },
  __errno_location: { parameters: [], result: "usize" },
  strerror: { parameters: ["i32"], result: "usize" },

  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  fstatfs: { parameters: ["i32", "buffer"], result: "i32" },
  fallocate: { parameters: ["i32", "i32", "i64", "i64"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  unlink: { parameters: ["buffer"], result: "i32" },
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "usize" },

  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "usize", "usize", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },

  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Where distributions keep the library: Debian and Ubuntu; Fedora, openSUSE and Arch. One of them must be allowed. */
export const LIBC_PATHS: readonly string[] = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6"];

/** The calls, by their names in C. Those that fail return -1 and say why by `Libc.errno`. */
export type LibcCalls = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** Bytes that stay where they are, so that a C structure can hold their address. They live as long as they are referenced. */
export interface StableBytes {
  /** The bytes; zero at first. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same bytes as fields. */
  readonly view: DataView<ArrayBuffer>;
  /** The address of the first one. */
  readonly address: bigint;
}

const MAX_ERROR_TEXT_BYTES = 256;

/** The C library, opened by one thread. */
export class Libc {
  /** The calls. */
  readonly calls: LibcCalls;
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  readonly #errnoAddress: bigint;
  readonly #errno = new Int32Array(new ArrayBuffer(4));

  /**
   * Opens the library. Throws `Error` on another system than Linux on x86-64, and when no `--allow-ffi` names one of
   * `LIBC_PATHS`.
   */
  constructor() {
    const { os, arch } = Deno.build;
    if (os !== "linux" || arch !== "x86_64") {
      throw new Error(`Cannot call the C library: it must be Linux on x86_64, got ${os} on ${arch}`);
    }
    this.#library = openLibrary();
    this.calls = this.#library.symbols;
    this.#errnoAddress = this.calls.__errno_location(); // a thread keeps it
  }

  /** Closes the library: nobody may call it any more by this object. */
  close(): void {
    this.#library.close();
  }

  /** Why the last call of this thread failed, one of `Errno` or another number of the kernel's. Ask before any other call. */
  errno(): number {
    this.calls.copyFrom(this.#errno, this.#errnoAddress, 4n);
    return this.#errno[0]!;
  }

  /** An `Error` that says what could not be done and why, as `errno` has it now. */
  error(action: string): Error {
    return new Error(`Cannot ${action}: ${this.describe(this.errno())}`);
  }

  /** What the C library says of the error number `errno`. */
  describe(errno: number): string {
    const address = this.calls.strerror(errno);
    const text = new Uint8Array(Math.min(Number(this.calls.strlen(address)), MAX_ERROR_TEXT_BYTES));
    this.calls.copyFrom(text, address, BigInt(text.length));
    return new TextDecoder().decode(text);
  }

  /** Makes `length` bytes, 1 or more, that stay where they are. */
  stableBytes(length: number): StableBytes {
    const buffer = new ArrayBuffer(length); // a buffer's bytes stay; those of a short typed array without one may move
    const bytes = new Uint8Array(buffer);
    return { bytes, view: new DataView(buffer), address: this.addressOf(bytes) };
  }

  /** The address of `bytes`, of which there must be one or more. */
  addressOf(bytes: Uint8Array<ArrayBufferLike>): bigint {
    return this.calls.addressOfBytes(bytes as Uint8Array<ArrayBuffer>, bytes as Uint8Array<ArrayBuffer>, 0n);
  }
}

/** `text` as C has it: UTF-8 and a final 0. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

function openLibrary(): Deno.DynamicLibrary<typeof SYMBOLS> {
  const isAllowed = (path: string) => Deno.permissions.querySync({ name: "ffi", path }).state === "granted";
  let cause: unknown;
  for (const path of LIBC_PATHS.filter(isAllowed)) {
    try {
      return Deno.dlopen(path, SYMBOLS);
    } catch (error) {
      cause = error; // another distribution's path
    }
  }
  const wanted = `Deno must be started with --allow-ffi=PATH, where PATH is one of ${LIBC_PATHS.join(" and ")}`;
  throw new Error(`Cannot open the C library: ${wanted}`, { cause });
}
