/**
 * That a command allocates nothing in the steady state. JavaScript boxes numbers of 2^31 and more where it keeps them as
 * objects, so ids and fences are that large here.
 */

import { assertGreaterOrEqual, assertLess } from "@std/assert";
import { makeScanoutDevice, type ScanoutDevice } from "../../bench/support/bench_device.ts";
import { BenchGuest, FRAME, FRAME_RECT, scatteredPages } from "../../bench/support/bench_guest.ts";
import { entryWords } from "../../src/guest/gpu_driver.ts";
import { noDisplay } from "../../src/device/no_display.ts";
import type { VirtioGpuOptions } from "../../src/device/gpu_options.ts";
import {
  BlobMem,
  CTRL_HDR_SIZE,
  CtrlFlag,
  Format,
  GpuQueue,
  writeMoveCursor,
  writeResourceCreateBlob,
  writeResourceFlush,
  writeSetScanoutBlob,
  writeTransferToHost2d,
} from "../../src/protocol/wire.gen.ts";
import { bytesPerKick } from "../support/bytes_per_kick.ts";
import { allocationTest } from "../support/allocation_test.ts";

const SHOWN = 0xfffffff1;
const HIDDEN = 0xfffffff2;
const NOBODYS = 0xfffffff3;
const rect = { x: 100, y: 100, width: 64, height: 64 };
const offset = rect.y * FRAME.strideBytes + rect.x * 4;
const fence = { flags: CtrlFlag.Fence, fenceIdLow: 0xfffffff4, fenceIdHigh: 0xfffffff5, ctxId: 0xfffffff6 };
const flush = { rect, ...fence };

/** A guest with two frames, one of them shown, that sends through `queue`. */
async function makeGuest(queue: GpuQueue = GpuQueue.Control, options?: VirtioGpuOptions): Promise<BenchGuest> {
  return showFrame(await makeScanoutDevice(options), queue);
}

function showFrame(device: ScanoutDevice, queue: GpuQueue): BenchGuest {
  const guest = new BenchGuest(device);
  guest.createFrame(SHOWN);
  guest.createFrame(HIDDEN);
  guest.sendChecked([guest.attachFrame(SHOWN)]);
  guest.showFrame(SHOWN);
  return queue === GpuQueue.Control ? guest : new BenchGuest(device, queue);
}

/** A guest that shows a blob of scattered pages. */
async function makeBlobGuest(): Promise<BenchGuest> {
  const device = await makeScanoutDevice({ resourceBlob: true });
  const guest = new BenchGuest(device);
  const entries = scatteredPages(device.ram.allocate(FRAME.bytes * 2, 4096));
  const { widthPixels: width, heightPixels: height, strideBytes } = FRAME;
  const pages = { nrEntries: entries.length, size: FRAME.bytes };
  const blob = { resourceId: SHOWN, blobMem: BlobMem.Guest, blobFlags: 0, blobIdLow: 0, blobIdHigh: 0, ...pages };
  const planes = { strides: Uint32Array.of(strideBytes, 0, 0, 0), offsets: new Uint32Array(4) };
  const layout = { width, height, format: Format.B8G8R8X8Unorm, ...planes };
  guest.sendChecked([
    guest.prepare(writeResourceCreateBlob, blob, { trailing: entryWords(entries) }),
    guest.prepare(writeSetScanoutBlob, { rect: FRAME_RECT, scanoutId: 0, resourceId: SHOWN, ...layout }),
  ]);
  return guest;
}

function writeUnknown(words: Uint32Array, wordIndex: number): number {
  words.fill(0xffffffff, wordIndex, wordIndex + CTRL_HDR_SIZE / 4);
  return CTRL_HDR_SIZE;
}

Deno.test("the measure sees a display that allocates", async () => {
  const kept: unknown[] = [undefined];
  const display = { ...noDisplay, show: (scanoutId: number) => void (kept[0] = { scanoutId }) };
  const guest = await makeGuest(GpuQueue.Control, { display });
  const heads = [guest.prepare(writeResourceFlush, { resourceId: SHOWN, ...flush })];
  assertGreaterOrEqual(bytesPerKick(guest, heads), 16);
});

allocationTest(import.meta.url, "RESOURCE_FLUSH of a resource that nothing shows allocates nothing", async () => {
  const guest = await makeGuest();
  const heads = [guest.prepare(writeResourceFlush, { resourceId: HIDDEN, ...flush })];
  guest.sendChecked(heads);
  assertLess(bytesPerKick(guest, heads), 1);
});

allocationTest(import.meta.url, "RESOURCE_FLUSH allocates nothing when the host hears of every write", async () => {
  const device = await makeScanoutDevice();
  const last = { offset: 0, bytes: 0 };
  device.guest.onWrite = (offset, bytes) => {
    last.offset = offset;
    last.bytes = bytes;
  };
  const guest = showFrame(device, GpuQueue.Control);
  const heads = [guest.prepare(writeResourceFlush, { resourceId: HIDDEN, ...flush })];
  guest.sendChecked(heads);
  assertLess(bytesPerKick(guest, heads), 1);
});

allocationTest(
  import.meta.url,
  "TRANSFER_TO_HOST_2D and RESOURCE_FLUSH on a scanout with a display allocate nothing",
  async () => {
    const guest = await makeGuest();
    const heads = [
      guest.prepare(writeTransferToHost2d, { resourceId: SHOWN, rect, offset, ...fence }),
      guest.prepare(writeResourceFlush, { resourceId: SHOWN, ...flush }),
    ];
    guest.sendChecked(heads);
    assertLess(bytesPerKick(guest, heads), 1);
  },
);

allocationTest(
  import.meta.url,
  "RESOURCE_FLUSH of a guest blob on a scanout with a display allocates nothing",
  async () => {
    const guest = await makeBlobGuest();
    const heads = [guest.prepare(writeResourceFlush, { resourceId: SHOWN, ...flush })];
    guest.sendChecked(heads);
    assertLess(bytesPerKick(guest, heads), 1);
  },
);

allocationTest(import.meta.url, "MOVE_CURSOR allocates nothing", async () => {
  const guest = await makeGuest(GpuQueue.Cursor);
  const pos = { scanoutId: 0, x: -10, y: -10 };
  const heads = [guest.prepare(writeMoveCursor, { pos, resourceId: HIDDEN, hotX: 0, hotY: 0, ...fence })];
  guest.sendChecked(heads);
  assertLess(bytesPerKick(guest, heads), 1);
});

allocationTest(import.meta.url, "a refused command allocates nothing when nobody listens for errors", async () => {
  const guest = await makeGuest();
  const heads = [guest.prepare(writeResourceFlush, { resourceId: NOBODYS, ...flush })];
  assertLess(bytesPerKick(guest, heads), 1);
});

allocationTest(import.meta.url, "an unknown command allocates nothing when nobody listens for errors", async () => {
  const guest = await makeGuest();
  const heads = [guest.prepare(writeUnknown, {})];
  assertLess(bytesPerKick(guest, heads), 1);
});
