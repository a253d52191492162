import type { Rect } from "../../memory/rect.ts";
import { assign } from "../../memory/rect.ts";
import type { SegmentList } from "../../memory/segment_list.ts";
import { LATER, type Outcome } from "../../protocol/outcome.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import type { MapInfo, ResourceCreate3d, TransferFromHost3d, TransferToHost3d } from "../../protocol/wire.gen.ts";
import { type Capset, NO_FENCE, NO_RING, type Renderer, type RendererHost, type ResourcePicture } from "../renderer.ts";
import { ChannelWord, nextRing, RequestKind, sleep } from "./channel.ts";
import type { RendererConnection } from "./connection.ts";
import { type Question, QuestionTable } from "./question_table.ts";
import { outcomeOfNumber } from "./reason_numbers.ts";
import { CREATE_WORDS, putCreate } from "./create_request.ts";
import { giveUpPicture, giveUpPictures } from "./pictures.ts";
import { OpenWork } from "./open_work.ts";
import { linkRemote, type RemoteLink } from "./remote_link.ts";
import { RemoteResource } from "./remote_resource.ts";
import type { RequestSender } from "./request_sender.ts";

/**
 * A renderer that lives on another thread, where a `RendererServer` serves it: the device's side of it. The two speak through
 * memory alone, so that this thread may block whenever it likes, and never needs an event loop. Its host calls `poll` whenever
 * the other side has rung; that may be within no call of the device's. What asks the renderer something answers `LATER` once.
 *
 * It differs from the renderer itself in this: of foreign resources (`RendererHost.resource`) it finds 1024, where they lay
 * when the last command stream was handed over; a picture's texture does not cross; and what a destroyed resource took is free
 * in the account only when the renderer has heard of it.
 */
export class RemoteRenderer implements Renderer {
  readonly capsets: readonly Capset[];
  readonly #connection: RendererConnection;
  readonly #wake: (() => void) | undefined;
  readonly #questions = new QuestionTable();
  readonly #work = new OpenWork();
  /** The renderer's resources, by `id | 0`. */
  readonly #resources = new Map<number, RemoteResource>();
  #link: RemoteLink | undefined;
  #isClosed = false;
  /** Nothing is asked any more: there is no renderer, or a call that may not wait has found the channel full. A reset mends that. */
  #isLost = false;
  /** What the bell said when it was last looked at. */
  #bell = 0;

  /**
   * The device's side of the renderer that `connection` leads to. `wake` is called when the other side may sleep, for those
   * that cannot wait for its bell in the memory.
   */
  constructor(connection: RendererConnection, wake?: () => void) {
    this.#connection = connection;
    this.capsets = connection.capsets;
    this.#wake = wake;
  }

  /** Whether there is no renderer any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Whether the renderer has heard of the last reset. Until then it may be within a call of before, and write where blobs lay
   * then. It rings once it has.
   */
  get isAtRest(): boolean {
    return this.#isClosed || this.#started.sender.isAtRest;
  }

  /** How many fences are not done. */
  get fenceCount(): number {
    return this.#work.fenceCount;
  }

  /**
   * Hears what the other side has done: tells the device of fences and lost contexts, and resumes it. Not to be called within
   * a call of the device's.
   */
  poll(): void {
    const { host, words, sender, listener, foreign } = this.#started;
    if (this.#isClosed) return;
    this.#bell = Atomics.load(words, ChannelWord.DeviceBell);
    sender.finishPicture();
    foreign.collect();
    const isAnswered = listener.hear();
    const isMoreKnown = sender.takeHasRoom() || isAnswered;
    if (Atomics.load(words, ChannelWord.IsClosed) === 1) this.lose();
    else if (this.#isLost) this.#tellLoss();
    else if (isMoreKnown) host.resume();
  }

  /**
   * Blocks this thread until the other side has rung since the last `poll`, at most so many milliseconds: for threads that wait
   * for nothing else. False when it has not rung.
   */
  wait(milliseconds: number): boolean {
    return sleep(this.#started.words, ChannelWord.DeviceBell, this.#bell, milliseconds);
  }

  /** Resolves when the other side has rung since the last `poll`: for threads with an event loop. Undefined when it has now. */
  nextBell(): Promise<unknown> | undefined {
    return nextRing(this.#started.words, ChannelWord.DeviceBell, this.#bell);
  }

  /**
   * The other thread has ended: all contexts are lost, all fences are done, and whatever asks for the renderer is refused from
   * now on. For hosts that notice; a server that is closed says so itself.
   */
  lose(): void {
    const { account, sender, foreign } = this.#started;
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isLost = true;
    account.takeBack();
    sender.staging.release();
    foreign.reset();
    foreign.collect(true);
    this.#tellLoss();
  }

  readCapset(capsetId: number, version: number, target: Uint8Array): void {
    const index = this.capsets.findIndex(({ id }) => id === capsetId);
    target.set(this.#connection.capsetData[index]![version]!);
  }

  /** Throws `TypeError` when the device's memory is not shared, or its account cannot be. */
  start(host: RendererHost): void {
    const [connection, wake, questions] = [this.#connection, this.#wake, this.#questions];
    this.#work.start(host);
    this.#link = linkRemote({ host, connection, wake, questions, events: this.#work });
  }

  reset(): void {
    const { sender, account, foreign } = this.#started;
    this.#forgetQuestions();
    foreign.reset();
    this.#work.clear();
    this.#resources.clear();
    this.#isLost = this.#isClosed;
    if (this.#isClosed) return;
    sender.beginEpoch();
    account.takeBack();
  }

  isFull(): boolean {
    return !this.#isLost && !this.#started.sender.hasRoom(0);
  }

  createContext(contextId: number, capsetId: number, debugName: string): Outcome {
    const asked = this.#questions.find(RequestKind.CreateContext, contextId);
    if (asked !== undefined) {
      const outcome = this.#answerOf(asked);
      if (outcome === undefined) this.#work.addContext(contextId);
      return outcome;
    }
    const sender = this.#ask(RequestKind.CreateContext, contextId, 2 + debugName.length);
    if (sender === undefined) return this.#notNow();
    sender.put(contextId);
    sender.put(capsetId);
    for (let index = 0; index < debugName.length; index++) sender.put(debugName.charCodeAt(index));
    sender.publish();
    return LATER;
  }

  destroyContext(contextId: number): void {
    this.#work.removeContext(contextId);
    this.#tell(RequestKind.DestroyContext, contextId, 0);
  }

  attachResource(contextId: number, resourceId: number): void {
    const { foreign } = this.#started;
    const isOwn = this.#resources.has(resourceId | 0);
    if (!isOwn && !this.#isLost) foreign.begin(resourceId, (kind, first, second) => this.#tell(kind, first, second));
    if (isOwn || foreign.has(resourceId)) this.#tell(RequestKind.AttachResource, contextId, resourceId);
  }

  detachResource(contextId: number, resourceId: number): void {
    const isKnown = this.#resources.has(resourceId | 0) || this.#started.foreign.has(resourceId);
    if (isKnown) this.#tell(RequestKind.DetachResource, contextId, resourceId);
  }

  endForeign(resourceId: number): Outcome {
    const { foreign } = this.#started;
    if (this.#isLost || !foreign.has(resourceId)) return undefined;
    const asked = this.#questions.find(RequestKind.EndForeign, resourceId);
    if (asked !== undefined) {
      const outcome = this.#answerOf(asked);
      if (outcome !== LATER) foreign.end(resourceId);
      return outcome;
    }
    const sender = this.#ask(RequestKind.EndForeign, resourceId, 1);
    if (sender === undefined) return this.#notNow();
    sender.put(resourceId);
    sender.publish();
    return LATER;
  }

  submit(contextId: number, address: number, sizeBytes: number, ringIndex: number, slot: number): Outcome {
    if (this.#isLost) return Reasons.rendererGone;
    if (!this.#work.hasContext(contextId)) return Reasons.contextLost;
    const { sender, foreign } = this.#started;
    if (!foreign.refresh()) return LATER;
    const outcome = sender.beginWithBytes(RequestKind.Submit, 4, sizeBytes, sender.newToken());
    if (outcome !== undefined) return outcome;
    sender.put(contextId);
    sender.put(ringIndex);
    sender.put(slot);
    sender.put(sizeBytes);
    sender.copyBytes(address, sizeBytes);
    if (slot !== NO_FENCE) this.#work.addFence(slot, ringIndex === NO_RING ? undefined : contextId);
    sender.publish();
    return undefined;
  }

  fence(slot: number): void {
    if (this.#isLost) return this.#started.host.fenceDone(slot);
    this.#work.addFence(slot);
    this.#tell(RequestKind.Fence, slot, 0);
  }

  createResource(command: ResourceCreate3d): Outcome {
    const { resourceId } = command;
    const asked = this.#questions.find(RequestKind.CreateResource, resourceId);
    if (asked !== undefined) {
      const outcome = this.#answerOf(asked);
      if (outcome === undefined) this.#resources.set(resourceId | 0, RemoteResource.of3d(command));
      return outcome;
    }
    const sender = this.#ask(RequestKind.CreateResource, resourceId, CREATE_WORDS);
    if (sender === undefined) return this.#notNow();
    putCreate(sender, command);
    sender.publish();
    return LATER;
  }

  createBlob(
    contextId: number,
    blobIdLow: number,
    blobIdHigh: number,
    resourceId: number,
    sizeBytes: number,
  ): Outcome {
    const asked = this.#questions.find(RequestKind.CreateBlob, resourceId);
    if (asked !== undefined) {
      const outcome = this.#answerOf(asked);
      if (outcome === undefined) this.#resources.set(resourceId | 0, blobOf(asked));
      return outcome;
    }
    const sender = this.#ask(RequestKind.CreateBlob, resourceId, 5);
    if (sender === undefined) return this.#notNow();
    sender.put(contextId);
    sender.put(blobIdLow);
    sender.put(blobIdHigh);
    sender.put(resourceId);
    sender.put(sizeBytes);
    sender.publish();
    return LATER;
  }

  destroyResource(resourceId: number): void {
    this.#resources.delete(resourceId | 0);
    const { sender } = this.#started;
    giveUpPictures(sender, this.#questions, resourceId);
    this.#tell(RequestKind.DestroyResource, resourceId, 0);
  }

  transferToHost(command: TransferToHost3d, pages: SegmentList): Outcome {
    const resource = this.#resources.get(command.resourceId | 0);
    if (this.#isLost || resource === undefined) return Reasons.rendererGone;
    return this.#started.transfers.toHost(command, pages, resource);
  }

  transferFromHost(command: TransferFromHost3d, pages: SegmentList): Outcome {
    const resource = this.#resources.get(command.resourceId | 0);
    if (this.#isLost || resource === undefined) return Reasons.rendererGone;
    return this.#started.transfers.fromHost(command, pages, resource);
  }

  blobAddress(resourceId: number): number {
    return this.#resources.get(resourceId | 0)?.address ?? 0;
  }

  blobMapInfo(resourceId: number): MapInfo | undefined {
    return this.#resources.get(resourceId | 0)?.mapInfo;
  }

  moveBlob(resourceId: number, address: number): Outcome {
    return this.#move(RequestKind.MoveBlob, resourceId, address);
  }

  takeBlobBack(resourceId: number): Outcome {
    return this.#move(RequestKind.TakeBlobBack, resourceId, 0);
  }

  readPicture(resourceId: number, rect: Rect, picture: ResourcePicture): Outcome {
    const asked = this.#questions.findPicture(resourceId, rect);
    if (asked !== undefined) {
      const outcome = this.#answerOf(asked);
      if (outcome !== undefined) return outcome;
      picture.address = asked.first;
      picture.strideBytes = asked.second;
      picture.texture = undefined;
      this.#started.sender.lendPicture(asked.token);
      return undefined;
    }
    const sender = this.#ask(RequestKind.ReadPicture, resourceId, 5, rect);
    if (sender === undefined) return this.#notNow();
    sender.put(resourceId);
    sender.put(rect.x);
    sender.put(rect.y);
    sender.put(rect.width);
    sender.put(rect.height);
    sender.publish();
    return LATER;
  }

  get #started(): RemoteLink {
    if (this.#link === undefined) throw new Error("The renderer has not been started");
    return this.#link;
  }

  #move(kind: RequestKind, resourceId: number, address: number): Outcome {
    const asked = this.#questions.find(kind, resourceId);
    if (asked !== undefined) {
      const resource = this.#resources.get(resourceId | 0);
      if (asked.isAnswered && resource !== undefined) resource.address = asked.first;
      return this.#answerOf(asked);
    }
    const sender = this.#ask(kind, resourceId, 2);
    if (sender === undefined) return this.#notNow();
    sender.put(resourceId);
    sender.put(address);
    sender.publish();
    return LATER;
  }

  /** Begins a question with `argumentWords` words; undefined when it cannot be asked now. */
  #ask(kind: RequestKind, id: number, argumentWords: number, rect?: Rect): RequestSender | undefined {
    const { sender } = this.#started;
    if (this.#isLost || !sender.hasRoom(argumentWords)) return undefined;
    const token = sender.newToken();
    let question = this.#questions.ask(kind, id, token);
    if (question === undefined) {
      giveUpPicture(sender, this.#questions, this.#questions.findAnswered(RequestKind.ReadPicture));
      question = this.#questions.ask(kind, id, token);
    }
    if (question === undefined) return undefined;
    if (rect !== undefined) assign(question.rect, rect);
    sender.begin(kind, argumentWords, token);
    return sender;
  }

  /** The answer to what cannot be asked now. */
  #notNow(): Outcome {
    return this.#isLost ? Reasons.rendererGone : LATER;
  }

  #answerOf(asked: Question): typeof LATER | Reason | undefined {
    if (!asked.isAnswered) return LATER;
    this.#questions.drop(asked);
    return outcomeOfNumber(asked.outcome);
  }

  #forgetQuestions(): void {
    const transfer = this.#questions.findAnswered(RequestKind.TransferFromHost);
    if (transfer !== undefined) this.#started.sender.staging.release(); // which nobody fetches any more
    this.#questions.clear();
  }

  /** Tells the device that contexts and fences are no more. What the other side still has is left alone. */
  #tellLoss(): void {
    this.#forgetQuestions();
    this.#resources.clear();
    this.#work.end();
    this.#started.host.resume();
  }

  /** Says something that nobody waits for. */
  #tell(kind: RequestKind, first: number, second: number): void {
    if (this.#isLost) return;
    const { sender } = this.#started;
    if (!sender.begin(kind, 2)) {
      this.#isLost = true; // the device has asked `isFull` before each command: it is about to be reset
      sender.hasRoom(0); // if it is not: the other side rings when there is some, and `poll` tells the device
      return;
    }
    sender.put(first);
    sender.put(second);
    sender.publish();
  }
}

function blobOf({ first: address, second }: Question): RemoteResource {
  return RemoteResource.ofBlob(address, second === 0 ? undefined : (second - 1) as MapInfo);
}
