import type { HostVisibleMemory } from "../../memory/host_visible_memory.ts";
import { LATER, type Outcome } from "../../protocol/outcome.ts";
import { Reasons } from "../../protocol/reasons.ts";
import type { SharedMemoryWindow } from "../../transport/vhost_user/host.ts";
import type { Fds } from "./fds.ts";
import type { Libc } from "./libc.ts";
import { makeMemoryFile, punchHole, sealForGood } from "./memory_file.ts";
import type { FileMapping, MemoryMap } from "./memory_map.ts";

/** What a `FileWindow` is made of. */
export interface FileWindowParts {
  readonly libc: Libc;
  readonly fds: Fds;
  /** The device's memory, and what is mapped into it. */
  readonly memory: WebAssembly.Memory;
  readonly memoryMap: MemoryMap;
  /**
   * Whether nobody writes any more where blobs lay before the device was reset last: a renderer on another thread may have
   * something to end. Always when absent.
   */
  readonly isAtRest?: () => boolean;
  /** Told in a sentence why there is no room for the file. */
  readonly report: (message: string) => void;
}

/** A file in memory that lies in the device's memory, too. */
interface SharedFile {
  readonly fd: number;
  readonly mapping: FileMapping;
}

const PAGE_BYTES = 4096;

/**
 * A host visible memory that is a file in memory: it lies in the device's memory, and a front end shows it to its guest, so
 * that both see the same bytes. The file has the window's length and is shown as a whole, whatever of it is in use: so the
 * front end is asked once after each reset, and one table entry of its is enough. Pages take no memory until somebody writes
 * them, and then until the reset: to give them back at each unmapping made a blob of 16 MiB that comes and goes ten times as
 * slow. The guest cannot make the process grow by more than the window's length. Each front end gets a file of its own, and
 * nobody can shorten one.
 */
export class FileWindow implements HostVisibleMemory {
  readonly lengthBytes: number;
  readonly granularityBytes = PAGE_BYTES;
  onReady: (() => void) | undefined = undefined;
  readonly #parts: FileWindowParts;
  #window: SharedMemoryWindow | undefined;
  #file: SharedFile | undefined;
  /** Where the files of front ends that have gone lay: nothing else may lie there until the renderer is at rest. */
  #vacated: FileMapping[] = [];

  /** A window of `lengthBytes` bytes, whole pages, that nobody shows yet: all ranges are refused. */
  constructor(parts: FileWindowParts, lengthBytes: number) {
    this.#parts = parts;
    this.lengthBytes = lengthBytes;
  }

  /** A front end has come that shows the file by `window`, or (undefined) gone; the device has been reset then. */
  connect(window: SharedMemoryWindow | undefined): void {
    this.#close();
    this.#window = window;
    if (window !== undefined) window.onAnswer = () => this.onReady?.();
  }

  /** Gives the addresses back where the files of front ends that have gone lay. To be called when the renderer may be at rest. */
  giveBack(): void {
    const { memoryMap, isAtRest = () => true } = this.#parts;
    if (this.#vacated.length === 0 || !isAtRest()) return;
    for (const mapping of this.#vacated) memoryMap.unmap(mapping);
    this.#vacated = [];
  }

  map(offsetBytes: number, sizeBytes: number): Outcome {
    this.#file ??= this.#window && this.#make();
    if (this.#file === undefined) return Reasons.windowRefused;
    const state = this.#window!.show(this.#file.fd);
    if (state === "asked") return LATER;
    if (state === "refused") return Reasons.windowRefused;
    const start = this.addressOf(offsetBytes);
    // By eight bytes: in shared memory V8 writes one element after the other, 7 times as slowly by one.
    new Float64Array(this.#parts.memory.buffer, start, sizeBytes / 8).fill(0); // other blobs and the guest were there
    return undefined;
  }

  addressOf(offsetBytes: number): number {
    return this.#file!.mapping.offset + offsetBytes;
  }

  unmap(): undefined {}

  reset(): void {
    if (this.#file !== undefined) punchHole(this.#parts.libc, this.#file.fd, 0, this.lengthBytes);
    this.#window?.reset();
  }

  #make(): SharedFile | undefined {
    const file = this.#makeFile();
    if (typeof file === "object") return file;
    this.#parts.report(`there is no host visible memory: ${file}`);
    return undefined;
  }

  #makeFile(): SharedFile | string {
    const { libc, fds, memoryMap } = this.#parts;
    const fd = makeMemoryFile(libc, "host visible memory", this.lengthBytes);
    if (fd < 0) return "the machine has no room for a file of its length";
    sealForGood(libc, fd);
    const mapping = memoryMap.map(fd, 0, this.lengthBytes);
    if (typeof mapping === "object") return { fd, mapping };
    fds.close(fd);
    return mapping;
  }

  #close(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    this.#parts.memoryMap.vacate(file.mapping);
    this.#vacated.push(file.mapping);
    this.#parts.fds.close(file.fd);
    this.giveBack();
  }
}
