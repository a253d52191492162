import { ChannelWord, COMPLETION_COUNT, COMPLETION_WORDS, COMPLETIONS_START, ring } from "./channel.ts";

/** Writes completions into a channel: the renderer's side. What has no room waits here, and is bounded by what was asked. */
export class CompletionWriter {
  readonly #words: Int32Array;
  readonly #tell: (() => void) | undefined;
  readonly #held: number[] = [];
  /** Up to where completions are written. */
  #tail = 0;
  /** Up to where the device's side was told of them. */
  #published = 0;

  /** Writes into a channel's `words`; `tell` is called when the device's side has to look, besides the bell. */
  constructor(words: Int32Array, tell?: () => void) {
    this.#words = words;
    this.#tell = tell;
  }

  /** Writes a completion, which `publish` lets the device's side see. */
  write(kind: number, epoch: number, a: number, b = 0, c = 0, d = 0): void {
    if (this.#held.length === 0 && this.#hasRoom()) this.#put(kind, epoch, a, b, c, d);
    else this.#held.push(kind, epoch, a, b, c, d);
  }

  /** Lets the device's side see what was written, and wakes it unless it has to look anyway. */
  publish(): void {
    this.#putHeld();
    const before = this.#published;
    if (this.#tail === before) return;
    this.#published = this.#tail;
    Atomics.store(this.#words, ChannelWord.CompletionTail, this.#tail);
    // Sequentially consistent: either this sees that all was read before, or the reader sees these completions.
    if (Atomics.load(this.#words, ChannelWord.CompletionHead) === before) this.tell();
  }

  /** Makes the device's side look. */
  tell(): void {
    ring(this.#words, ChannelWord.DeviceBell);
    this.#tell?.();
  }

  #putHeld(): void {
    const held = this.#held;
    if (held.length === 0) return;
    Atomics.store(this.#words, ChannelWord.AreCompletionsHeld, 1); // first: whoever makes room meanwhile says so
    let at = 0;
    for (; at < held.length && this.#hasRoom(); at += 6) {
      this.#put(held[at]!, held[at + 1]!, held[at + 2]!, held[at + 3]!, held[at + 4]!, held[at + 5]!);
    }
    held.splice(0, at);
    if (held.length === 0) Atomics.store(this.#words, ChannelWord.AreCompletionsHeld, 0);
  }

  #hasRoom(): boolean {
    const waiting = this.#tail - Atomics.load(this.#words, ChannelWord.CompletionHead) | 0;
    return waiting < COMPLETION_COUNT;
  }

  #put(kind: number, epoch: number, a: number, b: number, c: number, d: number): void {
    const words = this.#words;
    const at = COMPLETIONS_START + (this.#tail & (COMPLETION_COUNT - 1)) * COMPLETION_WORDS;
    words[at] = kind;
    words[at + 1] = epoch;
    words[at + 2] = a;
    words[at + 3] = b;
    words[at + 4] = c;
    words[at + 5] = d;
    this.#tail = this.#tail + 1 | 0;
  }
}
