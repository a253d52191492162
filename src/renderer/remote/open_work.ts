import { NO_FENCE, type RendererHost } from "../renderer.ts";
import type { CompletionEvents } from "./completion_listener.ts";
import { SlotList } from "./slot_list.ts";

/** Belongs to no ring of a context. */
const NO_CONTEXT = 0;

/** What a device has under way on another thread: contexts that are not lost, and fences that are not done. */
export class OpenWork implements CompletionEvents {
  readonly #slots = new SlotList();
  /** By `id | 0`. */
  readonly #contexts = new Set<number>();
  #host: RendererHost | undefined;

  /** How many fences are not done. */
  get fenceCount(): number {
    return this.#slots.count;
  }

  /** The device is `host`: it is told what comes of the work. */
  start(host: RendererHost): void {
    this.#host = host;
  }

  /** A context was made. */
  addContext(contextId: number): void {
    this.#contexts.add(contextId | 0);
  }

  /** Whether a context exists, and is not lost. */
  hasContext(contextId: number): boolean {
    return this.#contexts.has(contextId | 0);
  }

  /** A context is destroyed, and the fences of its rings with it. */
  removeContext(contextId: number): void {
    this.#contexts.delete(contextId | 0);
    this.#slots.removeContext(contextId);
  }

  /** A fence has begun on a ring of a context, or on none when that is absent. */
  addFence(slot: number, contextId: number = NO_CONTEXT): void {
    this.#slots.add(slot, contextId);
  }

  fenceDone(slot: number): void {
    this.#slots.remove(slot);
    this.#host?.fenceDone(slot);
  }

  fenceRefused(slot: number): void {
    this.#slots.remove(slot);
    this.#host?.fenceRefused(slot);
  }

  contextLost(contextId: number): void {
    if (!this.hasContext(contextId)) return; // the driver has destroyed it meanwhile
    this.removeContext(contextId);
    this.#host?.contextLost(contextId);
  }

  /** Forgets everything. */
  clear(): void {
    this.#slots.clear();
    this.#contexts.clear();
  }

  /** Tells the device that its contexts are lost and its fences are done. */
  end(): void {
    const contexts = [...this.#contexts];
    this.#contexts.clear();
    for (const id of contexts) this.#host?.contextLost(id >>> 0);
    for (let slot = this.#slots.takeFirst(); slot !== NO_FENCE; slot = this.#slots.takeFirst()) {
      this.#host?.fenceDone(slot);
    }
  }
}
