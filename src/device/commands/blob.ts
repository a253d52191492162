import { PageList } from "../../memory/page_list.ts";
import { LATER, type Outcome } from "../../protocol/outcome.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import {
  BlobFlag,
  BlobMem,
  GpuFeature,
  RESOURCE_CREATE_BLOB_SIZE,
  type ResourceCreateBlob,
} from "../../protocol/wire.gen.ts";
import type { Renderer } from "../../renderer/renderer.ts";
import { hasFeature } from "../../virtio/virtio_device.ts";
import { readBacking, releaseBacking } from "../backing.ts";
import type { GpuState, Request } from "../gpu_state.ts";
import { makeContext } from "./context.ts";

/** All of `blob_flags` that mean something. */
export const KNOWN_BLOB_FLAGS: number = BlobFlag.UseMappable | BlobFlag.UseShareable | BlobFlag.UseCrossDevice;

/** Sizes of host blobs are below it: their bytes lie in one memory. */
const HOST_BLOB_END = 2 ** 32;

/**
 * Makes a blob. One of guest memory is the guest's pages; one of host memory, with guest pages or without, is an object that
 * the context's command streams have made. Nothing is allocated for its bytes here in either case. The pages come with the
 * command or later by ATTACH_BACKING. Virtio 1.4, 5.7.6.8 (RESOURCE_CREATE_BLOB); seed S1 to S5, S8 to S11.
 */
export function resourceCreateBlob(gpu: GpuState, command: ResourceCreateBlob, request: Request): Outcome {
  const { resourceId, blobMem } = command;
  const refusal = gpu.resources.refuseId(resourceId);
  if (refusal !== undefined) return refusal;
  if (blobMem === BlobMem.Guest) return createGuestBlob(gpu, command, request);
  const { renderer } = gpu;
  const isHost = blobMem === BlobMem.Host3d || blobMem === BlobMem.Host3dGuest;
  const isKnown = isHost && renderer !== undefined && hasFeature(gpu.features, GpuFeature.Virgl);
  return isKnown ? createHostBlob(gpu, renderer, command, request) : Reasons.blobMemUnknown;
}

function createGuestBlob(gpu: GpuState, command: ResourceCreateBlob, request: Request): Reason | undefined {
  const { resourceId, blobFlags, size } = command;
  const refusal = refuseParameters(gpu, command);
  if (refusal !== undefined) return refusal;
  if (gpu.resources.isFull) return Reasons.resourcesFull;
  const backing = readPages(gpu, command, request);
  if (backing !== undefined && !(backing instanceof PageList)) return backing;
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

function createHostBlob(gpu: GpuState, renderer: Renderer, command: ResourceCreateBlob, request: Request): Outcome {
  const { resourceId, ctxId, blobMem, blobFlags, blobIdLow, blobIdHigh, nrEntries, size } = command;
  const context = gpu.contexts.get(ctxId);
  if (context === undefined) return Reasons.contextUnknown;
  const refusal = refuseParameters(gpu, command);
  if (refusal !== undefined) return refusal;
  if (size >= HOST_BLOB_END) return Reasons.hostBlobTooLarge;
  const hasGuestPages = blobMem === BlobMem.Host3dGuest;
  if (nrEntries > 0 && !hasGuestPages) return Reasons.hostBlobWithEntries;
  if (gpu.resources.isFull) return Reasons.resourcesFull;
  if (context.isLost && !request.isAgain) return Reasons.contextLost;
  const pages = request.isAgain ? gpu.resources.takeWaitingBacking() : readPages(gpu, command, request);
  if (pages !== undefined && !(pages instanceof PageList)) return pages;
  gpu.resources.keepWaitingBacking(pages); // read once: what the guest makes of its entries meanwhile is no fault
  const outcome = makeContext(gpu, renderer, context) ??
    renderer.createBlob(ctxId, blobIdLow, blobIdHigh, resourceId, size);
  if (outcome === LATER) return outcome;
  const backing = gpu.resources.takeWaitingBacking(); // gone, if somebody has reset the device within the call
  if (outcome !== undefined) {
    if (backing !== undefined) releaseBacking(gpu, backing);
    return outcome;
  }
  context.isUsed = true;
  gpu.resources.add({
    kind: "hostBlob",
    id: resourceId,
    sizeBytes: size,
    flags: blobFlags,
    hasGuestPages,
    context,
    mappedAt: undefined,
    hostBytes: 0, // the renderer has reserved them for the object
    backing,
    uuid: undefined,
  });
  return undefined;
}

/** Why a blob of any kind cannot be made like this, or undefined. */
function refuseParameters(gpu: GpuState, { blobFlags, size }: ResourceCreateBlob): Reason | undefined {
  if ((blobFlags & ~KNOWN_BLOB_FLAGS) !== 0) return Reasons.blobFlagsUnknown;
  if (size === 0 || size % gpu.blobAlignment !== 0) return Reasons.blobSizeInvalid;
  return undefined;
}

/** The pages that come with the command, or undefined when none do. */
function readPages(
  gpu: GpuState,
  { nrEntries, size }: ResourceCreateBlob,
  request: Request,
): PageList | Reason | undefined {
  if (nrEntries === 0) return undefined;
  return readBacking(gpu, request, RESOURCE_CREATE_BLOB_SIZE, nrEntries, size);
}
