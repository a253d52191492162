import type { SegmentList } from "../../src/memory/segment_list.ts";
import { LATER, type Outcome } from "../../src/protocol/outcome.ts";
import { type Capset, NO_FENCE, type Renderer, type RendererHost } from "../../src/renderer/renderer.ts";

/** Work that was asked for: a command stream, or a fence behind all that came before. */
export interface HandWork {
  /** The context, or 0 for a fence alone. */
  contextId: number;
  ringIndex: number;
  slot: number;
  /** The command stream's words; none for a fence alone. */
  stream: number[];
}

/**
 * A renderer whose work is done when a test says so, in any order. It draws nothing and keeps nothing but notes of what was
 * asked for.
 */
export class HandRenderer implements Renderer {
  readonly capsets: readonly Capset[] = [{ id: 60, maxVersion: 1, sizeBytes: 64 }];
  /** Command streams and fences since the last `take`, fenced or not. */
  readonly work: HandWork[] = [];
  /** Other calls so far, a line each. */
  readonly calls: string[] = [];
  /** What the next calls of `createContext` and `submit` answer, in turn; nothing special when there is none. */
  readonly outcomes: Outcome[] = [];
  /** Whether all work is done within the call that asks for it. */
  isImmediate = false;
  /** Called within `submit`, before it answers. */
  onSubmit: ((work: HandWork) => void) | undefined;
  /** Called within `createContext`. */
  onCreateContext: (() => void) | undefined;
  host!: RendererHost;

  start(host: RendererHost): void {
    this.host = host;
  }

  reset(): void {
    this.calls.push("reset");
  }

  /** Says that the work of fence `slot` is done. */
  done(slot: number): void {
    this.host.fenceDone(slot);
  }

  /** Says it of the work with this number since the last `take`. */
  doneAt(index: number): void {
    this.done(this.work[index]!.slot);
  }

  /** Takes the notes of work. */
  take(): HandWork[] {
    return this.work.splice(0);
  }

  readCapset(_capsetId: number, _version: number, target: Uint8Array): void {
    target.fill(0x60);
  }

  createContext(contextId: number, capsetId: number, debugName: string): Outcome {
    this.calls.push(`createContext ${contextId} ${capsetId} ${debugName}`);
    this.onCreateContext?.();
    return this.outcomes.shift();
  }

  destroyContext(contextId: number): void {
    this.calls.push(`destroyContext ${contextId}`);
  }

  attachResource(): void {}

  detachResource(): void {}

  submit(contextId: number, address: number, sizeBytes: number, ringIndex: number, slot: number): Outcome {
    const stream = [...this.host.guest.words.subarray(address / 4, (address + sizeBytes) / 4)];
    const work = { contextId, ringIndex, slot, stream };
    const outcome = this.outcomes.shift();
    this.calls.push(`submit ${contextId} ${ringIndex} ${stream}${outcome === LATER ? " later" : ""}`);
    if (outcome === undefined) this.#begin(work);
    this.onSubmit?.(work);
    return outcome;
  }

  fence(slot: number): void {
    this.#begin({ contextId: 0, ringIndex: -1, slot, stream: [] });
  }

  createResource(): Outcome {
    return undefined;
  }

  createBlob(): Outcome {
    return undefined;
  }

  destroyResource(): void {}

  transferToHost(_command: unknown, _pages: SegmentList): Outcome {
    return undefined;
  }

  transferFromHost(_command: unknown, _pages: SegmentList): Outcome {
    return undefined;
  }

  blobAddress(): number {
    return 0;
  }

  blobMapInfo(): undefined {
    return undefined;
  }

  moveBlob(): Outcome {
    return undefined;
  }

  takeBlobBack(): Outcome {
    return undefined;
  }

  readPicture(): Outcome {
    return undefined;
  }

  #begin(work: HandWork): void {
    if (this.isImmediate) this.done(work.slot);
    else this.work.push(work);
  }
}

/** The slots of the fenced ones among pieces of work. */
export function slotsOf(work: readonly HandWork[]): number[] {
  return work.map(({ slot }) => slot).filter((slot) => slot !== NO_FENCE);
}
