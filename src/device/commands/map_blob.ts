import { LATER, type Outcome } from "../../protocol/outcome.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import {
  BlobFlag,
  MapInfo,
  type ResourceMapBlob,
  type ResourceUnmapBlob,
  RESP_MAP_INFO_SIZE,
  ResponseType,
  writeRespMapInfo,
} from "../../protocol/wire.gen.ts";
import { type GpuState, undeclared } from "../gpu_state.ts";
import type { HostBlob, Resource } from "../resource.ts";
import { MapStep, type WindowMap } from "../window_map.ts";

/**
 * Moves a host blob's bytes into the window, to the offset that the guest has chosen: from then on host and guest see each
 * other's writes. Virtio 1.4, 5.7.6.9 (RESOURCE_MAP_BLOB); seed S19, S20. Window and renderer may answer `LATER`: carried
 * out again, the command goes on where it stopped. When either refuses, everything is as it was before.
 */
export function resourceMapBlob(gpu: GpuState, command: ResourceMapBlob): Outcome {
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  const { window } = gpu;
  if (window === undefined) return Reasons.windowMissing;
  if (resource.kind !== "hostBlob" || resource.hasGuestPages) return Reasons.notHostBlob;
  const outcome = mapBlobOrLeave(gpu, window, resource, command);
  if (outcome !== undefined) return outcome;
  const at = gpu.reply.withData(ResponseType.OkMapInfo, RESP_MAP_INFO_SIZE);
  writeRespMapInfo(gpu.guest.words, at, { mapInfo: window.renderer.blobMapInfo(resource.id) ?? MapInfo.None });
  return undefined;
}

/**
 * Moves a host blob's bytes out of the window, back to memory of the renderer's. Virtio 1.4, 5.7.6.9 (RESOURCE_UNMAP_BLOB).
 * `LATER` as for `resourceMapBlob`; refused, it leaves the blob mapped.
 */
export function resourceUnmapBlob(gpu: GpuState, command: ResourceUnmapBlob): Outcome {
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  const { window } = gpu;
  if (window === undefined || resource.kind !== "hostBlob") return Reasons.notMapped;
  switch (window.stepOf(resource)) {
    case MapStep.Unmapped:
      return Reasons.notMapped;
    case MapStep.Mapped:
      return takeOut(gpu, window, resource);
    case MapStep.Returning:
      return putBack(gpu, window, resource, window.refusalOf(resource)!);
    default:
      return close(gpu, window, resource);
  }
}

/**
 * Takes the range of a resource that is about to be destroyed out of the window, if it has one; its bytes go with it. The
 * answer is `LATER` or nothing: what a window will not give back stays taken until the device is reset.
 */
export function unmapForUnref({ window }: GpuState, resource: Resource): Outcome {
  const isMapped = window !== undefined && resource.kind === "hostBlob" && resource.mappedAt !== undefined;
  if (!isMapped) return undefined;
  const outcome = closeRange(window, resource);
  if (outcome === LATER) return window.wait(resource, MapStep.Closing);
  leave(window, resource, outcome === undefined);
  return undefined;
}

/** When window or renderer throws, the range stays taken until the device is reset: the guest may see it. */
function mapBlobOrLeave(gpu: GpuState, window: WindowMap, blob: HostBlob, command: ResourceMapBlob): Outcome {
  try {
    return mapBlob(gpu, window, blob, command);
  } catch (error) {
    leave(window, blob, false);
    throw error;
  }
}

function mapBlob(gpu: GpuState, window: WindowMap, blob: HostBlob, command: ResourceMapBlob): Outcome {
  switch (window.stepOf(blob)) {
    case MapStep.Opening:
      return open(gpu, window, blob);
    case MapStep.Entering:
      return enter(gpu, window, blob);
    case MapStep.Undoing:
      return undo(window, blob, window.refusalOf(blob)!);
    default: {
      const refusal = refuse(gpu, window, blob, command);
      if (refusal !== undefined) return refusal;
      blob.mappedAt = command.offset;
      return open(gpu, window, blob);
    }
  }
}

/** Why the blob may not be mapped there; undefined once the range is its. */
function refuse(gpu: GpuState, window: WindowMap, blob: HostBlob, command: ResourceMapBlob): Reason | undefined {
  const { offset } = command;
  const misplaced = window.refusePlace(offset, blob.sizeBytes, gpu.blobAlignment);
  if (misplaced !== undefined) return misplaced;
  if (blob.mappedAt !== undefined) return Reasons.alreadyMapped;
  if ((blob.flags & BlobFlag.UseMappable) === 0) {
    const refusal = undeclared(gpu, command.type, Reasons.mappableUndeclared);
    if (refusal !== undefined) return refusal;
  }
  if (window.renderer.blobMapInfo(blob.id) === undefined) return Reasons.notMappable;
  return window.take(offset, blob.sizeBytes) ? undefined : Reasons.mapOverlaps;
}

function open(gpu: GpuState, window: WindowMap, blob: HostBlob): Outcome {
  const outcome = window.memory.map(blob.mappedAt!, window.roundUp(blob.sizeBytes));
  if (outcome === LATER) return window.wait(blob, MapStep.Opening);
  if (outcome !== undefined) {
    leave(window, blob, true);
    return outcome;
  }
  clearRest(gpu, window, blob);
  return enter(gpu, window, blob);
}

function enter(gpu: GpuState, window: WindowMap, blob: HostBlob): Outcome {
  const outcome = moveIn(gpu, window, blob);
  if (outcome === LATER) return window.wait(blob, MapStep.Entering);
  return outcome === undefined ? undefined : undo(window, blob, outcome);
}

function undo(window: WindowMap, blob: HostBlob, refusal: Reason): Outcome {
  const outcome = closeRange(window, blob);
  if (outcome === LATER) return window.wait(blob, MapStep.Undoing, refusal);
  leave(window, blob, outcome === undefined);
  return refusal;
}

function takeOut(gpu: GpuState, window: WindowMap, blob: HostBlob): Outcome {
  const outcome = window.renderer.takeBlobBack(blob.id);
  if (outcome !== undefined) return outcome;
  hasMoved(gpu, blob);
  return close(gpu, window, blob);
}

function close(gpu: GpuState, window: WindowMap, blob: HostBlob): Outcome {
  const outcome = closeRange(window, blob);
  if (outcome === LATER) return window.wait(blob, MapStep.Closing);
  if (outcome !== undefined) return putBack(gpu, window, blob, outcome);
  leave(window, blob, true);
  return undefined;
}

/** The guest sees the range still: the blob's bytes return there. */
function putBack(gpu: GpuState, window: WindowMap, blob: HostBlob, refusal: Reason): Outcome {
  const outcome = moveIn(gpu, window, blob);
  if (outcome === LATER) return window.wait(blob, MapStep.Returning, refusal);
  if (outcome !== undefined) leave(window, blob, false);
  return refusal;
}

/** Zeroes what the blob does not fill of its range: the guest sees whole pages, and other bytes have lain there. */
function clearRest({ guest }: GpuState, window: WindowMap, { mappedAt, sizeBytes }: HostBlob): void {
  const address = window.memory.addressOf(mappedAt!);
  guest.bytes.fill(0, address + sizeBytes, address + window.roundUp(sizeBytes));
}

/** Moves the blob's bytes into its range. */
function moveIn(gpu: GpuState, window: WindowMap, blob: HostBlob): Outcome {
  const address = window.memory.addressOf(blob.mappedAt!);
  const outcome = window.renderer.moveBlob(blob.id, address);
  if (outcome !== undefined) return outcome;
  gpu.guest.onWrite?.(address, blob.sizeBytes);
  window.goOn(blob);
  hasMoved(gpu, blob);
  return undefined;
}

function closeRange(window: WindowMap, blob: HostBlob): Outcome {
  return window.memory.unmap(blob.mappedAt!, window.roundUp(blob.sizeBytes));
}

/** The blob is not mapped any more; its range is free when `isClosed`. */
function leave(window: WindowMap, blob: HostBlob, isClosed: boolean): void {
  window.goOn(blob);
  if (isClosed) window.giveBack(blob.mappedAt!);
  blob.mappedAt = undefined;
}

/** The blob's bytes lie elsewhere now: so do the pixels that scanouts show of it. */
function hasMoved(gpu: GpuState, blob: HostBlob): void {
  gpu.workBytes += blob.sizeBytes;
  for (const scanout of gpu.scanouts) {
    if (scanout.resource === blob) scanout.follow();
  }
}
