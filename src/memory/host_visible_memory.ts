import type { Outcome } from "../protocol/outcome.ts";

/**
 * The host visible memory region: a window of guest addresses, in which the guest finds the bytes of the host blobs that it
 * maps. What lies at an offset of it is the same memory for guest and device. Virtio 1.4, 5.7.6.9 (RESOURCE_MAP_BLOB). A
 * host makes one, since only it knows how its guest sees memory; the device keeps the books: no two ranges overlap, each is
 * inside, and offsets and sizes are multiples of the granularity.
 */
export interface HostVisibleMemory {
  /** Its length in bytes, a multiple of the granularity. */
  readonly lengthBytes: number;
  /** What offsets and sizes are multiples of: a power of two, 4096 or more. */
  readonly granularityBytes: number;
  /**
   * Makes the range usable: undefined when `addressOf` now says where its bytes lie; a reason when it cannot be had. What
   * they are is no matter: the device writes all of them. May answer `LATER`, is then asked the same again, and begins
   * nothing twice.
   */
  map(offsetBytes: number, sizeBytes: number): Outcome;
  /** The address in the device's memory of the byte at `offsetBytes` of a range that is mapped. Asked at each use. */
  addressOf(offsetBytes: number): number;
  /** Takes a range away that `map` made. May answer `LATER` as `map` does; a reason means that it stays. */
  unmap(offsetBytes: number, sizeBytes: number): Outcome;
  /** Takes all ranges away, finished or not: the guest has reset the device. Nobody waits for it. */
  reset(): void;
  /** The host calls this when something that was `LATER` is known now. Set by the device. */
  onReady: (() => void) | undefined;
}
