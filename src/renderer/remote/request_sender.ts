import { LATER, type Outcome } from "../../protocol/outcome.ts";
import { Reasons } from "../../protocol/reasons.ts";
import type { RendererHost } from "../renderer.ts";
import { ChannelWord, NO_TOKEN, type RequestKind } from "./channel.ts";
import { RequestWriter } from "./request_writer.ts";
import { StagedPages } from "./staged_pages.ts";
import { StagingBlock } from "./staging_block.ts";

/** Words of a request besides its bytes that are always enough. */
const MAX_ARGUMENT_WORDS = 128;

/**
 * Sends requests of the present epoch, with the bytes that belong to them: in the channel, or staged when they are many. What
 * finds no room is `LATER`, and `takeHasRoom` says when there is some.
 */
export class RequestSender {
  /** Bytes that are too many for the channel. */
  readonly staging: StagingBlock;
  /** Counts the resets. */
  epoch: number;
  readonly #host: RendererHost;
  readonly #source: StagedPages;
  readonly #words: Int32Array;
  readonly #writer: RequestWriter;
  readonly #channelAddress: number;
  #lastToken = NO_TOKEN;
  /** The token of a picture that the device may still be looking at. */
  #pictureToken = NO_TOKEN;
  #wantsRoom = false;
  #wantsStaging = false;
  /** How many words of the request that has begun are its bytes. */
  #inlineWords = 0;
  /** Whether its bytes are staged. */
  #isStaged = false;

  /** Sends through the channel `words` at `channelAddress`; staged bytes come from the host's heap and account. */
  constructor(host: RendererHost, words: Int32Array, channelAddress: number, wake?: () => void) {
    this.#host = host;
    this.#source = new StagedPages(host.guest);
    this.staging = new StagingBlock(host);
    this.#words = words;
    this.#writer = new RequestWriter(words, wake);
    this.#channelAddress = channelAddress;
    this.epoch = Atomics.load(words, ChannelWord.Epoch);
  }

  /** Up to where requests are sent. */
  get position(): number {
    return this.#writer.position;
  }

  /** Whether the other side is done with all requests up to a position. */
  isPassed(position: number): boolean {
    return this.#writer.isPassed(position);
  }

  /** Whether the other side has heard of the last reset. */
  get isAtRest(): boolean {
    return Atomics.load(this.#words, ChannelWord.SeenEpoch) === this.epoch;
  }

  /** A token that no request in progress has. */
  newToken(): number {
    this.#lastToken = this.#lastToken % 0x3fffffff + 1;
    return this.#lastToken;
  }

  /** Whether there is room for a request of `argumentWords` words; if not, some is wanted. */
  hasRoom(argumentWords: number): boolean {
    this.finishPicture(); // also where nothing follows: the other side may be held up by it, and so make no room
    if (this.#writer.hasRoom(argumentWords)) return true;
    this.#wantsRoom = true;
    Atomics.store(this.#words, ChannelWord.IsRoomWanted, 1);
    return this.#writer.hasRoom(argumentWords); // what was read in between is not told
  }

  /** Begins a request that `hasRoom` found room for, or a short one; false when even what is reserved is full. */
  begin(kind: RequestKind, argumentWords: number, token: number = NO_TOKEN): boolean {
    this.finishPicture();
    return this.#writer.begin(kind, this.epoch, argumentWords, token);
  }

  /**
   * Begins a request with `argumentWords` words and `sizeBytes` bytes. The caller puts the words, asks for the `bytesAddress`,
   * writes the bytes there, and publishes. `LATER` or a reason when there is no room; nothing has begun then.
   */
  beginWithBytes(kind: RequestKind, argumentWords: number, sizeBytes: number, token: number): Outcome {
    const byteWords = Math.ceil(sizeBytes / 4);
    this.#isStaged = byteWords > this.#writer.maxWords - MAX_ARGUMENT_WORDS;
    this.#inlineWords = this.#isStaged ? 0 : byteWords;
    const outcome = this.#isStaged ? this.stage(sizeBytes, token) : undefined;
    if (outcome !== undefined) return outcome;
    const words = argumentWords + 1 + this.#inlineWords;
    if (!this.hasRoom(words)) {
      if (this.#isStaged) this.staging.release();
      return LATER;
    }
    this.begin(kind, words, token);
    return undefined;
  }

  /** Takes the staging block for the request with this token: `LATER` while another has it. */
  stage(sizeBytes: number, token: number): Outcome {
    this.finishPicture();
    this.#wantsStaging = this.staging.isInUse;
    if (this.#wantsStaging) return LATER;
    return this.staging.take(sizeBytes, token) ? undefined : Reasons.hostMemoryFull;
  }

  /** Writes the next word of the request, any u32. */
  put(word: number): void {
    this.#writer.put(word);
  }

  /** Tells the other side where the request's bytes are, and returns it: an address in the memory. Comes after the words. */
  bytesAddress(): number {
    this.put(this.#isStaged ? this.staging.address : 0);
    if (this.#isStaged) return this.staging.address;
    return this.#channelAddress + this.#writer.skip(this.#inlineWords);
  }

  /** Copies the request's bytes from `address`. Comes after the words. */
  copyBytes(address: number, sizeBytes: number): void {
    const target = this.bytesAddress();
    const { guest } = this.#host;
    const { segments } = this.#source;
    this.#source.set(address, sizeBytes, sizeBytes);
    guest.kernels.gatherBytes(segments, 1, 0, target, sizeBytes); // copyWithin takes 290 ns for 4 KiB of shared memory
  }

  /** Lets the other side see the request. */
  publish(): void {
    this.#writer.publish();
  }

  /** The device was told where a picture is: it looks at it until its next call. */
  lendPicture(token: number): void {
    this.#pictureToken = token;
  }

  /** The device does not look at a picture any more. */
  finishPicture(): void {
    if (this.#pictureToken !== NO_TOKEN) this.giveUpPicture(this.#pictureToken);
    this.#pictureToken = NO_TOKEN;
  }

  /** The device does not look at the picture with this token. */
  giveUpPicture(token: number): void {
    Atomics.store(this.#words, ChannelWord.PictureDone, token);
    this.#writer.wake();
  }

  /** Whether there is room now that was wanted before: true once. */
  takeHasRoom(): boolean {
    const hasRoom = this.#wantsRoom && this.#writer.isHalfFree;
    const hasStaging = this.#wantsStaging && !this.staging.isInUse;
    if (hasRoom) this.#wantsRoom = false;
    if (hasStaging) this.#wantsStaging = false;
    return hasRoom || hasStaging;
  }

  /** Makes all requests so far void. */
  beginEpoch(): void {
    this.epoch = this.epoch + 1 | 0;
    this.#pictureToken = NO_TOKEN;
    this.#wantsRoom = false;
    this.#wantsStaging = false;
    Atomics.store(this.#words, ChannelWord.Epoch, this.epoch);
    this.#writer.wake();
  }

  /** Makes the other side look. */
  wake(): void {
    this.#writer.wake();
  }
}
