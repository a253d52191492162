import { isEmpty, isInside } from "../../memory/rect.ts";
import { BYTES_PER_PIXEL } from "../../protocol/formats.ts";
import { type Reason, Reasons } from "../../protocol/reasons.ts";
import type { TransferToHost2d } from "../../protocol/wire.gen.ts";
import type { GpuState } from "../gpu_state.ts";
import { costOfRows } from "../limits.ts";

/**
 * Copies the pixels of `rect` from the guest's pages into the resource. Virtio 1.4, 5.7.6.8 (TRANSFER_TO_HOST_2D).
 * `offset` is where the rectangle's first pixel lies in the backing, not where the picture begins: Linux sends
 * x * 4 + y * stride beside the rectangle. Rows follow every `strideBytes` of the resource.
 */
export function transferToHost2d(gpu: GpuState, command: TransferToHost2d): Reason | undefined {
  const resource = gpu.resources.get(command.resourceId);
  if (resource === undefined) return Reasons.resourceUnknown;
  if (resource.kind === "guestBlob") return undefined; // its pages are its pixels; Linux sends this all the same
  if (resource.kind !== "2d") return Reasons.transferOfBoxes;
  const { rect, offset } = command;
  if (!isInside(rect, resource.widthPixels, resource.heightPixels)) return Reasons.rectOutsideResource;
  const { backing, strideBytes } = resource;
  if (backing === undefined) return Reasons.backingMissing;
  if (isEmpty(rect)) return undefined;
  if (offset >= backing.totalBytes) return Reasons.transferOutsideBacking; // also keeps it below 2^32
  if (!backing.resolve()) return Reasons.backingGone;
  const rowBytes = rect.width * BYTES_PER_PIXEL;
  gpu.workBytes += costOfRows(rowBytes, rect.height);
  const result = gpu.guest.kernels.gatherRect(
    backing.segments,
    backing.segmentCount,
    offset,
    strideBytes,
    resource.address + rect.y * strideBytes + rect.x * BYTES_PER_PIXEL,
    strideBytes,
    rowBytes,
    rect.height,
  );
  return result === 0 ? undefined : Reasons.transferOutsideBacking;
}
