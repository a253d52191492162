import {
  CONFIG_BLOB_ALIGNMENT_OFFSET,
  CONFIG_EVENTS_CLEAR_OFFSET,
  CONFIG_EVENTS_READ_OFFSET,
  CONFIG_NUM_CAPSETS_OFFSET,
  CONFIG_NUM_SCANOUTS_OFFSET,
  CONFIG_SIZE,
} from "../protocol/wire.gen.ts";

/** The device's configuration space. Virtio 1.4, 5.7.4. */
export class GpuConfig {
  /** What the driver reads. */
  readonly bytes: Uint8Array;
  /** Counts the changes that the device made. */
  generation = 0;
  /** What BLOB_ALIGNMENT asks of the sizes of blobs; 1 when it is not offered. */
  readonly blobAlignment: number;
  readonly #view: DataView;

  /**
   * The configuration of a device with `scanouts` scanouts and `capsets` capability sets. It has the field `blob_alignment`
   * only with a value for it: a driver that finds the feature bit and a 0 there refuses every blob. Throws `RangeError` for
   * a value that is no power of two below 2^32.
   */
  constructor(scanouts: number, capsets: number, blobAlignment?: number) {
    const isAligned = blobAlignment !== undefined;
    this.blobAlignment = blobAlignment ?? 1;
    if (!(this.blobAlignment >= 1 && this.blobAlignment < 2 ** 32 && Number.isInteger(Math.log2(this.blobAlignment)))) {
      throw new RangeError(`Cannot offer BLOB_ALIGNMENT: it must be a power of two below 2^32, got ${blobAlignment}`);
    }
    this.bytes = new Uint8Array(isAligned ? CONFIG_SIZE : CONFIG_BLOB_ALIGNMENT_OFFSET);
    this.#view = new DataView(this.bytes.buffer);
    this.#view.setUint32(CONFIG_NUM_SCANOUTS_OFFSET, scanouts, true);
    this.#view.setUint32(CONFIG_NUM_CAPSETS_OFFSET, capsets, true);
    if (isAligned) this.#view.setUint32(CONFIG_BLOB_ALIGNMENT_OFFSET, this.blobAlignment, true);
  }

  /** Sets the event bits `events`, which stay until the driver clears them. Virtio 1.4, 5.7.4.2. */
  raise(events: number): void {
    this.#view.setUint32(CONFIG_EVENTS_READ_OFFSET, this.events | events, true);
    this.generation++;
  }

  /**
   * The driver writes `bytes` bytes of `value` at `offset`. Only `events_clear` takes anything: a bit set there clears that
   * event, and the field itself stays 0. Virtio 1.4, 5.7.4.1.
   */
  write(offset: number, bytes: number, value: number): void {
    for (let index = 0; index < bytes; index++) {
      const place = offset + index - CONFIG_EVENTS_CLEAR_OFFSET;
      if (place < 0 || place > 3) continue;
      const at = CONFIG_EVENTS_READ_OFFSET + place;
      this.bytes[at] = this.bytes[at]! & ~(value >>> (index * 8));
    }
  }

  /** The pending event bits. */
  get events(): number {
    return this.#view.getUint32(CONFIG_EVENTS_READ_OFFSET, true);
  }

  /** Takes up what a snapshot says. */
  restore(events: number, generation: number): void {
    this.#view.setUint32(CONFIG_EVENTS_READ_OFFSET, events, true);
    this.generation = generation;
  }

  /** No event is pending any more. */
  reset(): void {
    this.#view.setUint32(CONFIG_EVENTS_READ_OFFSET, 0, true);
  }
}
