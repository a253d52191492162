import { VIRTQ_DESC_SIZE } from "../../../src/virtio/virtio.gen.ts";
import type { Buffer, FuzzQueue } from "./fuzz_queue.ts";
import type { GuestImage, GuestSpace } from "./guest_space.ts";
import { hostileU32 } from "./hostile_numbers.ts";
import type { Random } from "./random.ts";
import type { RequestGenerator } from "./requests.ts";

/** What a guest does besides sending requests in well-formed chains. */
export interface Habits {
  /** One reply buffer in so many is aimed at a ring, a request or another reply; 0 for none. */
  readonly aimedReplies: number;
  /** One batch in so many has its rings spoiled; 0 for none. */
  readonly spoiledRings: number;
  /** Whether chains may lie in indirect tables. */
  readonly hasIndirectDesc: boolean;
}

/** Fills queues with one batch of chains after the other. */
export class BatchWriter {
  readonly #random: Random;
  readonly #image: GuestImage;
  readonly #space: GuestSpace;
  readonly #requests: RequestGenerator;
  readonly #habits: Habits;

  /** Writes into `image`, at places in `space`, what `requests` makes. */
  constructor(random: Random, image: GuestImage, space: GuestSpace, requests: RequestGenerator, habits: Habits) {
    this.#random = random;
    this.#image = image;
    this.#space = space;
    this.#requests = requests;
    this.#habits = habits;
  }

  /** Makes up to `count` chains available in `queues`, and returns how many. */
  write(queues: readonly FuzzQueue[], count: number): number {
    const random = this.#random;
    // A guest that has not all of its chains back uses other memory, if it is careful.
    const isCareful = queues.some((queue) => queue.hasParked) && !random.oneIn(16);
    if (!isCareful) this.#space.beginBatch();
    for (const queue of queues) {
      if (!isCareful) queue.beginBatch(random.below(queue.size));
    }
    let written = 0;
    for (let tries = 0; tries < count; tries++) {
      const { bytes, queue, replyBytes } = this.#requests.next();
      const target = queues.find(({ index }) => index === queue);
      if (target !== undefined && this.push(target, bytes, replyBytes)) written++;
    }
    for (const queue of queues) this.#writeEvents(queue);
    if (isDrawn(random, this.#habits.spoiledRings)) this.#spoil(random.pick(queues));
    return written;
  }

  /** Makes one chain available; false when it does not fit. */
  push(queue: FuzzQueue, request: Uint8Array, replyBytes: number): boolean {
    const random = this.#random;
    const isIndirect = this.#habits.hasIndirectDesc && random.oneIn(2);
    const room = isIndirect ? random.pick([4, 40]) : Math.min(queue.slotsLeft, 12);
    if (queue.slotsLeft === 0 || room < 2) return false;
    const buffers: Buffer[] = [];
    const isPlaced = this.#placeRequest(buffers, request, Math.ceil(room / 2)) &&
      this.#placeReply(buffers, replyBytes, Math.floor(room / 2), queue);
    if (!isPlaced || buffers.length === 0) return false;
    if (!isIndirect) {
      queue.pushDirect(buffers);
      return true;
    }
    const table = this.#space.takeTable(buffers.length * VIRTQ_DESC_SIZE);
    if (table !== undefined) queue.pushIndirect(table, buffers);
    return table !== undefined;
  }

  #placeRequest(buffers: Buffer[], request: Uint8Array, mostPieces: number): boolean {
    let done = 0;
    for (const length of this.#split(request.length, mostPieces)) {
      const address = this.#space.take(length);
      if (address === undefined) return false;
      this.#image.write(address, request.subarray(done, done + length));
      buffers.push({ address, length, isWritable: false });
      done += length;
    }
    return true;
  }

  #placeReply(buffers: Buffer[], bytes: number, mostPieces: number, queue: FuzzQueue): boolean {
    for (const length of this.#split(bytes, mostPieces)) {
      const isAimed = isDrawn(this.#random, this.#habits.aimedReplies);
      const address = isAimed ? this.#aim(buffers, queue) : this.#space.take(length);
      if (address === undefined) return false;
      buffers.push({ address, length, isWritable: true });
    }
    return true;
  }

  /** An address that matters to the device or to another reply. */
  #aim(buffers: readonly Buffer[], { descriptors, available, used, size }: FuzzQueue): number {
    const random = this.#random;
    const buffer = buffers.length === 0 ? used : random.pick(buffers).address;
    const places = [used, used + random.below(size * 8), buffer, buffer + random.below(24)];
    const rings = [descriptors + random.below(size * VIRTQ_DESC_SIZE), available + random.below(size * 2)];
    return random.pick(random.oneIn(4) ? rings : places);
  }

  /** Lengths of 1 or more that sum to `bytes`; none for 0. */
  #split(bytes: number, mostPieces: number): number[] {
    const random = this.#random;
    const lengths: number[] = [];
    let left = bytes;
    while (left > 0 && lengths.length + 1 < mostPieces && random.oneIn(2)) {
      const length = random.between(1, Math.min(left, random.pick([8, 64, left])));
      lengths.push(length);
      left -= length;
    }
    if (left > 0) lengths.push(left);
    return lengths;
  }

  #writeEvents(queue: FuzzQueue): void {
    const random = this.#random;
    this.#image.writeU16(queue.available, random.oneIn(4) ? 1 : 0);
    this.#image.writeU16(queue.usedEvent, random.oneIn(2) ? queue.done : queue.done + random.below(40));
  }

  /** Overwrites a few fields of a queue's rings and tables. */
  #spoil(queue: FuzzQueue): void {
    const random = this.#random;
    for (let left = random.between(1, 3); left > 0; left--) {
      const descriptor = queue.descriptors + random.below(queue.size) * VIRTQ_DESC_SIZE;
      const field = random.pick([
        descriptor + 2 * random.below(8),
        descriptor + 12, // the flags matter most
        queue.available + 2,
        queue.available + 4 + 2 * random.below(queue.size),
      ]);
      this.#image.writeU16(field, random.oneIn(2) ? random.below(8) : hostileU32(random));
    }
  }
}

function isDrawn(random: Random, oneIn: number): boolean {
  return oneIn > 0 && random.oneIn(oneIn);
}
