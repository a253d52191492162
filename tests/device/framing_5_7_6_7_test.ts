/** How a request must be framed, and what becomes of one that is not. Virtio 1.4, 5.7.6.7 (struct virtio_gpu_ctrl_hdr). */

import { assertEquals } from "@std/assert";
import type { Descriptor } from "../../src/guest/driver_queue.ts";
import type { GpuDriver } from "../../src/guest/gpu_driver.ts";
import {
  Format,
  GpuQueue,
  readRespEdid,
  responseName,
  writeGetDisplayInfo,
  writeGetEdid,
  writeMoveCursor,
  writeResourceAttachBacking,
  writeResourceCreate2d,
  writeResourceDetachBacking,
  writeResourceFlush,
  writeResourceUnref,
  writeSetScanout,
  writeTransferToHost2d,
  writeUpdateCursor,
} from "../../src/protocol/wire.gen.ts";
import { VirtioFeature } from "../../src/virtio/virtio.gen.ts";
import { makeMachine, startMachine } from "../support/machine.ts";
import { answerTo, createResource, rect, unref } from "./requests.ts";

const HEADER_BYTES = 24;
const newResource = { resourceId: 1, format: Format.B8G8R8X8Unorm, width: 8, height: 8 };

/** Sends the first `length` bytes of a request for resource 1, after which nothing but zeroes is in the buffer. */
function sendCreate(driver: GpuDriver, length: number, replyBytes?: number) {
  const request = driver.requestBytes().fill(0);
  writeResourceCreate2d(new Uint32Array(request.buffer, request.byteOffset, 10), 0, newResource);
  return driver.sendBytes(length, replyBytes === undefined ? {} : { replyBytes });
}

/** Cuts `length` bytes from a guest address on into descriptors of at most `pieceBytes`. */
function split(address: number, length: number, pieceBytes: number, isWritable: boolean): Descriptor[] {
  return Array.from({ length: Math.ceil(length / pieceBytes) }, (_, piece) => ({
    address: address + piece * pieceBytes,
    length: Math.min(pieceBytes, length - piece * pieceBytes),
    isWritable,
  }));
}

for (const type of [0, 0xff, 0x10e, 0x20a, 0x302, 0x1100, 0xffffffff]) {
  Deno.test(`A request of the unknown type 0x${type.toString(16)} answers ERR_UNSPEC`, async () => {
    const { driver } = await startMachine();
    const request = driver.requestBytes();
    new DataView(request.buffer, request.byteOffset).setUint32(0, type, true);

    const { header, usedLength } = driver.sendBytes(HEADER_BYTES);

    assertEquals(responseName(header.type), "ERR_UNSPEC");
    assertEquals(usedLength, HEADER_BYTES);
  });
}

for (let length = HEADER_BYTES; length < 40; length++) {
  Deno.test(`RESOURCE_CREATE_2D of ${length} bytes instead of 40 answers ERR_UNSPEC and makes no resource`, async () => {
    const { driver } = await startMachine();

    const { header } = sendCreate(driver, length);

    assertEquals(responseName(header.type), "ERR_UNSPEC");
    assertEquals(unref(driver, 1), "ERR_INVALID_RESOURCE_ID");
  });
}

const where = { rect: rect(0, 0, 1, 1), resourceId: 1, scanoutId: 0, offset: 0 };
const cursor = { pos: { scanoutId: 0, x: 0, y: 0 }, resourceId: 0, hotX: 0, hotY: 0 };
const shortened: [name: string, queue: GpuQueue, write: (words: Uint32Array) => number][] = [
  ["RESOURCE_UNREF", GpuQueue.Control, (words) => writeResourceUnref(words, 0, where)],
  ["SET_SCANOUT", GpuQueue.Control, (words) => writeSetScanout(words, 0, where)],
  ["RESOURCE_FLUSH", GpuQueue.Control, (words) => writeResourceFlush(words, 0, where)],
  ["TRANSFER_TO_HOST_2D", GpuQueue.Control, (words) => writeTransferToHost2d(words, 0, where)],
  [
    "RESOURCE_ATTACH_BACKING",
    GpuQueue.Control,
    (words) => writeResourceAttachBacking(words, 0, { resourceId: 1, nrEntries: 0 }),
  ],
  ["RESOURCE_DETACH_BACKING", GpuQueue.Control, (words) => writeResourceDetachBacking(words, 0, where)],
  ["GET_EDID", GpuQueue.Control, (words) => writeGetEdid(words, 0, { scanout: 0 })],
  ["UPDATE_CURSOR", GpuQueue.Cursor, (words) => writeUpdateCursor(words, 0, cursor)],
  ["MOVE_CURSOR", GpuQueue.Cursor, (words) => writeMoveCursor(words, 0, cursor)],
];

for (const [name, queue, write] of shortened) {
  Deno.test(`${name} that lacks its last byte answers ERR_UNSPEC`, async () => {
    const machine = await startMachine();
    createResource(machine.driver, 1, 8, 8);
    const request = machine.driver.requestBytes();
    const size = write(new Uint32Array(request.buffer, request.byteOffset, 32));

    const { header } = machine.driver.sendBytes(size - 1, { queue, replyBytes: 2048 });

    assertEquals(responseName(header.type), "ERR_UNSPEC");
    assertEquals(machine.errors.map(({ command, reason }) => [command, reason.text]), [
      [name, "the request is shorter than the command's structure"],
    ]);
  });
}

for (const length of [0, 1, 8, 23]) {
  Deno.test(`A request of ${length} bytes answers ERR_UNSPEC, and the next one is answered`, async () => {
    const { driver } = await startMachine();

    const { header, usedLength } = sendCreate(driver, length);

    assertEquals(responseName(header.type), "ERR_UNSPEC");
    assertEquals(usedLength, HEADER_BYTES);
    assertEquals(answerTo(driver, writeGetDisplayInfo, {}, { replyBytes: 408 }), "OK_DISPLAY_INFO");
  });
}

for (const replyBytes of [0, 10, 23]) {
  Deno.test(`A request of 8 bytes with room for ${replyBytes} completes with used length 0`, async () => {
    const { driver } = await startMachine();

    const { usedLength, words } = sendCreate(driver, 8, replyBytes);

    assertEquals(usedLength, 0);
    assertEquals([...words], new Array(words.length).fill(0));
    assertEquals(answerTo(driver, writeGetDisplayInfo, {}, { replyBytes: 408 }), "OK_DISPLAY_INFO");
  });
}

Deno.test("Bytes behind a request's structure are ignored", async () => {
  const { driver } = await startMachine();

  const answer = driver.send(writeResourceCreate2d, newResource, { trailing: new Uint32Array(1000).fill(0xffffffff) });

  assertEquals(responseName(answer.header.type), "OK_NODATA");
  assertEquals(unref(driver, 1), "OK_NODATA");
});

const dataReplies: [name: string, size: number, send: (driver: GpuDriver, replyBytes: number) => [string, number]][] = [
  ["GET_DISPLAY_INFO", 408, (driver, replyBytes) => {
    const { header, usedLength } = driver.send(writeGetDisplayInfo, {}, { replyBytes });
    return [responseName(header.type), usedLength];
  }],
  ["GET_EDID", 1056, (driver, replyBytes) => {
    const { header, usedLength } = driver.send(writeGetEdid, { scanout: 0 }, { replyBytes });
    return [responseName(header.type), usedLength];
  }],
];

for (const [name, size, send] of dataReplies) {
  for (const replyBytes of [HEADER_BYTES, size - 1]) {
    Deno.test(`${name} with room for ${replyBytes} of ${size} bytes answers ERR_UNSPEC, a header alone`, async () => {
      const { driver } = await startMachine();

      assertEquals(send(driver, replyBytes), ["ERR_UNSPEC", HEADER_BYTES]);
    });
  }

  for (const replyBytes of [0, 10, 23]) {
    Deno.test(`${name} with room for ${replyBytes} bytes completes with used length 0 and nothing written`, async () => {
      const { driver } = await startMachine();

      assertEquals(send(driver, replyBytes), ["0x0", 0]);
    });
  }

  Deno.test(`${name} with more room than ${size} bytes says ${size} as the used length`, async () => {
    const { driver } = await startMachine();

    assertEquals(send(driver, size + 100)[1], size);
  });
}

Deno.test("A reply without data changes no byte behind its header", async () => {
  const { driver, ram } = await startMachine();
  const request = ram.allocate(40);
  const reply = ram.allocate(100);
  writeResourceCreate2d(ram.words(request, 10), 0, newResource);
  ram.bytes(reply, 100).fill(0xaa);

  const usedLength = driver.sendChain(GpuQueue.Control, [
    { address: request, length: 40 },
    { address: reply, length: 100, isWritable: true },
  ]);

  assertEquals(usedLength, HEADER_BYTES);
  assertEquals(ram.bytes(reply + HEADER_BYTES, 76), new Uint8Array(76).fill(0xaa));
});

Deno.test("A request without a writable descriptor is executed and completes with used length 0", async () => {
  const { driver } = await startMachine();

  const { usedLength } = sendCreate(driver, 40, 0);

  assertEquals(usedLength, 0);
  assertEquals(createResource(driver, 1, 8, 8), "ERR_INVALID_RESOURCE_ID");
});

const tables: [name: string, wantedLow: number][] = [
  ["an indirect table", 0xffffffff],
  ["the descriptor table", ~(1 << VirtioFeature.IndirectDesc)],
];

for (const [name, wantedLow] of tables) {
  Deno.test(`A request split over 5-byte descriptors in ${name} is carried out`, async () => {
    const { driver, ram } = await makeMachine();
    driver.start([wantedLow, 0xffffffff]);
    const request = ram.allocate(40);
    const reply = ram.allocate(HEADER_BYTES);
    writeResourceCreate2d(ram.words(request, 10), 0, newResource);

    const usedLength = driver.sendChain(GpuQueue.Control, [
      ...split(request, 40, 5, false),
      ...split(reply, HEADER_BYTES, 5, true),
    ]);

    assertEquals(usedLength, HEADER_BYTES);
    assertEquals(responseName(ram.words(reply, 1)[0]!), "OK_NODATA");
    assertEquals(unref(driver, 1), "OK_NODATA");
  });

  Deno.test(`A reply split over 7-byte descriptors in ${name} arrives whole`, async () => {
    const { driver, ram } = await makeMachine();
    driver.start([wantedLow, 0xffffffff]);
    const request = ram.allocate(32);
    const reply = ram.allocate(1056);
    writeGetEdid(ram.words(request, 8), 0, { scanout: 0 });

    driver.sendChain(GpuQueue.Control, [
      { address: request, length: 32 },
      ...split(reply, 1056, 7, true),
    ]);

    assertEquals(readRespEdid(ram.words(reply, 264), 0).size, 128);
    assertEquals([...ram.bytes(reply + 32, 8)], [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]);
  });
}

Deno.test("UPDATE_CURSOR on the control queue answers ERR_UNSPEC", async () => {
  const { driver } = await startMachine();

  assertEquals(answerTo(driver, writeUpdateCursor, cursor, { queue: GpuQueue.Control }), "ERR_UNSPEC");
});

Deno.test("MOVE_CURSOR on the control queue answers ERR_UNSPEC", async () => {
  const { driver } = await startMachine();

  assertEquals(answerTo(driver, writeMoveCursor, cursor, { queue: GpuQueue.Control }), "ERR_UNSPEC");
});

Deno.test("RESOURCE_CREATE_2D on the cursor queue answers ERR_UNSPEC and makes no resource", async () => {
  const { driver } = await startMachine();

  assertEquals(answerTo(driver, writeResourceCreate2d, newResource, { queue: GpuQueue.Cursor }), "ERR_UNSPEC");
  assertEquals(unref(driver, 1), "ERR_INVALID_RESOURCE_ID");
});

Deno.test("RESOURCE_CREATE_2D on the cursor queue without room completes with used length 0, undone", async () => {
  const { driver } = await startMachine();

  const { usedLength } = driver.send(writeResourceCreate2d, newResource, { queue: GpuQueue.Cursor, replyBytes: 0 });

  assertEquals(usedLength, 0);
  assertEquals(unref(driver, 1), "ERR_INVALID_RESOURCE_ID");
});
