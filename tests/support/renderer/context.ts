import type { RenderResource } from "./resources.ts";
import type { Timeline } from "./timeline.ts";

/** A context of the reference renderer. */
export class RenderContext {
  readonly id: number;
  readonly capsetId: number;
  readonly debugName: string;
  /** Numbers of the resources that its streams may name; they need not be there any more. */
  readonly attached: Set<number> = new Set();
  /** Whether it has failed. */
  isLost = false;
  /** What the streams have made and nobody has made a blob of, by the two words of its blob id. */
  readonly #objects = new Map<string, RenderResource>();
  readonly #rings = new Map<number, Timeline>();
  readonly #makeTimeline: () => Timeline;

  /** A context without objects; `makeTimeline` makes that of a ring. */
  constructor(id: number, capsetId: number, debugName: string, makeTimeline: () => Timeline) {
    this.id = id;
    this.capsetId = capsetId;
    this.debugName = debugName;
    this.#makeTimeline = makeTimeline;
  }

  /** How many objects wait for a blob. */
  get objectCount(): number {
    return this.#objects.size;
  }

  /** The timeline of ring `ringIndex`. */
  ring(ringIndex: number): Timeline {
    const known = this.#rings.get(ringIndex);
    if (known !== undefined) return known;
    const made = this.#makeTimeline();
    this.#rings.set(ringIndex, made);
    return made;
  }

  /** The rings whose work is held up. */
  get heldRings(): number[] {
    return [...this.#rings].filter(([, ring]) => ring.isHeld).map(([ringIndex]) => ringIndex);
  }

  /** The object under a blob id; undefined when there is none. */
  object(blobIdLow: number, blobIdHigh: number): RenderResource | undefined {
    return this.#objects.get(`${blobIdHigh}:${blobIdLow}`);
  }

  /** Enters an object under a blob id that is free. */
  addObject(blobIdLow: number, blobIdHigh: number, object: RenderResource): void {
    this.#objects.set(`${blobIdHigh}:${blobIdLow}`, object);
  }

  /** Takes an object out: whoever takes it ends it. */
  takeObject(blobIdLow: number, blobIdHigh: number): void {
    this.#objects.delete(`${blobIdHigh}:${blobIdLow}`);
  }

  /** Drops the work of the rings. */
  clearRings(): void {
    for (const ring of this.#rings.values()) ring.clear();
  }

  /** Ends the rings' work and the objects. */
  end(): void {
    this.clearRings();
    for (const object of this.#objects.values()) object.block.free();
    this.#objects.clear();
  }
}
