import { PageList } from "../../memory/page_list.ts";
import { BYTES_PER_PIXEL, isFormat } from "../../protocol/formats.ts";
import { LATER, type Outcome } from "../../protocol/outcome.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import {
  RESOURCE_ATTACH_BACKING_SIZE,
  type ResourceAttachBacking,
  type ResourceCreate2d,
  type ResourceDetachBacking,
  type ResourceUnref,
} from "../../protocol/wire.gen.ts";
import { readBacking, releaseBacking } from "../backing.ts";
import type { GpuState, Request } from "../gpu_state.ts";
import { isBlob, type Resource } from "../resource.ts";
import { detachFromContext } from "./context.ts";
import { unmapForUnref } from "./map_blob.ts";

/** Makes a 2D resource of zeroed pixels in host memory. Virtio 1.4, 5.7.6.8 (RESOURCE_CREATE_2D). */
export function resourceCreate2d(gpu: GpuState, command: ResourceCreate2d): Reason | undefined {
  const { resourceId, format, width, height } = command;
  const refusal = gpu.resources.refuseId(resourceId);
  if (refusal !== undefined) return refusal;
  if (!isFormat(format)) return Reasons.formatUnknown;
  const hostBytes = width * height * BYTES_PER_PIXEL; // at most 2^66: a number cannot wrap
  if (hostBytes === 0) return Reasons.resourceEmpty;
  if (gpu.resources.isFull) return Reasons.resourcesFull;
  const address = gpu.resources.allocate(hostBytes);
  if (typeof address !== "number") return address;
  gpu.workBytes += hostBytes;
  gpu.resources.add({
    kind: "2d",
    id: resourceId,
    format,
    widthPixels: width,
    heightPixels: height,
    strideBytes: width * BYTES_PER_PIXEL,
    address,
    hostBytes,
    backing: undefined,
    uuid: undefined,
  });
  return undefined;
}

/**
 * Destroys a resource; scanouts that show it are disabled, and a blob that is mapped is unmapped.
 * Virtio 1.4, 5.7.6.8 (RESOURCE_UNREF).
 */
export function resourceUnref(gpu: GpuState, command: ResourceUnref): Outcome {
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  for (const scanout of gpu.scanouts) {
    if (scanout.resource === resource) scanout.disable();
  }
  if (unmapForUnref(gpu, resource) === LATER) return LATER;
  const isForeign = resource.kind === "2d" || resource.kind === "guestBlob";
  if (isForeign && gpu.renderer?.endForeign?.(resource.id) === LATER) return LATER;
  for (const context of gpu.contexts.contextsOf(resource.id)) { // another with its id would be attached else
    detachFromContext(gpu, gpu.renderer!, context, resource.id);
  }
  gpu.resources.remove(resource);
  gpu.contexts.forget(resource.id);
  return undefined;
}

/**
 * Gives a resource the guest pages that transfers read, or a blob its bytes.
 * Virtio 1.4, 5.7.6.8 (RESOURCE_ATTACH_BACKING); seed S7.
 */
export function resourceAttachBacking(
  gpu: GpuState,
  command: ResourceAttachBacking,
  request: Request,
): Reason | undefined {
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  if (!mayHavePages(resource)) return Reasons.hostBlobHasNoPages;
  if (resource.backing !== undefined) return Reasons.backingPresent;
  if (command.nrEntries === 0) return undefined;
  const minimumBytes = isBlob(resource) ? resource.sizeBytes : 0;
  const backing = readBacking(gpu, request, RESOURCE_ATTACH_BACKING_SIZE, command.nrEntries, minimumBytes);
  if (!(backing instanceof PageList)) return backing;
  resource.backing = backing;
  return undefined;
}

/** Takes a resource's guest pages away. Virtio 1.4, 5.7.6.8 (RESOURCE_DETACH_BACKING); seed S7. */
export function resourceDetachBacking(gpu: GpuState, command: ResourceDetachBacking): Reason | undefined {
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  if (!mayHavePages(resource)) return Reasons.hostBlobHasNoPages;
  if (resource.backing === undefined) return Reasons.backingMissing;
  releaseBacking(gpu, resource.backing);
  resource.backing = undefined;
  return undefined;
}

/** Whether guest pages can belong to a resource: to every one but a blob of host memory alone. */
function mayHavePages(resource: Resource): boolean {
  return resource.kind !== "hostBlob" || resource.hasGuestPages;
}
