import { entryWords } from "../../src/guest/gpu_driver.ts";
import type { GuestMemory } from "../../src/memory/guest_memory.ts";
import { PageList, PageListScratch } from "../../src/memory/page_list.ts";
import { BYTES_PER_PIXEL, conversionTo } from "../../src/protocol/formats.ts";
import { Format, type Rect } from "../../src/protocol/wire.gen.ts";
import { SEGMENT_BYTES, SEGMENT_OFFSET, SEGMENT_START } from "../../src/wasm/layout.gen.ts";
import { makeGuestMemory } from "./bench_device.ts";
import { FRAME, scatteredPages } from "./bench_guest.ts";

const PIECE_BYTES = 4096;

/** A frame's memory entries as records in host memory, and room for the page list that they become. */
interface Entries {
  address: number;
  bytes: number;
  count: number;
  scratch: PageListScratch;
}

/** What RESOURCE_ATTACH_BACKING of a frame needs of the kernels: the entries gathered from a request in pages, and parsed. */
export async function attachKernels(): Promise<() => void> {
  const guest = await makeGuestMemory();
  const { kernels, heap, words, regionTable } = guest;
  const { address, bytes, count, scratch } = writeEntries(guest);
  const pieces = Math.ceil(bytes / PIECE_BYTES);
  const list = heap.allocate((pieces + 1) * SEGMENT_BYTES);
  for (let piece = 0; piece <= pieces; piece++) {
    const at = list + piece * SEGMENT_BYTES;
    words[(at + SEGMENT_START) / 4] = Math.min(piece * PIECE_BYTES, bytes);
    words[(at + SEGMENT_OFFSET) / 4] = address + piece * PIECE_BYTES;
  }
  const copy = heap.allocate(bytes);
  const { segments, guestAddresses, capacity } = scratch;
  return () => {
    kernels.gatherBytes(list, pieces, 0, copy, bytes);
    kernels.pageListParse(copy, count, regionTable, segments, guestAddresses, capacity);
  };
}

/** What TRANSFER_TO_HOST_2D of `rects` of a frame needs of the kernels, and RESOURCE_FLUSH where the frame is shown. */
export async function updateKernels(rects: readonly Rect[], isShown: boolean): Promise<() => void> {
  const guest = await makeGuestMemory();
  const { kernels, heap } = guest;
  const { address, count, scratch } = writeEntries(guest);
  const pages = PageList.parse(guest, scratch, address, count);
  if (!(pages instanceof PageList)) throw new Error(`The page list is ${pages}`);
  const pixels = heap.allocate(FRAME.bytes);
  const picture = heap.allocate(FRAME.bytes);
  const { lanes, opaque } = conversionTo("rgbx", Format.B8G8R8X8Unorm);
  const { strideBytes } = FRAME;
  return () => {
    for (const { x, y, width, height } of rects) {
      const start = y * strideBytes + x * BYTES_PER_PIXEL;
      const rowBytes = width * BYTES_PER_PIXEL;
      const { segments, segmentCount } = pages;
      kernels.gatherRect(segments, segmentCount, start, strideBytes, pixels + start, strideBytes, rowBytes, height);
      if (!isShown) continue;
      kernels.convertRect(pixels + start, strideBytes, picture + start, strideBytes, width, height, lanes, opaque);
    }
  };
}

function writeEntries(guest: GuestMemory): Entries {
  const entries = scatteredPages(0);
  const data = entryWords(entries);
  const address = guest.heap.allocate(data.byteLength);
  guest.words.set(data, address / 4);
  return {
    address,
    bytes: data.byteLength,
    count: entries.length,
    scratch: new PageListScratch(guest, entries.length),
  };
}
