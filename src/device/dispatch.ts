import type { Outcome } from "../protocol/outcome.ts";
import { Reasons } from "../protocol/reasons.ts";
import {
  type Command,
  CommandType,
  type CtxAttachResource,
  type CtxCreate,
  type CtxDestroy,
  type CtxDetachResource,
  type GetCapset,
  type GetCapsetInfo,
  type ResourceCreate3d,
  type Submit3d,
  type TransferFromHost3d,
  type TransferToHost3d,
} from "../protocol/wire.gen.ts";
import type { Renderer } from "../renderer/renderer.ts";
import { resourceCreateBlob } from "./commands/blob.ts";
import { getCapset, getCapsetInfo } from "./commands/capset.ts";
import { ctxAttachResource, ctxCreate, ctxDestroy, ctxDetachResource } from "./commands/context.ts";
import { moveCursor, updateCursor } from "./commands/cursor.ts";
import { getDisplayInfo, getEdid } from "./commands/display_info.ts";
import { resourceMapBlob, resourceUnmapBlob } from "./commands/map_blob.ts";
import { resourceAttachBacking, resourceCreate2d, resourceDetachBacking, resourceUnref } from "./commands/resource.ts";
import { resourceFlush, setScanout, setScanoutBlob } from "./commands/scanout.ts";
import { resourceCreate3d, submit3d, transferFromHost3d, transferToHost3d } from "./commands/three_d.ts";
import { transferToHost2d } from "./commands/transfer.ts";
import { resourceAssignUuid } from "./commands/uuid.ts";
import type { GpuState, Request } from "./gpu_state.ts";

/**
 * Carries one command out. The caller has checked that all of its structure is there, that it came over its queue and that
 * its feature was negotiated. Returns undefined when `gpu.reply` holds the answer, or why it was refused; or `LATER`, and the
 * same command is carried out again when the renderer or the host visible memory has said that it can be.
 */
export function dispatch(gpu: GpuState, command: Command, request: Request): Outcome {
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
      if (gpu.renderer === undefined) return Reasons.featureMissing;
      return dispatch3d(gpu, gpu.renderer, command, request);

    default:
      return command satisfies never;
  }
}

/** A command that needs VIRGL, and so a renderer. */
type Command3d =
  | GetCapsetInfo
  | GetCapset
  | CtxCreate
  | CtxDestroy
  | CtxAttachResource
  | CtxDetachResource
  | ResourceCreate3d
  | TransferToHost3d
  | TransferFromHost3d
  | Submit3d;

function dispatch3d(gpu: GpuState, renderer: Renderer, command: Command3d, request: Request): Outcome {
  switch (command.type) {
    case CommandType.GetCapsetInfo:
      return getCapsetInfo(gpu, renderer, command);
    case CommandType.GetCapset:
      return getCapset(gpu, renderer, command, request);
    case CommandType.CtxCreate:
      return ctxCreate(gpu, renderer, command, request);
    case CommandType.CtxDestroy:
      return ctxDestroy(gpu, renderer, command);
    case CommandType.CtxAttachResource:
      return ctxAttachResource(gpu, renderer, command);
    case CommandType.CtxDetachResource:
      return ctxDetachResource(gpu, renderer, command);
    case CommandType.ResourceCreate3d:
      return resourceCreate3d(gpu, renderer, command);
    case CommandType.TransferToHost3d:
      return transferToHost3d(gpu, renderer, command, request);
    case CommandType.TransferFromHost3d:
      return transferFromHost3d(gpu, renderer, command, request);
    case CommandType.Submit3d:
      return submit3d(gpu, renderer, command, request);

    default:
      return command satisfies never;
  }
}
