import type { Rect } from "../../../src/memory/rect.ts";
import type { SegmentList } from "../../../src/memory/segment_list.ts";
import { LATER, type Outcome } from "../../../src/protocol/outcome.ts";
import type {
  MapInfo,
  ResourceCreate3d,
  TransferFromHost3d,
  TransferToHost3d,
} from "../../../src/protocol/wire.gen.ts";
import type { RemoteRenderer } from "../../../src/renderer/remote/remote_renderer.ts";
import type { RendererServer } from "../../../src/renderer/remote/renderer_server.ts";
import type { Capset, Renderer, RendererHost, ResourcePicture } from "../../../src/renderer/renderer.ts";

/** So often is a call asked again that the other side keeps from an answer. */
const MAX_STEPS = 100;

/** A remote renderer whose both sides live on one thread: each call lets them work until it is answered. */
export class SteppedRenderer implements Renderer {
  readonly capsets: readonly Capset[];
  readonly remote: RemoteRenderer;
  readonly server: RendererServer;

  constructor(remote: RemoteRenderer, server: RendererServer) {
    this.remote = remote;
    this.server = server;
    this.capsets = remote.capsets;
  }

  /** Lets both sides work until nothing is left to do. */
  step(): void {
    while (this.server.serve());
    this.remote.poll();
    while (this.server.serve());
    this.remote.poll();
  }

  readCapset(capsetId: number, version: number, target: Uint8Array): void {
    this.remote.readCapset(capsetId, version, target);
  }

  start(host: RendererHost): void {
    this.remote.start(host);
  }

  reset(): void {
    this.#tell(() => this.remote.reset());
  }

  createContext(contextId: number, capsetId: number, debugName: string): Outcome {
    return this.#ask(() => this.remote.createContext(contextId, capsetId, debugName));
  }

  destroyContext(contextId: number): void {
    this.#tell(() => this.remote.destroyContext(contextId));
  }

  attachResource(contextId: number, resourceId: number): void {
    this.#tell(() => this.remote.attachResource(contextId, resourceId));
  }

  detachResource(contextId: number, resourceId: number): void {
    this.#tell(() => this.remote.detachResource(contextId, resourceId));
  }

  endForeign(resourceId: number): Outcome {
    return this.#ask(() => this.remote.endForeign(resourceId));
  }

  submit(contextId: number, address: number, sizeBytes: number, ringIndex: number, slot: number): Outcome {
    const outcome = this.#ask(() => this.remote.submit(contextId, address, sizeBytes, ringIndex, slot));
    this.step();
    return outcome;
  }

  fence(slot: number): void {
    this.#tell(() => this.remote.fence(slot));
  }

  createResource(command: ResourceCreate3d): Outcome {
    return this.#ask(() => this.remote.createResource(command));
  }

  createBlob(contextId: number, low: number, high: number, resourceId: number, sizeBytes: number): Outcome {
    return this.#ask(() => this.remote.createBlob(contextId, low, high, resourceId, sizeBytes));
  }

  destroyResource(resourceId: number): void {
    this.#tell(() => this.remote.destroyResource(resourceId));
  }

  transferToHost(command: TransferToHost3d, pages: SegmentList): Outcome {
    const outcome = this.#ask(() => this.remote.transferToHost(command, pages));
    this.step();
    return outcome;
  }

  transferFromHost(command: TransferFromHost3d, pages: SegmentList): Outcome {
    return this.#ask(() => this.remote.transferFromHost(command, pages));
  }

  blobAddress(resourceId: number): number {
    return this.remote.blobAddress(resourceId);
  }

  blobMapInfo(resourceId: number): MapInfo | undefined {
    return this.remote.blobMapInfo(resourceId);
  }

  moveBlob(resourceId: number, address: number): Outcome {
    return this.#ask(() => this.remote.moveBlob(resourceId, address));
  }

  takeBlobBack(resourceId: number): Outcome {
    return this.#ask(() => this.remote.takeBlobBack(resourceId));
  }

  readPicture(resourceId: number, rect: Rect, picture: ResourcePicture): Outcome {
    return this.#ask(() => this.remote.readPicture(resourceId, rect, picture));
  }

  #tell(call: () => void): void {
    call();
    this.step();
  }

  #ask(call: () => Outcome): Outcome {
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const outcome = call();
      if (outcome !== LATER) return outcome;
      this.step();
    }
    return LATER;
  }
}
