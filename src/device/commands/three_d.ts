import { PageList } from "../../memory/page_list.ts";
import { BYTES_PER_PIXEL } from "../../protocol/formats.ts";
import type { Outcome } from "../../protocol/outcome.ts";
import { Reasons } from "../../protocol/reasons.ts";
import {
  type Box,
  type ResourceCreate3d,
  type Submit3d,
  SUBMIT_3D_DATA_OFFSET,
  type TransferFromHost3d,
  type TransferToHost3d,
} from "../../protocol/wire.gen.ts";
import type { Renderer } from "../../renderer/renderer.ts";
import type { GpuState, Request } from "../gpu_state.ts";
import { costOfRows } from "../limits.ts";
import { makeContext } from "./context.ts";

/** Makes a resource whose contents are the renderer's, zeroed. Virtio 1.4, 5.7.6.9 (RESOURCE_CREATE_3D). */
export function resourceCreate3d(gpu: GpuState, renderer: Renderer, command: ResourceCreate3d): Outcome {
  const { resourceId, format, width, height } = command;
  const refusal = gpu.resources.refuseId(resourceId);
  if (refusal !== undefined) return refusal;
  if (gpu.resources.isFull) return Reasons.resourcesFull;
  const usedBytesBefore = gpu.account.usedBytes;
  const outcome = renderer.createResource(command);
  if (outcome !== undefined) return outcome;
  gpu.workBytes += Math.max(0, gpu.account.usedBytes - usedBytesBefore); // what was zeroed
  gpu.resources.add({
    kind: "3d",
    id: resourceId,
    format,
    widthPixels: width,
    heightPixels: height,
    hostBytes: 0, // the renderer reserves them
    backing: undefined,
    uuid: undefined,
  });
  return undefined;
}

/**
 * Copies a box from the guest's pages into a resource. A blob of host memory alone has no pages and nothing to copy.
 * Virtio 1.4, 5.7.6.9 (TRANSFER_TO_HOST_3D); seed S6, S13.
 */
export function transferToHost3d(
  gpu: GpuState,
  renderer: Renderer,
  command: TransferToHost3d,
  request: Request,
): Outcome {
  const pages = pagesOf(gpu, renderer, command, request);
  if (!(pages instanceof PageList)) return pages;
  const outcome = renderer.transferToHost(command, pages);
  if (outcome === undefined) gpu.workBytes += costOfBox(command.box);
  return outcome;
}

/** Copies a box from a resource into the guest's pages. Virtio 1.4, 5.7.6.9 (TRANSFER_FROM_HOST_3D); seed S6, S13. */
export function transferFromHost3d(
  gpu: GpuState,
  renderer: Renderer,
  command: TransferFromHost3d,
  request: Request,
): Outcome {
  const pages = pagesOf(gpu, renderer, command, request);
  if (!(pages instanceof PageList)) return pages;
  const outcome = renderer.transferFromHost(command, pages);
  if (outcome !== undefined) return outcome;
  gpu.workBytes += costOfBox(command.box);
  if (gpu.guest.onWrite === undefined || isBoxEmpty(command.box)) return undefined;
  pages.reportWritten(command.offset); // where the box ends, the renderer alone knows
  gpu.workBytes += Math.max(0, pages.totalBytes - command.offset); // whoever hears of it has work with all of it
  return undefined;
}

/**
 * Hands a context its command stream, copied out of guest memory once. Everything is checked before anything is read.
 * Virtio 1.4, 5.7.6.9 (SUBMIT_3D).
 */
export function submit3d(gpu: GpuState, renderer: Renderer, command: Submit3d, request: Request): Outcome {
  const { ctxId, size } = command;
  const context = gpu.contexts.get(ctxId);
  if (context === undefined) return Reasons.contextUnknown;
  if (size > request.readableBytes - SUBMIT_3D_DATA_OFFSET) return Reasons.streamMissing;
  if (size % 4 !== 0) return Reasons.streamUnaligned;
  if (size > gpu.limits.submitBytes) return Reasons.streamTooLong;
  if (context.isLost && !request.isAgain) return Reasons.contextLost;
  request.read(SUBMIT_3D_DATA_OFFSET, size, gpu.streamAddress);
  gpu.workBytes += size;
  const outcome = makeContext(gpu, renderer, context);
  if (outcome !== undefined) return outcome;
  context.isUsed = true;
  return renderer.submit(ctxId, gpu.streamAddress, size, request.ringIndex, request.takeFence());
}

/**
 * The guest pages of a transfer, ready for use when it begins; undefined when there is nothing to do, or a reason. A renderer
 * that has begun is asked again even if pages have gone.
 */
function pagesOf(
  gpu: GpuState,
  renderer: Renderer,
  command: TransferToHost3d | TransferFromHost3d,
  request: Request,
): PageList | Outcome {
  const { ctxId, resourceId } = command;
  const context = gpu.contexts.get(ctxId);
  if (ctxId !== 0 && context === undefined) return Reasons.contextUnknown;
  const resource = gpu.resources.get(resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  if (resource.kind === "2d") return Reasons.transferOfRectangles;
  if (resource.kind === "guestBlob") return Reasons.transferOfGuestBlob;
  if (resource.kind === "hostBlob" && !resource.hasGuestPages) return undefined;
  if (resource.backing === undefined) return Reasons.backingMissing;
  const hasBegun = request.isAgain && context?.isMade !== false; // else it was the context that was waited for
  const outcome = context && makeContext(gpu, renderer, context);
  if (outcome !== undefined) return outcome;
  return hasBegun || resource.backing.resolve() ? resource.backing : Reasons.backingGone;
}

function isBoxEmpty({ w, h, d }: Box): boolean {
  return w === 0 || h === 0 || d === 0;
}

/** About what copying a box costs; a texel of most formats has 4 bytes. */
function costOfBox({ w, h, d }: Box): number {
  return costOfRows(w * BYTES_PER_PIXEL, h * d);
}
