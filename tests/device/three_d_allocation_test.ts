/**
 * That transfers, streams and attachments of 3D allocate nothing in the steady state; ids and fences are as large as numbers
 * that the engine boxes. All tests use one device: the engine gives up on code that has seen many.
 */

import { assertLess } from "@std/assert";
import { makeScanoutDevice } from "../../bench/support/bench_device.ts";
import { BenchGuest } from "../../bench/support/bench_guest.ts";
import { entryWords } from "../../src/guest/gpu_driver.ts";
import {
  BlobMem,
  CtrlFlag,
  writeCtxAttachResource,
  writeCtxCreate,
  writeCtxDetachResource,
  writeResourceCreate2d,
  writeResourceCreate3d,
  writeResourceCreateBlob,
  writeSubmit3d,
  writeTransferFromHost3d,
  writeTransferToHost3d,
} from "../../src/protocol/wire.gen.ts";
import { bytesPerKick } from "../support/bytes_per_kick.ts";
import { StillRenderer } from "../support/still_renderer.ts";
import { allocationTest } from "../support/allocation_test.ts";

const CONTEXT = 0xfffffff0;
const TEXTURE = 0xfffffff1;
const BLOB = 0xfffffff2;
const PLAIN = 0xfffffff3;
const fence = { flags: CtrlFlag.Fence, fenceIdLow: 0xfffffff4, fenceIdHigh: 0xfffffff5, ctxId: CONTEXT };
const transfer = {
  box: { x: 0, y: 0, z: 0, w: 64, h: 64, d: 1 },
  offset: 2 ** 40,
  level: 0,
  stride: 0,
  layerStride: 0,
};

/** A guest with a context, and with a 3D resource and a default blob that have pages. */
const guest = await makeGuest();

async function makeGuest(): Promise<BenchGuest> {
  const guest = new BenchGuest(await makeScanoutDevice({ renderer: new StillRenderer(4096, 256) }));
  const texture = { target: 2, format: 1, bind: 0, width: 64, height: 64, depth: 1, arraySize: 1, lastLevel: 0 };
  const trailing = entryWords([{ addr: 4096, length: 4096 }]);
  const blob = {
    resourceId: BLOB,
    blobMem: BlobMem.Host3dGuest,
    blobFlags: 0,
    blobIdLow: 1,
    blobIdHigh: 0,
    size: 4096,
  };
  guest.sendChecked([
    guest.prepare(writeCtxCreate, { ctxId: CONTEXT, nlen: 0, contextInit: 0 }),
    guest.prepare(writeResourceCreate3d, { resourceId: TEXTURE, ...texture, nrSamples: 0, resourceFlags: 0 }),
    guest.attachFrame(TEXTURE),
    guest.prepare(writeResourceCreateBlob, { ctxId: CONTEXT, ...blob, nrEntries: 1 }, { trailing }),
    guest.prepare(writeResourceCreate2d, { resourceId: PLAIN, format: 1, width: 8, height: 8 }),
  ]);
  return guest;
}

for (const resourceId of [TEXTURE, BLOB]) {
  allocationTest(
    import.meta.url,
    `TRANSFER_TO_HOST_3D and TRANSFER_FROM_HOST_3D of resource ${resourceId} allocate nothing`,
    () => {
      const heads = [
        guest.prepare(writeTransferToHost3d, { resourceId, ...transfer, ...fence }),
        guest.prepare(writeTransferFromHost3d, { resourceId, ...transfer, ...fence }),
      ];
      guest.sendChecked(heads);
      assertLess(bytesPerKick(guest, heads), 1);
    },
  );
}

allocationTest(import.meta.url, "CTX_ATTACH_RESOURCE and CTX_DETACH_RESOURCE allocate nothing", () => {
  const heads = [TEXTURE, BLOB, PLAIN].flatMap((resourceId) => [
    guest.prepare(writeCtxAttachResource, { ctxId: CONTEXT, resourceId }),
    guest.prepare(writeCtxDetachResource, { ctxId: CONTEXT, resourceId }),
  ]);
  guest.sendChecked(heads);
  assertLess(bytesPerKick(guest, heads), 1);
});

allocationTest(import.meta.url, "SUBMIT_3D of a context with a large id allocates nothing", () => {
  const heads = [guest.prepare(writeSubmit3d, { ...fence, size: 64 }, { trailing: new Uint32Array(16) })];
  guest.sendChecked(heads);
  assertLess(bytesPerKick(guest, heads), 1);
});
