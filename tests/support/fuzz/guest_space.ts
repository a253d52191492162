import { imageOffsetOf, pageAreas, ramParts } from "./guest_layout.ts";
import type { Random } from "./random.ts";

/** A run of guest addresses. */
interface Span {
  begin: number;
  end: number;
  /** Where the next buffer of this batch goes. */
  next: number;
}

/** What a batch has room for at least, in either span. */
const ROOM_BYTES = 24 * 1024;

const [LOW, NEXT, HIGH] = ramParts;

/**
 * Says where a guest puts things: rings in front of `low` and `high`, buffers behind them, pages behind those. Buffers of one
 * batch do not overlap, and some lie across the border between `low` and `next`.
 */
export class GuestSpace {
  readonly #random: Random;
  readonly #lower: Span = { begin: 0, end: pageAreas[0]!.guestAddress, next: 0 };
  readonly #upper: Span = { begin: HIGH!.guestAddress, end: pageAreas[1]!.guestAddress, next: 0 };

  /** Places things as `random` draws. */
  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes room for a part of a ring. */
  takeRing(bytes: number, alignment: number): number {
    const span = this.#random.oneIn(4) ? this.#upper : this.#lower;
    const address = Math.ceil(span.begin / alignment) * alignment;
    span.begin = address + bytes;
    return address;
  }

  /** Frees the buffers of the batch before. */
  beginBatch(): void {
    const { begin, end } = this.#lower;
    const border = LOW!.sizeBytes - this.#random.below(4096);
    this.#lower.next = this.#random.oneIn(4) ? border : this.#random.between(begin, end - ROOM_BYTES);
    this.#upper.next = this.#random.between(this.#upper.begin, this.#upper.end - ROOM_BYTES);
  }

  /** Takes room for a buffer; undefined when this batch has no more. */
  take(bytes: number): number | undefined {
    const span = this.#random.oneIn(3) ? this.#upper : this.#lower;
    const address = span.next;
    if (address + bytes > span.end) return undefined;
    span.next = address + bytes + this.#random.below(8);
    return address;
  }

  /** Takes room for an indirect table, which must not lie across a border; undefined when this batch has no more. */
  takeTable(bytes: number): number | undefined {
    const address = this.take(bytes);
    const isAcross = address !== undefined && address < NEXT!.guestAddress && address + bytes > NEXT!.guestAddress;
    return isAcross ? this.takeTable(bytes) : address;
  }

  /** Where pages of a resource may begin, and how long they may be: mostly where nothing else is. */
  anyPages(): { address: number; mostBytes: number } {
    if (this.#random.oneIn(100)) return { address: this.anyAddress(), mostBytes: 16384 };
    const { guestAddress, sizeBytes } = this.#random.pick(pageAreas);
    const offset = this.#random.below(sizeBytes);
    return { address: guestAddress + offset, mostBytes: Math.min(16384, sizeBytes - offset) };
  }

  /** Any address in RAM, whoever uses it. */
  anyAddress(): number {
    const { guestAddress, sizeBytes } = this.#random.pick(ramParts);
    return guestAddress + this.#random.below(sizeBytes);
  }
}

/** Views of the image at guest addresses. */
export class GuestImage {
  /** The bytes of guest RAM. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same bytes as fields. */
  readonly view: DataView<ArrayBuffer>;

  /** An image of `bytes` bytes. */
  constructor(bytes: number) {
    this.bytes = new Uint8Array(bytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Writes bytes at a guest address. */
  write(guestAddress: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, imageOffsetOf(guestAddress));
  }

  /** Writes a u16 at a guest address. */
  writeU16(guestAddress: number, value: number): void {
    this.view.setUint16(imageOffsetOf(guestAddress), value, true);
  }

  /** Reads a u16 at a guest address. */
  readU16(guestAddress: number): number {
    return this.view.getUint16(imageOffsetOf(guestAddress), true);
  }

  /** Reads a u32 at a guest address. */
  readU32(guestAddress: number): number {
    return this.view.getUint32(imageOffsetOf(guestAddress), true);
  }
}
