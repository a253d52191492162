import {
  type CtrlHdr,
  CTX_CREATE_DEBUG_NAME_BYTES,
  CTX_CREATE_DEBUG_NAME_OFFSET,
  type Fields,
  GpuQueue,
  MEM_ENTRY_SIZE,
  readCtrlHdr,
  type ResourceAttachBacking,
  writeCtxCreate,
  writeMemEntry,
  writeResourceAttachBacking,
  writeSubmit3d,
} from "../protocol/wire.gen.ts";
import { DeviceStatus } from "../virtio/virtio.gen.ts";
import { type Descriptor, DriverQueue } from "./driver_queue.ts";
import type { DriverTransport } from "./driver_transport.ts";
import type { GuestRam } from "./guest_ram.ts";

/** Writes one request, as the writers of `wire.gen.ts` do. */
export type Writer<F> = (words: Uint32Array, wordIndex: number, fields: F) => number;

/** A run of guest memory that backs a resource. */
export interface MemoryEntry {
  /** Guest address of its first byte. */
  addr: number;
  /** Length in bytes. */
  length: number;
}

/** What came back for a request. */
export interface Answer {
  /** The reply's header; all zero when the device wrote less than one. */
  header: CtrlHdr;
  /** How many bytes the device says it wrote. */
  usedLength: number;
  /** The writable part of the chain, as words. */
  words: Uint32Array;
}

/** What a driver says of a context that it makes; everything has a default. */
export interface ContextOptions {
  /** What the driver calls it, as UTF-8 of 64 bytes at most; nothing when absent. */
  debugName?: string;
  /** The capability set; the device's choice when absent. */
  contextInit?: number;
}

/** How a request is sent; everything has a default. */
export interface SendOptions {
  /** The queue; the control queue when absent. */
  queue?: GpuQueue;
  /** Bytes of the writable part; 24 when absent, 0 for none. */
  replyBytes?: number;
  /** Words that follow the command's structure. */
  trailing?: Uint32Array;
}

const REQUEST_BYTES = 512 * 1024; // the largest request: 16,384 memory entries and their header
const REPLY_BYTES = 8192; // the largest reply: a capability set of 4,096 bytes
const HEADER_BYTES = 24;

/**
 * A guest's driver for virtio-gpu in plain TypeScript, through real virtqueues: it plays the guest where none boots. Each
 * request goes out by itself and is answered before the next.
 */
export class GpuDriver {
  /** The driver's way to the device. */
  readonly transport: DriverTransport;
  /** The guest's RAM. */
  readonly ram: GuestRam;
  readonly #queues: DriverQueue[] = [];
  readonly #request: number;
  readonly #reply: number;
  #hasIndirect = false;

  /** A driver that has not touched the device yet. */
  constructor(transport: DriverTransport, ram: GuestRam) {
    this.transport = transport;
    this.ram = ram;
    this.#request = ram.allocate(REQUEST_BYTES, 4096);
    this.#reply = ram.allocate(REPLY_BYTES, 4096);
  }

  /**
   * Brings the device up with the features that it offers and that are in `wanted` (two words; all when absent), and with
   * queues of at most `queueSize` descriptors. Virtio 1.4, 3.1.1. Throws `Error` when the device does not accept them.
   */
  start(wanted: readonly [number, number] = [0xffffffff, 0xffffffff], queueSize = 1024): void {
    const { transport } = this;
    transport.writeStatus(0);
    let status = DeviceStatus.Acknowledge | DeviceStatus.Driver;
    transport.writeStatus(status);
    for (const select of [0, 1]) transport.writeFeatures(select, transport.readFeatures(select) & wanted[select]!);
    this.#hasIndirect = ((transport.readFeatures(0) & wanted[0]) >>> 28 & 1) === 1;
    status |= DeviceStatus.FeaturesOk;
    transport.writeStatus(status);
    if ((transport.readStatus() & DeviceStatus.FeaturesOk) === 0) {
      throw new Error("Cannot start the device: it refuses the features");
    }
    for (const index of [GpuQueue.Control, GpuQueue.Cursor]) {
      const queue = new DriverQueue(this.ram, Math.min(queueSize, transport.readQueueSize(index)));
      this.#queues[index] = queue;
      transport.enableQueue(index, queue);
    }
    transport.writeStatus(status | DeviceStatus.DriverOk);
  }

  /** The driver's side of queue `index`. */
  queue(index: GpuQueue): DriverQueue {
    return this.#queues[index]!;
  }

  /** Sends one request and returns the answer. Throws `Error` when the device leaves it in the queue. */
  send<F>(write: Writer<F>, fields: F, options: SendOptions = {}): Answer {
    const { trailing } = options;
    const words = this.ram.words(this.#request, REQUEST_BYTES / 4);
    let length = write(words, 0, fields);
    if (trailing !== undefined) {
      words.set(trailing, length / 4);
      length += trailing.byteLength;
    }
    return this.sendBytes(length, options);
  }

  /** Gives a resource its backing. */
  attachBacking(resourceId: number, entries: readonly MemoryEntry[]): Answer {
    const fields: Fields<ResourceAttachBacking> = { resourceId, nrEntries: entries.length };
    return this.send(writeResourceAttachBacking, fields, { trailing: entryWords(entries) });
  }

  /** Makes a context. */
  createContext(ctxId: number, { debugName = "", contextInit = 0 }: ContextOptions = {}): Answer {
    const name = new TextEncoder().encode(debugName).subarray(0, CTX_CREATE_DEBUG_NAME_BYTES);
    const words = this.ram.words(this.#request, REQUEST_BYTES / 4);
    const length = writeCtxCreate(words, 0, { ctxId, contextInit, nlen: name.length });
    this.requestBytes().set(name, CTX_CREATE_DEBUG_NAME_OFFSET);
    return this.sendBytes(length);
  }

  /** Hands a context a command stream, without a fence unless `header` asks for one. */
  submit(ctxId: number, stream: Uint32Array, header: Partial<Omit<CtrlHdr, "type" | "ctxId">> = {}): Answer {
    return this.send(writeSubmit3d, { ...header, ctxId, size: stream.byteLength }, { trailing: stream });
  }

  /** Sends the first `length` bytes of the request buffer, whatever they are; see `requestBytes`. */
  sendBytes(length: number, { queue = GpuQueue.Control, replyBytes = HEADER_BYTES }: SendOptions = {}): Answer {
    const chain: Descriptor[] = [];
    if (length > 0) chain.push({ address: this.#request, length });
    if (replyBytes > 0) chain.push({ address: this.#reply, length: replyBytes, isWritable: true });
    this.ram.bytes(this.#reply, REPLY_BYTES).fill(0);
    const usedLength = this.sendChain(queue, chain);
    const words = this.ram.words(this.#reply, REPLY_BYTES / 4).slice(0, Math.ceil(replyBytes / 4));
    const header = readCtrlHdr(
      this.ram.words(this.#reply, HEADER_BYTES / 4),
      0,
      { type: 0, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 },
    );
    return { header, usedLength, words };
  }

  /** The request buffer, to be filled before `sendBytes`. */
  requestBytes(): Uint8Array {
    return this.ram.bytes(this.#request, REQUEST_BYTES);
  }

  /** Sends a chain of any buffers and returns the used length. Throws `Error` when the device leaves it in the queue. */
  sendChain(index: GpuQueue, chain: readonly Descriptor[]): number {
    const queue = this.#queues[index]!;
    const head = this.#hasIndirect && chain.length > 2 ? queue.writeIndirectChain(chain) : queue.writeChain(chain);
    queue.push(head);
    this.transport.kick(index);
    const used = queue.pop();
    if (used?.head !== head) throw new Error(`The device left the chain ${head} in queue ${index}`);
    return used.length;
  }
}

/** The memory entries of a request as words. */
export function entryWords(entries: readonly MemoryEntry[]): Uint32Array {
  const words = new Uint32Array(entries.length * MEM_ENTRY_SIZE / 4);
  entries.forEach((entry, index) => writeMemEntry(words, index * MEM_ENTRY_SIZE / 4, entry));
  return words;
}
