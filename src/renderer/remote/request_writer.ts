import { ChannelWord, NO_TOKEN, REQUEST_HEAD_WORDS, type RequestKind, REQUESTS_START, ring } from "./channel.ts";

/** Room that is kept for what cannot wait: the end of a resource and a fence, with the ring's rest that may be lost. */
const RESERVED_WORDS = 64;

/** Writes requests into a channel: the device's side. Nothing is allocated. */
export class RequestWriter {
  readonly #words: Int32Array;
  readonly #ringWords: number;
  readonly #wake: (() => void) | undefined;
  /** Up to where requests are published. */
  #tail: number;
  /** Behind the request that is being written. */
  #end = 0;
  /** Where the next of its words goes, as an index in the channel. */
  #at = 0;

  /** Writes into a channel's `words`; `wake` is called when the other side may sleep, besides the bell. */
  constructor(words: Int32Array, wake?: () => void) {
    this.#words = words;
    this.#ringWords = words.length - REQUESTS_START;
    this.#wake = wake;
    this.#tail = Atomics.load(words, ChannelWord.RequestTail);
  }

  /** The longest request, in words: twice as many always fit once the ring is half empty, whatever is lost at its end. */
  get maxWords(): number {
    return this.#ringWords / 4;
  }

  /** Whether half of the ring is free. */
  get isHalfFree(): boolean {
    return this.#freeWords() >= this.#ringWords / 2;
  }

  /** Up to where requests are published. */
  get position(): number {
    return this.#tail;
  }

  /** Whether the other side is done with all requests up to a position. */
  isPassed(position: number): boolean {
    return (Atomics.load(this.#words, ChannelWord.RequestHead) - position | 0) >= 0;
  }

  /** Whether there is room for a request of `argumentWords` words, with some left for those that cannot wait. */
  hasRoom(argumentWords: number): boolean {
    return this.#neededWords(argumentWords + REQUEST_HEAD_WORDS) + RESERVED_WORDS <= this.#freeWords();
  }

  /** Begins a request with `argumentWords` words; false when there is no room at all, not even what is reserved. */
  begin(kind: RequestKind, epoch: number, argumentWords: number, token: number = NO_TOKEN): boolean {
    const length = argumentWords + REQUEST_HEAD_WORDS;
    const needed = this.#neededWords(length);
    if (needed > this.#freeWords()) return false;
    const words = this.#words;
    const index = this.#indexOf(this.#tail);
    if (needed > length) words[index] = (this.#ringWords + REQUESTS_START - index) << 8; // Pad
    this.#end = this.#tail + needed | 0;
    this.#at = this.#indexOf(this.#end - length);
    words[this.#at++] = kind | length << 8;
    words[this.#at++] = epoch;
    words[this.#at++] = token;
    return true;
  }

  /** Writes the next word, any u32. */
  put(word: number): void {
    this.#words[this.#at++] = word;
  }

  /** Skips `words` words, which the caller writes, and returns where they are in the channel, in bytes. */
  skip(words: number): number {
    const at = this.#at;
    this.#at += words;
    return at * 4;
  }

  /** Lets the other side see the request. */
  publish(): void {
    const before = this.#tail;
    this.#tail = this.#end;
    Atomics.store(this.#words, ChannelWord.RequestTail, this.#tail);
    // Sequentially consistent: either this sees that all was read before, or the reader sees this request.
    if (Atomics.load(this.#words, ChannelWord.RequestHead) === before) this.wake();
  }

  /** Makes the other side look. */
  wake(): void {
    ring(this.#words, ChannelWord.ServerBell);
    this.#wake?.();
  }

  #indexOf(position: number): number {
    return REQUESTS_START + (position & (this.#ringWords - 1));
  }

  #freeWords(): number {
    return this.#ringWords - (this.#tail - Atomics.load(this.#words, ChannelWord.RequestHead) | 0);
  }

  /** Words that a request of `length` takes, with the ring's rest if it does not fit into it. */
  #neededWords(length: number): number {
    const rest = this.#ringWords - (this.#tail & (this.#ringWords - 1));
    return length <= rest ? length : rest + length;
  }
}
