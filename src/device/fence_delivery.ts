import type { SplitQueue } from "../virtio/split_queue.ts";
import type { FenceTable } from "./fence_table.ts";

/** Hands the chains of fences whose turn has come back to the driver. */
export class FenceDelivery {
  /** The device's queues; those that do not work now get their chains when they do. */
  queues: readonly (SplitQueue | undefined)[] = [];
  readonly #fences: FenceTable;
  /** The queues that have got chains since the driver was last interrupted, a bit for each. */
  #unsignalled = 0;
  #hasFailed = false;

  /** Delivers what is ready in `fences`. */
  constructor(fences: FenceTable) {
    this.#fences = fences;
  }

  /** Whether a queue has turned out to be malformed since this was last asked: its chains are lost. */
  takeHasFailed(): boolean {
    const hasFailed = this.#hasFailed;
    this.#hasFailed = false;
    return hasFailed;
  }

  /** Delivers all that is ready, without an interrupt. */
  deliver(): void {
    if (!this.#fences.hasReady) return;
    for (let queue = 0; queue < this.queues.length; queue++) {
      const ring = this.queues[queue];
      if (ring !== undefined) this.#deliverTo(ring, queue);
    }
  }

  /** Interrupts the driver, if it wants, for what was delivered. */
  signal(): void {
    for (let queue = 0; this.#unsignalled !== 0; queue++) {
      const isUnsignalled = (this.#unsignalled & (1 << queue)) !== 0;
      this.#unsignalled &= ~(1 << queue);
      if (isUnsignalled) this.queues[queue]?.signal();
    }
  }

  #deliverTo(ring: SplitQueue, queue: number): void {
    const fences = this.#fences;
    for (let ready = fences.nextReady(queue); ready !== 0; ready = fences.nextReady(queue)) {
      const head = fences.headOf(ready);
      const isDelivered = ring.completeParked(head, fences.replyOf(ready), fences.replyBytesOf(ready));
      if (!isDelivered) this.#hasFailed = true;
      fences.releaseReady(queue);
      this.#unsignalled |= 1 << queue;
    }
  }
}
