import type { Outcome } from "../../src/protocol/outcome.ts";
import { MapInfo } from "../../src/protocol/wire.gen.ts";
import type { Rect } from "../../src/memory/rect.ts";
import type { Capset, Renderer, RendererHost, ResourcePicture } from "../../src/renderer/renderer.ts";

const CAPSETS: readonly Capset[] = [{ id: 60, maxVersion: 1, sizeBytes: 64 }];

/**
 * A renderer that allocates nothing, so that what is measured is the device's: it has one blob, whose bytes it does not move,
 * and one picture, which is never drawn.
 */
export class StillRenderer implements Renderer {
  readonly capsets = CAPSETS;
  readonly #strideBytes: number;
  readonly #sizeBytes: number;
  #host: RendererHost | undefined;
  #home = 0;
  #blob = 0;

  /** Blob and picture have `sizeBytes` bytes, the picture with rows of `strideBytes`. */
  constructor(sizeBytes: number, strideBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#strideBytes = strideBytes;
  }

  start(host: RendererHost): void {
    this.#host = host;
    this.#home = host.guest.heap.allocate(this.#sizeBytes);
    this.#blob = this.#home;
  }

  fence(slot: number): void {
    this.#host!.fenceDone(slot);
  }

  submit(_contextId: number, _address: number, _sizeBytes: number, _ringIndex: number, slot: number): Outcome {
    if (slot !== 0) this.#host!.fenceDone(slot);
    return undefined;
  }

  blobAddress(): number {
    return this.#blob;
  }

  blobMapInfo(): MapInfo {
    return MapInfo.Cached;
  }

  moveBlob(_resourceId: number, address: number): Outcome {
    this.#blob = address;
    return undefined;
  }

  takeBlobBack(): Outcome {
    this.#blob = this.#home;
    return undefined;
  }

  readPicture(_resourceId: number, _rect: Rect, picture: ResourcePicture): Outcome {
    picture.address = this.#home;
    picture.strideBytes = this.#strideBytes;
    return undefined;
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
}
