import type { GuestMemory } from "../memory/guest_memory.ts";
import type { Resource } from "./resource.ts";

/**
 * A resource as another virtio device of the same host sees it: bytes, which both find in the same memory. Once the driver
 * has destroyed the resource, nothing can be read any more.
 */
export interface SharedResource {
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /**
   * Copies `lengthBytes` bytes from position `start` of the resource to the address `target` in the device's memory. False,
   * with nothing copied, when they are not all in the resource, or its guest pages are not there.
   */
  read(start: number, lengthBytes: number, target: number): boolean;
}

/** Lets another device read `resource` for as long as `isAlive` says so. */
export function shareResource(guest: GuestMemory, resource: Resource, isAlive: () => boolean): SharedResource {
  const sizeBytes = resource.kind === "2d" ? resource.hostBytes : resource.sizeBytes;
  return {
    sizeBytes,
    read(start, lengthBytes, target) {
      if (!isAlive()) return false;
      if (!(start >= 0 && lengthBytes >= 0 && start + lengthBytes <= sizeBytes)) return false;
      if (resource.kind === "2d") {
        guest.bytes.copyWithin(target, resource.address + start, resource.address + start + lengthBytes);
        return true;
      }
      const pages = resource.backing;
      if (pages === undefined || !pages.resolve()) return false;
      return guest.kernels.gatherBytes(pages.segments, pages.segmentCount, start, target, lengthBytes) === 0;
    },
  };
}
