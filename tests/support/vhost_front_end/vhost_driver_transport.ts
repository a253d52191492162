import type { DriverQueue } from "../../../src/guest/driver_queue.ts";
import type { DriverTransport, SharedMemoryPlace } from "../../../src/guest/driver_transport.ts";
import { Epoll } from "../../../src/hosts/deno/epoll.ts";
import type { Fds } from "../../../src/hosts/deno/fds.ts";
import type { Libc } from "../../../src/hosts/deno/libc.ts";
import { FEATURE_PROTOCOL_FEATURES } from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { DeviceStatus, VIRTQ_AVAIL_IDX, VIRTQ_USED_IDX } from "../../../src/virtio/virtio.gen.ts";
import type { GuestWindow } from "./guest_window.ts";
import type { SharedRam } from "./shared_ram.ts";
import type { VhostFrontEnd } from "./vhost_front_end.ts";

/** A ring that the driver has set up, and its eventfds. */
export interface DriverRing {
  readonly queue: DriverQueue;
  readonly kickFd: number;
  readonly callFd: number;
  readonly errorFd: number;
}

/** Where the guest has the window: above all of its RAM. */
export const WINDOW_ADDRESS = 2 ** 40;

const WINDOW_ID = 1;
const QUEUE_SIZES = [256, 16]; // what QEMU gives a guest
const PATIENCE_MILLISECONDS = 10_000;

/**
 * What QEMU is between a guest's driver and a back end: it keeps status and features to itself, and starts and stops the
 * rings. `kick` waits until the device has used everything that was made available.
 */
export class VhostDriverTransport implements DriverTransport {
  readonly frontEnd: VhostFrontEnd;
  /** The rings by their index, once the driver has enabled them. */
  readonly rings: DriverRing[] = [];
  readonly #ram: SharedRam;
  readonly #fds: Fds;
  readonly #epoll: Epoll;
  readonly #window: GuestWindow | undefined;
  #accepted: [low: number, high: number] = [0, 0];
  #status = 0;

  /** For a guest whose RAM is `ram`, and its window, over a back end that was introduced and has no memory yet. */
  constructor(libc: Libc, fds: Fds, frontEnd: VhostFrontEnd, ram: SharedRam, window?: GuestWindow) {
    this.frontEnd = frontEnd;
    this.#ram = ram;
    this.#fds = fds;
    this.#epoll = new Epoll(libc);
    this.#window = window;
    if (window !== undefined) this.#epoll.watch(window.fd, { toRead: true }, () => window.work());
  }

  readStatus(): number {
    return this.#status | ((this.frontEnd.readStatus() ?? 0) & DeviceStatus.DeviceNeedsReset);
  }

  writeStatus(status: number): void {
    const added = status & ~this.#status;
    if (status === 0) this.#reset();
    if ((added & DeviceStatus.FeaturesOk) !== 0) this.frontEnd.setFeatures(...this.#accepted);
    if ((added & DeviceStatus.DriverOk) !== 0) this.#start();
    this.#status = status;
    this.frontEnd.writeStatus(status);
  }

  readFeatures(select: number): number {
    return select === 0 ? this.frontEnd.offered[0] & ~(1 << FEATURE_PROTOCOL_FEATURES) : this.frontEnd.offered[1];
  }

  writeFeatures(select: number, features: number): void {
    this.#accepted[select] = features;
  }

  readQueueSize(index: number): number {
    return QUEUE_SIZES[index] ?? 0;
  }

  enableQueue(index: number, queue: DriverQueue): void {
    const makeEvent = () => this.#fds.makeEvent();
    this.rings[index] = { queue, kickFd: makeEvent(), callFd: makeEvent(), errorFd: makeEvent() };
  }

  kick(index: number): void {
    const ring = this.rings[index]!;
    const target = this.#availableIndex(ring);
    ring.queue.requestInterrupt((target - 1) & 0xffff);
    this.#fds.signal(ring.kickFd);
    this.waitUntil(() => this.#usedIndex(ring) === target, `ring ${index} is not worked on`);
  }

  /** Signals a ring's kick and goes on. */
  signalKick(index: number): void {
    this.#fds.signal(this.rings[index]!.kickFd);
  }

  /** Waits for interrupts until `condition` holds. Throws `Error` saying `problem` when that takes too long. */
  waitUntil(condition: () => boolean, problem: string): void {
    const deadline = performance.now() + PATIENCE_MILLISECONDS;
    while (!condition()) {
      if (performance.now() > deadline) throw new Error(problem);
      this.#epoll.wait(100);
    }
  }

  /** Whether ring `index` was reported as broken since this was asked. */
  takeError(index: number): boolean {
    return this.#fds.takeCount(this.rings[index]!.errorFd) > 0;
  }

  takeInterrupt(): number {
    return 0; // each ring has an eventfd of its own, which `kick` waits for
  }

  readConfig(offset: number, bytes: number): number {
    const word = new Uint8Array(4);
    word.set(this.frontEnd.readConfig(offset, bytes));
    return new DataView(word.buffer).getUint32(0, true);
  }

  writeConfig(offset: number, bytes: number, value: number): void {
    const word = new Uint8Array(4);
    new DataView(word.buffer).setUint32(0, value, true);
    this.frontEnd.writeConfig(offset, word.subarray(0, bytes));
  }

  readConfigGeneration(): number {
    return 0; // a front end makes up its own
  }

  findSharedMemory(id: number): SharedMemoryPlace | undefined {
    if (id !== WINDOW_ID || this.#window === undefined) return undefined;
    return { guestAddress: WINDOW_ADDRESS, lengthBytes: this.#window.bytes.length };
  }

  /** Starts a ring at `base`: where it stood, or 0. */
  startRing(index: number, base = 0): void {
    const { queue, kickFd, callFd, errorFd } = this.rings[index]!;
    const addresses = {
      descriptorAddress: this.#ram.userAddress(queue.descriptors),
      availableAddress: this.#ram.userAddress(queue.available),
      usedAddress: this.#ram.userAddress(queue.used),
    };
    this.frontEnd.startRing(index, { size: queue.size, addresses, base, kickFd, callFd, errorFd });
  }

  /** Closes the eventfds. */
  close(): void {
    this.#forgetRings();
    this.#epoll.close();
  }

  #start(): void {
    this.frontEnd.setMemory(this.#ram.regions);
    this.rings.forEach(({ callFd }, index) => {
      this.#epoll.watch(callFd, { toRead: true }, () => this.#fds.takeCount(callFd));
      this.startRing(index);
    });
  }

  #reset(): void {
    if ((this.#status & DeviceStatus.DriverOk) !== 0) this.rings.forEach((_, index) => this.frontEnd.stopRing(index));
    this.#forgetRings();
    this.#window?.drop();
    this.#accepted = [0, 0];
  }

  #forgetRings(): void {
    for (const { kickFd, callFd, errorFd } of this.rings.splice(0)) {
      this.#epoll.unwatch(callFd);
      for (const fd of [kickFd, callFd, errorFd]) this.#fds.close(fd);
    }
  }

  #availableIndex({ queue }: DriverRing): number {
    return this.#ram.guest.fields(queue.available + VIRTQ_AVAIL_IDX, 2).getUint16(0, true);
  }

  #usedIndex({ queue }: DriverRing): number {
    return this.#ram.guest.fields(queue.used + VIRTQ_USED_IDX, 2).getUint16(0, true);
  }
}
