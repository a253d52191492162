import { type Reason, Reasons } from "../../protocol/reasons.ts";
import {
  CTRL_HDR_SIZE,
  type GetCapset,
  type GetCapsetInfo,
  RESP_CAPSET_INFO_SIZE,
  RESP_CAPSET_SIZE,
  ResponseType,
  writeRespCapset,
  writeRespCapsetInfo,
} from "../../protocol/wire.gen.ts";
import type { Renderer } from "../../renderer/renderer.ts";
import type { GpuState, Request } from "../gpu_state.ts";

/** Tells the id, the newest version and the size of a capability set. Virtio 1.4, 5.7.6.8 (GET_CAPSET_INFO). */
export function getCapsetInfo(gpu: GpuState, renderer: Renderer, command: GetCapsetInfo): Reason | undefined {
  const capset = renderer.capsets[command.capsetIndex];
  if (capset === undefined) return Reasons.capsetIndexUnknown;
  const { id: capsetId, maxVersion: capsetMaxVersion, sizeBytes: capsetMaxSize } = capset;
  const at = gpu.reply.withData(ResponseType.OkCapsetInfo, RESP_CAPSET_INFO_SIZE);
  writeRespCapsetInfo(gpu.guest.words, at, { capsetId, capsetMaxVersion, capsetMaxSize });
  return undefined;
}

/** Tells a capability set as of one of its versions. Virtio 1.4, 5.7.6.8 (GET_CAPSET). */
export function getCapset(
  gpu: GpuState,
  renderer: Renderer,
  command: GetCapset,
  request: Request,
): Reason | undefined {
  const { guest, reply } = gpu;
  const { capsetId, capsetVersion } = command;
  const capset = renderer.capsets.find(({ id }) => id === capsetId);
  if (capset === undefined) return Reasons.capsetUnknown;
  if (capsetVersion > capset.maxVersion) return Reasons.capsetVersionUnknown;
  const replyBytes = RESP_CAPSET_SIZE + capset.sizeBytes;
  const isCutOff = request.writableBytes >= CTRL_HDR_SIZE && request.writableBytes < replyBytes;
  if (isCutOff) return Reasons.responseTooLong;
  writeRespCapset(guest.words, reply.withData(ResponseType.OkCapset, replyBytes), {});
  const dataAddress = reply.address + RESP_CAPSET_SIZE;
  renderer.readCapset(capsetId, capsetVersion, guest.bytes.subarray(dataAddress, dataAddress + capset.sizeBytes));
  return undefined;
}
