import type { GuestMemory } from "../../memory/guest_memory.ts";
import type { Rect } from "../../memory/rect.ts";
import { LATER, type Outcome } from "../../protocol/outcome.ts";
import { NO_FENCE, type Renderer, type ResourcePicture } from "../renderer.ts";
import { REQUEST_HEAD_WORDS, RequestKind } from "./channel.ts";
import { readCreate } from "./create_request.ts";
import type { ServedForeign } from "./served_foreign.ts";
import { StagedPages } from "./staged_pages.ts";
import { readTransfer, TRANSFER_WORDS, transferRequests } from "./transfer_request.ts";

/** Reads requests out of a channel and asks a renderer the same. Records are used again and again. */
export class RequestRunner {
  /** What the answer to the last request holds besides its outcome. */
  first = 0;
  second = 0;
  /** Whether somebody waits for an answer to it. */
  isQuestion = false;
  /** Whether its bytes were staged. */
  isStaged = false;
  /** The fence of the command stream that it was, when it was refused: the device has taken it for granted. */
  refusedSlot: number = NO_FENCE;
  readonly #renderer: Renderer;
  readonly #words: Int32Array;
  readonly #channelAddress: number;
  readonly #pages: StagedPages;
  readonly #transfers = transferRequests();
  readonly #rect: Rect = { x: 0, y: 0, width: 0, height: 0 };
  readonly #foreign: ServedForeign;
  /** The contexts that there are. */
  readonly #contexts = new Set<number>();
  readonly #picture: ResourcePicture = { address: 0, strideBytes: 0, texture: undefined };

  /**
   * Asks `renderer`, whose memory is `guest`, what is in the channel `words` at `channelAddress`; `foreign` is told of what is
   * not the renderer's.
   */
  constructor(
    renderer: Renderer,
    guest: GuestMemory,
    words: Int32Array,
    channelAddress: number,
    foreign: ServedForeign,
  ) {
    this.#renderer = renderer;
    this.#foreign = foreign;
    this.#words = words;
    this.#channelAddress = channelAddress;
    this.#pages = new StagedPages(guest);
  }

  /** The renderer was reset: there are no contexts, and no foreign resources. */
  reset(): void {
    this.#contexts.clear();
    this.#foreign.clear();
  }

  /** Asks what the request whose first word has the index `index` asks. What has answered `LATER` is asked again so. */
  run(index: number): Outcome {
    const kind = (this.#words[index]! & 0xff) as RequestKind;
    const at = index + REQUEST_HEAD_WORDS;
    this.first = 0;
    this.second = 0;
    this.isQuestion = true;
    this.isStaged = false;
    this.refusedSlot = NO_FENCE;
    switch (kind) {
      case RequestKind.CreateContext:
        return this.#createContext(at, this.#name(index));
      case RequestKind.Submit:
        return this.#submit(at);
      case RequestKind.CreateResource:
        return this.#renderer.createResource(readCreate(this.#words, at));
      case RequestKind.CreateBlob:
        return this.#createBlob(at);
      case RequestKind.TransferToHost:
        return this.#transferToHost(at);
      case RequestKind.TransferFromHost:
        return this.#transferFromHost(at);
      case RequestKind.MoveBlob:
        return this.#moved(at, this.#renderer.moveBlob(this.#u32(at), this.#u32(at + 1)));
      case RequestKind.TakeBlobBack:
        return this.#moved(at, this.#renderer.takeBlobBack(this.#u32(at)));
      case RequestKind.ReadPicture:
        return this.#readPicture(at);
      case RequestKind.EndForeign:
        return this.#endForeign(this.#u32(at));
      default:
        this.isQuestion = false;
        this.#tell(kind, this.#u32(at), this.#u32(at + 1));
        return undefined;
    }
  }

  /** Whether the request at `index`, which nobody has run, has staged bytes. */
  hasStaged(index: number): boolean {
    const at = index + REQUEST_HEAD_WORDS;
    switch (this.#words[index]! & 0xff) {
      case RequestKind.Submit:
        return this.#words[at + 4] !== 0;
      case RequestKind.TransferToHost:
        return this.#words[at + TRANSFER_WORDS + 1] !== 0;
      case RequestKind.TransferFromHost:
        return true;
      default:
        return false;
    }
  }

  #tell(kind: RequestKind, first: number, second: number): void {
    switch (kind) {
      case RequestKind.DestroyContext:
        this.#contexts.delete(first);
        return this.#renderer.destroyContext(first);
      case RequestKind.AttachResource:
        return this.#renderer.attachResource(first, second);
      case RequestKind.DetachResource:
        return this.#renderer.detachResource(first, second);
      case RequestKind.Fence:
        return this.#renderer.fence(first);
      case RequestKind.DestroyResource:
        return this.#renderer.destroyResource(first);
      case RequestKind.PlaceForeign:
        return this.#foreign.place(first, second);
      default:
        throw new Error(`Cannot serve a renderer: there is no request ${kind}`);
    }
  }

  #createContext(at: number, debugName: string): Outcome {
    const contextId = this.#u32(at);
    const outcome = this.#renderer.createContext(contextId, this.#u32(at + 1), debugName);
    if (outcome === undefined) this.#contexts.add(contextId);
    return outcome;
  }

  /** No context uses the resource any more: another with its number would be attached else. */
  #endForeign(resourceId: number): undefined {
    for (const contextId of this.#contexts) this.#renderer.detachResource(contextId, resourceId);
    this.#foreign.end(resourceId);
  }

  #submit(at: number): Outcome {
    this.isQuestion = false;
    const slot = this.#u32(at + 2);
    const address = this.#bytesAt(at + 4);
    const outcome = this.#renderer.submit(this.#u32(at), address, this.#u32(at + 3), this.#words[at + 1]!, slot);
    if (outcome === LATER) return LATER;
    if (outcome !== undefined) this.refusedSlot = slot;
    return undefined;
  }

  #createBlob(at: number): Outcome {
    const resourceId = this.#u32(at + 3);
    const [contextId, low, high, sizeBytes] = [this.#u32(at), this.#u32(at + 1), this.#u32(at + 2), this.#u32(at + 4)];
    const outcome = this.#renderer.createBlob(contextId, low, high, resourceId, sizeBytes);
    if (outcome !== undefined) return outcome;
    this.first = this.#renderer.blobAddress(resourceId);
    const mapInfo = this.#renderer.blobMapInfo(resourceId);
    this.second = mapInfo === undefined ? 0 : mapInfo + 1;
    return undefined;
  }

  #moved(at: number, outcome: Outcome): Outcome {
    this.first = this.#renderer.blobAddress(this.#u32(at));
    return outcome;
  }

  #transferToHost(at: number): Outcome {
    const { command, totalBytes, sizeBytes } = readTransfer(this.#words, at, this.#transfers.toHost);
    this.isQuestion = this.#words[at + TRANSFER_WORDS] === 0;
    this.#pages.set(this.#bytesAt(at + TRANSFER_WORDS + 1), sizeBytes, totalBytes);
    const outcome = this.#renderer.transferToHost(command, this.#pages);
    return outcome === LATER || this.isQuestion ? outcome : undefined;
  }

  #transferFromHost(at: number): Outcome {
    const { command, totalBytes, sizeBytes } = readTransfer(this.#words, at, this.#transfers.fromHost);
    this.#pages.set(this.#bytesAt(at + TRANSFER_WORDS), sizeBytes, totalBytes);
    return this.#renderer.transferFromHost(command, this.#pages);
  }

  #readPicture(at: number): Outcome {
    const rect = this.#rect;
    rect.x = this.#u32(at + 1);
    rect.y = this.#u32(at + 2);
    rect.width = this.#u32(at + 3);
    rect.height = this.#u32(at + 4);
    const outcome = this.#renderer.readPicture(this.#u32(at), rect, this.#picture);
    if (outcome !== undefined) return outcome;
    this.first = this.#picture.address;
    this.second = this.#picture.strideBytes;
    return undefined;
  }

  /** Where a request's bytes are: staged at the address in the word at `at`, or behind the word when that is 0. */
  #bytesAt(at: number): number {
    const staged = this.#u32(at);
    this.isStaged = staged !== 0;
    return staged || this.#channelAddress + (at + 1) * 4;
  }

  #name(index: number): string {
    const end = index + (this.#words[index]! >>> 8);
    let name = "";
    for (let at = index + REQUEST_HEAD_WORDS + 2; at < end; at++) name += String.fromCharCode(this.#words[at]!);
    return name;
  }

  #u32(at: number): number {
    return this.#words[at]! >>> 0;
  }
}
