import type { GuestMemory } from "../../memory/guest_memory.ts";
import type { SplitQueue, SplitQueueSetup } from "../../virtio/split_queue.ts";
import { VirtioFeature } from "../../virtio/virtio.gen.ts";
import {
  areAcceptable,
  type FeatureSet,
  featureSet,
  hasFeature,
  type VirtioDevice,
  type VirtioEvents,
} from "../../virtio/virtio_device.ts";
import type { VhostUserHost } from "./host.ts";
import type { MemoryTable } from "./memory_table.ts";
import { Vring } from "./vring.ts";

/**
 * A device and its rings, which a front end starts and stops one by one. Its driver may change without a word: QEMU before
 * 9.2 says the same of a guest that reboots and of a machine that is paused (the rings stop, and the status becomes 0). So
 * the device keeps its state when its rings stop, and is reset as soon as something shows that another driver has come: a
 * ring that goes on elsewhere than where it stood, other features, or, after a status of 0, no ring that goes on at all. A
 * driver that comes back to an index of 0 by chance, once in 65,536 times, finds a reset device.
 */
export class DeviceRings implements VirtioEvents {
  /** One for each queue of the device. */
  readonly rings: readonly Vring[];
  readonly #device: VirtioDevice;
  readonly #guest: GuestMemory;
  readonly #memory: MemoryTable;
  readonly #host: VhostUserHost;
  readonly #tellConfigChanged: () => void;
  readonly #queues: (SplitQueue | undefined)[];
  #features = featureSet();
  #isActive = false;
  #isResetDue = false;
  #isConfigChangeDue = false;
  #hasFailed = false;

  /** The rings of `device`, all stopped. `tellConfigChanged` is called while a ring runs. */
  constructor(
    device: VirtioDevice,
    guest: GuestMemory,
    memory: MemoryTable,
    host: VhostUserHost,
    tellConfigChanged: () => void,
  ) {
    this.#device = device;
    this.#guest = guest;
    this.#memory = memory;
    this.#host = host;
    this.#tellConfigChanged = tellConfigChanged;
    const queues: (SplitQueue | undefined)[] = device.queueSizes.map(() => undefined);
    this.#queues = queues;
    this.rings = queues.map((_, index) => new Vring(index, queues, host));
  }

  /** Whether a ring has failed since the driver came: the device needs a reset. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Whether the driver's features are ones that the device works with. */
  get hasFeatures(): boolean {
    return areAcceptable(this.#features, this.#device.offeredFeatures);
  }

  /** Takes the features that the driver has accepted, all of them offered ones; refuses others while a ring runs. */
  setFeatures(features: FeatureSet): string | undefined {
    const isSame = features.low === this.#features.low && features.high === this.#features.high;
    if (isSame) return undefined;
    if (this.#isRunning) return "the features cannot change while a ring runs";
    if (this.#isActive) this.#startOver();
    this.#features = features;
    return undefined;
  }

  /** Sets where a ring begins when it runs next. */
  setBase(ring: Vring, index: number): void {
    if (ring.hasRun && ring.nextAvailable !== index) this.#startOver();
    else if (ring.hasRun && index !== 0) this.#isResetDue = false;
    ring.nextAvailable = index;
  }

  /** Lets all rings run, or none. */
  enableAll(isEnabled: boolean): void {
    for (const ring of this.rings) {
      ring.isEnabled = isEnabled;
      this.update(ring);
    }
  }

  /** Runs a ring or lets it stand still, after something was said of it. */
  update(ring: Vring): void {
    if (!ring.isWanted) return ring.pause();
    const setup = this.#setupOf(ring);
    if (setup !== undefined && ring.runsAt(setup)) return;
    const problem = this.#start(ring, setup);
    if (problem !== undefined) this.#fail(ring, problem);
  }

  /** Follows a change of the memory: a ring whose memory has gone stands still until it comes back. */
  memoryChanged(): void {
    for (const ring of this.rings) {
      const setup = this.#setupOf(ring);
      if (!ring.isWanted || (setup !== undefined && ring.runsAt(setup))) continue;
      if (this.#start(ring, setup) !== undefined) ring.pause();
    }
  }

  /** The driver resets the device or is paused, whichever shows later. All rings stop. */
  suspend(): void {
    for (const ring of this.rings) ring.stop();
    this.#isResetDue = this.#isActive;
    this.#hasFailed = false;
  }

  /** Resets the device: all rings are stopped, disabled, and begin at 0, and no features are accepted. */
  reset(): void {
    this.#startOver();
    this.#features = featureSet();
    for (const ring of this.rings) {
      ring.isEnabled = false;
      ring.nextAvailable = 0;
    }
  }

  /** Resets the device for good: no file descriptor is left. */
  close(): void {
    this.reset();
    for (const ring of this.rings) ring.close();
  }

  /** There may be buffers in a ring; void unless it runs. */
  notify(queue: number): void {
    if (this.#queues[queue] !== undefined) this.#device.notify(queue);
  }

  configChanged(): void {
    if (this.#isRunning) this.#tellConfigChanged();
    else this.#isConfigChangeDue = true; // a device whose rings all stand still must not speak
  }

  needsReset(): void {
    const running = this.rings.filter((ring) => ring.queue !== undefined);
    const broken = running.filter((ring) => ring.queue!.errorCode !== 0);
    for (const ring of broken) this.#fail(ring, `it is malformed (${ring.queue!.errorCode})`);
    if (broken.length === 0) { for (const ring of running) this.#fail(ring, "the device cannot go on"); }
  }

  workLeft(queue: number): void {
    this.#host.workLeft(queue);
  }

  get #isRunning(): boolean {
    return this.#queues.some((queue) => queue !== undefined);
  }

  /** Runs a ring from where it stands, or says why it cannot. */
  #start(ring: Vring, setup: SplitQueueSetup | undefined): string | undefined {
    if (!this.hasFeatures) return "the driver has not accepted the features";
    if (this.#isResetDue) this.#forget();
    if (setup === undefined || !ring.run(this.#guest, setup)) return "it does not lie in guest memory";
    if (!this.#isActive) {
      this.#isActive = true;
      this.#device.activate(this.#features, this.#queues, this);
    }
    if (this.#isConfigChangeDue) this.#tellConfigChanged();
    this.#isConfigChangeDue = false;
    this.#host.workLeft(this.rings.indexOf(ring)); // nobody kicks again for what was left when the ring stopped
    return undefined;
  }

  /** Where the ring lies in guest memory; undefined when a part is in no region. */
  #setupOf({ size, addresses }: Vring): SplitQueueSetup | undefined {
    if (addresses === undefined) return undefined;
    const descriptorAddress = this.#memory.guestAddress(addresses.descriptorAddress);
    const availableAddress = this.#memory.guestAddress(addresses.availableAddress);
    const usedAddress = this.#memory.guestAddress(addresses.usedAddress);
    if (descriptorAddress === undefined || availableAddress === undefined || usedAddress === undefined) {
      return undefined;
    }
    return {
      size,
      descriptorAddress,
      availableAddress,
      usedAddress,
      hasEventIdx: hasFeature(this.#features, VirtioFeature.EventIdx),
      hasIndirectDesc: hasFeature(this.#features, VirtioFeature.IndirectDesc),
    };
  }

  #fail(ring: Vring, problem: string): void {
    this.#hasFailed = true;
    ring.fail();
    this.#host.report(`ring ${this.rings.indexOf(ring)} is stopped: ${problem}`);
  }

  /** Another driver has come: what the device knows of the one before is gone, and all rings stop. */
  #startOver(): void {
    for (const ring of this.rings) ring.stop(); // first: a display that hears of the reset may ask for more work
    this.#forget();
  }

  #forget(): void {
    this.#device.reset();
    this.#isActive = false;
    this.#isResetDue = false;
    this.#isConfigChangeDue = false;
    this.#hasFailed = false;
    for (const ring of this.rings) ring.hasRun = false;
  }
}
