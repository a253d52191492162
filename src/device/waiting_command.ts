import type { GuestMemory } from "../memory/guest_memory.ts";
import { NO_FENCE } from "../protocol/timeline.ts";
import type { Chain } from "../virtio/chain.ts";
import { CHAIN_COMMAND_BYTES } from "../wasm/layout.gen.ts";

/** What a queue stands still for. */
export const WaitFor = {
  /** It does not. */
  Nothing: 0,
  /** The renderer, or the host visible memory, knows what it did not. */
  Resume: 1,
  /** A fence ends. */
  Fence: 2,
  /** The device is reset. */
  Reset: 3,
} as const;
/** One of the values of `WaitFor`. */
export type WaitFor = typeof WaitFor[keyof typeof WaitFor];

/**
 * The command of a queue that was put back, to be carried out later: what it was, for the guest may write over it while it
 * stands in the ring.
 */
export class WaitingCommand {
  /** What the queue waits for; until then nothing is taken from it. */
  waitsFor: WaitFor = WaitFor.Nothing;
  /** Whether there is a command: the next chain of the queue carries it. */
  isKept = false;
  /** Whether a handler has answered `LATER` to it. */
  isBegun = false;
  /** The slot of its fence, if the handler has taken it. */
  slot: number = NO_FENCE;
  /** How many readable bytes its chain had when it began. */
  readableBytes = 0;
  readonly #words = new Uint32Array(CHAIN_COMMAND_BYTES / 4);

  /** A handler answers `LATER` to the command in `chain` for the first time. */
  begin(chain: Chain): void {
    this.isBegun = true;
    this.readableBytes = chain.readableBytes;
  }

  /** Keeps the command in `chain`, with the slot of its fence. */
  keep({ words }: GuestMemory, chain: Chain, waitsFor: WaitFor, slot: number): void {
    const at = chain.command >>> 2;
    for (let index = 0; index < this.#words.length; index++) this.#words[index] = words[at + index]!;
    this.isKept = true;
    this.waitsFor = waitsFor;
    this.slot = slot;
  }

  /** Writes the command over what is in `chain`, the chain that carries it now. */
  restore({ words }: GuestMemory, chain: Chain): void {
    words.set(this.#words, chain.command >>> 2);
  }

  /** There is no command any more. */
  clear(): void {
    this.waitsFor = WaitFor.Nothing;
    this.isKept = false;
    this.isBegun = false;
    this.slot = NO_FENCE;
  }
}
