import { ChannelWord, COMPLETION_COUNT, COMPLETION_WORDS, COMPLETIONS_START } from "./channel.ts";

/** Reads completions out of a channel: the device's side. `take` sets the fields. */
export class CompletionReader {
  /** One of `Completion`. */
  kind = 0;
  epoch = 0;
  /** A slot, a context's id, or a token: a u32. */
  subject = 0;
  /** A reason's number, or 0. */
  outcome = 0;
  first = 0;
  second = 0;
  readonly #words: Int32Array;
  #head: number;

  /** Reads from a channel's `words`. */
  constructor(words: Int32Array) {
    this.#words = words;
    this.#head = Atomics.load(words, ChannelWord.CompletionHead);
  }

  /** Takes the next completion; false when there is none. */
  take(): boolean {
    const words = this.#words;
    if (Atomics.load(words, ChannelWord.CompletionTail) === this.#head) return false;
    const at = COMPLETIONS_START + (this.#head & (COMPLETION_COUNT - 1)) * COMPLETION_WORDS;
    this.kind = words[at]!;
    this.epoch = words[at + 1]!;
    this.subject = words[at + 2]! >>> 0;
    this.outcome = words[at + 3]!;
    this.first = words[at + 4]! >>> 0;
    this.second = words[at + 5]! >>> 0;
    this.#head = this.#head + 1 | 0;
    Atomics.store(words, ChannelWord.CompletionHead, this.#head);
    return true;
  }

  /** Whether completions wait for the room that was made: the renderer's side has to be woken. */
  get areMoreHeld(): boolean {
    return Atomics.load(this.#words, ChannelWord.AreCompletionsHeld) === 1;
  }
}
