/** What the seed asks of blobs of host memory, shown with the reference renderer; each test names its row. */

import { assert, assertEquals } from "@std/assert";
import { Reasons } from "../../src/protocol/reasons.ts";
import { BlobFlag, BlobMem, Format, responseName, writeResourceAssignUuid } from "../../src/protocol/wire.gen.ts";
import type { GpuDriver } from "../../src/guest/gpu_driver.ts";
import type { MachineOptions } from "../support/machine.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { copy, fill as fillBlob, fillRect, makeBuffer, makeImage } from "../support/renderer/stream.ts";
import { type RendererMachine, startWithRenderer } from "../support/renderer_machine.ts";
import { createBlobOf, setScanoutBlob } from "./blob_requests.ts";
import { attach, createFilled, detach, fill, flush, pictureWords, pixel, rect, unref } from "./requests.ts";
import {
  attachToContext,
  box,
  create3d,
  createContext,
  createHostBlob,
  destroyContext,
  submit,
  transferFromHost,
  transferToHost,
} from "./three_d_requests.ts";

const { Host3d, Host3dGuest } = BlobMem;
type TestMachine = RendererMachine<ReferenceRenderer>;

/** A machine with contexts 1 and 2. */
async function start(options?: MachineOptions): Promise<TestMachine> {
  const machine = await startWithRenderer(new ReferenceRenderer(), options);
  for (const ctxId of [1, 2]) createContext(machine.driver, ctxId);
  return machine;
}

/** The first `count` words of a resource, as another device of the host reads them. */
function wordsOf({ driver, gpu, guest }: TestMachine, resourceId: number, count: number): number[] {
  const { header, words } = driver.send(writeResourceAssignUuid, { resourceId }, { replyBytes: 40 });
  assertEquals(responseName(header.type), "OK_RESOURCE_UUID");
  const uuid = new Uint8Array(words.buffer, words.byteOffset + 24, 16).toHex();
  const target = guest.heap.allocate(count * 4);
  assert(gpu.findShared(uuid)!.read(0, count * 4, target));
  const found = [...guest.words.subarray(target >>> 2, (target >>> 2) + count)];
  guest.heap.free(target);
  return found;
}

/** Makes a buffer as object `resourceId` of a context, and a blob of it, which the context uses. */
function makeBlob(
  driver: GpuDriver,
  resourceId: number,
  sizeBytes: number,
  fields: Parameters<typeof createHostBlob>[2] = {},
  entries?: Parameters<typeof createHostBlob>[3],
): void {
  const ctxId = fields.ctxId ?? 1;
  const answers = [
    submit(driver, ctxId, makeBuffer(resourceId, sizeBytes)),
    createHostBlob(driver, resourceId, { blobIdLow: resourceId, size: sizeBytes, ...fields }, entries),
    attachToContext(driver, ctxId, resourceId),
  ];
  if (answers.some((answer) => answer !== "OK_NODATA")) throw new Error(`Cannot make blob ${resourceId}: ${answers}`);
}

Deno.test("S2: a blob of host memory has the bytes that command streams have given its object, and no page", async () => {
  const machine = await start();
  const { driver } = machine;
  makeBlob(driver, 5, 4096);

  assertEquals(submit(driver, 1, fillBlob(5, 4, 8, 0xabcd)), "OK_NODATA");

  assertEquals(wordsOf(machine, 5, 4), [0, 0xabcd, 0xabcd, 0]);
  assertEquals(attach(driver, 5, [{ addr: 4096, length: 4096 }]), "ERR_UNSPEC");
});

Deno.test("S3: a default blob has host memory and guest pages, each with bytes of its own until a transfer", async () => {
  const machine = await start();
  const { driver, ram } = machine;
  const addr = ram.allocate(4096, 4096);
  fill(machine, addr, 4, (index) => index + 1);
  makeBlob(driver, 5, 4096, { blobMem: Host3dGuest }, [{ addr, length: 4096 }]);
  submit(driver, 1, fillBlob(5, 0, 8, 7));

  assertEquals([wordsOf(machine, 5, 4), [...ram.words(addr, 4)]], [[7, 7, 0, 0], [1, 2, 3, 4]]);
  transferToHost(driver, 5, { box: box(4, 0, 0, 8, 1, 1), offset: 4 });
  assertEquals([wordsOf(machine, 5, 4), [...ram.words(addr, 4)]], [[7, 2, 3, 0], [1, 2, 3, 4]]);
  transferFromHost(driver, 5, { box: box(0, 0, 0, 4, 1, 1), offset: 12 });
  assertEquals([...ram.words(addr, 4)], [1, 2, 3, 7]);
});

Deno.test("S6: the pages of a default blob are used for transfers both ways, however they are scattered", async () => {
  const machine = await start();
  const { driver, ram } = machine;
  const pieces = [0x10000, 0x30004, 0x2000c, 0x50008].map((addr) => ({ addr, length: 1024 }));
  pieces.forEach(({ addr }, piece) => fill(machine, addr, 256, (index) => piece * 256 + index));
  makeBlob(driver, 5, 4096, { blobMem: Host3dGuest }, pieces);
  const whole = { box: box(0, 0, 0, 4096, 1, 1) };

  assertEquals(transferToHost(driver, 5, whole), "OK_NODATA");
  assertEquals(wordsOf(machine, 5, 1024), Array.from({ length: 1024 }, (_, index) => index));

  for (const { addr } of pieces) fill(machine, addr, 256, () => 0);
  assertEquals(transferFromHost(driver, 5, whole), "OK_NODATA");
  const read = pieces.flatMap(({ addr }) => [...ram.words(addr, 256)]);
  assertEquals(read, Array.from({ length: 1024 }, (_, index) => index));
});

Deno.test("S6, S7: a default blob whose pages are swapped keeps its host memory, and transfers use the new pages alone", async () => {
  const machine = await start();
  const { driver, ram } = machine;
  const first = ram.allocate(4096, 4096);
  const second = ram.allocate(4096, 4096);
  makeBlob(driver, 5, 4096, { blobMem: Host3dGuest }, [{ addr: first, length: 4096 }]);
  submit(driver, 1, fillBlob(5, 0, 64, 0x55));

  assertEquals(detach(driver, 5), "OK_NODATA");
  assertEquals(transferFromHost(driver, 5), "ERR_UNSPEC");
  assertEquals(wordsOf(machine, 5, 1), [0x55]);
  assertEquals(attach(driver, 5, [{ addr: second, length: 4096 }]), "OK_NODATA");
  assertEquals(transferFromHost(driver, 5), "OK_NODATA");

  assertEquals([ram.words(first, 1)[0], ram.words(second, 1)[0]], [0, 0x55]);
});

Deno.test("S10: the same blob id in two contexts is two objects", async () => {
  const machine = await start();
  const { driver } = machine;
  submit(driver, 1, makeBuffer(2 ** 40 + 3, 4096));
  submit(driver, 2, makeBuffer(2 ** 40 + 3, 8192));
  const blobId = { blobIdLow: 3, blobIdHigh: 256 };

  assertEquals(createHostBlob(driver, 5, { ...blobId, ctxId: 1, size: 8192 }), "ERR_UNSPEC"); // the other's size
  assertEquals(createHostBlob(driver, 5, { ...blobId, ctxId: 1 }), "OK_NODATA");
  assertEquals(createHostBlob(driver, 6, { ...blobId, ctxId: 2, size: 8192 }), "OK_NODATA");
  for (const [ctxId, resourceId] of [[1, 5], [2, 6]] as const) attachToContext(driver, ctxId, resourceId);
  submit(driver, 1, fillBlob(5, 0, 4, 1));
  submit(driver, 2, fillBlob(6, 0, 4, 2));
  assertEquals([wordsOf(machine, 5, 1), wordsOf(machine, 6, 1)], [[1], [2]]);
});

Deno.test("S10: RESOURCE_CREATE_BLOB answers ERR_UNSPEC for another context's object, and for half of a blob id", async () => {
  const { driver, errors } = await start();
  submit(driver, 1, makeBuffer(2 ** 40 + 3, 4096));

  const answers = [
    createHostBlob(driver, 5, { ctxId: 2, blobIdLow: 3, blobIdHigh: 256 }),
    createHostBlob(driver, 5, { ctxId: 1, blobIdLow: 3, blobIdHigh: 0 }),
    createHostBlob(driver, 5, { ctxId: 1, blobIdLow: 0, blobIdHigh: 256 }),
  ];

  assertEquals(answers, new Array(3).fill("ERR_UNSPEC"));
  assertEquals(errors.map(({ reason }) => reason), new Array(3).fill(Reasons.blobIdUnknown));
  assertEquals(createHostBlob(driver, 5, { ctxId: 1, blobIdLow: 3, blobIdHigh: 256 }), "OK_NODATA");
});

Deno.test("S11: the host memory of a blob is taken by SUBMIT_3D, and RESOURCE_CREATE_BLOB takes none", async () => {
  const { driver, heap } = await start();
  const usedBefore = heap.usedBytes;

  submit(driver, 1, makeBuffer(1, 1024 * 1024));
  const usedBySubmit = heap.usedBytes - usedBefore;
  createHostBlob(driver, 5, { size: 1024 * 1024 });

  assert(usedBySubmit >= 1024 * 1024);
  assertEquals(heap.usedBytes - usedBefore, usedBySubmit);
  unref(driver, 5);
  assertEquals(heap.usedBytes, usedBefore);
});

Deno.test("S11: RESOURCE_CREATE_BLOB before the SUBMIT_3D that makes the object answers ERR_UNSPEC", async () => {
  const { driver } = await start();

  assertEquals(createHostBlob(driver, 5), "ERR_UNSPEC");
  submit(driver, 1, makeBuffer(1, 4096));
  assertEquals(createHostBlob(driver, 5), "OK_NODATA");
});

Deno.test("S11: an object is used once, and its blob id may then name another", async () => {
  const { driver } = await start();
  submit(driver, 1, makeBuffer(1, 4096));

  assertEquals(createHostBlob(driver, 5), "OK_NODATA");
  assertEquals(createHostBlob(driver, 6), "ERR_UNSPEC");
  unref(driver, 5);
  assertEquals(createHostBlob(driver, 6), "ERR_UNSPEC");
  submit(driver, 1, makeBuffer(1, 4096));
  assertEquals(createHostBlob(driver, 6), "OK_NODATA");
});

Deno.test("S11: an object that SUBMIT_3D has no memory for loses its context, whose objects answer ERR_UNSPEC", async () => {
  const { driver, heap } = await start({ limits: { hostMemoryBytes: 64 * 1024 } });
  submit(driver, 1, makeBuffer(1, 4096));
  const usedBefore = heap.usedBytes;

  submit(driver, 1, makeBuffer(2, 64 * 1024));

  assertEquals([createHostBlob(driver, 5, { blobIdLow: 2 }), createHostBlob(driver, 5)], ["ERR_UNSPEC", "ERR_UNSPEC"]);
  assert(heap.usedBytes <= usedBefore);
  destroyContext(driver, 1);
  assertEquals(submit(driver, 2, makeBuffer(2, 32 * 1024)), "OK_NODATA");
});

Deno.test("S12: two contexts share a blob: what one writes, the other reads, after the first is gone too", async () => {
  const machine = await start({ isStrict: true });
  const { driver, errors } = machine;
  makeBlob(driver, 5, 4096, { blobFlags: BlobFlag.UseShareable | BlobFlag.UseCrossDevice });
  makeBlob(driver, 6, 4096, { ctxId: 2, blobFlags: BlobFlag.UseCrossDevice });
  submit(driver, 1, fillBlob(5, 0, 16, 0x1234));

  assertEquals(attachToContext(driver, 2, 5), "OK_NODATA");
  assertEquals(destroyContext(driver, 1), "OK_NODATA");
  submit(driver, 2, copy({ resourceId: 6, offset: 8 }, { resourceId: 5, offset: 0 }, 8));

  assertEquals(wordsOf(machine, 6, 5), [0, 0, 0x1234, 0x1234, 0]);
  assertEquals(errors, []);
});

Deno.test("S12: a context that was not attached to a blob cannot use it", async () => {
  const machine = await start();
  const { driver } = machine;
  makeBlob(driver, 5, 4096, { blobFlags: BlobFlag.UseShareable });
  submit(driver, 2, fillBlob(5, 0, 4, 1));

  assertEquals(wordsOf(machine, 5, 1), [0]);
  assertEquals(submit(driver, 2, []), "ERR_UNSPEC"); // it is lost
  assertEquals(submit(driver, 1, fillBlob(5, 0, 4, 1)), "OK_NODATA");
});

const undeclared: [name: string, flags: number, use: (machine: TestMachine) => string][] = [
  ["CTX_ATTACH_RESOURCE in another context", 7 & ~BlobFlag.UseShareable, ({ driver }) => attachToContext(driver, 2, 5)],
  [
    "RESOURCE_ASSIGN_UUID",
    7 & ~BlobFlag.UseCrossDevice,
    ({ driver }) =>
      responseName(driver.send(writeResourceAssignUuid, { resourceId: 5 }, { replyBytes: 40 }).header.type),
  ],
];
for (const [name, blobFlags, use] of undeclared) {
  for (const blobMem of [Host3d, Host3dGuest]) {
    Deno.test(`S12: ${name} that the flags of a blob (${blobMem}) do not declare is reported, and refused when strict`, async () => {
      const lenient = await start();
      makeBlob(lenient.driver, 5, 4096, { blobMem, blobFlags });
      const strict = await start({ isStrict: true });
      makeBlob(strict.driver, 5, 4096, { blobMem, blobFlags });

      assert(use(lenient).startsWith("OK_"));
      assertEquals(lenient.errors.map(({ isRefused }) => isRefused), [false]);
      assertEquals(use(strict), "ERR_UNSPEC");
      assertEquals(strict.errors.map(({ isRefused }) => isRefused), [true]);
      unref(strict.driver, 5);
      makeBlob(strict.driver, 5, 4096, { blobMem, blobFlags: 7 });
      assert(use(strict).startsWith("OK_"));
    });
  }
}

Deno.test("S12: a context uses a 2D resource and a guest blob, whose bytes it reads where they lie", async () => {
  const machine = await start();
  const { driver } = machine;
  createFilled(machine, 10, 4, 4, (index) => 100 + index);
  const address = createBlobOf(machine, 11, 4096);
  makeBlob(driver, 5, 4096);
  for (const resourceId of [10, 11]) attachToContext(driver, 1, resourceId);
  fill(machine, address, 4, (index) => 200 + index);

  submit(driver, 1, [
    ...copy({ resourceId: 5, offset: 0 }, { resourceId: 10, offset: 8 }, 8),
    ...copy({ resourceId: 5, offset: 8 }, { resourceId: 11, offset: 4 }, 8),
  ]);

  assertEquals(wordsOf(machine, 5, 4), [102, 103, 201, 202]);
});

Deno.test("S13: a transfer to a blob of host memory alone is harmless", async () => {
  const machine = await start();
  const { driver } = machine;
  makeBlob(driver, 5, 4096);
  submit(driver, 1, fillBlob(5, 0, 4096, 9));

  assertEquals([transferToHost(driver, 5), transferFromHost(driver, 5)], ["OK_NODATA", "OK_NODATA"]);
  assertEquals(wordsOf(machine, 5, 1024), new Array(1024).fill(9));
});

Deno.test("S13: transfers honour box, offset, stride, layer stride and level of a 3D resource", async () => {
  const machine = await start();
  const { driver, ram } = machine;
  const addr = ram.allocate(65536, 4096);
  create3d(driver, 5, { target: 7, format: 1, width: 8, height: 8, arraySize: 3, lastLevel: 2 });
  attach(driver, 5, [{ addr, length: 65536 }]);
  fill(machine, addr, 16384, (index) => index + 1);

  // 2x3 texels of layers 1 and 2 at 1,1 of level 1 (4x4), from rows 40 bytes apart and layers 400 bytes apart
  const placed = { box: box(1, 1, 1, 2, 3, 2), level: 1, offset: 12, stride: 40, layerStride: 400 };
  assertEquals(transferToHost(driver, 5, placed), "OK_NODATA");
  fill(machine, addr, 16384, () => 0);
  assertEquals(transferFromHost(driver, 5, { box: box(0, 0, 0, 4, 4, 3), level: 1 }), "OK_NODATA");

  const texel = (x: number, y: number, z: number) => 1 + 3 + x + y * 10 + z * 100;
  const layer = (z: number) => [
    [0, 0, 0, 0],
    [0, texel(0, 0, z), texel(1, 0, z), 0],
    [0, texel(0, 1, z), texel(1, 1, z), 0],
    [0, texel(0, 2, z), texel(1, 2, z), 0],
  ];
  const expected = [new Array(16).fill(0), layer(0), layer(1)].flat(2);
  assertEquals([...ram.words(addr, 48)], expected);
});

const outside: [name: string, fields: Parameters<typeof transferToHost>[2]][] = [
  ["a box that ends behind the level", { box: box(5, 0, 0, 4, 1, 1) }],
  ["a box of the size of level 0 in level 1", { box: box(0, 0, 0, 8, 8, 1), level: 1 }],
  ["a layer that there is not", { box: box(0, 0, 3, 1, 1, 1) }],
  ["a level that there is not", { box: box(0, 0, 0, 1, 1, 1), level: 3 }],
  ["sums that wrap", { box: box(0xffffffff, 0, 0, 2, 1, 1) }],
  ["bytes that end behind the backing", { box: box(0, 0, 0, 8, 1, 1), offset: 4096 - 31 }],
  ["an offset of 2^53", { box: box(0, 0, 0, 8, 1, 1), offset: 2 ** 53 }],
];
for (const [name, fields] of outside) {
  Deno.test(`S13: TRANSFER_TO_HOST_3D and TRANSFER_FROM_HOST_3D answer ERR_INVALID_PARAMETER for ${name}`, async () => {
    const { driver, ram } = await start();
    const addr = ram.allocate(4096, 4096);
    create3d(driver, 5, { target: 7, format: 1, width: 8, height: 8, arraySize: 3, lastLevel: 2 });
    attach(driver, 5, [{ addr, length: 4096 }]);

    assertEquals(transferToHost(driver, 5, fields), "ERR_INVALID_PARAMETER");
    assertEquals(transferFromHost(driver, 5, fields), "ERR_INVALID_PARAMETER");
  });
}

Deno.test("S14: the same blob is a buffer and an image for command streams and transfers, and pictures for scanouts", async () => {
  const machine = await start();
  const { driver, ram, display } = machine;
  submit(driver, 1, makeImage(1, 32, 32));
  const addr = ram.allocate(4096, 4096);
  createHostBlob(driver, 5, { blobMem: Host3dGuest }, [{ addr, length: 4096 }]);
  attachToContext(driver, 1, 5);
  submit(driver, 1, [
    ...fillBlob(5, 0, 128, pixel(1)), // its first row, as bytes
    ...fillRect(5, { x: 0, y: 1, width: 32, height: 31 }, pixel(2)), // the others, as pixels
  ]);

  const format = Format.R8G8B8X8Unorm;
  const show = (width: number, height: number, stride: number, offset: number) => {
    const whole = rect(0, 0, width, height);
    assertEquals(setScanoutBlob(driver, 5, { rect: whole, width, height, stride, offset, format }), "OK_NODATA");
    assertEquals(flush(driver, 5, whole), "OK_NODATA");
    return pictureWords(display.picture(0)!.rgba);
  };
  assertEquals(show(32, 2, 128, 0), [...new Array(32).fill(pixel(1)), ...new Array(32).fill(pixel(2))]);
  assertEquals(show(8, 2, 124, 100), [...new Array(7).fill(pixel(1)), ...new Array(9).fill(pixel(2))]);
});

Deno.test("TRANSFER_FROM_HOST_3D tells the host where guest memory was written", async () => {
  const { driver, guest, ram } = await start();
  const addr = ram.allocate(8192, 4096);
  const ramOffset = guest.regions[0]!.offset;
  create3d(driver, 5);
  attach(driver, 5, [{ addr, length: 2048 }, { addr: addr + 4096, length: 2048 }]);
  const written: [number, number][] = [];
  guest.onWrite = (offset, bytes) => written.push([offset - ramOffset, bytes]);

  transferFromHost(driver, 5, { box: box(0, 0, 0, 64, 1, 1), offset: 100 });

  assertEquals(written.slice(0, 2), [[addr + 100, 1948], [addr + 4096, 2048]]);
});
