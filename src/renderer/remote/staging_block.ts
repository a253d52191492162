import type { RendererHost } from "../renderer.ts";
import { NO_TOKEN } from "./channel.ts";

/**
 * A block of memory for bytes that are too many for a channel, or that the renderer's side writes. There is one at a time, which
 * is in the guest's account. While the renderer's side may use it, it is left alone, also when the device is reset meanwhile.
 */
export class StagingBlock {
  /** Where it lies; 0 while there is none. */
  address = 0;
  /** The token of the request that uses it. */
  token: number = NO_TOKEN;
  readonly #host: RendererHost;
  #sizeBytes = 0;

  /** No block yet; it comes from the host's heap. */
  constructor(host: RendererHost) {
    this.#host = host;
  }

  /** Whether a request uses it. */
  get isInUse(): boolean {
    return this.token !== NO_TOKEN;
  }

  /** Takes `bytes` bytes, 1 or more, for the request with this token; false when a limit does not allow them. */
  take(bytes: number, token: number): boolean {
    if (!this.#host.account.reserve(bytes)) return false;
    this.address = this.#host.guest.heap.allocate(bytes, true);
    if (this.address === 0) {
      this.#host.account.release(bytes);
      return false;
    }
    this.#sizeBytes = bytes;
    this.token = token;
    return true;
  }

  /** The request that used it is over. */
  release(): void {
    if (!this.isInUse) return;
    this.#host.guest.heap.free(this.address);
    this.#host.account.release(this.#sizeBytes);
    this.token = NO_TOKEN;
    this.address = 0;
  }
}
