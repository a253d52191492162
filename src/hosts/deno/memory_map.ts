import type { Fds } from "./fds.ts";
import type { Libc } from "./libc.ts";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
  S_IFREG,
} from "./linux_abi.ts";
import { pageBytesOf, sealLength } from "./memory_file.ts";
import { MemoryRanges } from "./memory_ranges.ts";

/** A range of a file that is in the memory. */
export interface FileMapping {
  /** Offset in the memory of the range's first byte. */
  readonly offset: number;
}

/** How files are mapped. */
export interface MemoryMapOptions {
  /** Refuses files that somebody can shorten: a page that is missing then ends this process (SIGBUS). */
  readonly requiresSeals: boolean;
  /** Told in a sentence, once, that a file which can be shortened was mapped. */
  readonly warn: (message: string) => void;
}

/** What lies in the memory: whole pages, for one mapping or more. */
interface Placement {
  readonly offset: number;
  readonly bytes: number;
  /** Where it begins in the file. */
  readonly begin: number;
  /** Bytes of a page of the file. */
  readonly pageBytes: number;
  /** Which file it is, or `NO_FILE`. */
  readonly file: string;
}

/** Of a range that is kept though its file has gone. */
const NO_FILE = "";
const MAX_MEMORY_BYTES = 2 ** 32;
const ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

/**
 * Puts files of other processes into a WebAssembly memory: both sides, and the kernels, read and write the same bytes. A
 * memory with a maximum never moves, and its address is taken once. Nothing is ever unmapped: where a file was, anonymous
 * memory is mapped, since a hole in the memory would end the process.
 */
export class MemoryMap {
  readonly #libc: Libc;
  readonly #fds: Fds;
  readonly #options: MemoryMapOptions;
  readonly #ranges: MemoryRanges;
  readonly #placements = new Map<FileMapping, Placement>();
  readonly #base: bigint;
  #hasWarned = false;

  /** Maps into `memory`, which has a maximum and is not empty; ranges are taken by growing it. */
  constructor(libc: Libc, fds: Fds, memory: WebAssembly.Memory, options: MemoryMapOptions) {
    this.#libc = libc;
    this.#fds = fds;
    this.#options = options;
    this.#ranges = new MemoryRanges(memory);
    this.#base = libc.addressOf(new Uint8Array(memory.buffer));
  }

  /** Bytes of the memory that mappings take now. */
  get mappedBytes(): number {
    let sum = 0;
    for (const { bytes } of new Set(this.#placements.values())) sum += bytes;
    return sum;
  }

  /**
   * Maps `sizeBytes` bytes of the file `fd` from `fileOffset` on, whatever the numbers are; they need not be multiples of the
   * page size. Or says in a sentence why it cannot. The mapping outlives `fd` and ends with `unmap`. The same pages mapped
   * twice lie in the memory once: a front end hands over as guest memory what the back end has handed to it.
   */
  map(fd: number, fileOffset: number, sizeBytes: number): FileMapping | string {
    const isSealed = sealLength(this.#libc, fd); // before its length is looked at
    const file = this.#fds.status(fd);
    if (file?.kind !== S_IFREG) return "guest memory must be a file that can be mapped";
    if (sizeBytes < 1 || fileOffset + sizeBytes > file.sizeBytes) {
      return `${sizeBytes} bytes from ${fileOffset} on are not in the file, which has ${file.sizeBytes}`;
    }
    if (!isSealed && this.#options.requiresSeals) return "the file can be shortened, and seals are required";
    const placement = this.#place(fd, fileOffset, sizeBytes, file.identity);
    if (typeof placement === "string") return placement;
    if (!isSealed) this.#warnOnce();
    const mapping = { offset: placement.offset + fileOffset % placement.pageBytes };
    this.#placements.set(mapping, placement);
    return mapping;
  }

  /** Whether `fd` is the file of `mapping`. */
  isOf(mapping: FileMapping, fd: number): boolean {
    return this.#placements.get(mapping)?.file === this.#fds.status(fd)?.identity;
  }

  /** Ends a mapping; nothing must look at its range any more. Throws `Error` for one that has ended. */
  unmap(mapping: FileMapping): void {
    const placement = this.#placementOf(mapping);
    this.#placements.delete(mapping);
    if (this.#isUsed(placement)) return;
    this.#clear(placement.offset, placement.bytes);
    this.#ranges.give(placement.offset, placement.bytes);
  }

  /**
   * Takes the file out of the memory at once, unless another mapping shows the same pages, but keeps its range from others
   * until `unmap`: for a range to which another thread may still write. Throws `Error` for a mapping that has ended.
   */
  vacate(mapping: FileMapping): void {
    const placement = this.#placementOf(mapping);
    this.#placements.delete(mapping);
    const isUsed = this.#isUsed(placement);
    if (!isUsed) this.#clear(placement.offset, placement.bytes);
    this.#placements.set(mapping, isUsed ? placement : { ...placement, file: NO_FILE });
  }

  #placementOf(mapping: FileMapping): Placement {
    const placement = this.#placements.get(mapping);
    if (placement === undefined) throw new Error(`Cannot unmap ${mapping.offset}: nothing is mapped there`);
    return placement;
  }

  #isUsed(placement: Placement): boolean {
    return [...this.#placements.values()].includes(placement);
  }

  #place(fd: number, fileOffset: number, sizeBytes: number, file: string): Placement | string {
    const pageBytes = pageBytesOf(this.#libc, fd);
    const begin = fileOffset - fileOffset % pageBytes;
    const bytes = Math.ceil((fileOffset + sizeBytes) / pageBytes) * pageBytes - begin;
    const present = this.#find(file, begin, bytes);
    if (present !== undefined) return present;
    const remainder = Number(-this.#base & BigInt(pageBytes - 1)); // so that the address is a multiple of the page size
    const offset = bytes > MAX_MEMORY_BYTES ? undefined : this.#ranges.take(bytes, pageBytes, remainder);
    if (offset === undefined) {
      return `${sizeBytes} bytes more of guest memory do not fit: ${this.mappedBytes} are mapped, and all of it can be ` +
        "about 3.9 GiB";
    }
    if (this.#mmap(offset, bytes, MAP_SHARED, fd, begin)) return { offset, bytes, begin, pageBytes, file };
    const reason = this.#libc.describe(this.#libc.errno());
    this.#clear(offset, bytes); // the kernel may have taken away what was there
    this.#ranges.give(offset, bytes);
    return `the file cannot be mapped: ${reason}`;
  }

  #find(file: string, begin: number, bytes: number): Placement | undefined {
    return this.#placements.values().find((placement) => {
      return placement.file === file && placement.begin === begin && placement.bytes === bytes;
    });
  }

  /** Puts anonymous memory, which is zero, where a file was. */
  #clear(offset: number, bytes: number): void {
    if (!this.#mmap(offset, bytes, ANONYMOUS, -1, 0)) throw this.#libc.error("take a file out of the memory");
  }

  #mmap(offset: number, bytes: number, flags: number, fd: number, fileOffset: number): boolean {
    const address = this.#base + BigInt(offset);
    const protection = PROT_READ | PROT_WRITE;
    const { mmap } = this.#libc.calls;
    return mmap(address, BigInt(bytes), protection, flags | MAP_FIXED, fd, BigInt(fileOffset)) === address;
  }

  #warnOnce(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.warn("guest memory is a file that can be shortened, which would end this process; use sealed memory");
  }
}
