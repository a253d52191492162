import type { GuestMemory } from "../memory/guest_memory.ts";
import { NO_FENCE } from "../protocol/timeline.ts";
import { TimelineTable } from "./timeline_table.ts";

/** Most bytes of a reply that waits for its fence. */
export const PARKED_REPLY_BYTES = 64;

/** Rings of a context. Virtio 1.4, 5.7.6.7 (ring_idx). */
export const RINGS_PER_CONTEXT = 64;

/** The end of a list; slots have indices from 1 on. */
const NONE = 0;

/** So many that generations are left to the number of a slot. */
const MAX_SLOTS = 65535;

/** Bits of a slot's number: it stays a small integer, which the engine does not box. */
const SLOT_BITS = 30;

// What a slot is in use for:
const FREE = 0; // nothing
const BEGUN = 1; // a command that is being carried out, or waits to be carried out again
const PARKED = 2; // a chain and its reply: its work is not done, or an earlier fence of its timeline is not
const ORPHANED = 3; // a chain that nobody waits for any more: it only keeps its place in the timeline
const READY = 4; // a chain and its reply, which have left their timeline: they are to be delivered

/**
 * The fences of commands whose replies wait, in the order of their timelines: out of order between timelines, in order
 * within one. Virtio 1.4, 5.7.6.7 (VIRTIO_GPU_FLAG_FENCE, VIRTIO_GPU_FLAG_INFO_RING_IDX).
 *
 * A fence has a slot from `begin` on. Its command ends at once, if `end` says so, or is parked: its chain's head and its
 * reply are kept until the fence's turn comes, and then stand in the queue's list of what is to be delivered. A slot's number
 * holds a generation, so that one that is over is known as such: all members ignore it. Nothing is allocated per fence.
 */
export class FenceTable {
  readonly #guest: GuestMemory;
  readonly #capacity: number;
  readonly #timelines: TimelineTable;
  readonly #indexBits: number;
  /** The parked replies, `PARKED_REPLY_BYTES` for each slot; 0 when there are no slots. */
  readonly #replies: number;
  #free = NONE;
  #readyCount = 0;
  #hasEnded = false;

  // Of each slot:
  readonly #number: Int32Array;
  readonly #state: Uint8Array;
  readonly #isDone: Uint8Array;
  readonly #standsAlone: Uint8Array;
  readonly #timeline: Int32Array;
  /** The next of its timeline, of its queue's ready ones, or of the free ones. */
  readonly #next: Int32Array;
  readonly #queue: Uint8Array;
  readonly #head: Int32Array;
  readonly #replyBytes: Uint8Array;

  // Of each queue:
  readonly #firstReady: Int32Array;
  readonly #lastReady: Int32Array;

  /**
   * A table of `limit` slots, 1 to 65535, for chains of `queueCount` queues; of no slots when `limit` is undefined. Throws
   * `RangeError` for another limit, or when the heap has no room for the replies.
   */
  constructor(guest: GuestMemory, limit: number | undefined, queueCount: number) {
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1 && limit <= MAX_SLOTS)) {
      throw new RangeError(`Cannot make a VirtioGpu: limits.fencesInFlight must be 1 to ${MAX_SLOTS}, got ${limit}`);
    }
    const capacity = limit ?? 0;
    this.#guest = guest;
    this.#capacity = capacity;
    this.#timelines = new TimelineTable(capacity);
    this.#indexBits = 32 - Math.clz32(capacity);
    this.#replies = capacity === 0 ? 0 : guest.heap.allocate(capacity * PARKED_REPLY_BYTES);
    if (capacity > 0 && this.#replies === 0) throw new RangeError("Cannot make a VirtioGpu: the heap has no room");
    this.#number = Int32Array.from({ length: capacity + 1 }, (_, index) => index);
    this.#state = new Uint8Array(capacity + 1);
    this.#isDone = new Uint8Array(capacity + 1);
    this.#standsAlone = new Uint8Array(capacity + 1);
    this.#timeline = new Int32Array(capacity + 1);
    this.#next = new Int32Array(capacity + 1);
    this.#queue = new Uint8Array(capacity + 1);
    this.#head = new Int32Array(capacity + 1);
    this.#replyBytes = new Uint8Array(capacity + 1);
    this.#firstReady = new Int32Array(queueCount);
    this.#lastReady = new Int32Array(queueCount);
    this.clear();
  }

  /** The slots whose chains were taken from their queues and are not answered yet. */
  get parked(): number[] {
    return [...this.#number].filter((_, index) => this.#state[index] === PARKED || this.#state[index] === READY);
  }

  /** Whether all slots are in use. */
  get isFull(): boolean {
    return this.#free === NONE;
  }

  /** Whether a chain is to be delivered. */
  get hasReady(): boolean {
    return this.#readyCount > 0;
  }

  /** Whether a fence has ended since the last `settled`. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whoever waits for the end of a fence has been told. */
  settled(): void {
    this.#hasEnded = false;
  }

  /** Whether a timeline has no fence that is not done: ring `ringIndex` of a context, or context 0 and `NO_RING`. */
  isIdle(contextId: number, ringIndex: number): boolean {
    return this.#timelines.find(contextId, ringIndex) === NONE;
  }

  /** Begins a fence behind all others of its timeline and returns its slot; `NO_FENCE` when the table is full. */
  begin(contextId: number, ringIndex: number): number {
    const index = this.#free;
    if (index === NONE) return NO_FENCE;
    this.#free = this.#next[index]!;
    const slot = (this.#number[index]! + (1 << this.#indexBits)) & ((1 << SLOT_BITS) - 1);
    this.#number[index] = slot;
    this.#state[index] = BEGUN;
    this.#isDone[index] = 0;
    this.#standsAlone[index] = 0;
    this.#append(index, contextId, ringIndex);
    return slot;
  }

  /** The renderer has done the work of a fence, and so all earlier work of its timeline, unless the fence stands alone. */
  done(slot: number): void {
    const index = this.#find(slot);
    if (index === NONE) return;
    const timeline = this.#timeline[index]!;
    const from = this.#standsAlone[index] === 1 ? index : this.#timelines.first[timeline]!;
    for (let at = from; at !== index; at = this.#next[at]!) this.#isDone[at] = 1;
    this.#isDone[index] = 1;
    this.#advance(timeline);
  }

  /** The work of a fence is not that of its ring: that it is done says nothing of the earlier ones. */
  standAlone(slot: number): void {
    this.#standsAlone[this.#find(slot)] = 1; // slot 0 is nobody's
  }

  /** A fence has no work, or the device has done it itself: it is done as soon as the earlier ones of its timeline are. */
  markDone(slot: number): void {
    this.#isDone[this.#find(slot)] = 1; // slot 0 is nobody's
  }

  /** Ends a fence that is done with all before it, and whose command is not parked: true when it is over now. */
  end(slot: number): boolean {
    const index = this.#find(slot);
    if (index === NONE) return true;
    const timeline = this.#timeline[index]!;
    if (this.#isDone[index] === 0 || this.#timelines.first[timeline] !== index) return false;
    this.#state[index] = ORPHANED;
    this.#advance(timeline);
    return true;
  }

  /** Keeps the chain of `queue` that begins at `head`, and its reply of at most `PARKED_REPLY_BYTES`, until its turn. */
  park(slot: number, queue: number, head: number, reply: number, replyBytes: number): void {
    const index = this.#find(slot);
    if (index === NONE) return;
    this.#state[index] = PARKED;
    this.#queue[index] = queue;
    this.#head[index] = head;
    this.#replyBytes[index] = replyBytes;
    this.#guest.bytes.copyWithin(this.replyOf(index), reply, reply + replyBytes);
    this.#advance(this.#timeline[index]!);
  }

  /** Nobody waits for a fence whose command is not parked: its command has come to no end. */
  abandon(slot: number): void {
    const index = this.#find(slot);
    if (index === NONE) return;
    this.#state[index] = ORPHANED;
    this.#advance(this.#timeline[index]!);
  }

  /** Ends all fences of the rings of a context: their work is done, or never will be. */
  endContext(contextId: number): void {
    for (let ringIndex = 0; ringIndex < RINGS_PER_CONTEXT; ringIndex++) {
      const timeline = this.#timelines.find(contextId, ringIndex);
      if (timeline === NONE) continue;
      for (let at = this.#timelines.first[timeline]!; at !== NONE; at = this.#next[at]!) this.#isDone[at] = 1;
      this.#advance(timeline);
    }
  }

  /** Forgets the parked chains of a queue; timelines go on without them. */
  dropQueue(queue: number): void {
    while (this.nextReady(queue) !== NONE) this.releaseReady(queue);
    for (let index = 1; index <= this.#capacity; index++) {
      if (this.#state[index] === PARKED && this.#queue[index] === queue) this.#state[index] = ORPHANED;
    }
    for (let index = 1; index <= this.#capacity; index++) {
      const isFirst = this.#timelines.first[this.#timeline[index]!] === index;
      if (this.#state[index] === ORPHANED && isFirst) this.#advance(this.#timeline[index]!);
    }
  }

  /** Forgets all fences. */
  clear(): void {
    this.#timelines.clear();
    this.#state.fill(FREE);
    for (let index = 0; index < this.#capacity; index++) this.#next[index] = index + 1;
    this.#next[this.#capacity] = NONE;
    this.#free = this.#next[0]!;
    this.#firstReady.fill(NONE);
    this.#readyCount = 0;
  }

  /** The parked chain of a queue that is to be delivered next, 0 when there is none: what the members below take. */
  nextReady(queue: number): number {
    return this.#firstReady[queue]!;
  }

  /** The head of a parked chain. */
  headOf(ready: number): number {
    return this.#head[ready]!;
  }

  /** The address of a parked chain's reply. */
  replyOf(ready: number): number {
    return this.#replies + (ready - 1) * PARKED_REPLY_BYTES;
  }

  /** The length of a parked chain's reply in bytes. */
  replyBytesOf(ready: number): number {
    return this.#replyBytes[ready]!;
  }

  /** The chain that `nextReady` returned was delivered. */
  releaseReady(queue: number): void {
    const index = this.#firstReady[queue]!;
    this.#firstReady[queue] = this.#next[index]!;
    this.#readyCount--;
    this.#release(index);
  }

  /** The index of a slot that is in its timeline; `NONE` for one that is over. */
  #find(slot: number): number {
    const index = slot & ((1 << this.#indexBits) - 1);
    if (index === NONE || index > this.#capacity || this.#number[index] !== slot) return NONE;
    const state = this.#state[index]!;
    return state === FREE || state === READY ? NONE : index;
  }

  #append(index: number, contextId: number, ringIndex: number): void {
    const { first, last } = this.#timelines;
    const timeline = this.#timelines.find(contextId, ringIndex) || this.#timelines.open(contextId, ringIndex);
    this.#timeline[index] = timeline;
    this.#next[index] = NONE;
    if (first[timeline] === NONE) first[timeline] = index;
    else this.#next[last[timeline]!] = index;
    last[timeline] = index;
  }

  /** Lets those leave a timeline whose turn it is. */
  #advance(timeline: number): void {
    let index = this.#timelines.first[timeline]!;
    while (index !== NONE) {
      const state = this.#state[index]!;
      const isNext = state === ORPHANED || (state === PARKED && this.#isDone[index] === 1);
      if (!isNext) break;
      const following = this.#next[index]!;
      if (state === PARKED) this.#makeReady(index);
      else this.#release(index);
      index = following;
    }
    this.#timelines.first[timeline] = index;
    if (index === NONE) this.#timelines.close(timeline);
  }

  #makeReady(index: number): void {
    const queue = this.#queue[index]!;
    this.#state[index] = READY;
    this.#next[index] = NONE;
    if (this.#firstReady[queue] === NONE) this.#firstReady[queue] = index;
    else this.#next[this.#lastReady[queue]!] = index;
    this.#lastReady[queue] = index;
    this.#readyCount++;
  }

  #release(index: number): void {
    this.#state[index] = FREE;
    this.#next[index] = this.#free;
    this.#free = index;
    this.#hasEnded = true;
  }
}
