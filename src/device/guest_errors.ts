import type { Reason } from "../protocol/reasons.ts";
import { commandName } from "../protocol/wire.gen.ts";

/** What a guest's driver did wrong in one command. */
export interface GuestError {
  /** The command's type, any u32. */
  readonly type: number;
  /** Its name in the specification, without VIRTIO_GPU_CMD_. */
  readonly command: string;
  /** What was wrong. */
  readonly reason: Reason;
  /** Whether it was refused; else it was carried out all the same, since the device is not strict. */
  readonly isRefused: boolean;
  /** How many errors before this one were not reported, because too many came in their second. */
  readonly suppressed: number;
}

const WINDOW_MILLISECONDS = 1000;

/** Hands a guest's errors to whoever listens, at most so many a second. Without a listener it does nothing. */
export class GuestErrors {
  readonly #listener: ((error: GuestError) => void) | undefined;
  readonly #perSecond: number;
  #windowBegan = -Infinity;
  #inWindow = 0;
  #suppressed = 0;

  /** Reports to `listener`, at most `perSecond` times a second. */
  constructor(listener: ((error: GuestError) => void) | undefined, perSecond: number) {
    this.#listener = listener;
    this.#perSecond = perSecond;
  }

  /** Whether anybody listens. Who has a large `type` asks first: the engine may box it to pass it on, 16 bytes a command. */
  get isHeard(): boolean {
    return this.#listener !== undefined;
  }

  /** A command of `type` was refused for `reason`, or carried out all the same. */
  report(type: number, reason: Reason, isRefused: boolean): void {
    if (this.#listener === undefined) return;
    const now = performance.now();
    if (now - this.#windowBegan >= WINDOW_MILLISECONDS) {
      this.#windowBegan = now;
      this.#inWindow = 0;
    }
    if (++this.#inWindow > this.#perSecond) {
      this.#suppressed++;
      return;
    }
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    this.#listener({ type, command: commandName(type), reason, isRefused, suppressed });
  }
}
