import type { Mapping, SharedMemoryWindow, VhostUserHost } from "../../../src/transport/vhost_user/host.ts";

/** What a file descriptor of a fake front end stands for: memory in a file, or anything without bytes. */
export interface FakeFile {
  /** The file's bytes while they are not mapped. */
  readonly bytes: Uint8Array;
}

/** A range of a file that lies in the memory. */
export interface FakeMapping extends Mapping {
  readonly file: FakeFile;
  readonly fileOffset: number;
  readonly sizeBytes: number;
}

const PAGE_BYTES = 4096;

/**
 * Plays the operating system for a connection. It throws at whatever a host would do wrong with: a file descriptor that is
 * closed twice or used afterwards, a kick that is still waited for when it is closed, a mapping that is taken away twice.
 */
export class FakeHost implements VhostUserHost {
  /** The file descriptors that are open in the back end. */
  readonly open = new Map<number, FakeFile>();
  /** What is mapped now. */
  readonly mappings = new Set<FakeMapping>();
  /** The kick that is waited for, of each queue. */
  readonly kicks: (number | undefined)[] = [];
  /** The file descriptors that were signalled, in order. */
  readonly signals: number[] = [];
  /** The queues for which another `notify` was asked for, in order. */
  readonly work: number[] = [];
  /** What was sent over the back end's channel: to which file descriptor, the bytes, and the file descriptor with them. */
  readonly sent: { fd: number; bytes: Uint8Array; sentFd?: number }[] = [];
  /** Bytes that the front end has sent over the channel, in pieces as they are read. */
  readonly toBackEnd: Uint8Array[] = [];
  /** Whether the front end has closed the channel. */
  isChannelClosed = false;
  /** Whether the channel takes messages. */
  isChannelFull = false;
  /** The channel that is waited for. */
  channel: { fd: number; onReadable: () => void } | undefined;
  /** What was handed on to show files with. */
  window: SharedMemoryWindow | undefined;
  /** What was reported. */
  readonly reports: string[] = [];
  /** The display socket that was handed on. */
  gpuSocket: number | undefined;
  /** How often a file was mapped. */
  mapCount = 0;
  /** Which attempts to map fail, counted from the first; none when absent. */
  failsAt: (count: number) => boolean = () => false;
  readonly #memory: WebAssembly.Memory;
  readonly #begin: number;
  readonly #end: number;
  #nextFd = 3;

  /** Maps files into the bytes `begin` to `end` of `memory`. */
  constructor(memory: WebAssembly.Memory, begin: number, end: number) {
    this.#memory = memory;
    this.#begin = begin;
    this.#end = end;
  }

  /** Opens a file descriptor: another one of `file`, or one without bytes. */
  openFd(file: FakeFile = { bytes: new Uint8Array(0) }): number {
    this.open.set(this.#nextFd, file);
    return this.#nextFd++;
  }

  mapRegion(fd: number, fileOffset: number, sizeBytes: number): FakeMapping | string {
    const file = this.#file(fd);
    if (this.failsAt(++this.mapCount)) return "there is no room";
    if (fileOffset + sizeBytes > file.bytes.length) return "the file is too short";
    const offset = this.#room(sizeBytes + fileOffset % PAGE_BYTES);
    if (offset === undefined) return "there is no room";
    const mapping = { offset: offset + fileOffset % PAGE_BYTES, file, fileOffset, sizeBytes };
    this.#bytesOf(mapping).set(file.bytes.subarray(fileOffset, fileOffset + sizeBytes));
    this.mappings.add(mapping);
    return mapping;
  }

  isMappingOf(mapping: FakeMapping, fd: number): boolean {
    return this.#file(fd) === mapping.file;
  }

  unmapRegion(mapping: FakeMapping): void {
    if (!this.mappings.delete(mapping)) throw new Error("unmapped what is not mapped");
    mapping.file.bytes.set(this.#bytesOf(mapping), mapping.fileOffset);
    this.#bytesOf(mapping).fill(0xee);
  }

  closeFd(fd: number): void {
    this.#file(fd);
    if (this.kicks.includes(fd)) throw new Error(`closed ${fd}, a kick that is waited for`);
    if (this.channel?.fd === fd) throw new Error(`closed ${fd}, a channel that is waited for`);
    this.open.delete(fd);
  }

  watchKick(queue: number, fd: number | undefined): void {
    if (fd !== undefined) this.#file(fd);
    this.kicks[queue] = fd;
  }

  signal(fd: number): void {
    this.#file(fd);
    this.signals.push(fd);
  }

  workLeft(queue: number): void {
    this.work.push(queue);
  }

  setGpuSocket(fd: number | undefined): void {
    if (this.gpuSocket !== undefined) this.closeFd(this.gpuSocket);
    this.gpuSocket = fd;
  }

  send(fd: number, message: Uint8Array): void {
    this.#file(fd);
    this.sent.push({ fd, bytes: message.slice() });
  }

  sendWithFd(socketFd: number, message: Uint8Array, fd: number): boolean {
    this.#file(socketFd);
    this.#file(fd);
    if (this.isChannelFull) return false;
    this.sent.push({ fd: socketFd, bytes: message.slice(), sentFd: fd });
    return true;
  }

  receive(fd: number, wantedBytes: number): Uint8Array | "nothing" | "closed" {
    this.#file(fd);
    const bytes = this.toBackEnd.shift();
    if (bytes === undefined) return this.isChannelClosed ? "closed" : "nothing";
    if (bytes.length > wantedBytes) this.toBackEnd.unshift(bytes.subarray(wantedBytes));
    return bytes.subarray(0, wantedBytes);
  }

  watchChannel(fd: number | undefined, onReadable: () => void = () => {}): boolean {
    if (fd !== undefined) this.#file(fd);
    this.channel = fd === undefined ? undefined : { fd, onReadable };
    return true;
  }

  setWindow(window: SharedMemoryWindow | undefined): void {
    this.window = window;
  }

  report(message: string): void {
    this.reports.push(message);
  }

  #file(fd: number): FakeFile {
    const file = this.open.get(fd);
    if (file === undefined) throw new Error(`used file descriptor ${fd}, which is closed`);
    return file;
  }

  #bytesOf({ offset, sizeBytes }: FakeMapping): Uint8Array {
    return new Uint8Array(this.#memory.buffer, offset, sizeBytes);
  }

  /** The first free range of whole pages. */
  #room(bytes: number): number | undefined {
    let at = this.#begin;
    for (const mapping of [...this.mappings].toSorted((a, b) => a.offset - b.offset)) {
      if (at + bytes <= mapping.offset) break;
      at = Math.ceil((mapping.offset + mapping.sizeBytes) / PAGE_BYTES) * PAGE_BYTES;
    }
    return at + bytes <= this.#end ? at : undefined;
  }
}
