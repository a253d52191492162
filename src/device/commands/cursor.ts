import type { CursorImage } from "../../display/display.ts";
import type { PixelSource } from "../../memory/pixel_source.ts";
import { readPixels } from "../../memory/pixel_source.ts";
import { alphaCounterpart, BYTES_PER_PIXEL } from "../../protocol/formats.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import { Format, type MoveCursor, type UpdateCursor } from "../../protocol/wire.gen.ts";
import { type Cursor, STANDARD_SIZE } from "../cursor.ts";
import type { GpuState } from "../gpu_state.ts";
import type { Limits } from "../limits.ts";
import type { GuestBlob, Resource, Resource2d } from "../resource.ts";

/**
 * Sets a scanout's cursor to a snapshot of a resource, or hides it (resource 0), and moves it. After an error the cursor
 * stays as it was. Virtio 1.4, 5.7.6.6 and 5.7.6.10 (UPDATE_CURSOR).
 */
export function updateCursor(gpu: GpuState, command: UpdateCursor): Reason | undefined {
  const { scanoutId, x, y } = command.pos;
  const cursor = gpu.cursors[scanoutId];
  if (cursor === undefined) return Reasons.scanoutUnknown;
  if (command.resourceId === 0) {
    cursor.hide();
  } else {
    const resource = gpu.resources.get(command.resourceId);
    if (resource === undefined) return Reasons.resourceUnknown;
    const refusal = resource.kind === "guestBlob" ? refuseBlob(resource) : refuse2d(resource, gpu.limits);
    if (refusal !== undefined) return refusal;
    const image = readImage(gpu, cursor, cursorSource(gpu, resource), command);
    if (image === undefined) return Reasons.backingGone;
    cursor.show(image);
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

function refuse2d({ widthPixels, heightPixels }: Resource2d, { cursorSizePixels }: Limits): Reason | undefined {
  const isStandard = widthPixels === STANDARD_SIZE && heightPixels === STANDARD_SIZE;
  if (isStandard) return undefined;
  const isAllowed = cursorSizePixels > STANDARD_SIZE && Math.max(widthPixels, heightPixels) <= cursorSizePixels;
  return isAllowed ? undefined : Reasons.cursorSize;
}

/** A blob has no size in pixels: it is taken for a cursor of the standard size, with no gaps, from its first byte on. */
function refuseBlob(blob: GuestBlob): Reason | undefined {
  if (blob.sizeBytes < STANDARD_SIZE * STANDARD_SIZE * BYTES_PER_PIXEL) return Reasons.cursorSize;
  return blob.backing === undefined ? Reasons.backingMissing : undefined;
}

/** Where the cursor's pixels are. Linux makes cursors of X formats and means alpha. */
function cursorSource({ guest }: GpuState, resource: Resource): PixelSource {
  if (resource.kind === "2d") {
    const { widthPixels, heightPixels, strideBytes, address: offsetBytes } = resource;
    const format = alphaCounterpart(resource.format);
    return { guest, format, widthPixels, heightPixels, strideBytes, offsetBytes, pages: undefined };
  }
  return {
    guest,
    format: Format.B8G8R8A8Unorm,
    widthPixels: STANDARD_SIZE,
    heightPixels: STANDARD_SIZE,
    strideBytes: STANDARD_SIZE * BYTES_PER_PIXEL,
    offsetBytes: 0,
    pages: resource.backing,
  };
}

/** Converts `source` to RGBA in the cursor's block; undefined, with the block as it was, when the guest's pages are gone. */
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
