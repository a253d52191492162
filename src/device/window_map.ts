import type { HostVisibleMemory } from "../memory/host_visible_memory.ts";
import { LATER, type Later } from "../protocol/outcome.ts";
import { type Reason, Reasons } from "../protocol/reasons.ts";
import type { Renderer } from "../renderer/renderer.ts";
import type { HostBlob } from "./resource.ts";

/** The smallest granularity of a window: a guest maps pages. */
const MIN_GRANULARITY_BYTES = 4096;
const FIRST_CAPACITY = 64;

/** How far a blob has come on its way into the window or out of it; some of it may take a while. */
export const MapStep = {
  /** It has no place in the window. */
  Unmapped: 0,
  /** MAP: the window was asked for the range. */
  Opening: 1,
  /** MAP: the range is there, and the renderer was asked to move the bytes into it. */
  Entering: 2,
  /** MAP was refused: the window was asked to take the range away again. */
  Undoing: 3,
  /** Its bytes lie in the range. */
  Mapped: 4,
  /** UNMAP: the bytes are the renderer's again, and the window was asked to take the range away. */
  Closing: 5,
  /** UNMAP was refused: the renderer was asked to move the bytes into the range again. */
  Returning: 6,
} as const;
/** One of the values of `MapStep`. */
export type MapStep = typeof MapStep[keyof typeof MapStep];

/**
 * The books of a host visible memory: which ranges of it are in use, by ascending offset. Virtio 1.4, 5.7.6.9
 * (RESOURCE_MAP_BLOB). No two overlap, each lies inside, and all are whole units of the granularity. An entry is two
 * numbers, so that to map and to unmap allocates nothing.
 */
export class WindowMap {
  /** The window that the books are about. */
  readonly memory: HostVisibleMemory;
  /** Whose blobs are mapped there. */
  readonly renderer: Renderer;
  /** First bytes of the ranges, ascending. */
  #starts = new Float64Array(FIRST_CAPACITY);
  /** Their ends, ascending too. */
  #ends = new Float64Array(FIRST_CAPACITY);
  #count = 0;
  /** Where the commands about blobs have come to that wait for window or renderer. */
  readonly #waiting = new Map<HostBlob, MapStep>();
  /** Why those of them that are undone will be refused in the end. */
  readonly #refusals = new Map<HostBlob, Reason>();

  /** Empty books for `memory`, where the blobs of `renderer` go. Throws `RangeError` for one whose length or granularity cannot be. */
  constructor(memory: HostVisibleMemory, renderer: Renderer) {
    const { lengthBytes, granularityBytes } = memory;
    const isPowerOfTwo = Number.isInteger(Math.log2(granularityBytes)) && granularityBytes >= MIN_GRANULARITY_BYTES;
    if (!isPowerOfTwo) {
      const wanted = `a power of two >= ${MIN_GRANULARITY_BYTES}`;
      throw new RangeError(
        `Cannot use the host visible memory: granularityBytes must be ${wanted}, got ${granularityBytes}`,
      );
    }
    if (!(Number.isSafeInteger(lengthBytes) && lengthBytes > 0 && lengthBytes % granularityBytes === 0)) {
      const wanted = `a multiple of ${granularityBytes}`;
      throw new RangeError(`Cannot use the host visible memory: lengthBytes must be ${wanted}, got ${lengthBytes}`);
    }
    this.memory = memory;
    this.renderer = renderer;
  }

  /** How many ranges are in use. */
  get count(): number {
    return this.#count;
  }

  /** How many bytes of the window a blob of `sizeBytes` takes. */
  roundUp(sizeBytes: number): number {
    const { granularityBytes } = this.memory;
    return Math.ceil(sizeBytes / granularityBytes) * granularityBytes;
  }

  /**
   * Why no blob of `sizeBytes` may lie at `offsetBytes`, any u64 (saturated), whatever is in use; undefined when one may.
   * `alignmentBytes` is what BLOB_ALIGNMENT asks for, 1 without it.
   */
  refusePlace(offsetBytes: number, sizeBytes: number, alignmentBytes: number): Reason | undefined {
    const { lengthBytes, granularityBytes } = this.memory;
    if (offsetBytes + this.roundUp(sizeBytes) > lengthBytes) return Reasons.mapOutsideWindow;
    const isAligned = offsetBytes % Math.max(granularityBytes, alignmentBytes) === 0;
    return isAligned ? undefined : Reasons.mapMisaligned;
  }

  /** Enters the range of a blob of `sizeBytes`, which `refusePlace` has let pass; false when it overlaps another. */
  take(offsetBytes: number, sizeBytes: number): boolean {
    const end = offsetBytes + this.roundUp(sizeBytes);
    const at = this.#indexAfter(offsetBytes);
    const isFree = (at === 0 || this.#ends[at - 1]! <= offsetBytes) && (at === this.#count || this.#starts[at]! >= end);
    if (!isFree) return false;
    if (this.#count === this.#starts.length) this.#grow();
    this.#starts.copyWithin(at + 1, at, this.#count);
    this.#ends.copyWithin(at + 1, at, this.#count);
    this.#starts[at] = offsetBytes;
    this.#ends[at] = end;
    this.#count++;
    return true;
  }

  /** Strikes out the range that begins at `offsetBytes`. */
  giveBack(offsetBytes: number): void {
    const at = this.#indexAfter(offsetBytes) - 1;
    if (at < 0 || this.#starts[at] !== offsetBytes) return;
    this.#starts.copyWithin(at, at + 1, this.#count);
    this.#ends.copyWithin(at, at + 1, this.#count);
    this.#count--;
  }

  /** How far `blob` has come. */
  stepOf(blob: HostBlob): MapStep {
    const step = this.#waiting.size === 0 ? undefined : this.#waiting.get(blob);
    return step ?? (blob.mappedAt === undefined ? MapStep.Unmapped : MapStep.Mapped);
  }

  /** Why the command about `blob` that waits will be refused when it is undone; undefined when it need not be. */
  refusalOf(blob: HostBlob): Reason | undefined {
    return this.#refusals.get(blob);
  }

  /** Notes that the command about `blob` waits at `step`, and why it will be refused, if it will. Returns `LATER`. */
  wait(blob: HostBlob, step: MapStep, refusal?: Reason): Later {
    this.#waiting.set(blob, step);
    if (refusal !== undefined) this.#refusals.set(blob, refusal);
    return LATER;
  }

  /** No command about `blob` waits any more. */
  goOn(blob: HostBlob): void {
    if (this.#waiting.size === 0) return;
    this.#waiting.delete(blob);
    this.#refusals.delete(blob);
  }

  /** Takes all ranges away, those that somebody waits for too. The blobs are no longer. */
  reset(): void {
    this.#count = 0;
    this.#waiting.clear();
    this.#refusals.clear();
    this.memory.reset();
  }

  /** How many ranges begin at `offsetBytes` or before. */
  #indexAfter(offsetBytes: number): number {
    let low = 0;
    for (let high = this.#count; low < high;) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! > offsetBytes) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #grow(): void {
    const starts = new Float64Array(this.#starts.length * 2);
    const ends = new Float64Array(this.#ends.length * 2);
    starts.set(this.#starts);
    ends.set(this.#ends);
    this.#starts = starts;
    this.#ends = ends;
  }
}

/** The books of a device's host visible memory; undefined when it has none. Throws `TypeError` for one without a renderer. */
export function makeWindow(
  memory: HostVisibleMemory | undefined,
  renderer: Renderer | undefined,
): WindowMap | undefined {
  if (memory === undefined) return undefined;
  if (renderer === undefined) throw new TypeError("Cannot make a VirtioGpu: hostVisibleMemory needs a renderer");
  return new WindowMap(memory, renderer);
}
