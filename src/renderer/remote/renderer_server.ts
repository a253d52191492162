import { GuestMemory } from "../../memory/guest_memory.ts";
import { type Arena, growingArena } from "../../memory/host_heap.ts";
import { SHARED_ACCOUNT_WORDS, SharedAccount } from "../../memory/shared_account.ts";
import { LATER, type Outcome } from "../../protocol/outcome.ts";
import { NO_FENCE, type Renderer, type RendererHost } from "../renderer.ts";
import {
  channelBytes,
  ChannelWord,
  channelWords,
  Completion,
  nextRing,
  NO_TOKEN,
  RequestKind,
  ring,
} from "./channel.ts";
import { CompletionWriter } from "./completion_writer.ts";
import { readCapsets, type RendererConnection } from "./connection.ts";
import { numberOfOutcome } from "./reason_numbers.ts";
import { RequestReader } from "./request_reader.ts";
import { RequestRunner } from "./request_runner.ts";
import { ServedForeign } from "./served_foreign.ts";

/** How a renderer is served; everything has a default. */
export interface RendererServerOptions {
  /** Bytes of the channel's requests, a power of two of 64 KiB or more; 2 MiB when absent. A quarter holds one request. */
  readonly ringBytes?: number;
  /** Bytes that the renderer's own blocks may take in the shared memory, 1 GiB when absent: the account is the guest's limit. */
  readonly heapBytes?: number;
  /** Called when the device's side has to look, for those that cannot wait for its bell in the memory. */
  readonly tell?: () => void;
}

const DEFAULT_RING_BYTES = 2 * 1024 * 1024; // several of Mesa's largest streams, 266,240 bytes
const MIN_RING_BYTES = 64 * 1024;
const DEFAULT_HEAP_BYTES = 1024 * 1024 * 1024;

/** Requests that are served before the thread's event loop has a turn. */
const REQUESTS_PER_SERVE = 1024;

/**
 * Serves a renderer to a device on another thread, which has a `RemoteRenderer` in its place: reads requests in their order,
 * and writes answers, fences and losses. `serve` works when it is called and never blocks; `serveWithAtomics` calls it.
 */
export class RendererServer {
  /** What the device's side needs, besides the memory. */
  readonly connection: RendererConnection;
  readonly #renderer: Renderer;
  readonly #words: Int32Array;
  readonly #requests: RequestReader;
  readonly #completions: CompletionWriter;
  readonly #runner: RequestRunner;
  #epoch = 0;
  #isServing = false;
  #isClosed = false;
  /** The renderer has answered `LATER` to the next request, and not said yet that it knows more. */
  #isWaiting = false;
  #resumes = 0;
  /** The picture that the device was told of last, unless it has done with it. */
  #lentPicture = NO_TOKEN;

  private constructor(
    renderer: Renderer,
    guest: GuestMemory,
    connection: RendererConnection,
    words: Int32Array,
    tell: (() => void) | undefined,
  ) {
    this.connection = connection;
    this.#renderer = renderer;
    this.#words = words;
    this.#requests = new RequestReader(words);
    this.#completions = new CompletionWriter(words, tell);
    const foreign = new ServedForeign(guest);
    this.#runner = new RequestRunner(renderer, guest, words, connection.channelAddress, foreign);
    renderer.start(this.#host(guest, foreign));
  }

  /**
   * Takes a renderer that nobody has started into service, over the device's shared memory; its blocks come from an arena of
   * its own there. Throws `TypeError` when the memory is not shared, and `RangeError` for options out of range or when there
   * is no room.
   */
  static async create(
    memory: WebAssembly.Memory,
    renderer: Renderer,
    { ringBytes = DEFAULT_RING_BYTES, heapBytes = DEFAULT_HEAP_BYTES, tell }: RendererServerOptions = {},
  ): Promise<RendererServer> {
    if (memory.buffer instanceof ArrayBuffer) throw new TypeError("Cannot serve a renderer: the memory must be shared");
    const isPower = ringBytes >= MIN_RING_BYTES && Number.isInteger(Math.log2(ringBytes));
    if (!isPower) {
      throw new RangeError(
        `Cannot serve a renderer: ringBytes must be a power of two >= ${MIN_RING_BYTES}, got ${ringBytes}`,
      );
    }
    const heap: Arena = growingArena(memory, heapBytes);
    const guest = await GuestMemory.create(memory, heap, []);
    const channelAddress = heap.allocate(channelBytes(ringBytes));
    if (channelAddress === 0) throw new RangeError("Cannot serve a renderer: its heap has no room");
    const capsetData = readCapsets(renderer);
    const capsets = renderer.capsets.map(({ id, maxVersion, sizeBytes }) => ({ id, maxVersion, sizeBytes }));
    const connection = { channelAddress, ringBytes, capsets, capsetData };
    return new RendererServer(renderer, guest, connection, channelWords(memory, channelAddress, ringBytes), tell);
  }

  /** Whether it serves no more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** What the bell says: it rings when there is something to serve. */
  get bell(): number {
    return Atomics.load(this.#words, ChannelWord.ServerBell);
  }

  /** Resolves when the bell says something else than `bell`; undefined when it does so now. */
  nextBell(bell: number): Promise<unknown> | undefined {
    return nextRing(this.#words, ChannelWord.ServerBell, bell);
  }

  /**
   * Serves the requests that are there, up to a budget, and tells the device's side what came of them. True when it has to be
   * called again without a bell. What the renderer throws ends the service, and comes out here.
   */
  serve(): boolean {
    if (this.#isClosed || this.#isServing) return false;
    this.#isServing = true;
    try {
      return this.#serveRequests();
    } catch (error) {
      this.#endFailed();
      throw error;
    } finally {
      this.#isServing = false;
    }
  }

  /** Ends the service: the renderer is reset, and the device's side loses all contexts. */
  close(): void {
    if (this.#isClosed) return;
    this.#renderer.reset();
    this.#end();
  }

  #serveRequests(): boolean {
    let served = 0;
    let index = this.#next();
    while (index !== 0 && served < REQUESTS_PER_SERVE && this.#serveOne(index)) {
      served++;
      index = this.#next();
    }
    this.#completions.publish();
    if (this.#requests.takeRoomWanted()) this.#completions.tell();
    return index !== 0 && served === REQUESTS_PER_SERVE;
  }

  /** The index of the next request that can be served now; 0 when there is none. */
  #next(): number {
    let index = this.#requests.next();
    this.#followEpoch(); // after the request, which may be of a later epoch
    while (index !== 0 && this.#words[index + 1] !== this.#epoch) {
      if (this.#runner.hasStaged(index)) {
        this.#completions.write(Completion.Unstaged, this.#epoch, this.#tokenOf(index));
      }
      this.#requests.pass(index);
      index = this.#requests.next();
      this.#followEpoch();
    }
    return this.#isHeldUp() ? 0 : index;
  }

  /** False when the request stays: the renderer does not know yet. */
  #serveOne(index: number): boolean {
    const resumes = this.#resumes;
    const outcome = this.#runner.run(index);
    if (outcome === LATER) {
      this.#isWaiting = resumes === this.#resumes;
      return !this.#isWaiting;
    }
    const { isQuestion, refusedSlot } = this.#runner;
    if (refusedSlot !== NO_FENCE) this.#completions.write(Completion.Refused, this.#epoch, refusedSlot);
    if (isQuestion) this.#answer(index, outcome);
    else if (this.#runner.isStaged) this.#completions.write(Completion.Unstaged, this.#epoch, this.#tokenOf(index));
    this.#requests.pass(index);
    return true;
  }

  #answer(index: number, outcome: Exclude<Outcome, typeof LATER>): void {
    const { first, second } = this.#runner;
    const token = this.#tokenOf(index);
    const isPicture = outcome === undefined && (this.#words[index]! & 0xff) === RequestKind.ReadPicture;
    if (isPicture) this.#lentPicture = token;
    const kind = isPicture ? Completion.Picture : Completion.Answer;
    this.#completions.write(kind, this.#epoch, token, numberOfOutcome(outcome), first, second);
  }

  /** Whether the device looks at a picture, which must stay as it is, or the renderer does not know yet. */
  #isHeldUp(): boolean {
    if (this.#isWaiting) return true;
    if (this.#lentPicture === NO_TOKEN) return false;
    if (Atomics.load(this.#words, ChannelWord.PictureDone) !== this.#lentPicture) return true;
    this.#lentPicture = NO_TOKEN;
    return false;
  }

  #followEpoch(): void {
    const epoch = Atomics.load(this.#words, ChannelWord.Epoch);
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#isWaiting = false;
    this.#lentPicture = NO_TOKEN;
    this.#renderer.reset();
    this.#runner.reset();
    Atomics.store(this.#words, ChannelWord.SeenEpoch, epoch);
    this.#completions.tell(); // the device's side may wait for it to use again what the renderer has written to
  }

  #tokenOf(index: number): number {
    return this.#words[index + 2]!;
  }

  /** The renderer has thrown. What it may have under way by itself, as a timer, must write nowhere any more. */
  #endFailed(): void {
    try {
      this.#renderer.reset();
    } catch {
      // whoever calls hears of the first exception
    }
    this.#end();
  }

  #end(): void {
    this.#isClosed = true;
    this.#runner.reset();
    Atomics.store(this.#words, ChannelWord.IsClosed, 1);
    this.#completions.publish();
    this.#completions.tell();
    ring(this.#words, ChannelWord.ServerBell);
  }

  #host(guest: GuestMemory, foreign: ServedForeign): RendererHost {
    const accountWords = this.#words.subarray(ChannelWord.Account, ChannelWord.Account + SHARED_ACCOUNT_WORDS);
    const complete = (kind: number, subject: number) => {
      if (this.#isClosed) return;
      this.#completions.write(kind, this.#epoch, subject);
      if (!this.#isServing) this.#completions.publish();
    };
    return {
      guest,
      account: new SharedAccount(accountWords, true),
      fenceDone: (slot) => complete(Completion.Fence, slot),
      fenceRefused: (slot) => complete(Completion.Refused, slot),
      contextLost: (contextId) => complete(Completion.Lost, contextId),
      resume: () => {
        this.#resumes++;
        this.#isWaiting = false;
        ring(this.#words, ChannelWord.ServerBell);
      },
      resource: (resourceId) => foreign.find(resourceId),
      locate: () => undefined, // the device's thread may change it at any time
    };
  }
}
