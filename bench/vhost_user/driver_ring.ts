import type { Descriptor, DriverQueue } from "../../src/guest/driver_queue.ts";
import { GpuQueue } from "../../src/protocol/wire.gen.ts";
import {
  VIRTQ_AVAIL_ELEM_SIZE,
  VIRTQ_AVAIL_IDX,
  VIRTQ_AVAIL_RING,
  VIRTQ_USED_ELEM_SIZE,
  VIRTQ_USED_IDX,
  VIRTQ_USED_RING,
} from "../../src/virtio/virtio.gen.ts";
import type { FrontEndMachine } from "../../tests/support/vhost_front_end/front_end_machine.ts";

/** The control queue of a driver that has its chains ready and only makes them available: it costs next to nothing. */
export class DriverRing {
  readonly #machine: FrontEndMachine;
  readonly #queue: DriverQueue;
  readonly #available: Uint16Array<ArrayBuffer>;
  readonly #used: Uint16Array<ArrayBuffer>;
  #index: number;

  /** Over the control queue of a driver that has started; nobody else may use that queue from now on. */
  constructor(machine: FrontEndMachine) {
    this.#machine = machine;
    const { driver, ram: { bytes: { buffer } } } = machine;
    const queue = driver.queue(GpuQueue.Control);
    this.#queue = queue;
    const { size } = queue;
    this.#available = new Uint16Array(buffer, queue.available, VIRTQ_AVAIL_RING / 2 + size + 1);
    this.#used = new Uint16Array(buffer, queue.used, (VIRTQ_USED_RING + size * VIRTQ_USED_ELEM_SIZE) / 2 + 1);
    this.#index = this.#available[VIRTQ_AVAIL_IDX / 2]!;
  }

  /** Writes a chain, for good, and returns its head. */
  writeChain(chain: readonly Descriptor[]): number {
    return this.#queue.writeChain(chain);
  }

  /** Makes the chains available together and waits until all are used. */
  run(heads: readonly number[]): void {
    for (const [turn, head] of heads.entries()) this.#put(this.#index + turn, head);
    this.#requestInterrupt(this.#index + heads.length - 1);
    this.#offer(this.#index + heads.length);
    this.#waitFor(this.#index);
  }

  /**
   * Keeps all `heads` in flight until `milliseconds` have passed: waits for the first half of them to be used, then makes
   * what was used available again. Returns how many were used.
   */
  stream(heads: readonly number[], milliseconds: number): number {
    const { size } = this.#queue;
    const first = this.#index;
    for (let turn = 0; turn < size; turn++) this.#put(first + turn, heads[turn % heads.length]!);
    const end = performance.now() + milliseconds;
    let count = 0;
    for (let seen = first; performance.now() < end;) {
      this.#requestInterrupt(seen + heads.length / 2 - 1);
      this.#offer(seen + heads.length);
      this.#waitFor(seen + heads.length / 2);
      const done = (this.#used[VIRTQ_USED_IDX / 2]! - seen) & 0xffff;
      count += done;
      seen += done;
    }
    this.#requestInterrupt(this.#index - 1);
    this.#waitFor(this.#index);
    return count;
  }

  #put(index: number, head: number): void {
    const place = (index & 0xffff) % this.#queue.size;
    this.#available[(VIRTQ_AVAIL_RING + place * VIRTQ_AVAIL_ELEM_SIZE) / 2] = head;
  }

  /** Asks to be interrupted once the chain at `index` is used. */
  #requestInterrupt(index: number): void {
    this.#available[VIRTQ_AVAIL_RING / 2 + this.#queue.size] = index;
  }

  /** Makes everything before `index` available; the device is kicked if it wants to hear of that. Virtio 1.4, 2.7.13.4.1. */
  #offer(index: number): void {
    const added = index - this.#index;
    this.#index = index & 0xffff;
    Atomics.store(this.#available, VIRTQ_AVAIL_IDX / 2, this.#index);
    const event = Atomics.load(this.#used, this.#used.length - 1);
    if (((index - event - 1) & 0xffff) < (added & 0xffff)) this.#machine.transport.signalKick(GpuQueue.Control);
  }

  /** Waits until everything before `index` is used. */
  #waitFor(index: number): void {
    const used = this.#used;
    const isUsed = () => ((Atomics.load(used, VIRTQ_USED_IDX / 2) - index) & 0xffff) < 0x8000;
    this.#machine.transport.waitUntil(isUsed, "the ring stands still");
  }
}
