import { isEmpty, isInside, type Rect } from "../../memory/rect.ts";
import type { Outcome } from "../../protocol/outcome.ts";
import { BYTES_PER_PIXEL, isFormat } from "../../protocol/formats.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import type { ResourceFlush, SetScanout, SetScanoutBlob } from "../../protocol/wire.gen.ts";
import type { GpuState } from "../gpu_state.ts";
import { isBlob, type Resource3d } from "../resource.ts";

/** Shows a part of a 2D or 3D resource on a scanout from the next flush on. Virtio 1.4, 5.7.6.8 (SET_SCANOUT). */
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
  if (isBlob(resource)) return Reasons.scanoutOfBlob;
  if (!isInside(rect, resource.widthPixels, resource.heightPixels)) return Reasons.rectOutsideResource;
  const { format } = resource;
  if (!isFormat(format)) return Reasons.formatUnknown; // a renderer has formats that no scanout has
  scanout.set(resource, rect, format, resource.kind === "2d" ? resource.strideBytes : 0, 0);
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
  if (!isBlob(resource)) return Reasons.blobExpected;
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
  const isMissing = resource.kind === "guestBlob" && resource.backing === undefined; // a host blob's bytes are the host's
  if (isMissing) return Reasons.backingMissing;
  scanout.set(resource, rect, format, strideBytes, offsetBytes);
  return undefined;
}

/**
 * Shows what changed in a resource on every scanout that shows it. For a blob the rectangle is in the pixels of each
 * scanout's picture, and what lies outside is nobody's. Virtio 1.4, 5.7.6.8 (RESOURCE_FLUSH); seed S15, S18.
 */
export function resourceFlush(gpu: GpuState, command: ResourceFlush): Outcome {
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  const { rect } = command;
  if (resource.kind === "2d" || resource.kind === "3d") {
    if (!isInside(rect, resource.widthPixels, resource.heightPixels)) return Reasons.rectOutsideResource;
    if (resource.kind === "3d") return flush3d(gpu, resource, rect);
  }
  for (const scanout of gpu.scanouts) {
    if (scanout.resource === resource) gpu.workBytes += scanout.flush(rect);
  }
  return undefined;
}

/** Asks the renderer once for all that any scanout will show, so that none has shown anything when it answers `LATER`. */
function flush3d(gpu: GpuState, resource: Resource3d, rect: Rect): Outcome {
  const { scanouts, readout, renderer } = gpu;
  readout.rect.width = 0;
  for (const scanout of scanouts) {
    if (scanout.resource === resource) scanout.coverDamage(rect, readout.rect);
  }
  if (isEmpty(readout.rect)) return undefined;
  const outcome = renderer!.readPicture(resource.id, readout.rect, readout);
  if (outcome !== undefined) return outcome;
  for (const scanout of scanouts) {
    if (scanout.resource === resource) gpu.workBytes += scanout.flush(rect, readout);
  }
  return undefined;
}
