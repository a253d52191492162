import { ChannelWord, RequestKind, REQUESTS_START } from "./channel.ts";

/** Reads requests out of a channel: the renderer's side. */
export class RequestReader {
  readonly #words: Int32Array;
  readonly #ringWords: number;
  #head: number;

  /** Reads from a channel's `words`. */
  constructor(words: Int32Array) {
    this.#words = words;
    this.#ringWords = words.length - REQUESTS_START;
    this.#head = Atomics.load(words, ChannelWord.RequestHead);
  }

  /** The index in the channel of the next request's first word; 0 when there is none. It stays until `pass`. */
  next(): number {
    const tail = Atomics.load(this.#words, ChannelWord.RequestTail);
    while (this.#head !== tail) {
      const index = REQUESTS_START + (this.#head & (this.#ringWords - 1));
      if ((this.#words[index]! & 0xff) !== RequestKind.Pad) return index;
      this.pass(index);
    }
    return 0;
  }

  /** Is done with the request at `index`: its words may be written over. */
  pass(index: number): void {
    this.#head = this.#head + (this.#words[index]! >>> 8) | 0;
    Atomics.store(this.#words, ChannelWord.RequestHead, this.#head);
  }

  /** Whether the device's side waits for room and there is enough now; it has to be told then. */
  takeRoomWanted(): boolean {
    if (Atomics.load(this.#words, ChannelWord.IsRoomWanted) === 0) return false;
    const usedWords = Atomics.load(this.#words, ChannelWord.RequestTail) - this.#head | 0;
    if (usedWords > this.#ringWords / 2) return false;
    Atomics.store(this.#words, ChannelWord.IsRoomWanted, 0);
    return true;
  }
}
