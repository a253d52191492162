import { GuestMemory, type Region } from "../../src/memory/guest_memory.ts";
import { type Arena, growingArena } from "../../src/memory/host_heap.ts";
import { PageList, type PageListFailure, PageListScratch } from "../../src/memory/page_list.ts";

/** A run of guest memory, as a driver names it. */
export interface Entry {
  /** Guest address of its first byte. */
  address: number;
  /** Length in bytes. */
  length: number;
}

/** A memory of guest RAM in two halves of 512 KiB, and what page lists need. */
export interface PageFixture {
  guest: GuestMemory;
  heap: Arena;
  scratch: PageListScratch;
}

/** Size of each half of guest RAM. */
export const HALF_BYTES = 512 * 1024;
/** Where the lower half lies in the memory. */
export const LOWER_OFFSET = 65536;
/** Where the upper half lies in the memory: there is a gap between the halves. */
export const UPPER_OFFSET: number = LOWER_OFFSET + HALF_BYTES + 65536;

/** The two halves, one behind the other in the guest. */
export const lower: Region = { guestAddress: 0, sizeBytes: HALF_BYTES, offset: LOWER_OFFSET };
/** See `lower`. */
export const upper: Region = { guestAddress: HALF_BYTES, sizeBytes: HALF_BYTES, offset: UPPER_OFFSET };

/** Makes a memory with both halves, every byte of which tells its place. */
export async function makePages(capacity = 64): Promise<PageFixture> {
  const memory = new WebAssembly.Memory({ initial: (UPPER_OFFSET + HALF_BYTES) / 65536, maximum: 1000 });
  const heap = growingArena(memory, 16 * 1024 * 1024);
  const guest = await GuestMemory.create(memory, heap, [lower, upper]);
  for (const region of [lower, upper]) {
    for (let at = 0; at < HALF_BYTES; at++) guest.bytes[region.offset + at] = byteAt(region.guestAddress + at);
  }
  return { guest, heap, scratch: new PageListScratch(guest, capacity) };
}

/** The byte that `makePages` puts at a guest address. */
export function byteAt(guestAddress: number): number {
  return (guestAddress * 7 + (guestAddress >>> 8) * 31 + (guestAddress >>> 16) * 13) & 0xff;
}

/** Parses entries as a device does: from a copy in host memory. */
export function parsePages(
  { guest, heap, scratch }: PageFixture,
  entries: readonly Entry[],
): PageList | PageListFailure {
  const address = heap.allocate(Math.max(1, entries.length) * 16);
  const view = new DataView(guest.bytes.buffer, address);
  entries.forEach((entry, index) => {
    view.setBigUint64(index * 16, BigInt(entry.address), true);
    view.setUint32(index * 16 + 8, entry.length, true);
  });
  const list = PageList.parse(guest, scratch, address, entries.length);
  heap.free(address);
  return list;
}

/** Parses entries that are all right; throws `Error` when they are not. */
export function makeList(pages: PageFixture, entries: readonly Entry[]): PageList {
  const list = parsePages(pages, entries);
  if (!(list instanceof PageList)) throw new Error(`The list was not made: ${list}`);
  return list;
}

/** All bytes of a list, read through its segments; undefined while it does not resolve. */
export function readList({ guest, heap }: PageFixture, list: PageList): Uint8Array | undefined {
  if (!list.resolve()) return undefined;
  const target = heap.allocate(list.totalBytes);
  guest.kernels.gatherBytes(list.segments, list.segmentCount, 0, target, list.totalBytes);
  const bytes = guest.bytes.slice(target, target + list.totalBytes);
  heap.free(target);
  return bytes;
}

/** The bytes that lie at the entries after `makePages`. */
export function expectedBytes(entries: readonly Entry[]): Uint8Array {
  return Uint8Array.from(
    entries.flatMap(({ address, length }) => Array.from({ length }, (_, index) => byteAt(address + index))),
  );
}
