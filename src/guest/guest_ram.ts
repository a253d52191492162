/** RAM as a guest's driver uses it: bytes by guest address, and pieces of it for the driver's own data. */
export class GuestRam {
  readonly #view: () => Uint8Array;
  readonly #sizeBytes: number;
  #next: number;

  /**
   * RAM of `sizeBytes` from guest address 0 on. `view` returns its bytes as they are now, since the memory may grow;
   * pieces are taken from `firstFree` on.
   */
  constructor(view: () => Uint8Array, sizeBytes: number, firstFree = 4096) {
    this.#view = view;
    this.#sizeBytes = sizeBytes;
    this.#next = firstFree;
  }

  /** Takes a piece of `bytes` bytes, aligned to `alignment`. Throws `RangeError` when the RAM is used up. */
  allocate(bytes: number, alignment = 16): number {
    const address = Math.ceil(this.#next / alignment) * alignment;
    if (address + bytes > this.#sizeBytes) throw new RangeError(`Cannot allocate ${bytes} bytes: guest RAM is used up`);
    this.#next = address + bytes;
    return address;
  }

  /** The bytes at a guest address; a view, good until the memory grows. */
  bytes(address: number, length: number): Uint8Array {
    return this.#view().subarray(address, address + length);
  }

  /** The words at a guest address, a multiple of 4; a view, good until the memory grows. */
  words(address: number, length: number): Uint32Array {
    const all = this.#view();
    return new Uint32Array(all.buffer, all.byteOffset + address, length);
  }

  /** A view for fields of any width at a guest address, good until the memory grows. */
  fields(address: number, length: number): DataView {
    const all = this.#view();
    return new DataView(all.buffer, all.byteOffset + address, length);
  }
}
