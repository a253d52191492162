import type { PageList } from "../memory/page_list.ts";
import type { Format } from "../protocol/wire.gen.ts";

/** A 2D resource: a picture in host memory, to which transfers bring the pixels of guest pages. Virtio 1.4, 5.7.6.8. */
export interface Resource2d {
  readonly kind: "2d";
  /** Its number, chosen by the driver; not 0. */
  readonly id: number;
  /** Format of its pixels, 4 bytes each. */
  readonly format: Format;
  /** Size in pixels, both 1 or more. */
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** Distance from a row to the next, in bytes, here and in the backing: the rows have no gaps. */
  readonly strideBytes: number;
  /** Address of its pixels in host memory, owned by the resource. */
  readonly address: number;
  /** Bytes of host memory that its pixels take. */
  readonly hostBytes: number;
  /** The guest pages that transfers read, owned by the resource; undefined while none are attached. */
  backing: PageList | undefined;
}

/** What a resource id names. */
export type Resource = Resource2d;
