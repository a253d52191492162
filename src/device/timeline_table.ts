/** No timeline, and the end of a list. */
const NONE = 0;

/**
 * The timelines that have fences, by context and ring. Their numbers run from 1 to the capacity, for as long as a timeline
 * is open. Nothing is allocated after construction: a guest opens and closes one with each fence.
 */
export class TimelineTable {
  /** The slot of the oldest fence of each timeline. The owner of the table keeps this and the next. */
  readonly first: Int32Array;
  /** The slot of the newest fence of each timeline. */
  readonly last: Int32Array;
  readonly #contextId: Int32Array;
  readonly #ringIndex: Int8Array;
  /** The next timeline of the same bucket, or the next that is not open. */
  readonly #next: Int32Array;
  readonly #buckets: Int32Array;
  readonly #shift: number;
  #free: number = NONE;

  /** A table of at most `capacity` timelines, 0 or more. */
  constructor(capacity: number) {
    const bits = 32 - Math.clz32(Math.max(capacity, 1));
    this.first = new Int32Array(capacity + 1);
    this.last = new Int32Array(capacity + 1);
    this.#contextId = new Int32Array(capacity + 1);
    this.#ringIndex = new Int8Array(capacity + 1);
    this.#next = new Int32Array(capacity + 1);
    this.#buckets = new Int32Array(1 << bits);
    this.#shift = 32 - bits;
    this.clear();
  }

  /** The open timeline of ring `ringIndex` of a context; 0 when it is not open. */
  find(contextId: number, ringIndex: number): number {
    let timeline = this.#buckets[this.#bucketOf(contextId, ringIndex)]!;
    while (timeline !== NONE && !this.#is(timeline, contextId, ringIndex)) timeline = this.#next[timeline]!;
    return timeline;
  }

  /** Opens a timeline that is not open; there must be room. */
  open(contextId: number, ringIndex: number): number {
    const timeline = this.#free;
    this.#free = this.#next[timeline]!;
    const bucket = this.#bucketOf(contextId, ringIndex);
    this.#contextId[timeline] = contextId;
    this.#ringIndex[timeline] = ringIndex;
    this.#next[timeline] = this.#buckets[bucket]!;
    this.#buckets[bucket] = timeline;
    this.first[timeline] = NONE;
    this.last[timeline] = NONE;
    return timeline;
  }

  /** Closes an open timeline. */
  close(timeline: number): void {
    const bucket = this.#bucketOf(this.#contextId[timeline]!, this.#ringIndex[timeline]!);
    let before = NONE;
    for (let at = this.#buckets[bucket]!; at !== timeline; at = this.#next[at]!) before = at;
    const following = this.#next[timeline]!;
    if (before === NONE) this.#buckets[bucket] = following;
    else this.#next[before] = following;
    this.#next[timeline] = this.#free;
    this.#free = timeline;
  }

  /** Closes all timelines. */
  clear(): void {
    this.#buckets.fill(NONE);
    const last = this.#next.length - 1;
    for (let timeline = 0; timeline < last; timeline++) this.#next[timeline] = timeline + 1;
    this.#next[last] = NONE;
    this.#free = this.#next[0]!;
  }

  /** Compares as Int32Array keeps it: an id of 2^31 or more is negative there. */
  #is(timeline: number, contextId: number, ringIndex: number): boolean {
    return this.#contextId[timeline] === (contextId | 0) && this.#ringIndex[timeline] === ringIndex;
  }

  #bucketOf(contextId: number, ringIndex: number): number {
    return Math.imul(Math.imul(contextId, 65) + ringIndex, 0x9e3779b1) >>> this.#shift;
  }
}
