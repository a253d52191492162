import type { PageList } from "../memory/page_list.ts";
import type { Format } from "../protocol/wire.gen.ts";

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

/** What a resource id names. */
export type Resource = Resource2d | GuestBlob;
