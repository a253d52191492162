import type { PageList } from "../memory/page_list.ts";
import type { Format } from "../protocol/wire.gen.ts";
import type { Context } from "./context_table.ts";

/** What every resource has. */
interface AnyResource {
  /** Its number, chosen by the driver; not 0. */
  readonly id: number;
  /** Bytes of host memory that its contents take. */
  readonly hostBytes: number;
  /** The guest pages that belong to it, owned by the resource; undefined while none are attached. */
  backing: PageList | undefined;
  /** The UUID by which other devices know it, as 32 hexadecimal digits; undefined until the driver asks for one. */
  uuid: string | undefined;
}

/** A 2D resource: a picture in host memory, to which transfers bring the pixels of guest pages. Virtio 1.4, 5.7.6.8. */
export interface Resource2d extends AnyResource {
  readonly kind: "2d";
  /** Format of its pixels, 4 bytes each. */
  readonly format: Format;
  /** Width in pixels, 1 or more. */
  readonly widthPixels: number;
  /** Height in pixels, 1 or more. */
  readonly heightPixels: number;
  /** Distance from a row to the next, in bytes, here and in the backing: the rows have no gaps. */
  readonly strideBytes: number;
  /** Address of its pixels in host memory, owned by the resource. */
  readonly address: number;
}

/**
 * A blob of guest memory (BLOB_MEM_GUEST): its bytes are the guest's pages and nothing else, and what they mean is said by
 * whoever looks at them. Virtio 1.4, 5.7.6.8 (RESOURCE_CREATE_BLOB).
 */
export interface GuestBlob extends AnyResource {
  readonly kind: "guestBlob";
  /** Size in bytes, 1 or more; saturated at 2^53. Its backing is at least as long whenever there is one. */
  readonly sizeBytes: number;
  /** What the driver said it will do with it, bits of `BlobFlag`. */
  readonly flags: number;
}

/** A 3D resource: its contents are the renderer's. Virtio 1.4, 5.7.6.9 (RESOURCE_CREATE_3D). */
export interface Resource3d extends AnyResource {
  readonly kind: "3d";
  /** The renderer's number of its format, any u32; those of `Format` are formats of a scanout too. */
  readonly format: number;
  /** Width in texels, any u32. */
  readonly widthPixels: number;
  /** Height in texels, any u32. */
  readonly heightPixels: number;
}

/**
 * A blob of host memory (BLOB_MEM_HOST3D, and with guest pages beside it BLOB_MEM_HOST3D_GUEST): an object that a context's
 * commands have made, whose bytes are the renderer's. Virtio 1.4, 5.7.6.8 (RESOURCE_CREATE_BLOB).
 */
export interface HostBlob extends AnyResource {
  readonly kind: "hostBlob";
  /** Size in bytes, 1 or more; below 2^32. Its backing is at least as long whenever there is one. */
  readonly sizeBytes: number;
  /** What the driver said it will do with it, bits of `BlobFlag`. */
  readonly flags: number;
  /** Whether it may have guest pages, which transfers read and write (BLOB_MEM_HOST3D_GUEST). */
  readonly hasGuestPages: boolean;
  /** The context from whose object it was made; it may be gone, and another may have its id. */
  readonly context: Context;
  /** Where it lies in the host visible memory, in bytes; undefined while it is not mapped. */
  mappedAt: number | undefined;
}

/** What a resource id names. */
export type Resource = Resource2d | GuestBlob | Resource3d | HostBlob;

/** Whether a resource is a blob, which has a size, flags, and bytes that mean nothing by themselves. */
export function isBlob(resource: Resource): resource is GuestBlob | HostBlob {
  return resource.kind === "guestBlob" || resource.kind === "hostBlob";
}
