const FIRST_CAPACITY = 64;

/**
 * The slots of fences that are not done, oldest first, and the context on whose ring each is; 0 for those on no ring. They are
 * found by looking at one after the other: fences end in about the order in which they began. Nothing is allocated but for
 * more slots than ever before.
 */
export class SlotList {
  #slots = new Int32Array(FIRST_CAPACITY);
  #contexts = new Int32Array(FIRST_CAPACITY);
  #count = 0;

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Adds a slot. */
  add(slot: number, contextId: number): void {
    if (this.#count === this.#slots.length) {
      this.#slots = grown(this.#slots);
      this.#contexts = grown(this.#contexts);
    }
    this.#slots[this.#count] = slot;
    this.#contexts[this.#count++] = contextId;
  }

  /** Takes a slot out; nothing happens when it is not there. */
  remove(slot: number): void {
    let index = 0;
    while (index < this.#count && this.#slots[index] !== slot) index++;
    if (index === this.#count) return;
    this.#slots.copyWithin(index, index + 1, this.#count);
    this.#contexts.copyWithin(index, index + 1, this.#count);
    this.#count--;
  }

  /** Takes the slots on a context's rings out. */
  removeContext(contextId: number): void {
    let kept = 0;
    for (let index = 0; index < this.#count; index++) {
      if (this.#contexts[index] === (contextId | 0)) continue;
      this.#slots[kept] = this.#slots[index]!;
      this.#contexts[kept++] = this.#contexts[index]!;
    }
    this.#count = kept;
  }

  /** Takes the oldest slot out; 0 when there is none. */
  takeFirst(): number {
    const slot = this.#count === 0 ? 0 : this.#slots[0]!;
    this.remove(slot);
    return slot;
  }

  /** Takes all out. */
  clear(): void {
    this.#count = 0;
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(array.length * 2);
  longer.set(array);
  return longer;
}
