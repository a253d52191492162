import { entryWords, type MemoryEntry } from "../../src/guest/gpu_driver.ts";
import { PageListScratch } from "../../src/memory/page_list.ts";
import { SEGMENT_BYTES, SEGMENT_OFFSET, SEGMENT_START } from "../../src/wasm/layout.gen.ts";
import { makeGuestMemory } from "./bench_device.ts";

const PIECE_BYTES = 4096;

/**
 * What RESOURCE_ATTACH_BACKING needs of the kernels, alone: the entries gathered from a request in pages, then parsed.
 * Throws `Error` when they are refused.
 */
export async function attachKernels(entries: readonly MemoryEntry[]): Promise<() => void> {
  const { guest } = await makeGuestMemory();
  const { kernels, heap, words, regionTable } = guest;
  const data = entryWords(entries);
  const request = heap.allocate(data.byteLength);
  words.set(data, request / 4);
  const pieces = Math.ceil(data.byteLength / PIECE_BYTES);
  const list = heap.allocate((pieces + 1) * SEGMENT_BYTES);
  for (let piece = 0; piece <= pieces; piece++) {
    const at = list + piece * SEGMENT_BYTES;
    words[(at + SEGMENT_START) / 4] = Math.min(piece * PIECE_BYTES, data.byteLength);
    words[(at + SEGMENT_OFFSET) / 4] = request + piece * PIECE_BYTES;
  }
  const copy = heap.allocate(data.byteLength);
  const { segments, guestAddresses, capacity } = new PageListScratch(guest, entries.length);
  return () => {
    kernels.gatherBytes(list, pieces, 0, copy, data.byteLength);
    const count = kernels.pageListParse(copy, entries.length, regionTable, segments, guestAddresses, capacity);
    if (count < 0) throw new Error(`The entries were refused: ${count}`);
  };
}
