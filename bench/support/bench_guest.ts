import type { Descriptor } from "../../src/guest/driver_queue.ts";
import { entryWords, type MemoryEntry, type Writer } from "../../src/guest/gpu_driver.ts";
import {
  CTRL_HDR_SIZE,
  Format,
  GpuQueue,
  MAX_COMMAND_SIZE,
  type Rect,
  ResponseType,
  writeResourceAttachBacking,
  writeResourceCreate2d,
  writeResourceDetachBacking,
  writeResourceFlush,
  writeSetScanout,
  writeTransferToHost2d,
} from "../../src/protocol/wire.gen.ts";
import type { BenchDevice } from "./bench_device.ts";
import { GuestRing } from "./guest_ring.ts";
import { shuffled } from "./seeded_random.ts";

const PAGE_BYTES = 4096;

/** The picture that the benches move: full HD. */
export const FRAME = { widthPixels: 1920, heightPixels: 1080, strideBytes: 1920 * 4, bytes: 1920 * 1080 * 4 };
/** The rectangle of all of it. */
export const FRAME_RECT: Rect = { x: 0, y: 0, width: FRAME.widthPixels, height: FRAME.heightPixels };
/** How many 4 KiB pages it fills. */
export const FRAME_PAGES = FRAME.bytes / PAGE_BYTES;

/** What a request has besides its structure. */
export interface RequestParts {
  /** Words that follow the structure, in pieces of a page. */
  readonly trailing?: Uint32Array;
  /** Bytes of the reply; a header's when absent. */
  readonly replyBytes?: number;
}

/** A guest whose requests are written beforehand; each has room of its own for the request and its reply. */
export class BenchGuest {
  readonly #device: BenchDevice;
  readonly #ring: GuestRing;
  readonly #queue: GpuQueue;
  readonly #replies = new Map<number, number>();

  /** A guest that sends through one queue, through which nothing was sent yet. */
  constructor(device: BenchDevice, queue: GpuQueue = GpuQueue.Control) {
    this.#device = device;
    this.#queue = queue;
    this.#ring = new GuestRing(device.ram, device.queues[queue]!);
  }

  /** Sends prepared requests with one kick. Throws `Error` when one of them was not answered by then. */
  send(heads: readonly number[]): void {
    for (let index = 0; index < heads.length; index++) this.#ring.push(heads[index]!);
    this.#device.kick(this.#queue);
    if (!this.#ring.collect()) throw new Error("The device left a request in the queue");
  }

  /** Sends prepared requests, and throws `Error` when the answer to one of them is not OK. */
  sendChecked(heads: readonly number[]): void {
    this.send(heads);
    for (const head of heads) {
      const type = this.#device.ram.words(this.#replies.get(head)!, 1)[0]!;
      if (type >= ResponseType.ErrUnspec) throw new Error(`The device answered 0x${type.toString(16)}`);
    }
  }

  /** Makes a resource of a frame's size. */
  createFrame(resourceId: number): void {
    const { widthPixels: width, heightPixels: height } = FRAME;
    const fields = { resourceId, format: Format.B8G8R8X8Unorm, width, height };
    this.sendChecked([this.prepare(writeResourceCreate2d, fields)]);
  }

  /** Shows a resource of a frame's size on scanout 0. */
  showFrame(resourceId: number): void {
    this.sendChecked([this.prepare(writeSetScanout, { rect: FRAME_RECT, scanoutId: 0, resourceId })]);
  }

  /** Prepares the attachment of a frame's pages, which lie scattered; the entries come in pieces of a page. */
  attachFrame(resourceId: number): number {
    const entries = scatteredPages(this.#device.ram.allocate(FRAME.bytes * 2, PAGE_BYTES));
    return this.prepare(writeResourceAttachBacking, { resourceId, nrEntries: entries.length }, {
      trailing: entryWords(entries),
    });
  }

  /** Prepares the end of an attachment. */
  detach(resourceId: number): number {
    return this.prepare(writeResourceDetachBacking, { resourceId });
  }

  /** Prepares a transfer of `rect`, which lies in the backing where it lies in the picture. */
  transfer(resourceId: number, rect: Rect): number {
    return this.prepare(writeTransferToHost2d, { resourceId, rect, offset: rect.y * FRAME.strideBytes + rect.x * 4 });
  }

  /** Prepares a flush of `rect`. */
  flush(resourceId: number, rect: Rect): number {
    return this.prepare(writeResourceFlush, { resourceId, rect });
  }

  /** Prepares a request of any kind and returns its head. */
  prepare<F>(write: Writer<F>, fields: F, { trailing, replyBytes = CTRL_HDR_SIZE }: RequestParts = {}): number {
    const { ram } = this.#device;
    const request = ram.allocate(MAX_COMMAND_SIZE);
    const reply = ram.allocate(replyBytes);
    const chain: Descriptor[] = [{
      address: request,
      length: write(ram.words(request, MAX_COMMAND_SIZE / 4), 0, fields),
    }];
    const data = trailing ?? new Uint32Array(0);
    const place = ram.allocate(data.byteLength, PAGE_BYTES);
    ram.words(place, data.length).set(data);
    for (let at = 0; at < data.byteLength; at += PAGE_BYTES) {
      chain.push({ address: place + at, length: Math.min(PAGE_BYTES, data.byteLength - at) });
    }
    chain.push({ address: reply, length: replyBytes, isWritable: true });
    const head = this.#ring.prepare(chain);
    this.#replies.set(head, reply);
    return head;
  }
}

/** A frame's pages in a random order, out of twice as many from guest address `first` on. */
export function scatteredPages(first: number): MemoryEntry[] {
  return shuffled(FRAME_PAGES * 2, 1).slice(0, FRAME_PAGES)
    .map((page) => ({ addr: first + page * PAGE_BYTES, length: PAGE_BYTES }));
}
