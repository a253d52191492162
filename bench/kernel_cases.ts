/** The cases of the kernel benches: one memory, seeded data, and each case as Wasm, as C and as plain JavaScript. */

import { instantiateKernels, type Kernels } from "../src/wasm/kernels.ts";
import * as layout from "../src/wasm/layout.gen.ts";
import { type CKernels, openCKernels } from "./c_kernels.ts";
import * as javascript from "./javascript_kernels.ts";

/** One case; each function does `operations` of what the name says. */
export interface KernelCase {
  name: string;
  operations: number;
  wasm: () => void;
  c: (() => void) | undefined;
  javascript: () => void;
}

const pageBytes = 4096;
const frame = { widthPixels: 1920, rows: 1080, strideBytes: 1920 * 4 };
const frameBytes = frame.strideBytes * frame.rows;
const volume = { strideBytes: 256 * 4, layerBytes: 256 * 256 * 4, layers: 64 };

// The memory: blocks and lists, then contiguous host bytes, then the guest's pages.
const memoryPages = 1024;
// Blocks begin anywhere in a page, as an allocator places them: at the same place in each, the processor takes a load
// for a load of what was stored 4 KiB away and waits (three times the time of a pop).
const queueBlock = 0x1a40;
const regionTable = 0x2b80;
const response = 0x3640;
const chainBlock = 0x10300;
const segmentList = 0x20000;
const entryRecords = 0x100000;
const outSegments = 0x300000;
const outGuestAddresses = 0x500000;
const hostBytes = 0x700000;
const guestBytes = 0x1800000;
const guestPages = 0x2000;
const bgrxToRgba = 0x03000102;
const opaque = 0xff000000;

/** Numbers from 0 below `limit`, the same in every run. */
function seededRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Makes the memory and the cases; `c` is undefined in each where there is no gcc. */
export async function kernelCases(): Promise<KernelCase[]> {
  const memory = new WebAssembly.Memory({ initial: memoryPages });
  const kernels = await instantiateKernels(memory);
  const c = await openCKernels();
  const views = javascript.viewsOf(memory);
  views.bytes.fill(0x55); // untouched pages would all be the system's one page of zeroes
  const count = writeSegments(views.words, 4096);
  const bench: Bench = { kernels, c, views, count };
  return [
    ...frameCases(bench),
    rectCase(bench, "transfer/64x64", 64, 64, 1000),
    rectCase(bench, "transfer/64x64 in cache", 64, 64, 16),
    rectCase(bench, "transfer/16x16", 16, 16, 1000),
    rectCase(bench, "transfer/16x16 in cache", 16, 16, 16),
    boxCase(bench, [64, 64, 16], 30, true),
    boxCase(bench, [64, 64, 16], 30, false),
    boxCase(bench, [8, 8, 8], 300, true),
    boxCase(bench, [8, 8, 8], 300, false),
    bufferCase(bench),
    pageListCase(bench, "page list/100000 scattered", 1),
    pageListCase(bench, "page list/100000 in runs", 8),
    popCase(bench, "pop/3 direct", false),
    popCase(bench, "pop/3 indirect", true),
    completeCase(bench),
    convertCase(bench),
    gatherConvertCase(bench, "gather and convert/1920x1080", frame.widthPixels, frame.rows),
    gatherConvertCase(bench, "gather and convert/64x64", 64, 64),
  ];
}

interface Bench {
  kernels: Kernels;
  c: CKernels | undefined;
  views: javascript.MemoryViews;
  count: number;
}

/** A list of `count` pages that lie scattered over the guest's memory. */
function writeSegments(words: Uint32Array, count: number): number {
  const random = seededRandom(1);
  const pages = Array.from({ length: guestPages }, (_, i) => i);
  for (let i = pages.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [pages[i], pages[j]] = [pages[j]!, pages[i]!];
  }
  for (let i = 0; i <= count; i++) {
    words[segmentList / 4 + i * 2] = i * pageBytes;
    words[segmentList / 4 + i * 2 + 1] = i < count ? guestBytes + pages[i]! * pageBytes : 0;
  }
  return count;
}

function frameCases({ kernels, c, views, count }: Bench): KernelCase[] {
  const starts = new Uint32Array(1);
  return [true, false].map((isGather) => ({
    name: `transfer/1920x1080 ${isGather ? "to" : "from"} host`,
    operations: 1,
    wasm: () => {
      const copy = isGather ? kernels.gatherRect : kernels.scatterRect;
      const { strideBytes, rows } = frame;
      copy(segmentList, count, 0, strideBytes, hostBytes, strideBytes, strideBytes, rows);
    },
    c: c &&
      (() => c.repeat_bytes(views.bytes, segmentList, count, starts, 1, hostBytes, frameBytes, isGather ? 1 : 0)),
    javascript: () => void javascript.copyBytes(views, segmentList, count, 0, hostBytes, frameBytes, isGather),
  }));
}

/** `rects` rectangles all over the frame: 1000 touch more memory than a cache holds, 16 less. */
function rectCase(
  { kernels, c, views, count }: Bench,
  name: string,
  widthPixels: number,
  rows: number,
  rects: number,
): KernelCase {
  const random = seededRandom(2);
  const { strideBytes } = frame;
  const starts = Uint32Array.from(
    { length: rects },
    () => random(frame.rows - rows) * strideBytes + random(frame.widthPixels - widthPixels) * 4,
  );
  const rowBytes = widthPixels * 4;
  return {
    name,
    operations: starts.length,
    wasm: () => {
      for (let i = 0; i < starts.length; i++) {
        const start = starts[i]!;
        kernels.gatherRect(segmentList, count, start, strideBytes, hostBytes + start, strideBytes, rowBytes, rows);
      }
    },
    c: c &&
      (() =>
        c.repeat_rects(
          views.bytes,
          segmentList,
          count,
          starts,
          starts.length,
          strideBytes,
          hostBytes,
          rowBytes,
          rows,
          1,
        )),
    javascript: () => {
      for (let i = 0; i < starts.length; i++) {
        const [start, target] = [starts[i]!, hostBytes + starts[i]!];
        javascript.copyRect(
          views,
          segmentList,
          count,
          start,
          strideBytes,
          target,
          strideBytes,
          rowBytes,
          rows,
          true,
        );
      }
    },
  };
}

/** `boxes` boxes all over a volume, as a texture's updates are. */
function boxCase(
  { kernels, c, views, count }: Bench,
  [widthTexels, rows, layers]: readonly [number, number, number],
  boxes: number,
  isGather: boolean,
): KernelCase {
  const random = seededRandom(3);
  const { strideBytes, layerBytes } = volume;
  const rowBytes = widthTexels * 4;
  const starts = Uint32Array.from(
    { length: boxes },
    () =>
      random(volume.layers - layers) * layerBytes + random(256 - rows) * strideBytes + random(256 - widthTexels) * 4,
  );
  const copy = isGather ? kernels.gatherBox : kernels.scatterBox;
  const size = [rowBytes, rows, layers] as const;
  return {
    name: `transfer/${widthTexels}x${rows}x${layers} box ${isGather ? "to" : "from"} host`,
    operations: starts.length,
    wasm: () => {
      for (let i = 0; i < starts.length; i++) {
        const start = starts[i]!;
        const target = hostBytes + start;
        copy(segmentList, count, start, strideBytes, layerBytes, target, strideBytes, layerBytes, ...size);
      }
    },
    c: c &&
      (() =>
        c.repeat_boxes(
          views.bytes,
          segmentList,
          count,
          starts,
          starts.length,
          strideBytes,
          layerBytes,
          hostBytes,
          ...size,
          isGather ? 1 : 0,
        )),
    javascript: () => {
      for (let i = 0; i < starts.length; i++) {
        const start = starts[i]!;
        const target = hostBytes + start;
        javascript.copyBox(
          views,
          segmentList,
          count,
          start,
          strideBytes,
          layerBytes,
          target,
          strideBytes,
          layerBytes,
          ...size,
          isGather,
        );
      }
    },
  };
}

function bufferCase({ kernels, c, views, count }: Bench): KernelCase {
  const random = seededRandom(4);
  const lengthBytes = 16384;
  const starts = Uint32Array.from({ length: 200 }, () => random(count * pageBytes - lengthBytes));
  return {
    name: "transfer/16 KiB buffer",
    operations: starts.length,
    wasm: () => {
      for (let i = 0; i < starts.length; i++) {
        kernels.gatherBytes(segmentList, count, starts[i]!, hostBytes, lengthBytes);
      }
    },
    c: c &&
      (() => c.repeat_bytes(views.bytes, segmentList, count, starts, starts.length, hostBytes, lengthBytes, 1)),
    javascript: () => {
      for (let i = 0; i < starts.length; i++) {
        javascript.copyBytes(views, segmentList, count, starts[i]!, hostBytes, lengthBytes, true);
      }
    },
  };
}

/** A guest of 2 GiB in one region. The kernels only compute with these addresses. */
function writeRegions(words: Uint32Array): void {
  const entry = (regionTable + layout.REGION_ENTRIES) / 4;
  words[regionTable / 4] = 1;
  words.set([0x1000, 0, 0x80000000, 0, guestBytes], entry);
}

function pageListCase({ kernels, c, views }: Bench, name: string, longestRun: number): KernelCase {
  const entryCount = 100_000;
  const records = new Uint32Array(entryCount * 4);
  const random = seededRandom(5);
  for (let i = 0; i < entryCount;) {
    const run = 1 + random(longestRun);
    const first = 1 + random(0x7fff0) * 1;
    for (let page = first; page < first + run && i < entryCount; page++, i++) {
      records.set([page * pageBytes, 0, pageBytes, 0], i * 4);
    }
  }
  const prepare = () => {
    if (views.words[entryRecords / 4 + 3] === longestRun) return;
    writeRegions(views.words);
    views.words.set(records, entryRecords / 4);
    views.words[entryRecords / 4 + 3] = longestRun; // the padding says whose records these are
  };
  const lists = [regionTable, outSegments, outGuestAddresses, entryCount] as const;
  return {
    name,
    operations: entryCount,
    wasm: () => {
      prepare();
      kernels.pageListParse(entryRecords, entryCount, ...lists);
    },
    c: c && (() => {
      prepare();
      c.repeat_page_list(views.bytes, entryRecords, entryCount, ...lists);
    }),
    javascript: () => {
      prepare();
      javascript.parsePageList(views, entryRecords, entryCount, ...lists);
    },
  };
}

/** One queue whose only chain is a 56-byte command in two parts and a 24-byte response. */
function writeQueue({ bytes, halves, words }: javascript.MemoryViews, isIndirect: boolean): void {
  const guest = (guestAddress: number) => guestBytes + guestAddress - 0x1000;
  const [direct, available, used, table, command] = [0x1000, 0x3000, 0x4000, 0x5240, 0x6880];
  writeRegions(words);
  words.set([guest(direct), guest(available), guest(used), 256, 0, 0, 3, regionTable, 0], queueBlock / 4);
  const chain = [
    [command, 0, 32, 0x0001_0001],
    [command + 0x1000, 0, 24, 0x0002_0001],
    [command + 0x2000, 0, 24, 0x0000_0002],
  ];
  const descriptors = isIndirect ? [[table, 0, 48, 4]] : chain;
  words.set(descriptors.flat(), guest(direct) / 4);
  words.set(chain.flat(), guest(table) / 4);
  halves[guest(available) / 2 + 1] = 1;
  halves[guest(available) / 2 + 2] = 0;
  bytes.fill(7, guest(command), guest(command) + 0x3000);
}

function popCase({ kernels, c, views }: Bench, name: string, isIndirect: boolean): KernelCase {
  const times = 10_000;
  const nextAvailable = (queueBlock + layout.QUEUE_NEXT_AVAILABLE) / 4;
  return {
    name,
    operations: times,
    wasm: () => {
      writeQueue(views, isIndirect);
      for (let i = 0; i < times; i++) {
        views.words[nextAvailable] = 0;
        kernels.queuePop(queueBlock, chainBlock);
      }
    },
    c: c && (() => {
      writeQueue(views, isIndirect);
      c.repeat_pop(views.bytes, queueBlock, chainBlock, times);
    }),
    javascript: () => {
      writeQueue(views, isIndirect);
      for (let i = 0; i < times; i++) {
        views.words[nextAvailable] = 0;
        javascript.popChain(views, queueBlock, chainBlock);
      }
    },
  };
}

function completeCase({ kernels, c, views }: Bench): KernelCase {
  const times = 10_000;
  const prepare = () => {
    writeQueue(views, false);
    kernels.queuePop(queueBlock, chainBlock);
  };
  return {
    name: "complete/24-byte response",
    operations: times,
    wasm: () => {
      prepare();
      for (let i = 0; i < times; i++) kernels.queueComplete(queueBlock, chainBlock, response, 24);
    },
    c: c && (() => {
      prepare();
      c.repeat_complete(views.bytes, queueBlock, chainBlock, response, 24, times);
    }),
    javascript: () => {
      prepare();
      for (let i = 0; i < times; i++) javascript.completeChain(views, queueBlock, chainBlock, response, 24);
    },
  };
}

function convertCase({ kernels, c, views }: Bench): KernelCase {
  const { strideBytes, widthPixels, rows } = frame;
  const rect = [guestBytes, strideBytes, hostBytes, strideBytes, widthPixels, rows] as const;
  return {
    name: "convert/1920x1080",
    operations: 1,
    wasm: () => kernels.convertRect(...rect, bgrxToRgba, opaque),
    c: c && (() => c.repeat_convert(views.bytes, ...rect, bgrxToRgba, opaque)),
    javascript: () => javascript.convertBgrx(views, ...rect),
  };
}

function gatherConvertCase(
  { kernels, c, views, count }: Bench,
  name: string,
  widthPixels: number,
  rows: number,
): KernelCase {
  const { strideBytes } = frame;
  const rect = [segmentList, count, 0, strideBytes, hostBytes, strideBytes, widthPixels, rows] as const;
  return {
    name,
    operations: 1,
    wasm: () => void kernels.gatherConvertRect(...rect, bgrxToRgba, opaque),
    c: c && (() => c.repeat_gather_convert(views.bytes, ...rect, bgrxToRgba, opaque)),
    javascript: () => javascript.gatherConvertBgrx(views, ...rect, response),
  };
}
