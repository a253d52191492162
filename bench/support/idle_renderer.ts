import { type Capset, NO_FENCE, type Renderer, type RendererHost } from "../../src/renderer/renderer.ts";

const MOST_FENCES = 1024;

/**
 * A renderer that does nothing, so that what is measured is the device's: its fences are done when `finish` is called, or at
 * once.
 */
export class IdleRenderer implements Renderer {
  readonly capsets: readonly Capset[] = [{ id: 60, maxVersion: 1, sizeBytes: 64 }];
  readonly #slots = new Int32Array(MOST_FENCES);
  #count = 0;
  readonly #isInstant: boolean;
  #host: RendererHost | undefined;

  /** `isInstant` says that fences are done at once. */
  constructor(isInstant = false) {
    this.#isInstant = isInstant;
  }

  start(host: RendererHost): void {
    this.#host = host;
  }

  /** Ends the fences that are in flight, the newest first: out of order, as rings of different contexts end theirs. */
  finish(): void {
    while (this.#count > 0) this.#host!.fenceDone(this.#slots[--this.#count]!);
  }

  submit(_contextId: number, _address: number, _sizeBytes: number, _ringIndex: number, slot: number): undefined {
    this.fence(slot);
  }

  fence(slot: number): void {
    if (slot === NO_FENCE) return;
    if (this.#isInstant) this.#host!.fenceDone(slot);
    else this.#slots[this.#count++] = slot;
  }

  reset(): void {}
  readCapset(): void {}
  createContext(): undefined {}
  destroyContext(): void {}
  attachResource(): void {}
  detachResource(): void {}
  createResource(): undefined {}
  createBlob(): undefined {}
  destroyResource(): void {}
  transferToHost(): undefined {}
  transferFromHost(): undefined {}
  blobAddress(): number {
    return 0;
  }
  blobMapInfo(): undefined {}
  moveBlob(): undefined {}
  takeBlobBack(): undefined {}
  readPicture(): undefined {}
}
