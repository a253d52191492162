import { PlainQueue, type QueuePlace } from "./plain_queue.ts";

interface PlainBlob {
  bytes: Uint8Array;
  mappedAt: number | undefined;
}

const REQUEST_BYTES = 512 * 1024;
const HEADER_BYTES = 24;
const REPLY_BYTES = 32;
const PAGE_BYTES = 4096;

const MAP_BLOB = 0x208;
const UNMAP_BLOB = 0x209;

const OK = 0x1100;
const OK_MAP_INFO = 0x1106;
const UNSPECIFIED = 0x1200;
const INVALID_RESOURCE = 0x1203;
const INVALID_PARAMETER = 0x1205;
const CACHED = 1;

/**
 * The baseline of mapping: RESOURCE_MAP_BLOB and RESOURCE_UNMAP_BLOB in plain JavaScript, as one would write them first. A
 * blob is an array of its own while it is not mapped; the ranges in use are found by looking at all blobs.
 */
export class PlainWindowDevice {
  readonly #queue: PlainQueue;
  readonly #window: Uint8Array;
  readonly #blobs = new Map<number, PlainBlob>();
  readonly #request = new Uint8Array(REQUEST_BYTES);
  readonly #view = new DataView(this.#request.buffer);
  readonly #reply = new Uint8Array(REPLY_BYTES);
  readonly #replyView = new DataView(this.#reply.buffer);
  #isPending = false;

  /** Serves the control queue at `place` of `ram`, with a window of `windowBytes`. */
  constructor(ram: Uint8Array, place: QueuePlace, windowBytes: number) {
    this.#queue = new PlainQueue(ram, place);
    this.#window = new Uint8Array(windowBytes);
  }

  /** Makes a blob that can be mapped. */
  addBlob(id: number, sizeBytes: number): void {
    this.#blobs.set(id, { bytes: new Uint8Array(sizeBytes).fill(1), mappedAt: undefined });
  }

  /** The doorbell. */
  notify(): void {
    while (this.#queue.pop()) this.#answer(this.#queue.read(this.#request));
    if (this.#queue.shouldSignal()) this.#isPending = true;
  }

  /** Reads the interrupt status and clears it. */
  takeInterrupt(): boolean {
    const isPending = this.#isPending;
    this.#isPending = false;
    return isPending;
  }

  #answer(requestBytes: number): void {
    this.#reply.fill(0);
    const type = requestBytes < HEADER_BYTES ? UNSPECIFIED : this.#execute(requestBytes);
    this.#replyView.setUint32(0, type, true);
    const replyBytes = type === OK_MAP_INFO ? REPLY_BYTES : HEADER_BYTES;
    this.#queue.complete(this.#reply.subarray(0, replyBytes));
  }

  #execute(requestBytes: number): number {
    const blob = this.#blobs.get(this.#view.getUint32(24, true));
    if (blob === undefined) return INVALID_RESOURCE;
    switch (this.#view.getUint32(0, true)) {
      case MAP_BLOB:
        return requestBytes < 40 ? UNSPECIFIED : this.#map(blob);
      case UNMAP_BLOB:
        return this.#unmap(blob);
      default:
        return UNSPECIFIED;
    }
  }

  #map(blob: PlainBlob): number {
    const offset = this.#view.getUint32(32, true) + this.#view.getUint32(36, true) * 2 ** 32;
    const size = roundUp(blob.bytes.length);
    if (offset % PAGE_BYTES !== 0 || offset + size > this.#window.length) return INVALID_PARAMETER;
    if (blob.mappedAt !== undefined) return UNSPECIFIED;
    for (const { mappedAt, bytes } of this.#blobs.values()) {
      if (mappedAt === undefined) continue;
      if (mappedAt < offset + size && offset < mappedAt + roundUp(bytes.length)) return INVALID_PARAMETER;
    }
    const range = this.#window.subarray(offset, offset + size);
    range.set(blob.bytes);
    range.fill(0, blob.bytes.length);
    blob.bytes = range.subarray(0, blob.bytes.length);
    blob.mappedAt = offset;
    this.#replyView.setUint32(HEADER_BYTES, CACHED, true);
    return OK_MAP_INFO;
  }

  #unmap(blob: PlainBlob): number {
    if (blob.mappedAt === undefined) return UNSPECIFIED;
    blob.bytes = blob.bytes.slice();
    blob.mappedAt = undefined;
    return OK;
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}
