/** TRANSFER_TO_HOST_3D and TRANSFER_FROM_HOST_3D. Virtio 1.4, 5.7.6.9. */

import { assert, assertEquals } from "@std/assert";
import { Reasons } from "../../../src/protocol/reasons.ts";
import { BlobMem } from "../../../src/protocol/wire.gen.ts";
import { startRecording } from "../../support/renderer_machine.ts";
import { createBlobOf } from "../blob_requests.ts";
import { attach, createBacked, detach } from "../requests.ts";
import { box, create3d, createContext, createHostBlob, transferFromHost, transferToHost } from "../three_d_requests.ts";

const pages = [{ addr: 4096, length: 8192 }, { addr: 65536, length: 4096 }];
const ways = [
  ["TRANSFER_TO_HOST_3D", "transferToHost", transferToHost],
  ["TRANSFER_FROM_HOST_3D", "transferFromHost", transferFromHost],
] as const;

for (const [name, member, send] of ways) {
  Deno.test(`S13: ${name} hands the renderer level, strides, box and offset as they came, and the pages`, async () => {
    const { driver, renderer } = await startRecording();
    createContext(driver, 3);
    create3d(driver, 9);
    attach(driver, 9, pages);
    renderer.takeCalls();
    const fields = { box: box(1, 2, 3, 4, 5, 6), offset: 2 ** 40 + 7, level: 8, stride: 9, layerStride: 0xffffffff };

    assertEquals(send(driver, 9, { ctxId: 3, ...fields }), "OK_NODATA");

    const [[called, command, totalBytes]] = renderer.calls as [[string, Record<string, unknown>, number]];
    assertEquals([called, totalBytes, command.resourceId, command.ctxId], [member, 12288, 9, 3]);
    const { box: whole, offset, level, stride, layerStride } = command;
    assertEquals({ box: whole, offset, level, stride, layerStride }, fields);
  });

  Deno.test(`${name} takes context 0, which is none, and answers ERR_INVALID_CONTEXT_ID for an unknown one`, async () => {
    const { driver, renderer } = await startRecording();
    create3d(driver, 1);
    attach(driver, 1, pages);
    renderer.takeCalls();

    assertEquals(send(driver, 1, { ctxId: 1 }), "ERR_INVALID_CONTEXT_ID");
    assertEquals(renderer.calls, []);
    assertEquals(send(driver, 1, { ctxId: 0 }), "OK_NODATA");
  });

  Deno.test(`${name} answers ERR_INVALID_RESOURCE_ID for an unknown resource`, async () => {
    const { driver } = await startRecording();
    assertEquals([0, 1, 0xffffffff].map((id) => send(driver, id)), new Array(3).fill("ERR_INVALID_RESOURCE_ID"));
  });

  Deno.test(`${name} answers ERR_UNSPEC for a 2D resource and for a guest blob`, async () => {
    const machine = await startRecording();
    createBacked(machine, 1, 8, 8);
    createBlobOf(machine, 2, 4096);

    assertEquals([1, 2].map((id) => send(machine.driver, id)), ["ERR_UNSPEC", "ERR_UNSPEC"]);
    const reasons = machine.errors.map(({ reason }) => reason);
    assertEquals(reasons, [Reasons.transferOfRectangles, Reasons.transferOfGuestBlob]);
    assertEquals(machine.renderer.calls, []);
  });

  Deno.test(`S13: ${name} is OK for a blob of host memory alone, and does nothing, whatever it says`, async () => {
    const { driver, renderer } = await startRecording();
    createContext(driver, 1);
    createHostBlob(driver, 1);
    renderer.takeCalls();

    assertEquals(send(driver, 1), "OK_NODATA");
    assertEquals(send(driver, 1, { box: box(9, 9, 9, 2 ** 32 - 1, 2, 2), offset: 2 ** 53, level: 77 }), "OK_NODATA");
    assertEquals(renderer.calls, []);
  });

  Deno.test(`${name} answers ERR_UNSPEC without backing: none yet, or none any more`, async () => {
    const { driver, renderer } = await startRecording();
    createContext(driver, 1);
    create3d(driver, 1);
    createHostBlob(driver, 2, { blobMem: BlobMem.Host3dGuest });
    renderer.takeCalls();

    assertEquals([1, 2].map((id) => send(driver, id)), ["ERR_UNSPEC", "ERR_UNSPEC"]);
    for (const id of [1, 2]) {
      attach(driver, id, pages);
      assertEquals(send(driver, id), "OK_NODATA");
      detach(driver, id);
      assertEquals(send(driver, id), "ERR_UNSPEC");
    }
    assertEquals(renderer.calls.length, 2);
  });

  Deno.test(`${name} answers ERR_UNSPEC when a page is no longer in guest memory`, async () => {
    const { driver, renderer, guest, errors } = await startRecording();
    create3d(driver, 1);
    attach(driver, 1, [{ addr: 0x100_0000, length: 4096 }]);
    renderer.takeCalls();
    const [ram] = guest.regions;
    guest.setRegions([{ ...ram!, sizeBytes: 0x100_0000 }]);

    assertEquals(send(driver, 1), "ERR_UNSPEC");
    assertEquals(errors.map(({ reason }) => reason), [Reasons.backingGone]);
    assertEquals(renderer.calls, []);
  });

  Deno.test(`${name} answers what the renderer refuses it for`, async () => {
    const { driver, renderer } = await startRecording();
    create3d(driver, 1);
    attach(driver, 1, pages);
    renderer.answer(member, Reasons.boxOutsideResource, Reasons.boxOutsideBacking);

    assertEquals([send(driver, 1), send(driver, 1)], ["ERR_INVALID_PARAMETER", "ERR_INVALID_PARAMETER"]);
    assertEquals(send(driver, 1), "OK_NODATA");
  });

  Deno.test(`${name} counts its bytes as work, unless it was refused`, async () => {
    const { driver, renderer, gpu } = await startRecording();
    create3d(driver, 1);
    attach(driver, 1, pages);
    const before = gpu.counters.bytes;

    send(driver, 1, { box: box(0, 0, 0, 64, 8, 2) });
    const counted = gpu.counters.bytes - before;
    renderer.answer(member, Reasons.boxOutsideResource);
    send(driver, 1, { box: box(0, 0, 0, 0xffffffff, 0xffffffff, 0xffffffff) });

    assertEquals(counted, 1024 + 64 * 4 * 8 * 2);
    assert(gpu.counters.bytes - before < counted + 4096);
  });
}
