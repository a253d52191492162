import type { CursorImage } from "../../display/display.ts";
import type { PixelSource } from "../../memory/pixel_source.ts";
import { readPixels } from "../../memory/pixel_source.ts";
import { alphaCounterpart, BYTES_PER_PIXEL } from "../../protocol/formats.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import type { MoveCursor, UpdateCursor } from "../../protocol/wire.gen.ts";
import type { GpuState } from "../gpu_state.ts";
import type { Resource } from "../resource.ts";

/** The size that the specification gives a cursor, in pixels. */
const STANDARD_SIZE = 64;

/**
 * Sets a scanout's cursor to a snapshot of a resource, or hides it (resource 0), and moves it. After an error the cursor
 * stays as it was. Virtio 1.4, 5.7.6.6 and 5.7.6.10 (UPDATE_CURSOR).
 */
export function updateCursor(gpu: GpuState, command: UpdateCursor): Reason | undefined {
  const { scanoutId, x, y } = command.pos;
  if (scanoutId >= gpu.scanouts.length) return Reasons.scanoutUnknown;
  if (command.resourceId === 0) {
    gpu.display.setCursor(scanoutId, undefined);
  } else {
    const resource = gpu.resources.get(command.resourceId);
    if (resource === undefined) return Reasons.resourceUnknown;
    if (!isCursorSize(resource, gpu.limits.cursorSizePixels)) return Reasons.cursorSize;
    gpu.display.setCursor(scanoutId, snapshot(gpu, resource, command));
  }
  gpu.display.moveCursor(scanoutId, x, y);
  return undefined;
}

/**
 * Moves a scanout's cursor and changes nothing else: a hidden one stays hidden, whatever resource the command names.
 * Virtio 1.4, 5.7.6.10 (MOVE_CURSOR).
 */
export function moveCursor(gpu: GpuState, command: MoveCursor): Reason | undefined {
  const { scanoutId, x, y } = command.pos;
  if (scanoutId >= gpu.scanouts.length) return Reasons.scanoutUnknown;
  gpu.display.moveCursor(scanoutId, x, y);
  return undefined;
}

function isCursorSize({ widthPixels, heightPixels }: Resource, largest: number): boolean {
  if (largest === STANDARD_SIZE) return widthPixels === STANDARD_SIZE && heightPixels === STANDARD_SIZE;
  return widthPixels <= largest && heightPixels <= largest;
}

/** Converts the resource to RGBA in the device's cursor block. Linux makes cursors of X formats and means alpha. */
function snapshot(gpu: GpuState, resource: Resource, command: UpdateCursor): CursorImage {
  const { guest, cursorAddress } = gpu;
  const { widthPixels, heightPixels, strideBytes } = resource;
  const source: PixelSource = {
    guest,
    format: alphaCounterpart(resource.format),
    widthPixels,
    heightPixels,
    strideBytes,
    offsetBytes: resource.address,
    pages: undefined,
  };
  const whole = { x: 0, y: 0, width: widthPixels, height: heightPixels };
  readPixels(source, whole, { address: cursorAddress, strideBytes: widthPixels * BYTES_PER_PIXEL, layout: "rgba" });
  gpu.workBytes += resource.hostBytes;
  return {
    guest,
    address: cursorAddress,
    widthPixels,
    heightPixels,
    hotspotX: Math.min(command.hotX, widthPixels - 1),
    hotspotY: Math.min(command.hotY, heightPixels - 1),
  };
}
