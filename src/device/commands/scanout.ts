import { isEmpty, isInside } from "../../memory/rect.ts";
import { BYTES_PER_PIXEL, isFormat } from "../../protocol/formats.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import type { ResourceFlush, SetScanout, SetScanoutBlob } from "../../protocol/wire.gen.ts";
import type { GpuState } from "../gpu_state.ts";

/** Shows a part of a 2D resource on a scanout from the next flush on. Virtio 1.4, 5.7.6.8 (SET_SCANOUT). */
export function setScanout(gpu: GpuState, command: SetScanout): Reason | undefined {
  const scanout = gpu.scanouts[command.scanoutId];
  if (scanout === undefined) return Reasons.scanoutUnknown;
  if (command.resourceId === 0) {
    scanout.disable(); // Linux leaves the mode's size in the rectangle
    return undefined;
  }
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  const { rect } = command;
  if (isEmpty(rect)) return Reasons.scanoutRectEmpty;
  if (resource.kind !== "2d") return Reasons.scanoutOfBlob;
  if (!isInside(rect, resource.widthPixels, resource.heightPixels)) return Reasons.rectOutsideResource;
  scanout.set(resource, rect, resource.format, resource.strideBytes, resource.address);
  return undefined;
}

/**
 * Shows a part of a picture that lies in a blob on a scanout from the next flush on. What the picture is, is said here and
 * nowhere else: the same blob may be seen in several ways. Virtio 1.4, 5.7.6.8 (SET_SCANOUT_BLOB); seed S14 to S17.
 */
export function setScanoutBlob(gpu: GpuState, command: SetScanoutBlob): Reason | undefined {
  const scanout = gpu.scanouts[command.scanoutId];
  if (scanout === undefined) return Reasons.scanoutUnknown;
  if (command.resourceId === 0) {
    scanout.disable();
    return undefined;
  }
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  if (resource.kind === "2d") return Reasons.blobExpected;
  const { rect, width, height, format } = command;
  const strideBytes = command.strides[0]!; // the formats have one plane
  const offsetBytes = command.offsets[0]!;
  if (!isFormat(format)) return Reasons.formatUnknown;
  if (isEmpty(rect)) return Reasons.scanoutRectEmpty;
  if (!isInside(rect, width, height)) return Reasons.rectOutsideFramebuffer;
  if (strideBytes < width * BYTES_PER_PIXEL) return Reasons.strideTooShort;
  const lastRow = offsetBytes + (rect.y + rect.height - 1) * strideBytes; // exact: below 2^53 for the u32 that passed
  const endBytes = lastRow + (rect.x + rect.width) * BYTES_PER_PIXEL;
  if (endBytes > resource.sizeBytes) return Reasons.framebufferOutsideBlob;
  if (resource.backing === undefined) return Reasons.backingMissing;
  scanout.set(resource, rect, format, strideBytes, offsetBytes);
  return undefined;
}

/**
 * Shows what changed in a resource on every scanout that shows it. For a blob the rectangle is in the pixels of each
 * scanout's picture, and what lies outside is nobody's. Virtio 1.4, 5.7.6.8 (RESOURCE_FLUSH); seed S15, S18.
 */
export function resourceFlush(gpu: GpuState, command: ResourceFlush): Reason | undefined {
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  const isOutside = resource.kind === "2d" && !isInside(command.rect, resource.widthPixels, resource.heightPixels);
  if (isOutside) return Reasons.rectOutsideResource;
  for (const scanout of gpu.scanouts) {
    if (scanout.resource === resource) gpu.workBytes += scanout.flush(command.rect);
  }
  return undefined;
}
