import { isEmpty, isInside } from "../../memory/rect.ts";
import { BYTES_PER_PIXEL } from "../../protocol/formats.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import type { ResourceFlush, SetScanout } from "../../protocol/wire.gen.ts";
import type { GpuState } from "../gpu_state.ts";

/** Shows a part of a resource on a scanout from the next flush on. Virtio 1.4, 5.7.6.8 (SET_SCANOUT). */
export function setScanout(gpu: GpuState, command: SetScanout): Reason | undefined {
  const scanout = gpu.scanouts[command.scanoutId];
  if (scanout === undefined) return Reasons.scanoutUnknown;
  if (command.resourceId === 0) {
    scanout.disable(); // Linux leaves the mode's size in the rectangle
    return undefined;
  }
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  if (isEmpty(command.rect)) return Reasons.scanoutRectEmpty;
  if (!isInside(command.rect, resource.widthPixels, resource.heightPixels)) return Reasons.rectOutsideResource;
  scanout.set(resource, command.rect);
  return undefined;
}

/** Shows what changed in a resource on every scanout that shows it. Virtio 1.4, 5.7.6.8 (RESOURCE_FLUSH). */
export function resourceFlush(gpu: GpuState, command: ResourceFlush): Reason | undefined {
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  if (!isInside(command.rect, resource.widthPixels, resource.heightPixels)) return Reasons.rectOutsideResource;
  for (const scanout of gpu.scanouts) {
    if (scanout.resource === resource) gpu.workBytes += scanout.flush(command.rect) * BYTES_PER_PIXEL;
  }
  return undefined;
}
