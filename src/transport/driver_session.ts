import type { GuestMemory } from "../memory/guest_memory.ts";
import { PlainValue } from "../snapshot/plain_value.ts";
import { SplitQueue } from "../virtio/split_queue.ts";
import { DeviceStatus, InterruptStatus, VirtioFeature } from "../virtio/virtio.gen.ts";
import {
  areAcceptable,
  type FeatureSet,
  hasFeature,
  type Restoration,
  type VirtioDevice,
  type VirtioEvents,
} from "../virtio/virtio_device.ts";
import { freshQueue, type QueueRegisters } from "./queue_registers.ts";
import { checkSession, type QueueSnapshot, type SessionSnapshot, type Snapshot } from "./session_snapshot.ts";

/** What a transport needs from the machine that it is part of. */
export interface TransportHost {
  /**
   * Sets the level of the device's interrupt line: true asserts it. Called on changes, and at each restore with the level
   * that the line then has, since the machine may have saved another.
   */
  setInterrupt(isAsserted: boolean): void;
  /**
   * Calls `work` soon, after the guest had a turn, once: there is work left from a kick. Drop it when the machine ends.
   */
  defer(work: () => void): void;
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
  #isActive = false;

  /** Which half of the features `deviceFeatures` shows: 0 or 1, any u32 from a driver. */
  deviceFeatureSelect = 0;
  /** Which half of the features `driverFeatures` means. */
  driverFeatureSelect = 0;
  /** Which queue the queue registers mean; any number from a driver. */
  queueSelect = 0;
  /** Which shared memory region the registers of one mean, where a transport has such; any u32 from a driver. */
  sharedMemorySelect = 0;

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
    const isRefused = !areAcceptable(this.#features(), this.device.offeredFeatures);
    if ((added & DeviceStatus.FeaturesOk) !== 0 && isRefused) added &= ~DeviceStatus.FeaturesOk;
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
    if (queue.isEnabled && this.#isActive) this.#active[this.queueSelect] = this.#makeQueue(queue, this.#features());
  }

  /**
   * Stops the selected queue, as if it had never been enabled; its registers keep their values and can be written again.
   * Virtio 1.4, 4.2.2 (QueueReady).
   */
  stopQueue(): void {
    const queue = this.#queues[this.queueSelect];
    if (queue === undefined) return;
    queue.isEnabled = false;
    if (this.#active[this.queueSelect] === undefined) return;
    this.#release(this.queueSelect);
    this.device.queueStopped(this.queueSelect);
  }

  /** Stops the selected queue and forgets its registers; void without RING_RESET. Virtio 1.4, 2.6.1. */
  resetQueue(): void {
    const queue = this.#queues[this.queueSelect];
    const isNegotiated = (this.#status & DeviceStatus.FeaturesOk) !== 0 &&
      hasFeature(this.#features(), VirtioFeature.RingReset);
    if (queue === undefined || !isNegotiated) return;
    this.stopQueue();
    Object.assign(queue, freshQueue(this.device.queueSizes[this.queueSelect]!));
  }

  /** Reads `bytes` (1, 2 or 4) of the configuration space at `offset`; past its end it reads 0. Virtio 1.4, 2.5. */
  readConfig(offset: number, bytes: number): number {
    const { config } = this.device;
    let value = 0;
    for (let index = 0; index < bytes; index++) {
      value |= (config[offset + index] ?? 0) << (index * 8);
    }
    return value >>> 0;
  }

  /** Writes `bytes` (1, 2 or 4) of the configuration space at `offset`; the device says what can be written. */
  writeConfig(offset: number, bytes: number, value: number): void {
    this.device.writeConfig(offset, bytes, value);
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
    this.#active.forEach((_, index) => this.#release(index));
    this.device.queueSizes.forEach((size, index) => Object.assign(this.#queues[index]!, freshQueue(size)));
    this.#isActive = false;
    this.#status = 0;
    this.#driverLow = 0;
    this.#driverHigh = 0;
    this.deviceFeatureSelect = 0;
    this.driverFeatureSelect = 0;
    this.queueSelect = 0;
    this.sharedMemorySelect = 0;
    this.#acknowledge(0xff);
    this.device.reset(); // last: what an embedder's renderer or display throws leaves no driver behind
  }

  /** All state of the session and of its device. Throws `Error` while the device carries a command out. */
  snapshot(): Snapshot {
    return {
      version: 2,
      session: {
        status: this.#status,
        driverFeatures: this.#features(),
        deviceFeatureSelect: this.deviceFeatureSelect,
        driverFeatureSelect: this.driverFeatureSelect,
        queueSelect: this.queueSelect,
        sharedMemorySelect: this.sharedMemorySelect,
        interruptStatus: this.#isr,
        isActive: this.#isActive,
        queues: this.#queues.map((queue, index) => ({ ...queue, ring: this.#active[index]?.snapshot() ?? null })),
      },
      device: this.device.snapshot(),
    };
  }

  /**
   * Makes the state of a snapshot ready to take the present one's place. Throws `TypeError` or `RangeError` that names what
   * is wrong with it, `Error` while the device carries a command out; everything is then as it was.
   */
  prepareRestore(snapshot: unknown): Restoration {
    const data = new PlainValue(snapshot, "");
    data.field("version").integer(1, 2);
    const session = checkSession(data.field("session"), this.device);
    const rings: (SplitQueue | undefined)[] = [];
    const release = () => {
      for (const ring of rings.splice(0)) ring?.release();
    };
    try {
      session.queues.forEach((queue, index) => rings.push(this.#restoreQueue(queue, index, session.driverFeatures)));
      const device = this.device.prepareRestore(data.field("device").unchecked);
      return {
        apply: () => {
          try {
            device.apply();
            this.#takeUp(session, rings.splice(0));
          } finally {
            release(); // what was not taken up
          }
        },
        discard: () => {
          release();
          device.discard();
        },
      };
    } catch (error) {
      release();
      throw error;
    }
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

  #restoreQueue(queue: QueueSnapshot, index: number, features: FeatureSet): SplitQueue | undefined {
    if (queue.ring === null) return undefined;
    const ring = this.#makeQueue(queue, features);
    if (ring.restore(queue.ring)) return ring;
    ring.release();
    const reason = "the queue is not in guest memory, or the heap has no room for it";
    throw new RangeError(`Cannot restore: session.queues[${index}]: ${reason}`);
  }

  #takeUp(session: SessionSnapshot, rings: readonly (SplitQueue | undefined)[]): void {
    rings.forEach((ring, index) => {
      this.#release(index);
      this.#active[index] = ring;
    });
    session.queues.forEach(({ ring: _, ...registers }, index) => Object.assign(this.#queues[index]!, registers));
    this.#isActive = session.isActive;
    this.#status = session.status;
    this.#driverLow = session.driverFeatures.low;
    this.#driverHigh = session.driverFeatures.high;
    this.deviceFeatureSelect = session.deviceFeatureSelect;
    this.driverFeatureSelect = session.driverFeatureSelect;
    this.queueSelect = session.queueSelect;
    this.sharedMemorySelect = session.sharedMemorySelect;
    this.#isr = session.interruptStatus;
    if (this.#isActive) this.device.activate(this.#features(), this.#active, this);
    this.#host.setInterrupt(this.#isr !== 0); // whatever the line was
    rings.forEach((ring, index) => {
      if (ring !== undefined) this.workLeft(index); // there may be chains that the device had not come to
    });
  }

  #features(): FeatureSet {
    return { low: this.#driverLow, high: this.#driverHigh };
  }

  #activate(): void {
    this.#isActive = true;
    this.#queues.forEach((queue, index) => {
      if (queue.isEnabled) this.#active[index] = this.#makeQueue(queue, this.#features());
    });
    this.device.activate(this.#features(), this.#active, this);
  }

  #makeQueue(queue: QueueRegisters, features: FeatureSet): SplitQueue {
    return new SplitQueue(this.#guest, {
      size: queue.size,
      descriptorAddress: queue.descriptorHigh * 2 ** 32 + queue.descriptorLow,
      availableAddress: queue.availableHigh * 2 ** 32 + queue.availableLow,
      usedAddress: queue.usedHigh * 2 ** 32 + queue.usedLow,
      hasEventIdx: hasFeature(features, VirtioFeature.EventIdx),
      hasIndirectDesc: hasFeature(features, VirtioFeature.IndirectDesc),
    }, () => this.#interrupt(InterruptStatus.Queue));
  }

  #release(index: number): void {
    this.#active[index]?.release();
    this.#active[index] = undefined;
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
