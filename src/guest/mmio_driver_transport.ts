import { MMIO_MAGIC_VALUE, MMIO_VERSION, MmioRegister } from "../virtio/virtio.gen.ts";
import type { DriverQueue } from "./driver_queue.ts";
import type { DriverTransport, SharedMemoryPlace } from "./driver_transport.ts";

/** A range of virtio-mmio registers as a driver sees it. */
export interface MmioRange {
  /** Reads `bytes` (1, 2 or 4) at `offset` of the range. */
  read(offset: number, bytes: number): number;
  /** Writes `bytes` at `offset` of the range. */
  write(offset: number, bytes: number, value: number): void;
}

/** A driver's way to a device behind virtio-mmio, version 2. Virtio 1.4, 4.2. */
export class MmioDriverTransport implements DriverTransport {
  readonly #range: MmioRange;

  /** Looks for a device as Virtio 1.4, 4.2.3 asks. Throws `Error` when there is none that a driver knows. */
  constructor(range: MmioRange) {
    this.#range = range;
    const isKnown = this.#read(MmioRegister.MagicValue) === MMIO_MAGIC_VALUE &&
      this.#read(MmioRegister.Version) === MMIO_VERSION && this.#read(MmioRegister.DeviceId) !== 0;
    if (!isKnown) throw new Error("Cannot drive the range: it is no virtio device of version 2");
  }

  readStatus(): number {
    return this.#read(MmioRegister.Status);
  }

  writeStatus(status: number): void {
    this.#write(MmioRegister.Status, status);
  }

  readFeatures(select: number): number {
    this.#write(MmioRegister.DeviceFeaturesSel, select);
    return this.#read(MmioRegister.DeviceFeatures);
  }

  writeFeatures(select: number, features: number): void {
    this.#write(MmioRegister.DriverFeaturesSel, select);
    this.#write(MmioRegister.DriverFeatures, features);
  }

  readQueueSize(index: number): number {
    this.#write(MmioRegister.QueueSel, index);
    return this.#read(MmioRegister.QueueSizeMax);
  }

  enableQueue(index: number, queue: DriverQueue): void {
    this.#write(MmioRegister.QueueSel, index);
    if (this.#read(MmioRegister.QueueReady) !== 0) throw new Error(`Cannot enable queue ${index}: it is in use`);
    this.#write(MmioRegister.QueueSize, queue.size);
    this.#writeAddress(MmioRegister.QueueDescLow, queue.descriptors);
    this.#writeAddress(MmioRegister.QueueDriverLow, queue.available);
    this.#writeAddress(MmioRegister.QueueDeviceLow, queue.used);
    this.#write(MmioRegister.QueueReady, 1);
  }

  kick(index: number): void {
    this.#write(MmioRegister.QueueNotify, index);
  }

  takeInterrupt(): number {
    const causes = this.#read(MmioRegister.InterruptStatus);
    this.#write(MmioRegister.InterruptAck, causes);
    return causes;
  }

  readConfig(offset: number, bytes: number): number {
    return this.#range.read(MmioRegister.Config + offset, bytes);
  }

  writeConfig(offset: number, bytes: number, value: number): void {
    this.#range.write(MmioRegister.Config + offset, bytes, value);
  }

  readConfigGeneration(): number {
    return this.#read(MmioRegister.ConfigGeneration);
  }

  findSharedMemory(id: number): SharedMemoryPlace | undefined {
    this.#write(MmioRegister.ShmSel, id);
    const lengthHigh = this.#read(MmioRegister.ShmLenHigh);
    if (lengthHigh === 0xffffffff) return undefined;
    return {
      guestAddress: this.#read(MmioRegister.ShmBaseHigh) * 2 ** 32 + this.#read(MmioRegister.ShmBaseLow),
      lengthBytes: lengthHigh * 2 ** 32 + this.#read(MmioRegister.ShmLenLow),
    };
  }

  #read(register: number): number {
    return this.#range.read(register, 4);
  }

  #write(register: number, value: number): void {
    this.#range.write(register, 4, value);
  }

  #writeAddress(register: number, address: number): void {
    this.#write(register, address % 2 ** 32);
    this.#write(register + 4, Math.floor(address / 2 ** 32));
  }
}
