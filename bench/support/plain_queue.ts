/** Where the driver put the parts of a queue, and its number of descriptors. */
export interface QueuePlace {
  readonly size: number;
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
}

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
const DESCRIPTOR_BYTES = 16;
const USED_ELEMENT_BYTES = 8;
const MAX_PIECES = 1024;

/**
 * The device's side of a virtqueue in plain JavaScript, with indirect descriptors and event indices: the checks that the
 * kernels make, in the way one writes them over a DataView of guest RAM.
 */
export class PlainQueue {
  /** Bytes that the device may write in the chain that was popped. */
  writableBytes = 0;
  readonly #ram: Uint8Array;
  readonly #view: DataView;
  readonly #place: QueuePlace;
  readonly #addresses = new Uint32Array(MAX_PIECES);
  readonly #lengths = new Uint32Array(MAX_PIECES);
  #readablePieces = 0;
  #pieces = 0;
  #head = 0;
  #nextAvailable = 0;
  #nextUsed = 0;
  #signalledUsed = 0;

  /** Serves the queue at `place` of `ram`, in which an address is an index. */
  constructor(ram: Uint8Array, place: QueuePlace) {
    this.#ram = ram;
    this.#view = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
    this.#place = place;
  }

  /** Takes the next chain; false when there is none. Throws `Error` for a malformed one. */
  pop(): boolean {
    const { size, available, used } = this.#place;
    const view = this.#view;
    let pending = (view.getUint16(available + 2, true) - this.#nextAvailable) & 0xffff;
    if (pending === 0) {
      view.setUint16(used + 4 + size * USED_ELEMENT_BYTES, this.#nextAvailable, true);
      pending = (view.getUint16(available + 2, true) - this.#nextAvailable) & 0xffff;
      if (pending === 0) return false;
    }
    if (pending > size) throw new Error("The available index jumped");
    this.#head = view.getUint16(available + 4 + this.#nextAvailable % size * 2, true);
    this.#walk(this.#place.descriptors, size, this.#head);
    this.#nextAvailable = (this.#nextAvailable + 1) & 0xffff;
    return true;
  }

  /** Copies the readable bytes to `into` as far as it has room, and returns how many there are. */
  read(into: Uint8Array): number {
    let at = 0;
    for (let piece = 0; piece < this.#readablePieces; piece++) {
      const address = this.#addresses[piece]!;
      const length = this.#lengths[piece]!;
      if (at + length > into.length) throw new Error("The request is too long");
      into.set(this.#ram.subarray(address, address + length), at);
      at += length;
    }
    return at;
  }

  /** Writes `reply` into the writable part, and hands the chain back. */
  complete(reply: Uint8Array): void {
    let at = 0;
    for (let piece = this.#readablePieces; piece < this.#pieces && at < reply.length; piece++) {
      const length = Math.min(this.#lengths[piece]!, reply.length - at);
      this.#ram.set(reply.subarray(at, at + length), this.#addresses[piece]!);
      at += length;
    }
    const { size, used } = this.#place;
    const element = used + 4 + this.#nextUsed % size * USED_ELEMENT_BYTES;
    this.#view.setUint32(element, this.#head, true);
    this.#view.setUint32(element + 4, at, true);
    this.#nextUsed = (this.#nextUsed + 1) & 0xffff;
    this.#view.setUint16(used + 2, this.#nextUsed, true);
  }

  /** The head of the chain that was popped. */
  get head(): number {
    return this.#head;
  }

  /** Hands a chain back that was popped before others; its descriptors are checked anew. */
  completeHead(head: number, reply: Uint8Array): void {
    this.#walk(this.#place.descriptors, this.#place.size, head);
    this.#head = head;
    this.complete(reply);
  }

  /** Whether the driver wants an interrupt for what was completed since the last call. */
  shouldSignal(): boolean {
    const { size, available } = this.#place;
    const completed = (this.#nextUsed - this.#signalledUsed) & 0xffff;
    this.#signalledUsed = this.#nextUsed;
    const usedEvent = this.#view.getUint16(available + 4 + size * 2, true);
    return ((this.#nextUsed - usedEvent - 1) & 0xffff) < completed;
  }

  #walk(table: number, size: number, head: number): void {
    const view = this.#view;
    this.#pieces = 0;
    this.#readablePieces = 0;
    this.writableBytes = 0;
    let index = head;
    for (let left = size; left > 0; left--) {
      if (index >= size) throw new Error("A descriptor's index is out of range");
      const at = table + index * DESCRIPTOR_BYTES;
      const address = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
      const length = view.getUint32(at + 8, true);
      const flags = view.getUint16(at + 12, true);
      if (length === 0 || address + length > this.#ram.length) throw new Error("A descriptor is outside of the RAM");
      if ((flags & INDIRECT) !== 0) {
        if (table !== this.#place.descriptors) throw new Error("A table is nested");
        return this.#walk(address, length / DESCRIPTOR_BYTES, 0);
      }
      this.#addPiece(address, length, (flags & WRITE) !== 0);
      if ((flags & NEXT) === 0) return;
      index = view.getUint16(at + 14, true);
    }
    throw new Error("A chain is too long");
  }

  #addPiece(address: number, length: number, isWritable: boolean): void {
    if (this.#pieces === MAX_PIECES) throw new Error("A chain has too many pieces");
    this.#addresses[this.#pieces] = address;
    this.#lengths[this.#pieces] = length;
    this.#pieces++;
    if (isWritable) {
      this.writableBytes += length;
      return;
    }
    if (this.writableBytes !== 0) throw new Error("A readable piece follows a writable one");
    this.#readablePieces = this.#pieces;
  }
}
