import { type Reason, Reasons } from "../protocol/reasons.ts";
import { type Command, CommandType } from "../protocol/wire.gen.ts";
import { resourceCreateBlob, resourceMapBlob, resourceUnmapBlob } from "./commands/blob.ts";
import { moveCursor, updateCursor } from "./commands/cursor.ts";
import { getDisplayInfo, getEdid } from "./commands/display_info.ts";
import { resourceAttachBacking, resourceCreate2d, resourceDetachBacking, resourceUnref } from "./commands/resource.ts";
import { resourceFlush, setScanout, setScanoutBlob } from "./commands/scanout.ts";
import { transferToHost2d } from "./commands/transfer.ts";
import { resourceAssignUuid } from "./commands/uuid.ts";
import type { GpuState, Request } from "./gpu_state.ts";

/**
 * Carries one command out. The caller has checked that all of its structure is there, that it came over its queue and that
 * its feature was negotiated. Returns why it was refused, or undefined when `gpu.reply` holds the answer.
 */
export function dispatch(gpu: GpuState, command: Command, request: Request): Reason | undefined {
  switch (command.type) {
    case CommandType.GetDisplayInfo:
      return getDisplayInfo(gpu);
    case CommandType.GetEdid:
      return getEdid(gpu, command);
    case CommandType.ResourceCreate2d:
      return resourceCreate2d(gpu, command);
    case CommandType.ResourceUnref:
      return resourceUnref(gpu, command);
    case CommandType.ResourceAttachBacking:
      return resourceAttachBacking(gpu, command, request);
    case CommandType.ResourceDetachBacking:
      return resourceDetachBacking(gpu, command);
    case CommandType.TransferToHost2d:
      return transferToHost2d(gpu, command);
    case CommandType.SetScanout:
      return setScanout(gpu, command);
    case CommandType.ResourceFlush:
      return resourceFlush(gpu, command);
    case CommandType.UpdateCursor:
      return updateCursor(gpu, command);
    case CommandType.MoveCursor:
      return moveCursor(gpu, command);

    case CommandType.ResourceCreateBlob:
      return resourceCreateBlob(gpu, command, request);
    case CommandType.SetScanoutBlob:
      return setScanoutBlob(gpu, command);
    case CommandType.ResourceMapBlob:
      return resourceMapBlob(gpu, command);
    case CommandType.ResourceUnmapBlob:
      return resourceUnmapBlob(gpu, command);
    case CommandType.ResourceAssignUuid:
      return resourceAssignUuid(gpu, command);

    // VIRGL is not offered yet.
    case CommandType.GetCapsetInfo:
    case CommandType.GetCapset:
    case CommandType.CtxCreate:
    case CommandType.CtxDestroy:
    case CommandType.CtxAttachResource:
    case CommandType.CtxDetachResource:
    case CommandType.ResourceCreate3d:
    case CommandType.TransferToHost3d:
    case CommandType.TransferFromHost3d:
    case CommandType.Submit3d:
      return Reasons.featureMissing;

    default:
      return command satisfies never;
  }
}
