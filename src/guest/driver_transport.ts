import type { DriverQueue } from "./driver_queue.ts";

/** Where the driver finds a shared memory region of the device. Virtio 1.4, 2.10. */
export interface SharedMemoryPlace {
  /** Guest address of its first byte. */
  guestAddress: number;
  /** Length in bytes. */
  lengthBytes: number;
}

/** A device as a driver reaches it over some transport. Virtio 1.4, 3.1 and 4. */
export interface DriverTransport {
  /** Reads the device status. */
  readStatus(): number;
  /** Writes the device status; 0 resets. */
  writeStatus(status: number): void;
  /** Reads word `select` (0 or 1) of the offered features. */
  readFeatures(select: number): number;
  /** Writes word `select` of the accepted features. */
  writeFeatures(select: number, features: number): void;
  /** Reads the largest size of queue `index`; 0 when there is no such queue. */
  readQueueSize(index: number): number;
  /** Says where queue `index` is, and enables it. */
  enableQueue(index: number, queue: DriverQueue): void;
  /** Tells the device that there is something in queue `index`. */
  kick(index: number): void;
  /** Reads the interrupt status and clears it. */
  takeInterrupt(): number;
  /** Reads `bytes` (1, 2 or 4) of the device configuration at `offset`. */
  readConfig(offset: number, bytes: number): number;
  /** Writes `bytes` of the device configuration at `offset`. */
  writeConfig(offset: number, bytes: number, value: number): void;
  /** Reads the generation of the device configuration. */
  readConfigGeneration(): number;
  /** Finds shared memory region `id`; undefined when the device has no such region. */
  findSharedMemory(id: number): SharedMemoryPlace | undefined;
}
