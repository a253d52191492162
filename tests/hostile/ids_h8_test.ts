/** H8: resource ids that are reserved, in use, gone, or very many. */

import { assertEquals } from "@std/assert";
import { entryWords, type Writer } from "../../src/guest/gpu_driver.ts";
import {
  BlobMem,
  Format,
  writeResourceAssignUuid,
  writeResourceCreateBlob,
  writeResourceMapBlob,
  writeResourceUnmapBlob,
  writeSetScanoutBlob,
} from "../../src/protocol/wire.gen.ts";
import {
  answerTo,
  attach,
  createResource,
  detach,
  flush,
  rect,
  setScanout,
  transfer,
  unref,
  updateCursor,
} from "../device/requests.ts";
import {
  attachToContext,
  create3d,
  createContext,
  createHostBlob,
  detachFromContext,
  transferFromHost,
  transferToHost,
} from "../device/three_d_requests.ts";
import type { Machine } from "../support/machine.ts";
import { startRecording } from "../support/renderer_machine.ts";

const IDS = [1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];
const one = rect(0, 0, 1, 1);
const blob = { blobMem: BlobMem.Guest, blobFlags: 0, nrEntries: 0, blobIdLow: 0, blobIdHigh: 0, size: 4096 };

/** Everything that names a resource, and answers an unknown one. */
const uses: [name: string, use: (machine: Machine, resourceId: number) => string][] = [
  ["RESOURCE_UNREF", ({ driver }, id) => unref(driver, id)],
  ["RESOURCE_ATTACH_BACKING", ({ driver }, id) => attach(driver, id, [{ addr: 0, length: 64 }])],
  ["RESOURCE_DETACH_BACKING", ({ driver }, id) => detach(driver, id)],
  ["TRANSFER_TO_HOST_2D", ({ driver }, id) => transfer(driver, id, one, 0)],
  ["RESOURCE_FLUSH", ({ driver }, id) => flush(driver, id, one)],
  ["RESOURCE_ASSIGN_UUID", (machine, id) => send(machine, writeResourceAssignUuid, { resourceId: id })],
  ["RESOURCE_MAP_BLOB", (machine, id) => send(machine, writeResourceMapBlob, { resourceId: id, offset: 0 })],
  ["RESOURCE_UNMAP_BLOB", (machine, id) => send(machine, writeResourceUnmapBlob, { resourceId: id })],
  ["CTX_ATTACH_RESOURCE", ({ driver }, id) => attachToContext(driver, 1, id)],
  ["CTX_DETACH_RESOURCE", ({ driver }, id) => detachFromContext(driver, 1, id)],
  ["TRANSFER_TO_HOST_3D", ({ driver }, id) => transferToHost(driver, id)],
  ["TRANSFER_FROM_HOST_3D", ({ driver }, id) => transferFromHost(driver, id)],
];
/** What names a resource too, but takes 0 for "none". */
const usesWithNone: typeof uses = [
  ["SET_SCANOUT", ({ driver }, id) => setScanout(driver, 0, id, one)],
  ["SET_SCANOUT_BLOB", (machine, resourceId) => send(machine, writeSetScanoutBlob, { ...picture, resourceId })],
  ["UPDATE_CURSOR", ({ driver }, id) => updateCursor(driver, id)],
];
const planes = { strides: Uint32Array.of(4, 0, 0, 0), offsets: Uint32Array.of(0, 0, 0, 0) };
const picture = { rect: one, scanoutId: 0, width: 1, height: 1, format: Format.B8G8R8X8Unorm, ...planes };

function send<F>({ driver }: Machine, write: Writer<F>, fields: F): string {
  return answerTo(driver, write, fields, { replyBytes: 64 });
}

/** A machine with a renderer and context 1. */
async function start(): Promise<Machine> {
  const machine = await startRecording();
  createContext(machine.driver, 1);
  return machine;
}

for (const [name, use] of [...uses, ...usesWithNone]) {
  Deno.test(`${name} answers ERR_INVALID_RESOURCE_ID for an id that never was, and for one that is gone`, async () => {
    const machine = await start();
    for (const id of IDS) {
      assertEquals(use(machine, id), "ERR_INVALID_RESOURCE_ID");
      createResource(machine.driver, id, 1, 1);
      unref(machine.driver, id);
      assertEquals(use(machine, id), "ERR_INVALID_RESOURCE_ID");
    }
  });
}

for (const [name, use] of uses) {
  Deno.test(`${name} answers ERR_INVALID_RESOURCE_ID for id 0`, async () => {
    assertEquals(use(await start(), 0), "ERR_INVALID_RESOURCE_ID");
  });
}

/** Everything that makes a resource. */
const makers: [kind: string, make: (machine: Machine, resourceId: number) => string][] = [
  ["a 2D resource", ({ driver }, id) => createResource(driver, id, 4, 4)],
  ["a guest blob", ({ driver }, resourceId) => answerTo(driver, writeResourceCreateBlob, { ...blob, resourceId })],
  ["a 3D resource", ({ driver }, id) => create3d(driver, id)],
  ["a host blob", ({ driver }, id) => createHostBlob(driver, id)],
  ["a default blob", ({ driver }, id) => createHostBlob(driver, id, { blobMem: BlobMem.Host3dGuest })],
];
for (const [kind, make] of makers) {
  Deno.test(`An id that ${kind} has is taken for every kind, until it is destroyed; id 0 is nobody's`, async () => {
    const machine = await start();
    const { driver, heap } = machine;
    for (const id of IDS) {
      assertEquals(make(machine, id), "OK_NODATA");
      const usedBefore = heap.usedBytes;
      const answers = makers.map(([, makeAnother]) => makeAnother(machine, id));
      assertEquals(answers, new Array(5).fill("ERR_INVALID_RESOURCE_ID"));
      assertEquals(heap.usedBytes, usedBefore);
      unref(driver, id);
    }
    assertEquals(make(machine, 0), "ERR_INVALID_RESOURCE_ID");
  });
}

Deno.test("An id that is used again names the new resource alone: its size, its pages, its pixels", async () => {
  const machine = await start();
  const { driver, ram } = machine;
  const pages = ram.allocate(256);
  ram.bytes(pages, 256).fill(0x66);
  createResource(driver, 1, 8, 8);
  attach(driver, 1, [{ addr: pages, length: 256 }]);
  transfer(driver, 1, rect(0, 0, 8, 8), 0);
  unref(driver, 1);

  createResource(driver, 1, 4, 4);

  assertEquals(transfer(driver, 1, rect(0, 0, 4, 4), 0), "ERR_UNSPEC");
  assertEquals(flush(driver, 1, rect(0, 0, 8, 8)), "ERR_INVALID_PARAMETER");
  setScanout(driver, 0, 1, rect(0, 0, 4, 4));
  flush(driver, 1, rect(0, 0, 4, 4));
  const black = new Uint8Array(64).map((_, index) => index % 4 === 3 ? 255 : 0);
  assertEquals(machine.display.picture(0)!.rgba, black);
});

Deno.test("16384 resources of three kinds exist at a time, the next is refused, and all of them go", async () => {
  const machine = await start();
  const { driver, heap } = machine;
  const usedBefore = heap.usedBytes;
  const trailing = entryWords([]);
  const idOf = (index: number) => 0xffff_ffff - index * 3;
  const create = (index: number) => {
    if (index % 3 === 0) return createResource(driver, idOf(index), 1, 1);
    if (index % 3 === 1) return create3d(driver, idOf(index));
    return answerTo(driver, writeResourceCreateBlob, { ...blob, resourceId: idOf(index) }, { trailing });
  };

  const created = Array.from({ length: 16384 }, (_, index) => create(index));
  const beyond = [create(16384), create(16385)];
  const gone = created.map((_, index) => unref(driver, idOf(index)));

  assertEquals(new Set(created), new Set(["OK_NODATA"]));
  assertEquals(beyond, ["ERR_OUT_OF_MEMORY", "ERR_OUT_OF_MEMORY"]);
  assertEquals(new Set(gone), new Set(["OK_NODATA"]));
  assertEquals(heap.usedBytes, usedBefore);
});
