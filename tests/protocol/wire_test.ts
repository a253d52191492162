import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { commands, ctrlHdr, type Response, responses } from "../../build/tables/wire.ts";
import * as wire from "../../src/protocol/wire.gen.ts";
import { readByTable, recordsOf } from "../support/wire_records.ts";
import { pascalCase } from "../../build/gen/names.ts";
import { interfaceName } from "../../build/gen/fields.ts";

const { CommandReader, CommandType, CtrlFlag, Format, GpuFeature, GpuQueue, ResponseType } = wire;

/** A message of the bytes in `hex`, with zeroes up to the largest request. */
function message(hex: string): Uint32Array {
  const bytes = Uint8Array.from(hex.replaceAll(/\s/g, "").match(/../g)!.map((byte) => parseInt(byte, 16)));
  const words = new Uint32Array(wire.MAX_COMMAND_SIZE / 4);
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

const zeroHeader = "00000000 0000000000000000 00000000 00000000";
const noFlags = { flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 };

Deno.test("CommandReader reads RESOURCE_CREATE_2D and its header (Virtio 1.4, 5.7.6.7, 5.7.6.8)", () => {
  const words = message("01010000 03000000 88776655 44332211 07000000 3f aabbcc 02000000 43000000 00050000 20030000");

  const command = new CommandReader().read(words, 0);

  assertEquals<unknown>(command, {
    type: CommandType.ResourceCreate2d,
    flags: CtrlFlag.Fence | CtrlFlag.InfoRingIdx,
    fenceIdLow: 0x55667788,
    fenceIdHigh: 0x11223344,
    ctxId: 7,
    ringIdx: 63,
    resourceId: 2,
    format: Format.R8G8B8A8Unorm,
    width: 1280,
    height: 800,
  });
});

Deno.test("CommandReader reads the offset of TRANSFER_TO_HOST_2D above 2^32 as one number (Virtio 1.4, 5.7.6.8)", () => {
  const words = message(
    `05010000 ${zeroHeader} 01000000 02000000 03000000 04000000 08000000 01000000 09000000 00000000`,
  );

  const command = new CommandReader().read(words, 0);

  assertEquals<unknown>(command, {
    type: CommandType.TransferToHost2d,
    ...noFlags,
    rect: { x: 1, y: 2, width: 3, height: 4 },
    offset: 2 ** 32 + 8,
    resourceId: 9,
  });
});

for (const high of ["00002000", "01002000", "ffffffff"]) {
  Deno.test(`CommandReader saturates a le64 of ${high} x 2^32 at 2^53`, () => {
    const words = message(`08020000 ${zeroHeader} 01000000 00000000 ffffffff ${high}`);

    const command = new CommandReader().read(words, 0) as wire.ResourceMapBlob;

    assertEquals(command.offset, 2 ** 53);
  });
}

Deno.test("CommandReader keeps a blob id exact as two halves (Virtio 1.4, 5.7.6.8)", () => {
  const words = message(
    `0c010000 ${zeroHeader} 05000000 02000000 03000000 00000000 efbeadde ffffffff 00001000 00000000`,
  );

  const command = new CommandReader().read(words, 0);

  assertEquals<unknown>(command, {
    type: CommandType.ResourceCreateBlob,
    ...noFlags,
    resourceId: 5,
    blobMem: wire.BlobMem.Host3d,
    blobFlags: wire.BlobFlag.UseMappable | wire.BlobFlag.UseShareable,
    nrEntries: 0,
    blobIdLow: 0xdeadbeef,
    blobIdHigh: 0xffffffff,
    size: 0x100000,
  });
});

Deno.test("CommandReader reads the place of a cursor as signed (Virtio 1.4, 5.7.6.10)", () => {
  const words = message(
    `01030000 ${zeroHeader} 01000000 ffffffff c0ffffff 00000000 04000000 05000000 06000000 00000000`,
  );

  const command = new CommandReader().read(words, 0);

  assertEquals<unknown>(command, {
    type: CommandType.MoveCursor,
    ...noFlags,
    pos: { scanoutId: 1, x: -1, y: -64 },
    resourceId: 4,
    hotX: 5,
    hotY: 6,
  });
});

Deno.test("CommandReader fills one record for each type", () => {
  const reader = new CommandReader();
  const first = message(`02010000 ${zeroHeader} 01000000 00000000`);
  const second = message(`02010000 ${zeroHeader} 02000000 00000000`);

  const command = reader.read(first, 0) as wire.ResourceUnref;

  assertStrictEquals(reader.read(second, 0), command);
  assertEquals(command.resourceId, 2);
});

for (const type of [0, 0xff, 0x10e, 0x20a, 0x302, 0x1100, 0xffffffff]) {
  Deno.test(`CommandReader answers undefined to the unknown type 0x${type.toString(16)} (spec 2.3)`, () => {
    const words = new Uint32Array(wire.MAX_COMMAND_SIZE / 4).fill(type, 0, 1);

    assertStrictEquals(new CommandReader().read(words, 0), undefined);
    assertStrictEquals(wire.commandSize(type), 0);
    assertStrictEquals(wire.commandName(type), `0x${type.toString(16)}`);
    assertStrictEquals(wire.commandQueue(type), undefined);
    assertStrictEquals(wire.commandFeature(type), undefined);
    assertStrictEquals(wire.commandReply(type), undefined);
    assertStrictEquals(wire.commandReplySize(type), 0);
  });
}

Deno.test("readCtrlHdr reads the header of a message of any type (Virtio 1.4, 5.7.6.7)", () => {
  const words = message("ffffffff 01000000 01000000 02000000 03000000 04 ffffff");

  const header = wire.readCtrlHdr(words, 0, { type: 0, ...noFlags });

  assertEquals(header, { type: 0xffffffff, flags: 1, fenceIdLow: 1, fenceIdHigh: 2, ctxId: 3, ringIdx: 4 });
});

for (const command of commands) {
  const type = pascalCase(command.name) as keyof typeof CommandType;
  const records = recordsOf(command.request).map((record) => ({ type: CommandType[type], ...record } as wire.Command));

  Deno.test(`${command.name}: what writeCommand writes is what CommandReader reads`, () => {
    const words = new Uint32Array(2 + wire.MAX_COMMAND_SIZE / 4);
    const reader = new CommandReader();

    fc.assert(fc.property(records, (record) => {
      assertEquals(wire.writeCommand(words, 2, record), command.request.sizeBytes);
      assertEquals(reader.read(words, 2), record);
    }));
  });

  Deno.test(`${command.name}: writeCommand leaves no byte as it was`, () => {
    const zeroes = new Uint32Array(command.request.sizeBytes / 4);
    const ones = zeroes.slice().fill(0xffffffff);

    fc.assert(fc.property(records, (record) => {
      wire.writeCommand(zeroes, 0, record);
      wire.writeCommand(ones.fill(0xffffffff), 0, record);
      assertEquals(ones, zeroes);
    }));
  });

  Deno.test(`${command.name}: CommandReader reads any bytes as the table says`, () => {
    const reader = new CommandReader();
    const bodies = fc.uint32Array({ minLength: wire.MAX_COMMAND_SIZE / 4, maxLength: wire.MAX_COMMAND_SIZE / 4 });

    fc.assert(fc.property(bodies, (words) => {
      words[0] = command.type;
      const view = new DataView(words.buffer, words.byteOffset, words.byteLength);
      const expected = { ...readByTable(ctrlHdr, view), ...readByTable(command.request, view) };
      assertEquals<unknown>(reader.read(words, 0), expected);
    }));
  });

  Deno.test(`${command.name}: its size, name, queue, feature and reply are the table's`, () => {
    const feature = command.feature === undefined ? undefined : pascalCase(command.feature) as keyof typeof GpuFeature;
    const reply = responses.find((response) => response.name === `OK_${command.reply}`)!;

    assertEquals(wire.commandSize(command.type), command.request.sizeBytes);
    assertEquals(wire.commandName(command.type), command.name);
    assertEquals(wire.commandQueue(command.type), command.queue === "CONTROL" ? GpuQueue.Control : GpuQueue.Cursor);
    assertEquals<unknown>(wire.commandFeature(command.type), feature && GpuFeature[feature]);
    assertEquals<unknown>(wire.commandReply(command.type), reply.type);
    assertEquals(wire.commandReplySize(command.type), reply.struct.sizeBytes);
  });
}

type Writer = (words: Uint32Array, wordIndex: number, fields: Record<string, unknown>) => number;
type Reader = (words: Uint32Array, wordIndex: number) => Record<string, unknown>;

/** The generated writer and reader of a reply, by its name. */
function codec(response: Response): { write: Writer; read: Reader } {
  const functions = wire as unknown as Record<string, unknown>;
  const name = interfaceName(response.struct);
  return { write: functions[`write${name}`] as Writer, read: functions[`read${name}`] as Reader };
}

for (const response of responses.filter(({ struct }) => struct !== ctrlHdr)) {
  const { write, read } = codec(response);
  const wordCount = response.struct.sizeBytes / 4;

  Deno.test(`${response.name}: what is written is what is read, and no byte is left as it was`, () => {
    const zeroes = new Uint32Array(wordCount);
    const ones = zeroes.slice();

    fc.assert(fc.property(recordsOf(response.struct), (record) => {
      assertEquals(write(zeroes, 0, record), response.struct.sizeBytes);
      write(ones.fill(0xffffffff), 0, record);
      assertEquals(ones, zeroes);
      assertEquals(read(zeroes, 0), { type: response.type, ...record });
    }));
  });

  Deno.test(`${response.name}: any bytes are read as the table says`, () => {
    fc.assert(fc.property(fc.uint32Array({ minLength: wordCount, maxLength: wordCount }), (words) => {
      words[0] = response.type;
      const view = new DataView(words.buffer, words.byteOffset, words.byteLength);
      assertEquals(read(words, 0), { ...readByTable(ctrlHdr, view), ...readByTable(response.struct, view) });
    }));
  });
}

for (const response of responses) {
  Deno.test(`responseName knows ${response.name}`, () => {
    const name = pascalCase(response.name) as keyof typeof ResponseType;

    assertEquals<number>(ResponseType[name], response.type);
    assertEquals(wire.responseName(response.type), response.name);
  });
}

Deno.test("writeCtrlHdr writes an error reply with its fence (Virtio 1.4, 5.7.6.7)", () => {
  const words = new Uint32Array(6).fill(0xffffffff);

  const size = wire.writeCtrlHdr(words, 0, {
    type: ResponseType.ErrInvalidResourceId,
    flags: CtrlFlag.Fence,
    fenceIdLow: 1,
    fenceIdHigh: 2,
    ctxId: 3,
    ringIdx: 4,
  });

  assertEquals(size, 24);
  assertEquals(words, Uint32Array.of(0x1203, 1, 1, 2, 3, 4));
});

Deno.test("writeMemEntry and readMemEntry are inverse (Virtio 1.4, 5.7.6.8)", () => {
  const words = new Uint32Array(4).fill(0xffffffff);

  assertEquals(wire.writeMemEntry(words, 0, { addr: 2 ** 40 + 4096, length: 0xfffff000 }), 16);

  assertEquals(words, Uint32Array.of(4096, 256, 0xfffff000, 0));
  assertEquals(wire.readMemEntry(words, 0), { addr: 2 ** 40 + 4096, length: 0xfffff000 });
});

Deno.test("the configuration space has 16 bytes, and 20 with blob_alignment (Virtio 1.4, 5.7.4)", () => {
  assertEquals(wire.CONFIG_BLOB_ALIGNMENT_OFFSET, 16);
  assertEquals(wire.CONFIG_SIZE, 20);
});
