import { type Reason, Reasons } from "../../protocol/reasons.ts";
import {
  BlobFlag,
  type ResourceAssignUuid,
  RESP_RESOURCE_UUID_SIZE,
  RESP_RESOURCE_UUID_UUID_BYTES,
  RESP_RESOURCE_UUID_UUID_OFFSET,
  ResponseType,
  writeRespResourceUuid,
} from "../../protocol/wire.gen.ts";
import { type GpuState, undeclared } from "../gpu_state.ts";
import { isBlob } from "../resource.ts";

/**
 * Tells the UUID by which other devices of this host know a resource. It is random, made at the first question, and stays.
 * Virtio 1.4, 5.7.6.8 (RESOURCE_ASSIGN_UUID) and 2.11; seed S12.
 */
export function resourceAssignUuid(gpu: GpuState, command: ResourceAssignUuid): Reason | undefined {
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  if (isBlob(resource) && (resource.flags & BlobFlag.UseCrossDevice) === 0) {
    const refusal = undeclared(gpu, command.type, Reasons.crossDeviceUndeclared);
    if (refusal !== undefined) return refusal;
  }
  const uuid = gpu.resources.share(resource);
  const at = gpu.reply.withData(ResponseType.OkResourceUuid, RESP_RESOURCE_UUID_SIZE);
  writeRespResourceUuid(gpu.guest.words, at, {});
  const bytes = gpu.guest.bytes;
  for (let index = 0; index < RESP_RESOURCE_UUID_UUID_BYTES; index++) {
    const digits = uuid.slice(index * 2, index * 2 + 2);
    bytes[gpu.reply.address + RESP_RESOURCE_UUID_UUID_OFFSET + index] = parseInt(digits, 16);
  }
  return undefined;
}
