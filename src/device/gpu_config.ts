import {
  CONFIG_BLOB_ALIGNMENT_OFFSET,
  CONFIG_EVENTS_CLEAR_OFFSET,
  CONFIG_EVENTS_READ_OFFSET,
  CONFIG_NUM_SCANOUTS_OFFSET,
} from "../protocol/wire.gen.ts";

/** The device's configuration space. Virtio 1.4, 5.7.4. */
export class GpuConfig {
  /** What the driver reads. */
  readonly bytes: Uint8Array = new Uint8Array(CONFIG_BLOB_ALIGNMENT_OFFSET); // it ends before the optional field
  /** Counts the changes that the device made. */
  generation = 0;
  readonly #view = new DataView(this.bytes.buffer);

  /** The configuration of a device with `scanouts` scanouts and no capability sets. */
  constructor(scanouts: number) {
    this.#view.setUint32(CONFIG_NUM_SCANOUTS_OFFSET, scanouts, true);
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

  /** No event is pending any more. */
  reset(): void {
    this.#view.setUint32(CONFIG_EVENTS_READ_OFFSET, 0, true);
  }
}
