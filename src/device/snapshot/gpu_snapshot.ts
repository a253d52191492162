import type { Rect } from "../../memory/rect.ts";

/**
 * All state that a driver has made of a `VirtioGpu`, as plain data. What an embedder said when it made the device is not in
 * it: a snapshot goes to a device with the same outputs and with limits that hold it.
 *
 * It holds 2D resources, blobs of guest memory, scanouts, cursors, and contexts that no command stream was submitted to. It
 * cannot hold what only a renderer knows: the objects in other contexts, 3D resources, host blobs (so nothing is mapped in
 * the host visible memory), and commands whose fence is not done. While a guest has any of these, no snapshot is taken:
 * `VirtioGpu.snapshot` throws an `Error` that counts them, and the guest goes on as before. A guest that draws by itself on a
 * device with a renderer, as Linux's console does until a program uses 3D, is snapshot like any other.
 */
export interface GpuSnapshot {
  /** The configuration space. Virtio 1.4, 5.7.4. */
  readonly config: ConfigSnapshot;
  /** The monitors; one for each scanout. */
  readonly outputs: readonly OutputSnapshot[];
  /** In the order in which they were made. */
  readonly resources: readonly ResourceSnapshot[];
  /** The contexts, in the order in which they were made; a snapshot of version 1 has no such field. */
  readonly contexts: readonly ContextSnapshot[];
  /** What each scanout shows; null when it shows nothing. */
  readonly scanouts: readonly (ScanoutSnapshot | null)[];
  /** The cursor of each scanout. */
  readonly cursors: readonly CursorSnapshot[];
}

/**
 * What changes in the configuration space, and what must be the same in both devices. A snapshot of a device without
 * capability sets or host visible memory goes to one with some, too: its driver uses neither.
 */
export interface ConfigSnapshot {
  /** The event bits that the driver has not cleared yet. */
  readonly eventsRead: number;
  /** The configuration's generation, modulo 2^32. */
  readonly generation: number;
  /** What BLOB_ALIGNMENT says; 1 when it is not offered. */
  readonly blobAlignment: number;
  /** The renderer's capability sets in their order, which the driver has read; none without a renderer. */
  readonly capsets: readonly CapsetSnapshot[];
  /** Length of the host visible memory, in bytes; 0 when there is none. */
  readonly hostVisibleBytes: number;
}

/** A capability set by what GET_CAPSET_INFO says of it. Its data is not here: renderers of one kind are taken to agree. */
export interface CapsetSnapshot {
  /** Its number. */
  readonly id: number;
  /** The newest version that the renderer knows. */
  readonly maxVersion: number;
  /** Bytes of its data. */
  readonly sizeBytes: number;
}

/** A monitor. */
export interface OutputSnapshot {
  /** Preferred width. */
  readonly widthPixels: number;
  /** Preferred height. */
  readonly heightPixels: number;
  /** Where its left edge stands, in pixels; null when that follows from the one before. */
  readonly x: number | null;
  /** Where its upper edge stands, in pixels; null when it is the top. */
  readonly y: number | null;
  /** Whether it is connected. */
  readonly isEnabled: boolean;
}

/** What every resource has. */
export interface AnyResourceSnapshot {
  /** Its number; not 0. */
  readonly id: number;
  /**
   * The guest pages that belong to it, as records of `virtio_gpu_mem_entry` (guest address u64, length u32, 4 bytes of 0);
   * null while none are attached. Where they lie in a memory is found out anew.
   */
  readonly backing: Uint8Array | null;
  /** The UUID by which other devices know it, as 32 hexadecimal digits; null until the driver asks for one. */
  readonly uuid: string | null;
}

/** A 2D resource with its pixels. */
export interface Resource2dSnapshot extends AnyResourceSnapshot {
  /** Which kind of resource. */
  readonly kind: "2d";
  /** The wire's number of its format. */
  readonly format: number;
  /** Its width. */
  readonly widthPixels: number;
  /** Its height. */
  readonly heightPixels: number;
  /** Its pixels of 4 bytes in its format, row after row without gaps. */
  readonly pixels: Uint8Array;
}

/** A blob of guest memory, whose bytes are the guest's and not here. */
export interface GuestBlobSnapshot extends AnyResourceSnapshot {
  /** Which kind of resource. */
  readonly kind: "guestBlob";
  /** Size in bytes. */
  readonly sizeBytes: number;
  /** Bits of `blob_flags`. */
  readonly flags: number;
}

/** Any resource. */
export type ResourceSnapshot = Resource2dSnapshot | GuestBlobSnapshot;

/** A context that the renderer has nothing in. It is made there again when its guest uses it first. */
export interface ContextSnapshot {
  /** Its number; not 0. */
  readonly id: number;
  /** The capability set that its command streams are of. */
  readonly capsetId: number;
  /** What the driver calls it, 64 characters at most. */
  readonly debugName: string;
  /** The numbers of the resources that it was attached to. */
  readonly attached: readonly number[];
}

/** What a scanout shows. */
export interface ScanoutSnapshot {
  /** Which resource. */
  readonly resourceId: number;
  /** The part of the picture that is shown, in its pixels. */
  readonly rect: Rect;
  /** The picture that SET_SCANOUT_BLOB has described; null for a 2D resource, which is one itself. */
  readonly framebuffer: FramebufferSnapshot | null;
  /** Nothing of it was shown yet: the next flush shows all of it. */
  readonly isStale: boolean;
}

/** A picture in a blob. */
export interface FramebufferSnapshot {
  /** The wire's number of its format. */
  readonly format: number;
  /** Distance from a row to the next, in bytes. */
  readonly strideBytes: number;
  /** Where its first pixel lies in the blob, in bytes. */
  readonly offsetBytes: number;
}

/** A cursor. */
export interface CursorSnapshot {
  /** Where its left edge is, in pixels; may be negative. */
  readonly x: number;
  /** Where its upper edge is, in pixels; may be negative. */
  readonly y: number;
  /** Its picture; null while it is hidden. */
  readonly image: CursorImageSnapshot | null;
}

/** The picture of a cursor. */
export interface CursorImageSnapshot {
  /** Its width. */
  readonly widthPixels: number;
  /** Its height. */
  readonly heightPixels: number;
  /** Column of the pixel that points. */
  readonly hotspotX: number;
  /** Row of the pixel that points. */
  readonly hotspotY: number;
  /** RGBA bytes, straight alpha, rows without gaps. */
  readonly rgba: Uint8Array;
}
