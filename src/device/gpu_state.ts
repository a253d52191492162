import type { Display } from "../display/display.ts";
import type { GuestMemory } from "../memory/guest_memory.ts";
import type { PageListScratch } from "../memory/page_list.ts";
import type { Reason } from "../protocol/reasons.ts";
import type { Chain } from "../virtio/chain.ts";
import type { Cursor } from "./cursor.ts";
import type { GuestErrors } from "./guest_errors.ts";
import type { HostAccount } from "./host_account.ts";
import type { Limits } from "./limits.ts";
import type { Output } from "./output.ts";
import type { Reply } from "./reply.ts";
import type { ResourceTable } from "./resource_table.ts";
import type { Scanout } from "./scanout.ts";

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

/**
 * Judges a use of a blob that its flags do not declare: the reason when the device is strict, else undefined after it was
 * reported. Linux and QEMU let such use pass.
 */
export function undeclared(gpu: GpuState, commandType: number, reason: Reason): Reason | undefined {
  if (gpu.isStrict) return reason;
  gpu.errors.report(commandType, reason, false);
  return undefined;
}

/** The request in progress: what of it does not fit a command's structure is read from here. */
export type Request = Chain;
