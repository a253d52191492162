import type { GuestMemory } from "../../memory/guest_memory.ts";
import { SplitQueue, type SplitQueueSetup } from "../../virtio/split_queue.ts";
import type { VhostUserHost } from "./host.ts";

/** Where a ring's parts lie, in the front end's own addresses, each below 2^53 or in no region. */
export interface RingAddresses {
  readonly descriptorAddress: number;
  readonly availableAddress: number;
  readonly usedAddress: number;
}

/**
 * One ring: what the front end has said of it, and the queue while it runs. A ring runs from a SET_VRING_KICK on, while it
 * is enabled, until GET_VRING_BASE. The clause is vhost-user, Ring states.
 */
export class Vring {
  readonly #index: number;
  readonly #queues: (SplitQueue | undefined)[];
  readonly #host: VhostUserHost;
  #kickFd: number | undefined;
  #callFd: number | undefined;
  #errorFd: number | undefined;
  #setup: SplitQueueSetup | undefined;
  #nextAvailable = 0;
  #isInterruptDue = false;
  /** Number of descriptors, a power of two; 0 until the front end says it. */
  size = 0;
  /** Where the front end has put it. */
  addresses: RingAddresses | undefined;
  /** Whether the front end lets it run. */
  isEnabled = false;
  /** Whether it was stopped because something is wrong with it. */
  isFailed = false;
  /** Whether the device has worked on it since the device was last reset. */
  hasRun = false;

  /** The ring of queue `index`, which is `queues[index]` while it runs. */
  constructor(index: number, queues: (SplitQueue | undefined)[], host: VhostUserHost) {
    this.#index = index;
    this.#queues = queues;
    this.#host = host;
  }

  /** The queue while the ring runs. */
  get queue(): SplitQueue | undefined {
    return this.#queues[this.#index];
  }

  /** Whether the front end has said all that it takes, and wants the ring to run. */
  get isWanted(): boolean {
    return this.#kickFd !== undefined && this.isEnabled && !this.isFailed && this.size > 0 &&
      this.addresses !== undefined;
  }

  /** Index in the available ring of the next chain, modulo 2^16. */
  get nextAvailable(): number {
    return this.queue?.nextAvailable ?? this.#nextAvailable;
  }

  /** Sets where the ring begins when it runs next. */
  set nextAvailable(index: number) {
    this.#nextAvailable = index;
  }

  /** Takes the eventfd by which the driver kicks; the ring owns it, as the ones below, and closes the one before. */
  setKick(fd: number | undefined): void {
    const before = this.#kickFd;
    this.#kickFd = fd;
    this.isFailed = false;
    if (this.queue !== undefined) this.#host.watchKick(this.#index, fd);
    this.#close(before);
  }

  /** Takes the eventfd by which the driver is interrupted: at once, if it should have been while there was none. */
  setCall(fd: number | undefined): void {
    this.#close(this.#callFd);
    this.#callFd = fd;
    if (this.#isInterruptDue) this.#interrupt();
  }

  /** Takes the eventfd by which the front end learns that something is wrong with the ring. */
  setError(fd: number | undefined): void {
    this.#close(this.#errorFd);
    this.#errorFd = fd;
  }

  /** Whether it runs with the size that `setup` says, and its parts where it says. */
  runsAt(setup: SplitQueueSetup): boolean {
    const now = this.#setup;
    return this.queue !== undefined && now?.size === setup.size && now.descriptorAddress === setup.descriptorAddress &&
      now.availableAddress === setup.availableAddress && now.usedAddress === setup.usedAddress;
  }

  /** Runs, where it stood or elsewhere; false when it is not in guest memory, or the heap has no room for it. */
  run(guest: GuestMemory, setup: SplitQueueSetup): boolean {
    this.pause();
    const queue = new SplitQueue(guest, setup, () => this.#interrupt());
    if (!queue.resumeAt(this.#nextAvailable)) {
      queue.release();
      return false;
    }
    this.#queues[this.#index] = queue;
    this.#setup = setup;
    this.hasRun = true;
    this.#host.watchKick(this.#index, this.#kickFd);
    return true;
  }

  /** Stands still until it runs again, from where it stood. */
  pause(): void {
    const queue = this.queue;
    if (queue === undefined) return;
    this.#nextAvailable = queue.nextAvailable;
    this.#queues[this.#index] = undefined;
    queue.release();
    this.#host.watchKick(this.#index, undefined);
  }

  /** Stands still until the front end has set another kick. */
  stop(): void {
    this.pause();
    this.setKick(undefined);
  }

  /** Stands still because something is wrong with it, and tells the front end. */
  fail(): void {
    this.pause();
    this.isFailed = true;
    if (this.#errorFd !== undefined) this.#host.signal(this.#errorFd);
  }

  /** Stands still for good: no file descriptor is left. */
  close(): void {
    this.stop();
    this.#isInterruptDue = false;
    this.setCall(undefined);
    this.setError(undefined);
  }

  #interrupt(): void {
    this.#isInterruptDue = this.#callFd === undefined;
    if (this.#callFd !== undefined) this.#host.signal(this.#callFd);
  }

  #close(fd: number | undefined): void {
    if (fd !== undefined) this.#host.closeFd(fd);
  }
}
