import * as stream from "../renderer/stream.ts";
import type { GuestBelief } from "./guest_belief.ts";
import { hostileU32 } from "./hostile_numbers.ts";
import type { Random } from "./random.ts";

const BUFFER_BYTES = [4, 64, 4096, 4096, 4096, 5000, 16384];
const IMAGE_SIDES = [1, 16, 32, 64];

/** Makes command streams: mostly such that a context survives them. */
export class StreamGenerator {
  readonly #random: Random;
  readonly #belief: GuestBelief;
  #blobIds = 0;

  /** Draws from `random` for a guest that believes what it has made. */
  constructor(random: Random, belief: GuestBelief) {
    this.#random = random;
    this.#belief = belief;
  }

  /** The words of a stream for a context. */
  next(contextId: number): number[] {
    const random = this.#random;
    const words: number[] = [];
    for (let count = random.below(4); count > 0; count--) words.push(...this.#command(contextId));
    if (random.oneIn(80)) words.push(hostileU32(random));
    if (random.oneIn(80)) words[random.below(words.length + 1)] = hostileU32(random);
    return words;
  }

  #command(contextId: number): number[] {
    const random = this.#random;
    switch (random.below(16)) {
      case 0:
        return stream.delay(random.oneIn(8) ? hostileU32(random) : stream.UNTIL_RELEASED);
      case 1:
        return random.oneIn(10) ? stream.lose() : stream.delay(0);
      case 2:
      case 3:
        return this.#draw(contextId);
      case 4:
      case 5:
      case 6:
      case 7: {
        const [width, height] = [random.pick(IMAGE_SIDES), random.pick(IMAGE_SIDES)];
        return stream.makeImage(this.#newBlobId(contextId, width * height * 4), width, height);
      }
      default: {
        const sizeBytes = random.oneIn(80) ? hostileU32(random) : random.pick(BUFFER_BYTES);
        return stream.makeBuffer(this.#newBlobId(contextId, sizeBytes), sizeBytes);
      }
    }
  }

  /** Draws into a resource that the context uses; nothing when it uses none. */
  #draw(contextId: number): number[] {
    const random = this.#random;
    const target = random.oneIn(40) ? random.below(40) : this.#belief.attached(contextId);
    const source = this.#belief.attached(contextId);
    if (target === undefined || source === undefined) return [];
    const [x, y] = random.oneIn(8) ? [random.below(8), random.below(8)] : [0, 0];
    const [width, height] = random.oneIn(8) ? [random.between(1, 8), random.between(1, 8)] : [1, 1];
    switch (random.below(6)) {
      case 0:
        return stream.fillRect(target, { x, y, width, height }, random.u32());
      case 1:
      case 2:
        return stream.copy({ resourceId: target, offset: 0 }, { resourceId: source, offset: 0 }, random.below(5));
      default:
        return stream.fill(target, 4 * x, 4 * width, random.u32());
    }
  }

  #newBlobId(contextId: number, sizeBytes: number): number {
    const number = this.#random.oneIn(20) ? this.#random.below(this.#blobIds + 1) : ++this.#blobIds;
    const blobId = number + (this.#random.oneIn(8) ? 2 ** 32 : 0);
    this.#belief.addObject({ contextId, blobId, sizeBytes });
    return blobId;
  }
}
