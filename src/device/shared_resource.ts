import type { GuestMemory } from "../memory/guest_memory.ts";
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

/** Copies bytes that the resource has; false when they are nowhere now. */
function copyBytes(
  { guest, renderer }: ResourceMemory,
  resource: Resource,
  start: number,
  lengthBytes: number,
  target: number,
): boolean {
  if (resource.kind === "3d") return false;
  if (resource.kind === "guestBlob") {
    const pages = resource.backing;
    if (pages === undefined || !pages.resolve()) return false;
    return guest.kernels.gatherBytes(pages.segments, pages.segmentCount, start, target, lengthBytes) === 0;
  }
  const address = resource.kind === "2d" ? resource.address : renderer!.blobAddress(resource.id);
  if (address === 0) return false;
  guest.bytes.copyWithin(target, address + start, address + start + lengthBytes);
  return true;
}
