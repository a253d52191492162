import type { Rect } from "../../src/memory/rect.ts";
import type { SegmentList } from "../../src/memory/segment_list.ts";
import type { Outcome } from "../../src/protocol/outcome.ts";
import {
  MapInfo,
  type ResourceCreate3d,
  type TransferFromHost3d,
  type TransferToHost3d,
} from "../../src/protocol/wire.gen.ts";
import type { Capset, Renderer, RendererHost, ResourcePicture } from "../../src/renderer/renderer.ts";

/** One call of the device: the member's name and what it was given. */
export type Call = [name: string, ...given: unknown[]];

/** The members that answer with an outcome. */
export type Question =
  | "createContext"
  | "submit"
  | "createResource"
  | "createBlob"
  | "transferToHost"
  | "transferFromHost"
  | "moveBlob"
  | "takeBlobBack"
  | "readPicture";

/**
 * A renderer that draws nothing, notes what the device asks of it, and answers what a test says. Fences are done at once. It
 * fails the test when the device breaks the interface's promise about numbers: that what is named exists.
 */
export class RecordingRenderer implements Renderer {
  readonly capsets: readonly Capset[];
  /** The calls so far, without `start`, `reset`, `fence` and questions about where bytes are. */
  readonly calls: Call[] = [];
  /** How often the device has reset it; a driver begins with one. */
  resets = 0;
  /** The device's side. */
  host!: RendererHost;
  /** Where the bytes of each blob lie; those of others lie nowhere. */
  readonly addresses = new Map<number, number>();
  /** Where the pictures of all 3D resources are; nowhere unless a test says so. */
  picture: ResourcePicture = { address: 0, strideBytes: 0, texture: undefined };
  readonly #answers = new Map<Question, Outcome[]>();
  readonly #contexts = new Set<number>();
  readonly #resources = new Set<number>();

  /** With two capability sets, or those of a test. */
  constructor(capsets: readonly Capset[] = [
    { id: 60, maxVersion: 1, sizeBytes: 64 },
    { id: 61, maxVersion: 2, sizeBytes: 160 },
  ]) {
    this.capsets = capsets;
  }

  /** Says what the next calls of a member answer, one after the other; those after them are done at once. */
  answer(question: Question, ...outcomes: Outcome[]): void {
    this.#answers.set(question, outcomes);
  }

  /** The calls so far, which are forgotten. */
  takeCalls(): Call[] {
    return this.calls.splice(0);
  }

  /** The contexts and resources that the device has made here and not ended. */
  get alive(): { contexts: number[]; resources: number[] } {
    return { contexts: [...this.#contexts], resources: [...this.#resources] };
  }

  start(host: RendererHost): void {
    this.host = host;
  }

  reset(): void {
    this.resets++;
    this.#contexts.clear();
    this.#resources.clear();
  }

  /** Fills the set with bytes of its version. */
  readCapset(capsetId: number, version: number, target: Uint8Array): void {
    this.calls.push(["readCapset", capsetId, version, [...target]]);
    target.fill(0x10 + version);
  }

  createContext(contextId: number, capsetId: number, debugName: string): Outcome {
    expect(!this.#contexts.has(contextId), `context ${contextId} exists`);
    const outcome = this.#ask("createContext", contextId, capsetId, debugName);
    if (outcome === undefined) this.#contexts.add(contextId);
    return outcome;
  }

  destroyContext(contextId: number): void {
    this.calls.push(["destroyContext", contextId]);
    expect(this.#contexts.delete(contextId), `no context ${contextId}`);
  }

  attachResource(contextId: number, resourceId: number): void {
    this.#expectContext(contextId);
    this.#expectKnown(resourceId);
    this.calls.push(["attachResource", contextId, resourceId]);
  }

  detachResource(contextId: number, resourceId: number): void {
    this.#expectContext(contextId);
    this.#expectKnown(resourceId);
    this.calls.push(["detachResource", contextId, resourceId]);
  }

  /** Notes the words of the stream, not where they are; a fence is noted as true. */
  submit(contextId: number, address: number, sizeBytes: number, ringIndex: number, slot: number): Outcome {
    this.#expectContext(contextId);
    const words = [...this.host.guest.words.subarray(address >>> 2, (address + sizeBytes) >>> 2)];
    const outcome = this.#ask("submit", contextId, words, ringIndex, slot !== 0);
    if (outcome === undefined) this.host.fenceDone(slot);
    return outcome;
  }

  fence(slot: number): void {
    this.host.fenceDone(slot);
  }

  createResource(command: ResourceCreate3d): Outcome {
    return this.#make("createResource", command.resourceId, { ...command });
  }

  createBlob(
    contextId: number,
    blobIdLow: number,
    blobIdHigh: number,
    resourceId: number,
    sizeBytes: number,
  ): Outcome {
    this.#expectContext(contextId);
    return this.#make("createBlob", resourceId, contextId, blobIdLow, blobIdHigh, resourceId, sizeBytes);
  }

  destroyResource(resourceId: number): void {
    this.calls.push(["destroyResource", resourceId]);
    expect(this.#resources.delete(resourceId), `no resource ${resourceId}`);
  }

  transferToHost(command: TransferToHost3d, pages: SegmentList): Outcome {
    return this.#transfer("transferToHost", command, pages);
  }

  transferFromHost(command: TransferFromHost3d, pages: SegmentList): Outcome {
    return this.#transfer("transferFromHost", command, pages);
  }

  blobAddress(resourceId: number): number {
    this.#expectResource(resourceId);
    return this.addresses.get(resourceId) ?? 0;
  }

  blobMapInfo(resourceId: number): MapInfo | undefined {
    this.#expectResource(resourceId);
    return MapInfo.Cached;
  }

  moveBlob(resourceId: number, address: number): Outcome {
    this.#expectResource(resourceId);
    return this.#ask("moveBlob", resourceId, address);
  }

  takeBlobBack(resourceId: number): Outcome {
    this.#expectResource(resourceId);
    return this.#ask("takeBlobBack", resourceId);
  }

  readPicture(resourceId: number, rect: Rect, picture: ResourcePicture): Outcome {
    this.#expectResource(resourceId);
    Object.assign(picture, this.picture);
    return this.#ask("readPicture", resourceId, { ...rect });
  }

  #transfer(
    name: "transferToHost" | "transferFromHost",
    command: TransferToHost3d | TransferFromHost3d,
    pages: SegmentList,
  ) {
    this.#expectResource(command.resourceId);
    return this.#ask(name, { ...command, box: { ...command.box } }, pages.totalBytes);
  }

  #make(name: "createResource" | "createBlob", resourceId: number, ...given: unknown[]): Outcome {
    expect(!this.#resources.has(resourceId), `resource ${resourceId} exists`);
    const outcome = this.#ask(name, ...given);
    if (outcome === undefined) this.#resources.add(resourceId);
    return outcome;
  }

  #ask(question: Question, ...given: unknown[]): Outcome {
    this.calls.push([question, ...given]);
    return this.#answers.get(question)?.shift();
  }

  #expectContext(contextId: number): void {
    expect(this.#contexts.has(contextId), `no context ${contextId}`);
  }

  #expectResource(resourceId: number): void {
    expect(this.#resources.has(resourceId), `no resource ${resourceId}`);
  }

  #expectKnown(resourceId: number): void {
    const isKnown = this.#resources.has(resourceId) || this.host.resource(resourceId) !== undefined;
    expect(isKnown, `no resource ${resourceId}`);
  }
}

function expect(isSo: boolean, broken: string): void {
  if (!isSo) throw new Error(`The device breaks its promise to the renderer: ${broken}`);
}
