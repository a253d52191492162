import { type Reason, Reasons } from "../protocol/reasons.ts";
import type { Resource } from "./resource.ts";

/** A context: a program of the guest's that draws, with objects of its own. Virtio 1.4, 5.7.6.9 (CTX_CREATE). */
export interface Context {
  /** Its number, chosen by the driver; not 0. */
  readonly id: number;
  /** The capability set that its command streams are of. */
  readonly capsetId: number;
  /** What the driver calls it, 64 characters at most. */
  readonly debugName: string;
  /** Whether the renderer has given it up: it takes no command streams any more, and makes no blobs. */
  isLost: boolean;
}

/** The contexts of a guest by their ids. */
export class ContextTable {
  readonly #limit: number;
  /** By `id | 0`, as `ResourceTable` has it. */
  readonly #byId = new Map<number, Context>();
  /** Ids of resources, not the renderer's, that some context was attached to, by `id | 0` too. */
  readonly #foreign = new Set<number>();

  /** An empty table of at most `limit` contexts. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** All contexts, in the order in which they were made. */
  get all(): Iterable<Context> {
    return this.#byId.values();
  }

  /** How many contexts exist, lost ones included. */
  get count(): number {
    return this.#byId.size;
  }

  /** Whether the limit of contexts is reached. */
  get isFull(): boolean {
    return this.#byId.size >= this.#limit;
  }

  /** The context with this id, any u32; undefined when there is none. */
  get(id: number): Context | undefined {
    return this.#byId.get(id | 0);
  }

  /** Whether the context with this id exists, and is lost. */
  isLost(id: number): boolean {
    return this.get(id)?.isLost ?? false;
  }

  /** The renderer has given a context up; one that is gone is nobody's. */
  lose(id: number): void {
    const context = this.get(id);
    if (context !== undefined) context.isLost = true;
  }

  /** Why no context may have this id now, or undefined when it may. */
  refuseId(id: number): Reason | undefined {
    if (id === 0) return Reasons.contextIdZero;
    if (this.#byId.has(id | 0)) return Reasons.contextIdInUse;
    return undefined;
  }

  /** Enters a context under its id, which `refuseId` has let pass. */
  add(context: Context): void {
    this.#byId.set(context.id | 0, context);
  }

  /** Takes a context out. */
  remove(context: Context): void {
    this.#byId.delete(context.id | 0);
  }

  /** Takes all contexts out. */
  clear(): void {
    this.#byId.clear();
    this.#foreign.clear();
  }

  /** Notes that a context was attached to a resource that is not the renderer's, and whose end the renderer is not told. */
  noteForeign(resource: Resource): void {
    this.#foreign.add(resource.id | 0); // a large id alone would be boxed to be passed on
  }

  /** Whether a resource was noted, which it is no more: who ends it detaches it from all contexts. */
  forgetForeign(resource: Resource): boolean {
    return this.#foreign.delete(resource.id | 0);
  }
}
