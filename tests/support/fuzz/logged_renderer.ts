import type { Rect } from "../../../src/memory/rect.ts";
import type { SegmentList } from "../../../src/memory/segment_list.ts";
import { LATER, type Outcome } from "../../../src/protocol/outcome.ts";
import type {
  MapInfo,
  ResourceCreate3d,
  TransferFromHost3d,
  TransferToHost3d,
} from "../../../src/protocol/wire.gen.ts";
import {
  type Capset,
  NO_FENCE,
  NO_RING,
  type Renderer,
  type RendererHost,
  type ResourcePicture,
} from "../../../src/renderer/renderer.ts";
import { SEGMENT_BYTES } from "../../../src/wasm/layout.gen.ts";
import type { ReferenceRenderer } from "../renderer/reference_renderer.ts";

/** What the device has asked of its renderer, in words of its own: the model of the device says the same. */
export interface LoggedCall {
  /** The member's name, or "contextLost", which the renderer calls itself. */
  readonly name: string;
  /** What was given, as text. */
  readonly given: string;
  /** The answer's response type; 0 when it was done, or there is none. */
  outcome: number;
}

/**
 * The reference renderer with a log of what changes something in it. It fails when a call that has answered `LATER` is asked
 * again with something else given.
 */
export class LoggedRenderer implements Renderer {
  readonly capsets: readonly Capset[];
  /** The calls so far, in order. */
  readonly calls: LoggedCall[] = [];
  /** The guest's pages that transfers may have written, as offsets in the memory. */
  readonly written: { offset: number; length: number }[] = [];
  /** The renderer itself. */
  readonly inner: ReferenceRenderer;
  readonly #windowAddress: number;
  /** The fences of streams that are to be reported still, each with the context whose ring it is of; 0 for none. */
  readonly #fences = new Map<number, number>();
  /** The call that has answered `LATER`. */
  #waiting = "";
  #host: RendererHost | undefined;

  /** In front of `inner`; addresses are told as offsets from `windowAddress`. */
  constructor(inner: ReferenceRenderer, windowAddress: number) {
    this.inner = inner;
    this.capsets = inner.capsets;
    this.#windowAddress = windowAddress;
  }

  /** The calls so far, which are forgotten. */
  takeCalls(): LoggedCall[] {
    return this.calls.splice(0);
  }

  /** How many fences of streams are still to be reported. */
  get openFences(): number {
    return this.#fences.size;
  }

  /** What transfers may have written since this was last asked. */
  takeWritten(): { offset: number; length: number }[] {
    return this.written.splice(0);
  }

  readCapset(capsetId: number, version: number, target: Uint8Array): void {
    this.inner.readCapset(capsetId, version, target);
  }

  start(host: RendererHost): void {
    this.#host = host;
    this.inner.start({
      ...host,
      contextLost: (contextId) => {
        this.#log("contextLost", contextId);
        this.#endFences(contextId);
        host.contextLost(contextId);
      },
      fenceDone: (slot) => {
        this.#fences.delete(slot);
        host.fenceDone(slot);
      },
    });
  }

  reset(): void {
    this.calls.length = 0;
    this.written.length = 0;
    this.#fences.clear();
    this.#waiting = "";
    this.inner.reset();
  }

  createContext(contextId: number, capsetId: number, debugName: string): Outcome {
    const call = this.#log("createContext", contextId, capsetId, debugName);
    return this.#answer(call, this.inner.createContext(contextId, capsetId, debugName));
  }

  destroyContext(contextId: number): void {
    this.#log("destroyContext", contextId);
    this.#endFences(contextId);
    this.inner.destroyContext(contextId);
  }

  attachResource(contextId: number, resourceId: number): void {
    this.#log("attachResource", contextId, resourceId);
    this.inner.attachResource(contextId, resourceId);
  }

  detachResource(contextId: number, resourceId: number): void {
    this.#log("detachResource", contextId, resourceId);
    this.inner.detachResource(contextId, resourceId);
  }

  submit(contextId: number, address: number, sizeBytes: number, ringIndex: number, slot: number): Outcome {
    const stream = this.#host!.guest.bytes.slice(address, address + sizeBytes);
    const call = this.#log("submit", contextId, stream.join(), ringIndex, slot !== NO_FENCE);
    if (slot !== NO_FENCE) this.#fences.set(slot, ringIndex === NO_RING ? 0 : contextId);
    const outcome = this.inner.submit(contextId, address, sizeBytes, ringIndex, slot);
    if (outcome !== undefined) this.#fences.delete(slot);
    return this.#answer(call, outcome);
  }

  fence(slot: number): void {
    this.inner.fence(slot); // it may be of a ring that ends before
  }

  createResource(command: ResourceCreate3d): Outcome {
    const { resourceId, target, format, bind, width, height, depth, arraySize, lastLevel, nrSamples } = command;
    const size = [width, height, depth, arraySize, lastLevel, nrSamples];
    const call = this.#log("createResource", resourceId, target, format, bind, ...size, command.resourceFlags);
    return this.#answer(call, this.inner.createResource(command));
  }

  createBlob(
    contextId: number,
    blobIdLow: number,
    blobIdHigh: number,
    resourceId: number,
    sizeBytes: number,
  ): Outcome {
    const call = this.#log("createBlob", contextId, blobIdLow, blobIdHigh, resourceId, sizeBytes);
    return this.#answer(call, this.inner.createBlob(contextId, blobIdLow, blobIdHigh, resourceId, sizeBytes));
  }

  destroyResource(resourceId: number): void {
    this.#log("destroyResource", resourceId);
    this.inner.destroyResource(resourceId);
  }

  transferToHost(command: TransferToHost3d, pages: SegmentList): Outcome {
    return this.#answer(this.#logTransfer("transferToHost", command), this.inner.transferToHost(command, pages));
  }

  transferFromHost(command: TransferFromHost3d, pages: SegmentList): Outcome {
    const call = this.#logTransfer("transferFromHost", command);
    const outcome = this.inner.transferFromHost(command, pages);
    if (outcome === undefined) this.#noteWritten(pages);
    return this.#answer(call, outcome);
  }

  blobAddress(resourceId: number): number {
    return this.inner.blobAddress(resourceId);
  }

  blobMapInfo(resourceId: number): MapInfo | undefined {
    return this.inner.blobMapInfo(resourceId);
  }

  moveBlob(resourceId: number, address: number): Outcome {
    const call = this.#log("moveBlob", resourceId, address - this.#windowAddress);
    return this.#answer(call, this.inner.moveBlob(resourceId, address));
  }

  takeBlobBack(resourceId: number): Outcome {
    return this.#answer(this.#log("takeBlobBack", resourceId), this.inner.takeBlobBack(resourceId));
  }

  readPicture(resourceId: number, rect: Rect, picture: ResourcePicture): Outcome {
    return this.inner.readPicture(resourceId, rect, picture);
  }

  #endFences(contextId: number): void {
    for (const [slot, owner] of this.#fences) if (owner === contextId) this.#fences.delete(slot);
  }

  #noteWritten({ segments, segmentCount }: SegmentList): void {
    const { words } = this.#host!.guest;
    for (let index = 0; index < segmentCount; index++) {
      const at = (segments + index * SEGMENT_BYTES) >>> 2;
      const length = words[at + (SEGMENT_BYTES >>> 2)]! - words[at]!; // from this start to the next
      this.written.push({ offset: words[at + 1]!, length });
    }
  }

  #logTransfer(name: string, command: TransferToHost3d | TransferFromHost3d): LoggedCall {
    const { resourceId, level, box: { x, y, z, w, h, d }, offset, stride, layerStride } = command;
    return this.#log(name, resourceId, level, x, y, z, w, h, d, offset, stride, layerStride);
  }

  #log(name: string, ...given: (number | string | boolean)[]): LoggedCall {
    const call = { name, given: given.join(), outcome: 0 };
    this.calls.push(call);
    return call;
  }

  #answer(call: LoggedCall, outcome: Outcome): Outcome {
    const text = `${call.name}(${call.given})`;
    if (this.#waiting !== "" && this.#waiting !== text) {
      throw new Error(`The device has asked ${this.#waiting}, and now asks ${text}`);
    }
    this.#waiting = outcome === LATER ? text : "";
    if (outcome === LATER) this.calls.pop(); // it will be asked again
    else if (outcome !== undefined) call.outcome = outcome.response;
    return outcome;
  }
}
