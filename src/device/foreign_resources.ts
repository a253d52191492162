import type { SegmentList } from "../memory/segment_list.ts";
import type { SharedResource } from "../memory/shared_resource.ts";
import type { Resource } from "./resource.ts";
import type { ResourceTable } from "./resource_table.ts";
import { placeOf, type ResourceMemory, shareResource } from "./shared_resource.ts";

/** The resources that are not the renderer's, as the renderer sees them: 2D ones and guest blobs. */
export class ForeignResources {
  readonly #memory: ResourceMemory;
  readonly #resources: ResourceTable;
  /** What was made for a resource once: a context may use it in every command stream. */
  readonly #shared = new WeakMap<Resource, SharedResource>();

  /** Those of `resources`, whose bytes lie in `memory`. */
  constructor(memory: ResourceMemory, resources: ResourceTable) {
    this.#memory = memory;
    this.#resources = resources;
  }

  /** The bytes of resource `id`, any u32; undefined when there is none, or it is the renderer's. */
  find(id: number): SharedResource | undefined {
    const resource = this.#foreign(id);
    if (resource === undefined) return undefined;
    const known = this.#shared.get(resource);
    if (known !== undefined) return known;
    const shared = shareResource(this.#memory, resource, () => this.#resources.get(id) === resource);
    this.#shared.set(resource, shared);
    return shared;
  }

  /** The address of its bytes, or its guest pages, resolved; undefined when they lie nowhere, or there is no such resource. */
  locate(id: number): number | SegmentList | undefined {
    const resource = this.#foreign(id);
    return resource && placeOf(this.#memory, resource);
  }

  #foreign(id: number): Resource | undefined {
    const resource = this.#resources.get(id);
    return resource?.kind === "2d" || resource?.kind === "guestBlob" ? resource : undefined;
  }
}
