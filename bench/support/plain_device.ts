import { PlainQueue, type QueuePlace } from "./plain_queue.ts";

interface PlainResource {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly words: Uint32Array;
  /** The backing: where each page list entry begins in the RAM and in the list; one more `starts` than `addresses`. */
  backing: { addresses: Uint32Array; starts: Uint32Array } | undefined;
}

const HEADER_BYTES = 24;
const REQUEST_BYTES = 512 * 1024;
const ENTRY_BYTES = 16;
const ENTRIES_AT = 32;
const FENCE = 1;

const CREATE_2D = 0x101;
const SET_SCANOUT = 0x103;
const FLUSH = 0x104;
const TRANSFER = 0x105;
const ATTACH = 0x106;
const DETACH = 0x107;

const OK = 0x1100;
const UNSPECIFIED = 0x1200;
const OUT_OF_MEMORY = 0x1201;
const INVALID_RESOURCE = 0x1203;
const INVALID_PARAMETER = 0x1205;

/**
 * The baseline of the whole-command benches: the 2D commands in plain JavaScript, as one would write them first. It decodes
 * by DataView, copies by `Uint8Array.set` and converts what is shown in a loop. Its numbers are its own, since it must owe nothing to
 * what it is compared with. One scanout, B8G8R8X8 resources.
 */
export class PlainDevice {
  readonly #ram: Uint8Array;
  readonly #queue: PlainQueue;
  readonly #request = new Uint8Array(REQUEST_BYTES);
  readonly #view = new DataView(this.#request.buffer);
  readonly #reply = new Uint8Array(HEADER_BYTES);
  readonly #replyView = new DataView(this.#reply.buffer);
  readonly #resources = new Map<number, PlainResource>();
  #scanout: PlainResource | undefined;
  #picture = new Uint32Array(0);
  #isPending = false;

  /** Serves the control queue at `place` of `ram`. */
  constructor(ram: Uint8Array, place: QueuePlace) {
    this.#ram = ram;
    this.#queue = new PlainQueue(ram, place);
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
    const type = requestBytes < HEADER_BYTES ? UNSPECIFIED : this.#execute(requestBytes);
    const reply = this.#replyView;
    const flags = this.#view.getUint32(4, true) & FENCE;
    reply.setUint32(0, type, true);
    reply.setUint32(4, flags, true);
    for (let at = 8; at < HEADER_BYTES; at += 4) {
      reply.setUint32(at, flags === 0 ? 0 : this.#view.getUint32(at, true), true);
    }
    this.#queue.complete(this.#reply);
  }

  #execute(requestBytes: number): number {
    switch (this.#view.getUint32(0, true)) {
      case CREATE_2D:
        return requestBytes < 40 ? UNSPECIFIED : this.#create();
      case SET_SCANOUT:
        return requestBytes < 48 ? UNSPECIFIED : this.#setScanout();
      case FLUSH:
        return requestBytes < 48 ? UNSPECIFIED : this.#flush();
      case TRANSFER:
        return requestBytes < 56 ? UNSPECIFIED : this.#transfer();
      case ATTACH:
        return requestBytes < 32 ? UNSPECIFIED : this.#attach(requestBytes);
      case DETACH:
        return requestBytes < 32 ? UNSPECIFIED : this.#detach();
      default:
        return UNSPECIFIED;
    }
  }

  #create(): number {
    const id = this.#view.getUint32(24, true);
    const width = this.#view.getUint32(32, true);
    const height = this.#view.getUint32(36, true);
    if (id === 0 || this.#resources.has(id)) return INVALID_RESOURCE;
    if (width * height === 0 || width * height > 2 ** 26) return OUT_OF_MEMORY;
    const words = new Uint32Array(width * height);
    this.#resources.set(id, { width, height, words, pixels: new Uint8Array(words.buffer), backing: undefined });
    return OK;
  }

  #setScanout(): number {
    const resource = this.#resources.get(this.#view.getUint32(44, true));
    if (resource === undefined) return INVALID_RESOURCE;
    this.#scanout = resource;
    this.#picture = new Uint32Array(resource.words.length);
    return OK;
  }

  #attach(requestBytes: number): number {
    const resource = this.#resources.get(this.#view.getUint32(24, true));
    if (resource === undefined) return INVALID_RESOURCE;
    const count = this.#view.getUint32(28, true);
    if (resource.backing !== undefined || ENTRIES_AT + count * ENTRY_BYTES > requestBytes) return UNSPECIFIED;
    const addresses = new Uint32Array(count);
    const starts = new Uint32Array(count + 1);
    let total = 0;
    for (let index = 0; index < count; index++) {
      const at = ENTRIES_AT + index * ENTRY_BYTES;
      const address = this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
      const length = this.#view.getUint32(at + 8, true);
      total += length;
      if (length === 0 || address + length > this.#ram.length || total >= 2 ** 32) return UNSPECIFIED;
      addresses[index] = address;
      starts[index + 1] = total;
    }
    resource.backing = { addresses, starts };
    return OK;
  }

  #detach(): number {
    const resource = this.#resources.get(this.#view.getUint32(24, true));
    if (resource === undefined) return INVALID_RESOURCE;
    if (resource.backing === undefined) return UNSPECIFIED;
    resource.backing = undefined;
    return OK;
  }

  #transfer(): number {
    const view = this.#view;
    const resource = this.#resources.get(view.getUint32(48, true));
    if (resource === undefined) return INVALID_RESOURCE;
    const x = view.getUint32(24, true);
    const y = view.getUint32(28, true);
    const width = view.getUint32(32, true);
    const height = view.getUint32(36, true);
    if (x + width > resource.width || y + height > resource.height) return INVALID_PARAMETER;
    if (resource.backing === undefined) return UNSPECIFIED;
    if (width === 0 || height === 0) return OK;
    const offset = view.getUint32(40, true) + view.getUint32(44, true) * 2 ** 32;
    const { starts } = resource.backing;
    const stride = resource.width * 4;
    if (offset + (height - 1) * stride + width * 4 > starts[starts.length - 1]!) return INVALID_PARAMETER;
    if (width === resource.width) {
      this.#copy(resource, offset, y * stride, stride * height);
      return OK;
    }
    for (let row = 0; row < height; row++) {
      this.#copy(resource, offset + row * stride, (y + row) * stride + x * 4, width * 4);
    }
    return OK;
  }

  /** Copies `length` bytes from position `from` of the backing to byte `to` of the resource. */
  #copy({ backing, pixels }: PlainResource, from: number, to: number, length: number): void {
    const { addresses, starts } = backing!;
    let page = 0;
    for (let end = addresses.length; end - page > 1;) {
      const middle = (page + end) >>> 1;
      if (starts[middle]! <= from) page = middle;
      else end = middle;
    }
    for (let done = 0; done < length; page++) {
      const position = from + done;
      const piece = Math.min(starts[page + 1]! - position, length - done);
      const address = addresses[page]! + position - starts[page]!;
      pixels.set(this.#ram.subarray(address, address + piece), to + done);
      done += piece;
    }
  }

  #flush(): number {
    const view = this.#view;
    const resource = this.#resources.get(view.getUint32(40, true));
    if (resource === undefined) return INVALID_RESOURCE;
    const x = view.getUint32(24, true);
    const y = view.getUint32(28, true);
    const width = view.getUint32(32, true);
    const height = view.getUint32(36, true);
    if (x + width > resource.width || y + height > resource.height) return INVALID_PARAMETER;
    if (resource === this.#scanout) this.#convert(resource, x, y, width, height);
    return OK;
  }

  /** BGRX to RGBA with alpha 255, as a canvas takes it. */
  #convert({ words, width: stride }: PlainResource, x: number, y: number, width: number, height: number): void {
    const picture = this.#picture;
    for (let row = y; row < y + height; row++) {
      const end = row * stride + x + width;
      for (let at = end - width; at < end; at++) {
        const pixel = words[at]!;
        picture[at] = (0xff000000 | (pixel & 0xff) << 16 | (pixel & 0xff00) | (pixel >>> 16) & 0xff) >>> 0;
      }
    }
  }
}
