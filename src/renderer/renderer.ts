import type { GuestMemory } from "../memory/guest_memory.ts";
import type { MemoryAccount } from "../memory/memory_account.ts";
import type { Rect } from "../memory/rect.ts";
import type { SegmentList } from "../memory/segment_list.ts";
import type { SharedResource } from "../memory/shared_resource.ts";
import type { Outcome } from "../protocol/outcome.ts";
import { NO_FENCE, NO_RING } from "../protocol/timeline.ts";
import type { MapInfo, ResourceCreate3d, TransferFromHost3d, TransferToHost3d } from "../protocol/wire.gen.ts";

/** A capability set: what contexts of one kind can do. Virtio 1.4, 5.7.6.9 (GET_CAPSET_INFO). */
export interface Capset {
  /** Its number, 1 to 63: Linux drops all sets when one is not. */
  readonly id: number;
  /** The newest version that the renderer knows. */
  readonly maxVersion: number;
  /** Bytes of its data, 4096 at most. */
  readonly sizeBytes: number;
}

export { NO_FENCE, NO_RING };

/** What a device does for its renderer. Every member may be used within a call of the renderer's and between calls. */
export interface RendererHost {
  /** The memory in which the device and its guest live. A renderer takes its blocks from `guest.heap`. */
  readonly guest: GuestMemory;
  /** The guest's account: what a renderer keeps for the guest is reserved here first, and released when it is freed. */
  readonly account: MemoryAccount;
  /** The work up to fence `slot` is done, and so is all earlier work of its timeline. A slot that is over is ignored. */
  fenceDone(slot: number): void;
  /**
   * Fence `slot` has no work after all: it is done as soon as the earlier ones of its timeline are. For a renderer that takes
   * command streams which it can only refuse later, as one on another thread does.
   */
  fenceRefused(slot: number): void;
  /** Something for which the renderer has answered `LATER` is known now. */
  resume(): void;
  /** A context has failed for good: its commands are refused until the driver destroys it. Its fences are done. */
  contextLost(contextId: number): void;
  /** The bytes of a resource that is not the renderer's, a 2D one or a guest blob; undefined when there is none. */
  resource(resourceId: number): SharedResource | undefined;
  /**
   * Where the bytes of such a resource lie: the address of the first when they are in one piece, or its guest pages, resolved.
   * Undefined when they lie nowhere, or may move at any time. Good until the device's next command.
   */
  locate(resourceId: number): number | SegmentList | undefined;
}

/** Where a part of a 3D resource's picture lies in the memory. The caller of `readPicture` owns the record. */
export interface ResourcePicture {
  /** Address of the first pixel of the picture, not of the part. */
  address: number;
  /** Distance from a row to the next, in bytes. The top row is the first one, whatever the resource's flags say. */
  strideBytes: number;
  /** The same picture in a form that only this renderer's own displays know, as a texture of a GPU; mostly undefined. */
  texture: unknown;
}

/**
 * Draws for a device: what stands behind VIRTIO_GPU_F_VIRGL. It keeps contexts, the objects in them, and the contents of
 * 3D resources and host blobs, all by the numbers that the device has checked: a context or resource that a call names
 * exists, one that a call makes does not, and kinds fit.
 *
 * No call throws, whatever the guest wrote into a command stream; what a guest gets wrong is a reason, or ends its context
 * (`RendererHost.contextLost`). Calls that answer with an `Outcome` may answer `LATER`: the device asks the same again after
 * `RendererHost.resume`, and asks nothing else that comes over the control queue before, unless it is reset. So a renderer
 * may live on another thread, and wait for a GPU.
 *
 * Command records belong to the device and are good during the call alone.
 */
export interface Renderer {
  /** The capability sets, at least one; a guest that names none means the first. They never change. */
  readonly capsets: readonly Capset[];
  /** Writes the data of set `capsetId` as of `version`, at most its `maxVersion`, into `target`: `sizeBytes` zeroes. */
  readCapset(capsetId: number, version: number, target: Uint8Array): void;

  /** The device that owns the renderer is made. Called once, before everything else. */
  start(host: RendererHost): void;
  /** Forgets contexts, objects, resources and fences, and gives all memory back; what is in flight is dropped. */
  reset(): void;
  /**
   * Whether it takes nothing more now: the device begins no command then before `RendererHost.resume`. For a
   * renderer whose work waits in memory of bounded size; others have no such member.
   */
  isFull?(): boolean;

  /** Makes a context for commands of set `capsetId`. `debugName` is the driver's, any text of 64 characters at most. */
  createContext(contextId: number, capsetId: number, debugName: string): Outcome;
  /** Ends a context with the objects in it that no resource was made from. Its fences need not be reported any more. */
  destroyContext(contextId: number): void;
  /** Lets a context use a resource, its own or another's: the renderer's, or one that `RendererHost.resource` finds. */
  attachResource(contextId: number, resourceId: number): void;
  /** Ends what `attachResource` began; the pair may not have been attached. */
  detachResource(contextId: number, resourceId: number): void;
  /**
   * A resource that is not the renderer's ends. It is there until the answer, which may be `LATER`; contexts are detached from
   * it then. For a renderer that reads such resources at other times than within calls; others have no such member.
   */
  endForeign?(resourceId: number): Outcome;

  /**
   * Carries out a command stream of `sizeBytes` bytes, a multiple of 4, at `address`: they are the renderer's to read during
   * the call. When `slot` is not `NO_FENCE`, `fenceDone(slot)` is called once this work and all before it in the timeline is
   * done: that of ring `ringIndex` of the context, 0 to 63, or for `NO_RING` the one that all contexts share. May be called
   * before `submit` returns. A refused stream has no fence.
   */
  submit(contextId: number, address: number, sizeBytes: number, ringIndex: number, slot: number): Outcome;
  /**
   * Calls `fenceDone(slot)` once all work that was asked for before is done: transfers and flushes, and what they wait for. It
   * need not wait for the rings of contexts, whatever the guest's fence is on.
   */
  fence(slot: number): void;

  /** Makes the 3D resource `command.resourceId`, zeroed. Virtio 1.4, 5.7.6.9 (RESOURCE_CREATE_3D). */
  createResource(command: ResourceCreate3d): Outcome;
  /**
   * Makes resource `resourceId` from the object that the context's command streams have made under the blob id, whose bytes
   * are `sizeBytes` or more: nothing is allocated. The object is used up; without such an object the answer is a reason.
   */
  createBlob(
    contextId: number,
    blobIdLow: number,
    blobIdHigh: number,
    resourceId: number,
    sizeBytes: number,
  ): Outcome;
  /** Ends a 3D resource or a blob, in every context; also while its bytes lie elsewhere by `moveBlob`. */
  destroyResource(resourceId: number): void;

  /**
   * Copies a box from `pages` into a resource. The renderer checks level and box against the resource, and the box's bytes
   * against the pages; a stride of 0 means rows, or layers, of the whole level without gaps. The work is over when the call returns or, with
   * work that a GPU has still to do, before the next fence. The pages are there when it is asked for the first time; asked
   * again after `LATER`, the renderer has to call `pages.resolve()` before it uses them. Virtio 1.4, 5.7.6.9.
   */
  transferToHost(command: TransferToHost3d, pages: SegmentList): Outcome;
  /**
   * Copies a box from a resource into `pages`, otherwise as `transferToHost`. The device tells `guest.onWrite` of the pages
   * when the call is over; a renderer that writes them later does so itself. Behind a `RendererServer` nothing may be written
   * once the call has answered, but for `LATER`.
   */
  transferFromHost(command: TransferFromHost3d, pages: SegmentList): Outcome;

  /** The address of a blob's bytes, asked at each use; 0 when they do not lie in the memory now. */
  blobAddress(resourceId: number): number;
  /** How a guest may cache a blob's bytes; undefined when they cannot be mapped at all. */
  blobMapInfo(resourceId: number): MapInfo | undefined;
  /**
   * Moves a blob's bytes to `address`, where there is room for them and from where the guest sees them; void when they are
   * there. Their memory of before is free then, and stays accounted for.
   */
  moveBlob(resourceId: number, address: number): Outcome;
  /** Moves a blob's bytes back to memory of the renderer's own; void when they are there. */
  takeBlobBack(resourceId: number): Outcome;

  /** Brings `rect` of a 3D resource's picture up to date and tells where it is, until it is asked again or the resource ends. */
  readPicture(resourceId: number, rect: Rect, picture: ResourcePicture): Outcome;
}
