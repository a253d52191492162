import type { GuestMemory } from "./guest_memory.ts";
import type { HostVisibleMemory } from "./host_visible_memory.ts";

const PAGE_BYTES = 4096;

/**
 * A host visible memory that is a range of the device's own memory, which the emulator shows to its guest at a guest
 * address: what host and guest write there, the other sees at once. For every emulator whose guest can be shown a range of
 * the memory that the kernels see. To map is nothing but the device's books: the guest sees the range at all times.
 */
export class MemoryWindow implements HostVisibleMemory {
  readonly lengthBytes: number;
  readonly granularityBytes: number = PAGE_BYTES;
  onReady: (() => void) | undefined = undefined;
  readonly #address: number;

  /**
   * The `lengthBytes` bytes at `address` of the memory, which are nobody else's: a block of the heap, or a range that the
   * host keeps free. Throws `RangeError` when they are not in the memory, or no whole pages of 4096 bytes.
   */
  constructor(guest: GuestMemory, address: number, lengthBytes: number) {
    const isRange = Number.isSafeInteger(address) && address > 0 && address + lengthBytes <= guest.bytes.length;
    if (!isRange) throw new RangeError(`Cannot make a memory window: ${lengthBytes} bytes at ${address} are not there`);
    if (!(lengthBytes > 0 && lengthBytes % PAGE_BYTES === 0)) {
      throw new RangeError(`Cannot make a memory window: lengthBytes must be a multiple of 4096, got ${lengthBytes}`);
    }
    this.#address = address;
    this.lengthBytes = lengthBytes;
  }

  map(): undefined {}

  addressOf(offsetBytes: number): number {
    return this.#address + offsetBytes;
  }

  unmap(): undefined {}

  reset(): void {}
}
