/** RESOURCE_CREATE_BLOB of guest memory, and what else a blob is used for. Virtio 1.4, 5.7.6.8. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { BlobMem, writeResourceMapBlob, writeResourceUnmapBlob } from "../../../src/protocol/wire.gen.ts";
import { createBlob, createBlobOf, setScanoutBlob, startBlobMachine } from "../blob_requests.ts";
import {
  answerTo,
  attach,
  createBacked,
  createResource,
  detach,
  fill,
  flush,
  pictureWords,
  pixel,
  rect,
  setScanout,
  transfer,
  unref,
} from "../requests.ts";

const whole = rect(0, 0, 8, 8);
const BYTES = 8 * 8 * 4;

Deno.test("S1: RESOURCE_CREATE_BLOB of guest memory takes no host memory but its page list", async () => {
  const { driver, ram, heap } = await startBlobMachine();
  const length = 4 * 1024 * 1024;
  const before = heap.usedBytes;

  createBlob(driver, 1, [{ addr: ram.allocate(length), length }]);

  assertEquals(heap.usedBytes - before, 64);
});

for (const blobMem of [0, 4, 0xffffffff]) {
  Deno.test(`S4: RESOURCE_CREATE_BLOB answers ERR_INVALID_PARAMETER for memory kind ${blobMem}`, async () => {
    const { driver } = await startBlobMachine();
    assertEquals(createBlob(driver, 1, [], { blobMem: blobMem as BlobMem, size: 4096 }), "ERR_INVALID_PARAMETER");
    assertEquals(unref(driver, 1), "ERR_INVALID_RESOURCE_ID");
  });
}

Deno.test("S8: RESOURCE_CREATE_BLOB answers ERR_INVALID_PARAMETER for any memory kind that does not exist yet", async () => {
  const { driver } = await startBlobMachine();
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 0xffffffff }), (blobMem) => {
      assertEquals(createBlob(driver, 1, [], { blobMem: blobMem as BlobMem, size: 4096 }), "ERR_INVALID_PARAMETER");
    }),
    { seed: 8 },
  );
});

for (const blobMem of [BlobMem.Host3d, BlobMem.Host3dGuest]) {
  Deno.test(`S9: RESOURCE_CREATE_BLOB answers ERR_INVALID_PARAMETER for host memory (${blobMem}) without VIRGL`, async () => {
    const { driver } = await startBlobMachine();
    assertEquals(createBlob(driver, 1, [], { blobMem, size: 4096 }), "ERR_INVALID_PARAMETER");
    assertEquals(createBlob(driver, 1, [], { blobMem, size: 4096, blobFlags: 2 }), "ERR_INVALID_PARAMETER");
  });
}

Deno.test("S5: RESOURCE_CREATE_BLOB takes 0, 1 and 16,384 entries", async () => {
  const { driver } = await startBlobMachine();
  const entries = Array.from({ length: 16384 }, (_, index) => ({ addr: (16384 - index) * 64, length: 64 }));

  assertEquals(createBlob(driver, 1, [], { size: 4096 }), "OK_NODATA");
  assertEquals(createBlob(driver, 2, entries.slice(0, 1)), "OK_NODATA");
  assertEquals(createBlob(driver, 3, entries), "OK_NODATA");
});

Deno.test("S5: RESOURCE_CREATE_BLOB answers ERR_UNSPEC for 16,385 entries, and for fewer than it announces", async () => {
  const { driver } = await startBlobMachine();
  const entries = Array.from({ length: 16385 }, (_, index) => ({ addr: index * 64, length: 64 }));

  assertEquals(createBlob(driver, 1, entries), "ERR_UNSPEC");
  assertEquals(createBlob(driver, 1, entries.slice(0, 2), { nrEntries: 3 }), "ERR_UNSPEC");
  assertEquals(unref(driver, 1), "ERR_INVALID_RESOURCE_ID");
});

Deno.test("RESOURCE_CREATE_BLOB answers ERR_INVALID_RESOURCE_ID for id 0 and for an id in use", async () => {
  const { driver } = await startBlobMachine();
  createResource(driver, 1, 8, 8);

  assertEquals(createBlob(driver, 0, [], { size: 4096 }), "ERR_INVALID_RESOURCE_ID");
  assertEquals(createBlob(driver, 1, [], { size: 4096 }), "ERR_INVALID_RESOURCE_ID");
});

for (const blobFlags of [8, 0x80000000, 0xffffffff]) {
  Deno.test(`RESOURCE_CREATE_BLOB answers ERR_INVALID_PARAMETER for flags ${blobFlags}`, async () => {
    const { driver } = await startBlobMachine();
    assertEquals(createBlob(driver, 1, [], { size: 4096, blobFlags }), "ERR_INVALID_PARAMETER");
  });
}

Deno.test("RESOURCE_CREATE_BLOB takes every combination of the three flags, and any blob_id", async () => {
  const { driver } = await startBlobMachine();
  for (let blobFlags = 0; blobFlags < 8; blobFlags++) {
    const answer = createBlob(driver, blobFlags + 1, [], { size: 4096, blobFlags, blobIdLow: 7, blobIdHigh: 9 });
    assertEquals(answer, "OK_NODATA");
  }
});

Deno.test("RESOURCE_CREATE_BLOB answers ERR_INVALID_PARAMETER for size 0, and for entries shorter than the size", async () => {
  const { driver } = await startBlobMachine();
  const entries = [{ addr: 4096, length: 4096 }, { addr: 16384, length: 100 }];

  assertEquals(createBlob(driver, 1, [], { size: 0 }), "ERR_INVALID_PARAMETER");
  assertEquals(createBlob(driver, 1, entries, { size: 4197 }), "ERR_INVALID_PARAMETER");
  assertEquals(createBlob(driver, 1, entries, { size: 4196 }), "OK_NODATA");
  assertEquals(createBlob(driver, 2, entries, { size: 1 }), "OK_NODATA");
});

Deno.test("RESOURCE_CREATE_BLOB gives the page list of a refused blob back", async () => {
  const { driver, heap } = await startBlobMachine();
  const before = heap.usedBytes;
  createBlob(driver, 1, [{ addr: 4096, length: 4096 }], { size: 8192 });
  assertEquals(heap.usedBytes, before);
});

Deno.test("RESOURCE_ATTACH_BACKING answers ERR_INVALID_PARAMETER when the entries are shorter than the blob", async () => {
  const { driver } = await startBlobMachine();
  createBlob(driver, 1, [], { size: 8192 });

  assertEquals(attach(driver, 1, [{ addr: 4096, length: 4096 }]), "ERR_INVALID_PARAMETER");
  assertEquals(attach(driver, 1, [{ addr: 4096, length: 4096 }, { addr: 4096, length: 4096 }]), "OK_NODATA");
});

Deno.test("S7: a blob whose pages were detached keeps its last picture, and shows the new pages after they are attached", async () => {
  const machine = await startBlobMachine();
  const { driver, ram, display } = machine;
  const first = createBlobOf(machine, 1, BYTES);
  const second = ram.allocate(BYTES, 4096);
  fill(machine, first, 64, pixel);
  fill(machine, second, 64, (index) => pixel(index + 1000));
  setScanoutBlob(driver, 1);
  flush(driver, 1, whole);

  assertEquals(detach(driver, 1), "OK_NODATA");
  fill(machine, first, 64, () => 0);
  assertEquals(flush(driver, 1, whole), "OK_NODATA");
  assertEquals(pictureWords(display.picture(0)!.rgba)[63], pixel(63));

  assertEquals(attach(driver, 1, [{ addr: second, length: BYTES }]), "OK_NODATA");
  flush(driver, 1, whole);
  assertEquals(pictureWords(display.picture(0)!.rgba)[63], pixel(1063));
});

Deno.test("S18: RESOURCE_FLUSH shows what the guest wrote into a blob with no command in between", async () => {
  const machine = await startBlobMachine();
  const address = createBlobOf(machine, 1, BYTES);
  setScanoutBlob(machine.driver, 1);
  flush(machine.driver, 1, whole);

  fill(machine, address, 64, pixel);
  flush(machine.driver, 1, rect(3, 4, 2, 1));

  const shown = pictureWords(machine.display.picture(0)!.rgba);
  assertEquals(shown.slice(34, 38), [pixel(0), pixel(35), pixel(36), pixel(0)]);
});

Deno.test("TRANSFER_TO_HOST_2D on a guest blob is accepted and moves nothing, whatever its rectangle", async () => {
  const machine = await startBlobMachine();
  createBlobOf(machine, 1, BYTES);
  const before = machine.gpu.counters.bytes;

  assertEquals(transfer(machine.driver, 1, whole, 0), "OK_NODATA");
  assertEquals(transfer(machine.driver, 1, rect(0, 0, 0xffffffff, 0xffffffff), 2 ** 40), "OK_NODATA");
  assertEquals(machine.gpu.counters.bytes - before < BYTES * 64, true);
});

Deno.test("SET_SCANOUT answers ERR_INVALID_PARAMETER for a blob", async () => {
  const machine = await startBlobMachine();
  createBlobOf(machine, 1, BYTES);
  assertEquals(setScanout(machine.driver, 0, 1, whole), "ERR_INVALID_PARAMETER");
});

Deno.test("RESOURCE_UNREF of a blob that is shown disables the scanout", async () => {
  const machine = await startBlobMachine();
  createBlobOf(machine, 1, BYTES);
  setScanoutBlob(machine.driver, 1);
  flush(machine.driver, 1, whole);

  assertEquals(unref(machine.driver, 1), "OK_NODATA");
  assertEquals(machine.display.picture(0), undefined);
});

Deno.test("S19: RESOURCE_MAP_BLOB answers ERR_UNSPEC without host visible memory, and knows what exists. Virtio 1.4, 5.7.6.9", async () => {
  const machine = await startBlobMachine();
  createBlobOf(machine, 1, BYTES);
  createBacked(machine, 2, 8, 8);
  const { driver } = machine;

  assertEquals(answerTo(driver, writeResourceMapBlob, { resourceId: 1, offset: 0 }, { replyBytes: 32 }), "ERR_UNSPEC");
  assertEquals(answerTo(driver, writeResourceMapBlob, { resourceId: 2, offset: 0 }, { replyBytes: 32 }), "ERR_UNSPEC");
  assertEquals(
    answerTo(driver, writeResourceMapBlob, { resourceId: 3, offset: 0 }, { replyBytes: 32 }),
    "ERR_INVALID_RESOURCE_ID",
  );
  assertEquals(answerTo(driver, writeResourceUnmapBlob, { resourceId: 1 }), "ERR_UNSPEC");
  assertEquals(answerTo(driver, writeResourceUnmapBlob, { resourceId: 3 }), "ERR_INVALID_RESOURCE_ID");
});

Deno.test("RESOURCE_CREATE_BLOB wants a multiple of blob_alignment once BLOB_ALIGNMENT is negotiated", async () => {
  const { driver } = await startBlobMachine({ blobAlignment: 16384 });
  assertEquals(driver.transport.readConfig(16, 4), 16384);
  assertEquals(createBlob(driver, 1, [], { size: 4096 }), "ERR_INVALID_PARAMETER");
  assertEquals(createBlob(driver, 1, [], { size: 32768 }), "OK_NODATA");
});

Deno.test("RESOURCE_CREATE_BLOB takes any size when the driver does not know BLOB_ALIGNMENT", async () => {
  const { driver } = await startBlobMachine({ blobAlignment: 16384 });
  driver.start([0xffffffff & ~(1 << 5), 0xffffffff]);
  assertEquals(createBlob(driver, 1, [], { size: 4096 }), "OK_NODATA");
});
