import type { Display } from "../display/display.ts";
import type { GuestMemory } from "../memory/guest_memory.ts";
import type { PageListScratch } from "../memory/page_list.ts";
import type { Rect } from "../memory/rect.ts";
import type { Reason } from "../protocol/reasons.ts";
import type { Renderer, ResourcePicture } from "../renderer/renderer.ts";
import type { FeatureSet } from "../virtio/virtio_device.ts";
import type { ContextTable } from "./context_table.ts";
import type { Cursor } from "./cursor.ts";
import type { FenceTable } from "./fence_table.ts";
import type { GuestErrors } from "./guest_errors.ts";
import type { HostAccount } from "./host_account.ts";
import type { Limits } from "./limits.ts";
import type { Output } from "./output.ts";
import type { Reply } from "./reply.ts";
import type { ResourceTable } from "./resource_table.ts";
import type { Scanout } from "./scanout.ts";
import type { WindowMap } from "./window_map.ts";

/** All state of a device that commands read and change. */
export interface GpuState {
  readonly guest: GuestMemory;
  readonly limits: Limits;
  readonly display: Display;
  /** What each scanout would like; one entry for each scanout. */
  readonly outputs: readonly Output[];
  /** What each scanout shows. */
  readonly scanouts: readonly Scanout[];
  readonly resources: ResourceTable;
  readonly account: HostAccount;
  readonly pageListScratch: PageListScratch;
  /** The fences of commands whose work is not done; without a renderer there are none. */
  readonly fences: FenceTable;
  /** The features that the driver accepted. */
  features: FeatureSet;
  /** What draws for the guest; without one VIRGL is not offered. */
  readonly renderer: Renderer | undefined;
  /** The contexts of the guest; none without a renderer. */
  readonly contexts: ContextTable;
  /** What of the guest's blobs lies in the host visible memory; undefined when there is none. */
  readonly window: WindowMap | undefined;
  /** What the renderer's `readPicture` is asked for, and its answer: good until it is asked again. */
  readonly readout: Readout;
  /** Address of room for `limits.submitBytes` bytes of a command stream, 64 at least; 0 without a renderer. */
  readonly streamAddress: number;
  /** What sizes of blobs are multiples of: 1, unless BLOB_ALIGNMENT was negotiated. */
  blobAlignment: number;
  /** Address of room for `limits.pageEntries` memory entries. */
  readonly entriesAddress: number;
  /** The cursor of each scanout. */
  readonly cursors: readonly Cursor[];
  /** The reply to the command in progress. */
  readonly reply: Reply;
  /** Who hears of the guest's errors. */
  readonly errors: GuestErrors;
  /** Whether undeclared use of a blob is refused. */
  readonly isStrict: boolean;
  /** Bytes that were moved for the guest since `notify` began; handlers add to it. */
  workBytes: number;
}

/** A part of a 3D resource's picture, and where it is. */
export interface Readout extends ResourcePicture {
  /** The part, in the picture's pixels. */
  readonly rect: Rect;
}

/**
 * Judges a use of a blob that its flags do not declare: the reason when the device is strict, else undefined after it was
 * reported. Linux and QEMU let such use pass.
 */
export function undeclared(gpu: GpuState, commandType: number, reason: Reason): Reason | undefined {
  if (gpu.isStrict) return reason;
  gpu.errors.report(commandType, reason, false);
  return undefined;
}

export type { Request } from "./request.ts";
