import { PageList } from "../../memory/page_list.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import {
  BlobFlag,
  BlobMem,
  RESOURCE_CREATE_BLOB_SIZE,
  type ResourceCreateBlob,
  type ResourceMapBlob,
  type ResourceUnmapBlob,
} from "../../protocol/wire.gen.ts";
import { readBacking } from "../backing.ts";
import type { GpuState, Request } from "../gpu_state.ts";

/** All of `blob_flags` that mean something. */
export const KNOWN_BLOB_FLAGS: number = BlobFlag.UseMappable | BlobFlag.UseShareable | BlobFlag.UseCrossDevice;

/**
 * Makes a blob of guest memory, whose bytes are the guest's pages: nothing is allocated for them here. The pages come with
 * the command or later by ATTACH_BACKING. Virtio 1.4, 5.7.6.8 (RESOURCE_CREATE_BLOB); seed S1, S4, S5, S8, S9.
 */
export function resourceCreateBlob(
  gpu: GpuState,
  command: ResourceCreateBlob,
  request: Request,
): Reason | undefined {
  const { resourceId, blobMem, blobFlags, nrEntries, size } = command;
  const refusal = gpu.resources.refuseId(resourceId);
  if (refusal !== undefined) return refusal;
  if (blobMem !== BlobMem.Guest) return Reasons.blobMemUnknown; // the host kinds need VIRGL
  if ((blobFlags & ~KNOWN_BLOB_FLAGS) !== 0) return Reasons.blobFlagsUnknown;
  if (size === 0 || size % gpu.blobAlignment !== 0) return Reasons.blobSizeInvalid;
  if (gpu.resources.isFull) return Reasons.resourcesFull;
  let backing: PageList | undefined;
  if (nrEntries > 0) {
    const pages = readBacking(gpu, request, RESOURCE_CREATE_BLOB_SIZE, nrEntries, size);
    if (!(pages instanceof PageList)) return pages;
    backing = pages;
  }
  gpu.resources.add({
    kind: "guestBlob",
    id: resourceId,
    sizeBytes: size,
    flags: blobFlags,
    hostBytes: 0,
    backing,
    uuid: undefined,
  });
  return undefined;
}

/** Refuses: there is no host visible memory region. Virtio 1.4, 5.7.6.9 (RESOURCE_MAP_BLOB). */
export function resourceMapBlob(gpu: GpuState, command: ResourceMapBlob): Reason {
  return gpu.resources.get(command.resourceId) === undefined ? Reasons.resourceUnknown : Reasons.windowMissing;
}

/** Refuses: nothing is mapped. Virtio 1.4, 5.7.6.9 (RESOURCE_UNMAP_BLOB). */
export function resourceUnmapBlob(gpu: GpuState, command: ResourceUnmapBlob): Reason {
  return gpu.resources.get(command.resourceId) === undefined ? Reasons.resourceUnknown : Reasons.notMapped;
}
