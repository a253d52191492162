import type { Outcome } from "../../protocol/outcome.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import {
  BlobFlag,
  CONTEXT_INIT_CAPSET_ID_MASK,
  CTX_CREATE_DEBUG_NAME_BYTES,
  CTX_CREATE_DEBUG_NAME_OFFSET,
  type CtxAttachResource,
  type CtxCreate,
  type CtxDestroy,
  type CtxDetachResource,
  GpuFeature,
} from "../../protocol/wire.gen.ts";
import type { Renderer } from "../../renderer/renderer.ts";
import { hasFeature } from "../../virtio/virtio_device.ts";
import type { Context } from "../context_table.ts";
import { type GpuState, type Request, undeclared } from "../gpu_state.ts";
import type { Resource } from "../resource.ts";

/** What it counts against `Limits.workBytesPerNotify` to look whether a context is attached to a resource. */
const ATTACHMENT_COST_BYTES = 32;

const debugNameDecoder = new TextDecoder();

/**
 * Makes a context for the commands of a capability set: that of `context_init`, or the renderer's first when the driver names
 * none. Virtio 1.4, 5.7.6.9 (CTX_CREATE).
 */
export function ctxCreate(gpu: GpuState, renderer: Renderer, command: CtxCreate, request: Request): Outcome {
  const { ctxId, nlen, contextInit } = command;
  const refusal = gpu.contexts.refuseId(ctxId);
  if (refusal !== undefined) return refusal;
  if (nlen > CTX_CREATE_DEBUG_NAME_BYTES) return Reasons.contextNameTooLong;
  const named = hasFeature(gpu.features, GpuFeature.ContextInit) ? contextInit & CONTEXT_INIT_CAPSET_ID_MASK : 0;
  const capset = named === 0 ? renderer.capsets[0] : renderer.capsets.find(({ id }) => id === named);
  if (capset === undefined) return Reasons.capsetUnknown;
  if (gpu.contexts.isFull) return Reasons.contextsFull;
  const debugName = readDebugName(gpu, request, nlen);
  const outcome = renderer.createContext(ctxId, capset.id, debugName);
  if (outcome !== undefined) return outcome;
  gpu.contexts.add({ id: ctxId, capsetId: capset.id, debugName, isLost: false, isMade: true, isUsed: false });
  return undefined;
}

/**
 * Ends a context, a lost one too. Resources stay, also those that were made from its objects; the fences of its rings are
 * done. Virtio 1.4, 5.7.6.9 (CTX_DESTROY).
 */
export function ctxDestroy(gpu: GpuState, renderer: Renderer, command: CtxDestroy): Reason | undefined {
  const context = gpu.contexts.get(command.ctxId);
  if (context === undefined) return Reasons.contextUnknown;
  if (context.isMade) renderer.destroyContext(context.id);
  gpu.workBytes += gpu.contexts.remove(context) * ATTACHMENT_COST_BYTES;
  gpu.fences.endContext(context.id);
  return undefined;
}

/** Lets a context use a resource of any kind. Virtio 1.4, 5.7.6.9 (CTX_ATTACH_RESOURCE); seed S12. */
export function ctxAttachResource(gpu: GpuState, renderer: Renderer, command: CtxAttachResource): Outcome {
  const { ctxId, resourceId } = command;
  const context = gpu.contexts.get(ctxId);
  if (context === undefined) return Reasons.contextUnknown;
  const resource = gpu.resources.get(resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  const outcome = makeContext(gpu, renderer, context);
  if (outcome !== undefined) return outcome;
  if (isUndeclaredShare(resource, context)) {
    const refusal = undeclared(gpu, command.type, Reasons.shareableUndeclared);
    if (refusal !== undefined) return refusal;
  }
  renderer.attachResource(ctxId, resourceId);
  if (resource.kind === "2d" || resource.kind === "guestBlob") gpu.contexts.attach(context, resourceId);
  return undefined;
}

/** Ends the use of a resource by a context, if it was attached. Virtio 1.4, 5.7.6.9 (CTX_DETACH_RESOURCE). */
export function ctxDetachResource(gpu: GpuState, renderer: Renderer, command: CtxDetachResource): Reason | undefined {
  const { ctxId, resourceId } = command;
  const context = gpu.contexts.get(ctxId);
  if (context === undefined) return Reasons.contextUnknown;
  if (gpu.resources.get(resourceId) === undefined) return Reasons.resourceUnknown;
  detachFromContext(gpu, renderer, context, resourceId);
  return undefined;
}

/** Ends the use of a resource by a context. */
export function detachFromContext(gpu: GpuState, renderer: Renderer, context: Context, resourceId: number): void {
  if (context.isMade) renderer.detachResource(context.id, resourceId);
  gpu.contexts.detach(context, resourceId);
}

/** Makes a context of a snapshot in the renderer, unless it is there: whatever uses one comes here first. */
export function makeContext({ contexts }: GpuState, renderer: Renderer, context: Context): Outcome {
  if (context.isMade) return undefined;
  const { id, capsetId, debugName } = context;
  const outcome = renderer.createContext(id, capsetId, debugName);
  if (outcome !== undefined) return outcome;
  context.isMade = true;
  for (const resourceId of contexts.resourcesOf(context)) renderer.attachResource(id, resourceId);
  return undefined;
}

/** The driver's name for a context: UTF-8 up to its first zero; bytes that are none become U+FFFD. */
function readDebugName({ guest, streamAddress }: GpuState, request: Request, lengthBytes: number): string {
  request.read(CTX_CREATE_DEBUG_NAME_OFFSET, lengthBytes, streamAddress); // the structure is there
  const bytes = guest.bytes.slice(streamAddress, streamAddress + lengthBytes); // not every decoder takes shared memory
  const end = bytes.indexOf(0);
  return debugNameDecoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Whether `resource` is a blob of another context than this one, which was not declared to be for others. */
function isUndeclaredShare(resource: Resource, context: Context): boolean {
  if (resource.kind !== "hostBlob" || resource.context === context) return false;
  return (resource.flags & BlobFlag.UseShareable) === 0;
}
