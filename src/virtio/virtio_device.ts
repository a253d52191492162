import type { SplitQueue } from "./split_queue.ts";

/** A set of feature bits. Virtio 1.4, 2.2: bits 0 to 31 in `low`, 32 to 63 in `high`, each an unsigned 32-bit number. */
export interface FeatureSet {
  /** Bits 0 to 31. */
  readonly low: number;
  /** Bits 32 to 63. */
  readonly high: number;
}

/** Makes the set of the given feature bit numbers, 0 to 63. */
export function featureSet(...bits: number[]): FeatureSet {
  let low = 0;
  let high = 0;
  for (const bit of bits) {
    if (bit < 32) low |= 1 << bit;
    else high |= 1 << (bit - 32);
  }
  return { low: low >>> 0, high: high >>> 0 };
}

/** Whether feature bit `bit` is in `features`. */
export function hasFeature(features: FeatureSet, bit: number): boolean {
  return ((bit < 32 ? features.low >>> bit : features.high >>> (bit - 32)) & 1) === 1;
}

/** A range of memory that the device shares with the driver. Virtio 1.4, 2.10. */
export interface SharedMemoryRegion {
  /** Its number, of the device type's own. */
  readonly id: number;
  /** Its length in bytes. */
  readonly lengthBytes: number;
}

/** What a device tells its transport between commands. */
export interface VirtioEvents {
  /** The configuration space changed; its generation is already the new one. Virtio 1.4, 2.5 and 2.3. */
  configChanged(): void;
  /** The device cannot go on until it is reset. Virtio 1.4, 2.1.2 (DEVICE_NEEDS_RESET). */
  needsReset(): void;
  /** `notify` reached its budget of work with buffers left in `queue`: call it again once the guest had its turn. */
  workLeft(queue: number): void;
}

/** A virtio device as a transport sees it; transports know nothing else of it. */
export interface VirtioDevice {
  /** Device type. Virtio 1.4, 5. */
  readonly deviceId: number;
  /** Features that the device offers, ring features included. */
  readonly offeredFeatures: FeatureSet;
  /** Most descriptors of each virtqueue, powers of two; the length is the number of queues. */
  readonly queueSizes: readonly number[];
  /** Regions that it shares, or none. */
  readonly sharedMemory: readonly SharedMemoryRegion[];
  /** The configuration space as the driver reads it now; bytes past its end read 0. The device owns and changes it. */
  readonly config: Uint8Array;
  /** Changes whenever the device itself changes `config`. Virtio 1.4, 2.5.1. */
  readonly configGeneration: number;
  /** The driver writes `bytes` (1, 2 or 4) of the configuration space at `offset`; what is read-only ignores it. */
  writeConfig(offset: number, bytes: number, value: number): void;
  /**
   * The driver is ready (DRIVER_OK): `queues` has one entry per queue of the device, undefined for a queue that the
   * driver did not enable. They are the device's until `reset`.
   */
  activate(features: FeatureSet, queues: readonly (SplitQueue | undefined)[], events: VirtioEvents): void;
  /** The driver made buffers available in `queue`. Does at most a budget of work, see `VirtioEvents.workLeft`. */
  notify(queue: number): void;
  /** Back to the state before `activate`: every state of the guest is gone. */
  reset(): void;
}
