import { PageList } from "../memory/page_list.ts";
import { type Reason, Reasons } from "../protocol/reasons.ts";
import { MEM_ENTRY_SIZE } from "../protocol/wire.gen.ts";
import type { GpuState, Request } from "./gpu_state.ts";
import type { HostAccount } from "./host_account.ts";

/**
 * Makes a page list from the `entryCount` memory entries that follow the request's first `start` bytes; they must hold
 * `minimumBytes` or more. Its memory is reserved in the account: whoever ends it gives `hostBytes` back. Nothing is taken
 * when a reason comes back. Virtio 1.4, 5.7.6.8 (`virtio_gpu_mem_entry`).
 */
export function readBacking(
  gpu: GpuState,
  request: Request,
  start: number,
  entryCount: number,
  minimumBytes: number,
): PageList | Reason {
  if (entryCount > gpu.limits.pageEntries) return Reasons.entriesTooMany;
  const entriesBytes = entryCount * MEM_ENTRY_SIZE;
  if (!request.read(start, entriesBytes, gpu.entriesAddress)) return Reasons.entriesMissing;
  gpu.workBytes += entriesBytes;
  return makeBacking(gpu, gpu.account, entryCount, minimumBytes);
}

/**
 * Makes a page list from `entryCount` memory entries, `limits.pageEntries` at most, that lie at `gpu.entriesAddress`. Its
 * memory is reserved in `account`, otherwise as `readBacking` does.
 */
export function makeBacking(
  gpu: GpuState,
  account: HostAccount,
  entryCount: number,
  minimumBytes: number,
): PageList | Reason {
  const list = PageList.parse(gpu.guest, gpu.pageListScratch, gpu.entriesAddress, entryCount);
  if (list === "invalid") return Reasons.entryInvalid;
  if (list === "full") return Reasons.hostMemoryFull;
  const isLongEnough = list.totalBytes >= minimumBytes;
  if (isLongEnough && account.reserve(list.hostBytes)) return list;
  list.release();
  return isLongEnough ? Reasons.hostMemoryFull : Reasons.backingTooShort;
}

/** Ends a page list that `readBacking` or `makeBacking` made, and gives its memory back. */
export function releaseBacking({ account }: GpuState, backing: PageList): void {
  account.release(backing.hostBytes);
  backing.release();
}
