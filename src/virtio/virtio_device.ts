import type { SplitQueue } from "./split_queue.ts";
import { VirtioFeature } from "./virtio.gen.ts";

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

/** Whether a device that offers `offered` works with a driver that accepts `accepted`. Virtio 1.4, 2.2.2 and 6.1. */
export function areAcceptable(accepted: FeatureSet, offered: FeatureSet): boolean {
  const isSubset = (accepted.low & ~offered.low) === 0 && (accepted.high & ~offered.high) === 0;
  return isSubset && hasFeature(accepted, VirtioFeature.Version1);
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

/** A state that was checked and made ready, to be taken up or given up: one of the two is called, once. */
export interface Restoration {
  /** Takes the state up, in place of the present one. */
  apply(): void;
  /** Gives back what was made for it; the present state stays. */
  discard(): void;
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
   * driver did not enable. They are the device's until `reset`; only the driver's stopping or starting a queue changes
   * an entry between two calls.
   */
  activate(features: FeatureSet, queues: readonly (SplitQueue | undefined)[], events: VirtioEvents): void;
  /** The driver made buffers available in `queue`. Does at most a budget of work, see `VirtioEvents.workLeft`. */
  notify(queue: number): void;
  /**
   * The driver has stopped `queue`, whose entry is undefined now: its chains are not the device's any more, in progress or
   * not. A transport whose queue only pauses does not call this; what is in progress is completed when the queue goes on.
   */
  queueStopped(queue: number): void;
  /** Back to the state before `activate`: every state of the guest is gone. */
  reset(): void;
  /**
   * All that a driver has made of the device, as plain data: numbers, booleans, texts, null, `Uint8Array`s, arrays and
   * objects. The caller owns it. Throws `Error` while a command is carried out.
   */
  snapshot(): unknown;
  /**
   * Makes the state of a snapshot ready, whose queues are not the device's business; guest memory need not hold the
   * snapshot's bytes before `apply`. After `apply` the device is as before `activate`, which the transport calls if the
   * driver was ready. `snapshot` may be anything: throws `TypeError` or `RangeError` that names what is wrong, and `Error`
   * while a command is carried out; the device is then as it was.
   */
  prepareRestore(snapshot: unknown): Restoration;
}
