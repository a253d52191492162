import type { GuestMemory } from "../memory/guest_memory.ts";
import { SplitQueue } from "../virtio/split_queue.ts";
import { DeviceStatus, InterruptStatus, VirtioFeature } from "../virtio/virtio.gen.ts";
import { type FeatureSet, hasFeature, type VirtioDevice, type VirtioEvents } from "../virtio/virtio_device.ts";

/** What a transport needs from the machine that it is part of. */
export interface TransportHost {
  /** Sets the level of the device's interrupt line: true asserts it. Called on changes only. */
  setInterrupt(isAsserted: boolean): void;
  /**
   * Calls `work` soon, after the guest had a turn, once: there is work left from a kick. Drop it when the machine ends.
   */
  defer(work: () => void): void;
}

/** What a driver says of one virtqueue before it enables it; 64-bit addresses as two u32. */
interface QueueRegisters {
  size: number;
  isEnabled: boolean;
  descriptorLow: number;
  descriptorHigh: number;
  availableLow: number;
  availableHigh: number;
  usedLow: number;
  usedHigh: number;
}

/**
 * What a driver and a device have agreed on so far: status, features, queues, interrupt. It is the part of a transport that
 * does not depend on where the registers lie. Virtio 1.4, 2.1 to 2.5 and 3.1.
 */
export class DriverSession implements VirtioEvents {
  readonly device: VirtioDevice;
  readonly #guest: GuestMemory;
  readonly #host: TransportHost;
  readonly #queues: QueueRegisters[];
  readonly #active: (SplitQueue | undefined)[];
  readonly #deferred: (() => void)[];
  readonly #isDeferred: boolean[];
  #status = 0;
  #driverLow = 0;
  #driverHigh = 0;
  #isr = 0;

  /** Which half of the features `deviceFeatures` shows: 0 or 1, any u32 from a driver. */
  deviceFeatureSelect = 0;
  /** Which half of the features `driverFeatures` means. */
  driverFeatureSelect = 0;
  /** Which queue the queue registers mean; any number from a driver. */
  queueSelect = 0;

  /** A session with a device that is reset. */
  constructor(device: VirtioDevice, guest: GuestMemory, host: TransportHost) {
    this.device = device;
    this.#guest = guest;
    this.#host = host;
    this.#queues = device.queueSizes.map(freshQueue);
    this.#active = device.queueSizes.map(() => undefined);
    this.#isDeferred = device.queueSizes.map(() => false);
    this.#deferred = device.queueSizes.map((_, queue) => () => this.#resume(queue));
  }

  /** The selected half of the offered features. */
  get deviceFeatures(): number {
    const { low, high } = this.device.offeredFeatures;
    return this.deviceFeatureSelect === 0 ? low : this.deviceFeatureSelect === 1 ? high : 0;
  }

  /** The selected half of the features that the driver accepted. */
  get driverFeatures(): number {
    return this.driverFeatureSelect === 0 ? this.#driverLow : this.driverFeatureSelect === 1 ? this.#driverHigh : 0;
  }

  /** Accepts features; void once FEATURES_OK is set. Virtio 1.4, 2.2 and 3.1.1. */
  set driverFeatures(value: number) {
    if ((this.#status & DeviceStatus.FeaturesOk) !== 0) return;
    if (this.driverFeatureSelect === 0) this.#driverLow = value >>> 0;
    else if (this.driverFeatureSelect === 1) this.#driverHigh = value >>> 0;
  }

  /** The device status. Virtio 1.4, 2.1. */
  get status(): number {
    return this.#status;
  }

  /** The driver writes the device status: 0 resets, a bit once set stays. */
  set status(value: number) {
    if ((value & 0xff) === 0) {
      this.reset();
      return;
    }
    let added = value & 0xff & ~this.#status & ~DeviceStatus.DeviceNeedsReset;
    if ((added & DeviceStatus.FeaturesOk) !== 0 && !this.#areFeaturesAcceptable()) added &= ~DeviceStatus.FeaturesOk;
    this.#status |= added;
    const isReady = (this.#status & DeviceStatus.FeaturesOk) !== 0;
    if ((added & DeviceStatus.DriverOk) !== 0 && isReady) this.#activate();
  }

  /** The selected queue's registers; undefined when there is no such queue. */
  get queue(): Readonly<QueueRegisters> | undefined {
    return this.#queues[this.queueSelect];
  }

  /** Sets registers of the selected queue; void once it is enabled, and for a size that a split queue cannot have. */
  setQueue(registers: Partial<QueueRegisters>): void {
    const queue = this.#queues[this.queueSelect];
    if (queue === undefined || queue.isEnabled) return;
    const size = registers.size ?? queue.size;
    const isPowerOfTwo = size > 0 && (size & (size - 1)) === 0;
    if (!isPowerOfTwo || size > this.device.queueSizes[this.queueSelect]!) return;
    Object.assign(queue, registers);
  }

  /** Reads the interrupt status and clears it, with the interrupt line. Virtio 1.4, 4.1.4.5. */
  takeInterruptStatus(): number {
    const isr = this.#isr;
    this.#acknowledge(isr);
    return isr;
  }

  /** The interrupt status: which of InterruptStatus's causes are pending. */
  get interruptStatus(): number {
    return this.#isr;
  }

  /** Clears the causes in `bits`, and with the last one the interrupt line. Virtio 1.4, 4.2.2. */
  acknowledgeInterrupt(bits: number): void {
    this.#acknowledge(bits);
  }

  /** The driver kicks `queue`; any number. */
  notify(queue: number): void {
    if (this.#active[queue] === undefined) return;
    if (this.#isDeferred[queue]) return; // what is left is taken up soon anyway
    this.device.notify(queue);
  }

  /** Back to the beginning, as after power-on: the device forgets the guest. */
  reset(): void {
    this.device.reset();
    for (const [index, queue] of this.#active.entries()) {
      queue?.release();
      this.#active[index] = undefined;
    }
    this.device.queueSizes.forEach((size, index) => Object.assign(this.#queues[index]!, freshQueue(size)));
    this.#status = 0;
    this.#driverLow = 0;
    this.#driverHigh = 0;
    this.deviceFeatureSelect = 0;
    this.driverFeatureSelect = 0;
    this.queueSelect = 0;
    this.#acknowledge(0xff);
  }

  configChanged(): void {
    if ((this.#status & DeviceStatus.DriverOk) !== 0) this.#interrupt(InterruptStatus.Config);
  }

  needsReset(): void {
    if ((this.#status & DeviceStatus.DeviceNeedsReset) !== 0) return;
    this.#status |= DeviceStatus.DeviceNeedsReset;
    this.configChanged();
  }

  workLeft(queue: number): void {
    if (this.#isDeferred[queue]) return;
    this.#isDeferred[queue] = true;
    this.#host.defer(this.#deferred[queue]!);
  }

  #resume(queue: number): void {
    this.#isDeferred[queue] = false;
    this.notify(queue);
  }

  /** Virtio 1.4, 2.2.2 and 6.1: a subset of what was offered, with VERSION_1. */
  #areFeaturesAcceptable(): boolean {
    const { low, high } = this.device.offeredFeatures;
    const isSubset = (this.#driverLow & ~low) === 0 && (this.#driverHigh & ~high) === 0;
    return isSubset && hasFeature(this.#features(), VirtioFeature.Version1);
  }

  #features(): FeatureSet {
    return { low: this.#driverLow, high: this.#driverHigh };
  }

  #activate(): void {
    const features = this.#features();
    const hasEventIdx = hasFeature(features, VirtioFeature.EventIdx);
    const hasIndirectDesc = hasFeature(features, VirtioFeature.IndirectDesc);
    const interrupt = () => this.#interrupt(InterruptStatus.Queue);
    this.#queues.forEach((queue, index) => {
      if (!queue.isEnabled) return;
      this.#active[index] = new SplitQueue(this.#guest, {
        size: queue.size,
        descriptorAddress: queue.descriptorHigh * 2 ** 32 + queue.descriptorLow,
        availableAddress: queue.availableHigh * 2 ** 32 + queue.availableLow,
        usedAddress: queue.usedHigh * 2 ** 32 + queue.usedLow,
        hasEventIdx,
        hasIndirectDesc,
      }, interrupt);
    });
    this.device.activate(features, this.#active, this);
  }

  #interrupt(cause: number): void {
    const wasQuiet = this.#isr === 0;
    this.#isr |= cause;
    if (wasQuiet) this.#host.setInterrupt(true);
  }

  #acknowledge(bits: number): void {
    const wasPending = this.#isr !== 0;
    this.#isr &= ~bits;
    if (wasPending && this.#isr === 0) this.#host.setInterrupt(false);
  }
}

function freshQueue(size: number): QueueRegisters {
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
