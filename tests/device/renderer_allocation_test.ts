/**
 * That mapping, and showing what a renderer has, allocates nothing in the steady state. All tests use one device: the engine
 * gives up on code that has seen many.
 */

import { assertLess } from "@std/assert";
import { makeScanoutDevice } from "../../bench/support/bench_device.ts";
import { BenchGuest } from "../../bench/support/bench_guest.ts";
import { MemoryWindow } from "../../src/memory/memory_window.ts";
import {
  BlobFlag,
  BlobMem,
  Format,
  RESP_MAP_INFO_SIZE,
  writeCtxCreate,
  writeResourceCreate3d,
  writeResourceCreateBlob,
  writeResourceFlush,
  writeResourceMapBlob,
  writeResourceUnmapBlob,
  writeSetScanout,
  writeSetScanoutBlob,
} from "../../src/protocol/wire.gen.ts";
import { bytesPerKick } from "../support/bytes_per_kick.ts";
import { StillRenderer } from "../support/still_renderer.ts";
import { allocationTest } from "../support/allocation_test.ts";

const WINDOW_BYTES = 1024 * 1024;
const CONTEXT = 1;
const BLOB = 1;
const TEXTURE = 2;
const BYTES = 64 * 64 * 4;
const rect = { x: 0, y: 0, width: 64, height: 64 };

/** A guest with a blob of 64x64 pixels. */
const guest = await makeGuest();

async function makeGuest(): Promise<BenchGuest> {
  const guest = new BenchGuest(
    await makeScanoutDevice((memory) => ({
      renderer: new StillRenderer(BYTES, 256),
      hostVisibleMemory: new MemoryWindow(memory, memory.heap.allocate(WINDOW_BYTES), WINDOW_BYTES),
    })),
  );
  const object = { blobMem: BlobMem.Host3d, blobFlags: BlobFlag.UseMappable, blobIdLow: 1, blobIdHigh: 0, size: BYTES };
  guest.sendChecked([
    guest.prepare(writeCtxCreate, { ctxId: CONTEXT, nlen: 0, contextInit: 0 }),
    guest.prepare(writeResourceCreateBlob, { ctxId: CONTEXT, resourceId: BLOB, nrEntries: 0, ...object }),
  ]);
  return guest;
}

function mapAndUnmap(): number[] {
  return [
    guest.prepare(writeResourceMapBlob, { resourceId: BLOB, offset: 65536 }, { replyBytes: RESP_MAP_INFO_SIZE }),
    guest.prepare(writeResourceUnmapBlob, { resourceId: BLOB }),
  ];
}

function showBlob(): void {
  const planes = { strides: Uint32Array.of(256, 0, 0, 0), offsets: new Uint32Array(4) };
  const picture = { width: 64, height: 64, format: Format.B8G8R8X8Unorm, ...planes };
  guest.sendChecked([guest.prepare(writeSetScanoutBlob, { rect, scanoutId: 0, resourceId: BLOB, ...picture })]);
}

allocationTest(import.meta.url, "RESOURCE_MAP_BLOB and RESOURCE_UNMAP_BLOB allocate nothing", () => {
  const heads = mapAndUnmap();
  guest.sendChecked(heads);
  assertLess(bytesPerKick(guest, heads), 1);
});

allocationTest(
  import.meta.url,
  "RESOURCE_MAP_BLOB and RESOURCE_UNMAP_BLOB of a blob that is shown allocate nothing",
  () => {
    showBlob();
    const heads = mapAndUnmap();
    guest.sendChecked(heads);
    assertLess(bytesPerKick(guest, heads), 1);
  },
);

allocationTest(import.meta.url, "RESOURCE_FLUSH of a host blob on a scanout with a display allocates nothing", () => {
  showBlob();
  const heads = [guest.prepare(writeResourceFlush, { resourceId: BLOB, rect })];
  guest.sendChecked(heads);
  assertLess(bytesPerKick(guest, heads), 1);
});

allocationTest(import.meta.url, "RESOURCE_FLUSH of a 3D resource on a scanout with a display allocates nothing", () => {
  const texture = { target: 2, format: Format.B8G8R8X8Unorm, bind: 0, width: 64, height: 64, depth: 1, arraySize: 1 };
  const rest = { lastLevel: 0, nrSamples: 0, resourceFlags: 0 };
  guest.sendChecked([
    guest.prepare(writeResourceCreate3d, { resourceId: TEXTURE, ...texture, ...rest }),
    guest.prepare(writeSetScanout, { rect, scanoutId: 0, resourceId: TEXTURE }),
  ]);
  const heads = [guest.prepare(writeResourceFlush, { resourceId: TEXTURE, rect })];
  guest.sendChecked(heads);
  assertLess(bytesPerKick(guest, heads), 1);
});
