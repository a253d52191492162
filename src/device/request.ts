import type { Chain } from "../virtio/chain.ts";
import type { CommandFence } from "./command_fence.ts";
import type { WaitingCommand } from "./waiting_command.ts";

/**
 * The request in progress: what of it does not fit a command's structure is read from here, and here is the fence that
 * ends it. There is one for all commands; a handler must not keep it.
 *
 * A command that has answered `LATER` is carried out again as it was the first time, whatever the guest has made of the
 * request meanwhile: nothing of it is read a second time.
 */
export class Request {
  readonly #fence: CommandFence;
  #chain: Chain | undefined;
  #waiting: WaitingCommand | undefined;

  /** Requests whose fences are `fence`, one after the other. */
  constructor(fence: CommandFence) {
    this.#fence = fence;
  }

  /** Begins with the command in `chain`; `waiting` says whether it has begun before, undefined that none ever does. */
  begin(chain: Chain, waiting: WaitingCommand | undefined): void {
    if (this.#chain !== chain) this.#chain = chain; // mostly the same, and to look is faster
    if (this.#waiting !== waiting) this.#waiting = waiting;
  }

  /** Which ring of the context the work belongs to, 0 to 63, or `NO_RING`. Virtio 1.4, 5.7.6.7 (RING_IDX). */
  get ringIndex(): number {
    return this.#fence.ringIndex;
  }

  /** Whether the command has answered `LATER` before: whoever has answered it so is to be asked the same again. */
  get isAgain(): boolean {
    return this.#waiting?.isBegun ?? false;
  }

  /** Bytes that the driver wrote for the device, the command's structure included. */
  get readableBytes(): number {
    return this.#waiting?.isBegun ? this.#waiting.readableBytes : this.#chain!.readableBytes;
  }

  /** Bytes that the device may write. */
  get writableBytes(): number {
    return this.#chain!.writableBytes;
  }

  /**
   * Copies readable bytes `start` to `start + lengthBytes` to `target`; false when the request has fewer. When the command is
   * carried out again they are at `target` still: only commands of the control queue read, and the one is the next.
   */
  read(start: number, lengthBytes: number, target: number): boolean {
    if (this.#waiting?.isBegun) return start + lengthBytes <= this.readableBytes;
    return this.#chain!.read(start, lengthBytes, target);
  }

  /**
   * The slot of the command's fence, for `Renderer.submit`, which then reports it; `NO_FENCE` when the command has no fence.
   * Whoever does not take it leaves the fence to the device. The same slot each time, also when the command runs again.
   */
  takeFence(): number {
    return this.#fence.take();
  }
}
