import type { Display } from "../display/display.ts";
import type { GuestMemory } from "../memory/guest_memory.ts";
import type { PageListScratch } from "../memory/page_list.ts";
import type { Chain } from "../virtio/chain.ts";
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
  /** Address of room for the largest cursor as RGBA. */
  readonly cursorAddress: number;
  /** The reply to the command in progress. */
  readonly reply: Reply;
  /** Bytes that were moved for the guest since `notify` began; handlers add to it. */
  workBytes: number;
}

/** The request in progress: what of it does not fit a command's structure is read from here. */
export type Request = Chain;
