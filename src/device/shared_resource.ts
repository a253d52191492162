import type { GuestMemory } from "../memory/guest_memory.ts";
import type { SegmentList } from "../memory/segment_list.ts";
import type { SharedResource } from "../memory/shared_resource.ts";
import type { Renderer } from "../renderer/renderer.ts";
import type { Resource } from "./resource.ts";

/** The memory in which resources' bytes are found. */
export interface ResourceMemory {
  /** The guest's and the device's. */
  readonly guest: GuestMemory;
  /** Knows where host blobs lie. */
  readonly renderer: Renderer | undefined;
}

/**
 * Lets somebody else of this host read `resource` for as long as `isAlive` says so. The contents of a 3D resource have no
 * bytes that others understand: its size is 0, and nothing can be read.
 */
export function shareResource(memory: ResourceMemory, resource: Resource, isAlive: () => boolean): SharedResource {
  const sizeBytes = sizeOf(resource);
  return {
    sizeBytes,
    read(start, lengthBytes, target) {
      if (!isAlive()) return false;
      if (!(start >= 0 && lengthBytes >= 0 && start + lengthBytes <= sizeBytes)) return false;
      return copyBytes(memory, resource, start, lengthBytes, target);
    },
  };
}

function sizeOf(resource: Resource): number {
  switch (resource.kind) {
    case "2d":
      return resource.hostBytes;
    case "3d":
      return 0;
    case "guestBlob":
    case "hostBlob":
      return resource.sizeBytes;
  }
}

/** Where a resource's bytes lie now: an address, or its guest pages, resolved. Undefined when they are nowhere. */
export function placeOf({ renderer }: ResourceMemory, resource: Resource): number | SegmentList | undefined {
  switch (resource.kind) {
    case "2d":
      return resource.address;
    case "3d":
      return undefined;
    case "guestBlob":
      return resource.backing?.resolve() ? resource.backing : undefined;
    case "hostBlob":
      return renderer!.blobAddress(resource.id) || undefined;
  }
}

/** Copies bytes that the resource has; false when they are nowhere now. */
function copyBytes(
  memory: ResourceMemory,
  resource: Resource,
  start: number,
  lengthBytes: number,
  target: number,
): boolean {
  const { guest } = memory;
  const place = placeOf(memory, resource);
  if (place === undefined) return false;
  if (typeof place === "object") {
    return guest.kernels.gatherBytes(place.segments, place.segmentCount, start, target, lengthBytes) === 0;
  }
  guest.bytes.copyWithin(target, place + start, place + start + lengthBytes);
  return true;
}
