/** What a driver says of one virtqueue before it enables it; 64-bit addresses as two u32. */
export interface QueueRegisters {
  /** Number of descriptors, a power of two. */
  size: number;
  /** Whether the driver has enabled it. */
  isEnabled: boolean;
  /** Guest address of the descriptor table, lower half. */
  descriptorLow: number;
  /** Its upper half. */
  descriptorHigh: number;
  /** Guest address of the available ring, lower half. */
  availableLow: number;
  /** Its upper half. */
  availableHigh: number;
  /** Guest address of the used ring, lower half. */
  usedLow: number;
  /** Its upper half. */
  usedHigh: number;
}

/** Half of the guest address of a part of a virtqueue. */
export type QueueAddress = Exclude<keyof QueueRegisters, "size" | "isEnabled">;

/** The registers of a queue of the largest size, before a driver has touched them. */
export function freshQueue(size: number): QueueRegisters {
  return {
    size,
    isEnabled: false,
    descriptorLow: 0,
    descriptorHigh: 0,
    availableLow: 0,
    availableHigh: 0,
    usedLow: 0,
    usedHigh: 0,
  };
}
