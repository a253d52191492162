/**
 * The messages for the display socket that a vhost-user front end hands over, apart from the socket. A writer takes words of
 * the caller's own, writes a message at the first of them, and returns how many bytes it has; where pixels follow, how many
 * come before them.
 */

import {
  GPU_CURSOR_PIXELS,
  GPU_CURSOR_UPDATE_SIZE,
  GPU_MESSAGE_HEADER_SIZE,
  GPU_UPDATE_SIZE,
  type GpuCursorPos,
  type GpuCursorUpdate,
  GpuRequest,
  type GpuScanout,
  type GpuUpdate,
  writeGpuCursorPos,
  writeGpuCursorUpdate,
  writeGpuEdidRequest,
  writeGpuFeatures,
  writeGpuMessageHeader,
  writeGpuScanout,
  writeGpuUpdate,
} from "./vhost_user_gpu.gen.ts";

const PAYLOAD = GPU_MESSAGE_HEADER_SIZE / 4;
const BYTES_PER_PIXEL = 4;

/** Bytes of a cursor's picture: B, G, R, A for each pixel. */
export const GPU_CURSOR_BYTES = GPU_CURSOR_PIXELS * GPU_CURSOR_PIXELS * BYTES_PER_PIXEL;

/** Bytes that come before the pixels of a message that has some. */
export const GPU_PIXELS_OFFSET = GPU_MESSAGE_HEADER_SIZE + GPU_UPDATE_SIZE;

/** Asks which protocol features the front end knows. */
export function writeGetGpuProtocolFeatures(words: Uint32Array): number {
  return finish(words, GpuRequest.GetProtocolFeatures, 0);
}

/** Says which protocol features are used: bits 0 to 31, the others are 0. */
export function writeSetGpuProtocolFeatures(words: Uint32Array, featuresLow: number): number {
  const bytes = writeGpuFeatures(words, PAYLOAD, { featuresLow, featuresHigh: 0 });
  return finish(words, GpuRequest.SetProtocolFeatures, bytes);
}

/** Asks for the sizes of the screens. */
export function writeGetGpuDisplayInfo(words: Uint32Array): number {
  return finish(words, GpuRequest.GetDisplayInfo, 0);
}

/** Asks for the EDID of a screen; only of a front end that knows `GpuProtocolFeature.Edid`. */
export function writeGetGpuEdid(words: Uint32Array, scanoutId: number): number {
  return finish(words, GpuRequest.GetEdid, writeGpuEdidRequest(words, PAYLOAD, { scanoutId }));
}

/** Shows a cursor at a place, that of the pixel that points, or hides it. */
export function writeGpuCursorPlace(words: Uint32Array, place: GpuCursorPos, isShown: boolean): number {
  const bytes = writeGpuCursorPos(words, PAYLOAD, place);
  return finish(words, isShown ? GpuRequest.CursorPos : GpuRequest.CursorPosHide, bytes);
}

/** Changes a cursor's picture, and shows it; GPU_CURSOR_BYTES bytes of pixels follow. */
export function writeGpuCursorHead(words: Uint32Array, update: GpuCursorUpdate): number {
  writeGpuCursorUpdate(words, PAYLOAD, update);
  finish(words, GpuRequest.CursorUpdate, GPU_CURSOR_UPDATE_SIZE + GPU_CURSOR_BYTES);
  return GPU_MESSAGE_HEADER_SIZE + GPU_CURSOR_UPDATE_SIZE;
}

/** Changes the size of a scanout; 0 by 0 disables it. */
export function writeGpuScanoutSize(words: Uint32Array, scanout: GpuScanout): number {
  return finish(words, GpuRequest.Scanout, writeGpuScanout(words, PAYLOAD, scanout));
}

/** Changes a rectangle of a scanout, inside the size sent last; its pixels follow, B, G, R, X each, rows without gaps. */
export function writeGpuUpdateHead(words: Uint32Array, update: GpuUpdate): number {
  writeGpuUpdate(words, PAYLOAD, update);
  finish(words, GpuRequest.Update, GPU_UPDATE_SIZE + update.width * update.height * BYTES_PER_PIXEL);
  return GPU_PIXELS_OFFSET;
}

function finish(words: Uint32Array, request: GpuRequest, sizeBytes: number): number {
  writeGpuMessageHeader(words, 0, { request, flags: 0, sizeBytes });
  return GPU_MESSAGE_HEADER_SIZE + sizeBytes;
}
