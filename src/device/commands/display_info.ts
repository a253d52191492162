import { EDID_MAX_BYTES, writeEdid } from "../../protocol/edid.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import {
  type DisplayOne,
  type GetEdid,
  MAX_SCANOUTS,
  RESP_DISPLAY_INFO_SIZE,
  RESP_EDID_EDID_OFFSET,
  RESP_EDID_SIZE,
  ResponseType,
  writeRespDisplayInfo,
  writeRespEdid,
} from "../../protocol/wire.gen.ts";
import type { GpuState } from "../gpu_state.ts";
import { type Output, type Place, placesOf } from "../output.ts";

const NO_OUTPUT: DisplayOne = { rect: { x: 0, y: 0, width: 0, height: 0 }, enabled: 0, flags: 0 };

/** Tells the size and the place of every output. Virtio 1.4, 5.7.6.8 (GET_DISPLAY_INFO). */
export function getDisplayInfo(gpu: GpuState): undefined {
  const places = placesOf(gpu.outputs);
  const pmodes = gpu.outputs.map((output, index) => displayOne(output, places[index]!));
  while (pmodes.length < MAX_SCANOUTS) pmodes.push(NO_OUTPUT);
  const at = gpu.reply.withData(ResponseType.OkDisplayInfo, RESP_DISPLAY_INFO_SIZE);
  writeRespDisplayInfo(gpu.guest.words, at, { pmodes });
}

/** Describes the monitor of an output, connected or not. Virtio 1.4, 5.7.6.8 (GET_EDID). */
export function getEdid(gpu: GpuState, command: GetEdid): Reason | undefined {
  const output = gpu.outputs[command.scanout];
  if (output === undefined) return Reasons.edidScanoutUnknown;
  const edid = output.edid ?? makeEdid(output, command.scanout);
  const at = gpu.reply.withData(ResponseType.OkEdid, RESP_EDID_SIZE);
  writeRespEdid(gpu.guest.words, at, { size: edid.length });
  gpu.guest.bytes.set(edid, gpu.reply.address + RESP_EDID_EDID_OFFSET);
  return undefined;
}

function makeEdid({ widthPixels, heightPixels }: Output, index: number): Uint8Array {
  const bytes = new Uint8Array(EDID_MAX_BYTES);
  return bytes.subarray(0, writeEdid(bytes, 0, { widthPixels, heightPixels, index }));
}

function displayOne({ widthPixels, heightPixels, isEnabled }: Output, { x, y }: Place): DisplayOne {
  return { rect: { x, y, width: widthPixels, height: heightPixels }, enabled: isEnabled ? 1 : 0, flags: 0 };
}
