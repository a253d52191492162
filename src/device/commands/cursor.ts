import type { CursorImage } from "../../display/display.ts";
import { NO_PIXELS, type PixelSource, readPixels } from "../../memory/pixel_source.ts";
import { assign } from "../../memory/rect.ts";
import { alphaCounterpart, BYTES_PER_PIXEL, isFormat } from "../../protocol/formats.ts";
import type { Outcome } from "../../protocol/outcome.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import { Format, type MoveCursor, type UpdateCursor } from "../../protocol/wire.gen.ts";
import { type Cursor, STANDARD_SIZE } from "../cursor.ts";
import type { GpuState } from "../gpu_state.ts";
import type { Limits } from "../limits.ts";
import { type GuestBlob, type HostBlob, isBlob, type Resource, type Resource2d, type Resource3d } from "../resource.ts";

/**
 * Sets a scanout's cursor to a snapshot of a resource, or hides it (resource 0), and moves it. After an error the cursor
 * stays as it was. Virtio 1.4, 5.7.6.6 and 5.7.6.10 (UPDATE_CURSOR).
 */
export function updateCursor(gpu: GpuState, command: UpdateCursor): Outcome {
  const { scanoutId, x, y } = command.pos;
  const cursor = gpu.cursors[scanoutId];
  if (cursor === undefined) return Reasons.scanoutUnknown;
  if (command.resourceId === 0) {
    cursor.hide();
  } else {
    const resource = gpu.resources.get(command.resourceId);
    if (resource === undefined) return Reasons.resourceUnknown;
    const outcome = showCursor(gpu, cursor, resource, command);
    if (outcome !== undefined) return outcome;
  }
  cursor.move(x, y);
  return undefined;
}

/**
 * Moves a scanout's cursor and changes nothing else: a hidden one stays hidden, whatever resource the command names.
 * Virtio 1.4, 5.7.6.10 (MOVE_CURSOR).
 */
export function moveCursor(gpu: GpuState, command: MoveCursor): Reason | undefined {
  const { scanoutId, x, y } = command.pos;
  const cursor = gpu.cursors[scanoutId];
  if (cursor === undefined) return Reasons.scanoutUnknown;
  cursor.move(x, y);
  return undefined;
}

function showCursor(gpu: GpuState, cursor: Cursor, resource: Resource, command: UpdateCursor): Outcome {
  const refusal = isBlob(resource) ? refuseBlob(resource) : refuseSize(resource, gpu.limits);
  if (refusal !== undefined) return refusal;
  if (resource.kind === "3d") {
    const outcome = readPicture(gpu, resource);
    if (outcome !== undefined) return outcome;
  }
  const image = readImage(gpu, cursor, cursorSource(gpu, resource), command);
  if (image === undefined) return resource.kind === "hostBlob" ? Reasons.blobBytesAway : Reasons.backingGone;
  cursor.show(image);
  return undefined;
}

function refuseSize(
  { widthPixels, heightPixels, format }: Resource2d | Resource3d,
  { cursorSizePixels }: Limits,
): Reason | undefined {
  if (!isFormat(format)) return Reasons.formatUnknown;
  const isStandard = widthPixels === STANDARD_SIZE && heightPixels === STANDARD_SIZE;
  if (isStandard) return undefined;
  const isAllowed = cursorSizePixels > STANDARD_SIZE && Math.max(widthPixels, heightPixels) <= cursorSizePixels;
  return isAllowed ? undefined : Reasons.cursorSize;
}

/** A blob has no size in pixels: it is taken for a cursor of the standard size, with no gaps, from its first byte on. */
function refuseBlob(blob: GuestBlob | HostBlob): Reason | undefined {
  if (blob.sizeBytes < STANDARD_SIZE * STANDARD_SIZE * BYTES_PER_PIXEL) return Reasons.cursorSize;
  return blob.kind === "guestBlob" && blob.backing === undefined ? Reasons.backingMissing : undefined;
}

/** Has the renderer bring all of a resource's picture up to date: `gpu.readout` says where it is. */
function readPicture({ renderer, readout }: GpuState, { id, widthPixels, heightPixels }: Resource3d): Outcome {
  assign(readout.rect, { x: 0, y: 0, width: widthPixels, height: heightPixels });
  return renderer!.readPicture(id, readout.rect, readout);
}

/** Where the cursor's pixels are. Linux makes cursors of X formats and means alpha. */
function cursorSource(gpu: GpuState, resource: Resource): PixelSource {
  const { guest, readout } = gpu;
  switch (resource.kind) {
    case "2d": {
      const { widthPixels, heightPixels, strideBytes, address: offsetBytes } = resource;
      const format = alphaCounterpart(resource.format);
      return { guest, format, widthPixels, heightPixels, strideBytes, offsetBytes, pages: undefined };
    }
    case "3d": {
      const { widthPixels, heightPixels } = resource;
      const { strideBytes, address } = readout;
      const format = alphaCounterpart(resource.format as Format); // `refuseSize` has checked it
      const offsetBytes = address === 0 ? NO_PIXELS : address;
      return { guest, format, widthPixels, heightPixels, strideBytes, offsetBytes, pages: undefined };
    }
    case "guestBlob":
      return blobSource(gpu, 0, resource.backing);
    case "hostBlob":
      return blobSource(gpu, gpu.renderer!.blobAddress(resource.id) || NO_PIXELS, undefined);
  }
}

function blobSource({ guest }: GpuState, offsetBytes: number, pages: PixelSource["pages"]): PixelSource {
  return {
    guest,
    format: Format.B8G8R8A8Unorm,
    widthPixels: STANDARD_SIZE,
    heightPixels: STANDARD_SIZE,
    strideBytes: STANDARD_SIZE * BYTES_PER_PIXEL,
    offsetBytes,
    pages,
  };
}

/** Converts `source` to RGBA in the cursor's block; undefined, with the block as it was, when the pixels are not there. */
function readImage(
  gpu: GpuState,
  { address }: Cursor,
  source: PixelSource,
  command: UpdateCursor,
): CursorImage | undefined {
  const { guest } = gpu;
  const { widthPixels, heightPixels } = source;
  const whole = { x: 0, y: 0, width: widthPixels, height: heightPixels };
  const strideBytes = widthPixels * BYTES_PER_PIXEL;
  if (!readPixels(source, whole, { address, strideBytes, layout: "rgba" })) return undefined;
  gpu.workBytes += strideBytes * heightPixels;
  const hotspotX = Math.min(command.hotX, widthPixels - 1);
  const hotspotY = Math.min(command.hotY, heightPixels - 1);
  return { guest, address, widthPixels, heightPixels, hotspotX, hotspotY };
}
