import { type Reason, Reasons } from "../protocol/reasons.ts";

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
  /** Whether the renderer has it; one of a snapshot is made there when it is used first. */
  isMade: boolean;
  /** Whether the renderer may have objects in it: it was given a command stream, or a blob was made of one. */
  isUsed: boolean;
}

const NO_CONTEXTS: readonly Context[] = [];

/** The contexts of a guest by their ids, and what of the device's they are attached to. */
export class ContextTable {
  readonly #limit: number;
  /** By `id | 0`, as `ResourceTable` has it. */
  readonly #byId = new Map<number, Context>();
  /** Each context has a place, that of its mark below. */
  readonly #places: (Context | undefined)[] = [];
  /**
   * Which contexts are attached to a resource that is not the renderer's, which is not told of such a one's end: by the
   * resource's `id | 0` a mark for each place. Bytes, since a guest may attach everything to everything.
   */
  readonly #attached = new Map<number, Uint8Array>();

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
    const free = this.#places.indexOf(undefined);
    this.#places[free < 0 ? this.#places.length : free] = context;
  }

  /** Takes a context out. Returns how many resources it had to look at. */
  remove(context: Context): number {
    const place = this.#places.indexOf(context);
    for (const marks of this.#attached.values()) marks[place] = 0;
    this.#places[place] = undefined;
    this.#byId.delete(context.id | 0);
    return this.#attached.size;
  }

  /** Notes that a context was attached to a resource that is not the renderer's. */
  attach(context: Context, resourceId: number): void {
    const id = resourceId | 0;
    if (!this.#attached.has(id)) this.#attached.set(id, new Uint8Array(this.#limit));
    this.#attached.get(id)![this.#places.indexOf(context)] = 1;
  }

  /** Notes that a context is attached to a resource no more, if it was. */
  detach(context: Context, resourceId: number): void {
    const marks = this.#attached.get(resourceId | 0);
    if (marks !== undefined) marks[this.#places.indexOf(context)] = 0;
  }

  /** The ids of the resources that a context is attached to and that are not the renderer's. */
  resourcesOf(context: Context): number[] {
    const place = this.#places.indexOf(context);
    return [...this.#attached].filter(([_, marks]) => marks[place] === 1).map(([id]) => id >>> 0);
  }

  /** The contexts that are attached to a resource that is not the renderer's. */
  contextsOf(resourceId: number): readonly Context[] {
    const marks = this.#attached.get(resourceId | 0);
    if (marks === undefined) return NO_CONTEXTS;
    return [...this.all].filter((context) => marks[this.#places.indexOf(context)] === 1);
  }

  /** A resource is no more. */
  forget(resourceId: number): void {
    this.#attached.delete(resourceId | 0);
  }

  /** Takes all contexts out. */
  clear(): void {
    this.#byId.clear();
    this.#places.length = 0;
    this.#attached.clear();
  }
}
