import type { Rect } from "../../../src/memory/rect.ts";
import type { SegmentList } from "../../../src/memory/segment_list.ts";
import { LATER, type Outcome } from "../../../src/protocol/outcome.ts";
import { Reasons } from "../../../src/protocol/reasons.ts";
import {
  MapInfo,
  type ResourceCreate3d,
  type TransferFromHost3d,
  type TransferToHost3d,
} from "../../../src/protocol/wire.gen.ts";
import { transferBoxFromHost, transferBoxToHost } from "../../../src/renderer/box_transfer.ts";
import {
  type Capset,
  NO_FENCE,
  NO_RING,
  type Renderer,
  type RendererHost,
  type ResourcePicture,
} from "../../../src/renderer/renderer.ts";
import { CAPSETS, writeCapset } from "./capsets.ts";
import { RenderContext } from "./context.ts";
import { type LaterMode, Postponement } from "./postponement.ts";
import { blobOf, levelOf, makeResource3d, type RenderResource } from "./resources.ts";
import { StreamRunner } from "./stream_runner.ts";
import { type Progress, Timeline, type Work } from "./timeline.ts";

/** How a test's reference renderer differs from the usual one. */
export interface ReferenceRendererOptions {
  /** When calls that answer with an `Outcome` answer `LATER` first; never when absent. */
  readonly answersLater?: LaterMode;
  /** How guests may cache blobs, or "unmappable"; `MapInfo.Cached` when absent. */
  readonly mapInfo?: MapInfo | "unmappable";
  /** Whether `moveBlob` is refused. */
  readonly isMoveRefused?: boolean;
  /** Whether `takeBlobBack` is refused. */
  readonly isTakingBackRefused?: boolean;
}

const NO_WORDS = new Uint32Array(0);

/**
 * A renderer without a GPU: buffers, images, and command streams of a few commands (`stream.ts`), carried out at once. It
 * proves what `Renderer` promises, and is the least that one has to do.
 */
export class ReferenceRenderer implements Renderer {
  readonly capsets: readonly Capset[] = CAPSETS;
  readonly #options: ReferenceRendererOptions;
  readonly #contexts = new Map<number, RenderContext>();
  readonly #resources = new Map<number, RenderResource>();
  readonly #later: Postponement;
  /** The work that all contexts share: streams without a ring, and fences of other commands. */
  readonly #shared: Timeline = this.#makeTimeline();
  #streams: StreamRunner | undefined;
  #host: RendererHost | undefined;
  /** The stream that is carried out at once: its bytes are good during the call alone, and a command may move the memory. */
  #place = { words: NO_WORDS, at: 0 };

  /** A renderer for one device, which calls `start`. */
  constructor(options: ReferenceRendererOptions = {}) {
    this.#options = options;
    this.#later = new Postponement(options.answersLater ?? "never", () => this.host.resume());
  }

  /** What the device does for it. Throws before `start`. */
  get host(): RendererHost {
    if (this.#host === undefined) throw new Error("The renderer has not been started");
    return this.#host;
  }

  /** Whether a call has answered `LATER` and waits. */
  get isWaiting(): boolean {
    return this.#later.isWaiting;
  }

  /** How many contexts there are. */
  get contextCount(): number {
    return this.#contexts.size;
  }

  /** How many 3D resources and blobs there are. */
  get resourceCount(): number {
    return this.#resources.size;
  }

  /** Its 3D resources and blobs by their numbers, for a test to look at. */
  get resources(): ReadonlyMap<number, RenderResource> {
    return this.#resources;
  }

  /** The timelines whose work is held up, as `release` takes them; the shared one is that of context 0. */
  get heldTimelines(): { contextId: number; ringIndex: number }[] {
    const shared = this.#shared.isHeld ? [{ contextId: 0, ringIndex: NO_RING }] : [];
    const rings = [...this.#contexts.values()].flatMap(({ id, heldRings }) =>
      heldRings.map((ringIndex) => ({ contextId: id, ringIndex }))
    );
    return [...shared, ...rings];
  }

  /** Sets when calls answer `LATER` from now on; none may wait. */
  set answersLater(mode: LaterMode) {
    this.#later.mode = mode;
  }

  /** The context with this id, for a test to look at. */
  context(contextId: number): RenderContext | undefined {
    return this.#contexts.get(contextId);
  }

  /** Lets what has answered `LATER` go on: for `answersLater: "byHand"`. */
  answerLater(): void {
    this.#later.answer();
  }

  /** Ends the delay that holds a ring up, or with `NO_RING` the shared timeline; false when there is none. */
  release(contextId: number, ringIndex: number): boolean {
    if (ringIndex === NO_RING) return this.#shared.release();
    return this.#contexts.get(contextId)?.ring(ringIndex).release() ?? false;
  }

  readCapset(_capsetId: number, version: number, target: Uint8Array): void {
    writeCapset(version, target);
  }

  start(host: RendererHost): void {
    if (this.#host !== undefined) throw new Error("The renderer belongs to another device");
    this.#host = host;
    this.#streams = new StreamRunner(host, this.#resources);
  }

  reset(): void {
    this.#later.reset();
    this.#shared.clear();
    for (const context of this.#contexts.values()) context.end();
    for (const resource of this.#resources.values()) resource.block.free();
    this.#contexts.clear();
    this.#resources.clear();
  }

  createContext(contextId: number, capsetId: number, debugName: string): Outcome {
    if (this.#later.isPostponed("createContext", contextId)) return LATER;
    this.#contexts.set(
      contextId,
      new RenderContext(contextId, capsetId, debugName, () => this.#makeTimeline()),
    );
    return undefined;
  }

  destroyContext(contextId: number): void {
    this.#later.checkOrder("destroyContext");
    this.#contexts.get(contextId)?.end();
    this.#contexts.delete(contextId);
    this.#shared.releaseContext(contextId);
  }

  attachResource(contextId: number, resourceId: number): void {
    this.#later.checkOrder("attachResource");
    this.#contexts.get(contextId)?.attached.add(resourceId);
  }

  detachResource(contextId: number, resourceId: number): void {
    this.#later.checkOrder("detachResource");
    this.#contexts.get(contextId)?.attached.delete(resourceId);
  }

  submit(contextId: number, address: number, sizeBytes: number, ringIndex: number, slot: number): Outcome {
    if (this.#later.isPostponed("submit", contextId)) return LATER;
    const context = this.#contexts.get(contextId);
    if (context === undefined || context.isLost) return Reasons.contextLost;
    const timeline = ringIndex === NO_RING ? this.#shared : context.ring(ringIndex);
    const words = sizeBytes / 4;
    this.#copyStream(address, words);
    if (!timeline.isIdle) {
      timeline.add({ contextId, words: this.#place.words.slice(0, words), at: 0, slot });
      return undefined;
    }
    const progress = this.#runStream(context, this.#place, words, false);
    if (typeof progress === "number") {
      timeline.hold({ contextId, words: this.#place.words.slice(0, words), at: this.#place.at, slot }, progress);
    } else if (slot !== NO_FENCE) {
      this.host.fenceDone(slot);
    }
    return undefined;
  }

  fence(slot: number): void {
    this.#later.checkOrder("fence");
    if (this.#shared.isIdle) this.host.fenceDone(slot);
    else this.#shared.add({ contextId: 0, words: NO_WORDS, at: 0, slot });
  }

  createResource(command: ResourceCreate3d): Outcome {
    if (this.#later.isPostponed("createResource", command.resourceId)) return LATER;
    const made = makeResource3d(this.host, command);
    if (!("block" in made)) return made;
    this.#resources.set(command.resourceId, made);
    return undefined;
  }

  createBlob(
    contextId: number,
    blobIdLow: number,
    blobIdHigh: number,
    resourceId: number,
    sizeBytes: number,
  ): Outcome {
    if (this.#later.isPostponed("createBlob", resourceId)) return LATER;
    const context = this.#contexts.get(contextId);
    const object = context?.object(blobIdLow, blobIdHigh);
    if (context === undefined || object === undefined || object.block.sizeBytes < sizeBytes) {
      return Reasons.blobIdUnknown;
    }
    context.takeObject(blobIdLow, blobIdHigh);
    this.#resources.set(resourceId, blobOf(object, sizeBytes));
    return undefined;
  }

  destroyResource(resourceId: number): void {
    this.#later.endResource(resourceId);
    this.#resources.get(resourceId)?.block.free();
    this.#resources.delete(resourceId);
    for (const { attached } of this.#contexts.values()) attached.delete(resourceId);
  }

  transferToHost(command: TransferToHost3d, pages: SegmentList): Outcome {
    if (this.#later.isPostponed("transferToHost", command.resourceId)) return LATER;
    const level = levelOf(this.#resource(command.resourceId), command.level);
    if (level === undefined) return Reasons.boxOutsideResource;
    return transferBoxToHost(this.host.guest.kernels, level, command, pages);
  }

  transferFromHost(command: TransferFromHost3d, pages: SegmentList): Outcome {
    if (this.#later.isPostponed("transferFromHost", command.resourceId)) return LATER;
    const level = levelOf(this.#resource(command.resourceId), command.level);
    if (level === undefined) return Reasons.boxOutsideResource;
    return transferBoxFromHost(this.host.guest.kernels, level, command, pages);
  }

  blobAddress(resourceId: number): number {
    return this.#resource(resourceId).block.address;
  }

  blobMapInfo(_resourceId: number): MapInfo | undefined {
    const { mapInfo = MapInfo.Cached } = this.#options;
    return mapInfo === "unmappable" ? undefined : mapInfo;
  }

  moveBlob(resourceId: number, address: number): Outcome {
    if (this.#later.isPostponed("moveBlob", resourceId)) return LATER;
    if (this.#options.isMoveRefused) return Reasons.hostMemoryFull;
    this.#resource(resourceId).block.moveTo(address);
    return undefined;
  }

  takeBlobBack(resourceId: number): Outcome {
    if (this.#later.isPostponed("takeBlobBack", resourceId)) return LATER;
    if (this.#options.isTakingBackRefused) return Reasons.hostMemoryFull;
    return this.#resource(resourceId).block.takeBack() ? undefined : Reasons.hostMemoryFull;
  }

  readPicture(resourceId: number, _rect: Rect, picture: ResourcePicture): Outcome {
    if (this.#later.isPicturePostponed(resourceId)) return LATER;
    const resource = this.#resource(resourceId);
    const level = resource.isImage ? levelOf(resource, 0) : undefined;
    if (level === undefined) return Reasons.resource3dUnknown;
    picture.address = level.address;
    picture.strideBytes = level.strideBytes;
    picture.texture = undefined;
    return undefined;
  }

  /** A resource that the device has made: an exception says that the device is wrong. */
  #resource(resourceId: number): RenderResource {
    const resource = this.#resources.get(resourceId);
    if (resource === undefined) throw new Error(`The device names resource ${resourceId}, which does not exist`);
    return resource;
  }

  #makeTimeline(): Timeline {
    return new Timeline(
      (work) => this.#runWork(work),
      (slot) => {
        if (slot !== NO_FENCE) this.host.fenceDone(slot);
      },
    );
  }

  #copyStream(address: number, words: number): void {
    if (this.#place.words.length < words) this.#place.words = new Uint32Array(words);
    this.#place.at = 0;
    const source = this.host.guest.words;
    for (let index = 0; index < words; index++) this.#place.words[index] = source[address / 4 + index]!;
  }

  /** Goes on with work that something before it has held up. */
  #runWork(work: Work): Progress {
    const context = this.#contexts.get(work.contextId);
    if (context === undefined || context.isLost) return "done"; // its fence is still due, and so is what follows
    return this.#runStream(context, work, work.words.length, true);
  }

  #runStream(
    context: RenderContext,
    place: { words: Uint32Array; at: number },
    end: number,
    wasHeld: boolean,
  ): Progress {
    const progress = this.#streams!.run(context, place, end, wasHeld);
    if (progress === "lost") this.#lose(context);
    return progress;
  }

  #lose(context: RenderContext): void {
    context.isLost = true;
    context.clearRings();
    this.host.contextLost(context.id);
  }
}
