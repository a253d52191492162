/** H3 and H23: requests that are cut off or split, and commands of features that are not there. */

import { assert, assertEquals } from "@std/assert";
import { type Command, commands, responses } from "../../build/tables/wire.ts";
import { responseName } from "../../src/protocol/wire.gen.ts";
import type { Descriptor } from "../../src/guest/driver_queue.ts";
import { hostileU32 } from "../support/fuzz/hostile_numbers.ts";
import { Random } from "../support/fuzz/random.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { RecordingRenderer } from "../support/recording_renderer.ts";
import { needsReset } from "./raw_chain.ts";

const QUEUES = { CONTROL: 0, CURSOR: 1 } as const;
const REPLY_BYTES = new Map(responses.map((row) => [row.name, row.struct.sizeBytes]));
const without3d = { resourceBlob: true, resourceUuid: true, blobAlignment: 1 };
const everything = () => ({ ...without3d, renderer: new RecordingRenderer(), windowBytes: 1024 * 1024 });
const REQUEST = 0x10_0000;
const REPLY = 0x11_0000;

/** Sends `length` bytes that begin with the command's type, and returns the answer's name, or "" without room. */
function send({ driver }: Machine, row: Command, length: number, replyBytes: number): string {
  const { header, usedLength } = driver.sendBytes(length, { queue: QUEUES[row.queue], replyBytes });
  assert(usedLength <= replyBytes);
  return usedLength === 0 ? "" : responseName(header.type);
}

function fillRequest({ driver }: Machine, type: number, words: (index: number) => number): void {
  const bytes = driver.requestBytes();
  const request = new Uint32Array(bytes.buffer, bytes.byteOffset, 64);
  for (let index = 0; index < request.length; index++) request[index] = words(index);
  request[0] = type;
}

for (const row of commands) {
  Deno.test(`${row.name} cut off at any byte is refused and changes nothing`, async () => {
    const machine = await startMachine(everything());
    fillRequest(machine, row.type, (index) => index < 6 ? 0 : 1);
    const usedBefore = machine.heap.usedBytes;

    const answers = Array.from({ length: row.request.sizeBytes }, (_, length) => send(machine, row, length, 24));

    assertEquals(answers.filter((answer) => !answer.startsWith("ERR_")), []);
    assertEquals(machine.heap.usedBytes, usedBefore);
    assert(!needsReset(machine));
  });

  Deno.test(`${row.name} gets a header or no byte when the room for its reply is any number too short`, async () => {
    const machine = await startMachine(everything());
    fillRequest(machine, row.type, () => 0);
    const whole = REPLY_BYTES.get(`OK_${row.reply}`)!;

    const answers = Array.from({ length: whole }, (_, room) => send(machine, row, row.request.sizeBytes, room));

    assertEquals(answers.slice(0, 24), new Array(24).fill(""));
    assertEquals(answers.slice(24).filter((answer) => !answer.startsWith("ERR_")), []);
    assert(!needsReset(machine));
  });

  Deno.test(`${row.name} in descriptors of three bytes is answered as in one piece`, async () => {
    const machine = await startMachine(everything());
    const { driver, ram } = machine;
    ram.words(REQUEST, 64).fill(1);
    ram.words(REQUEST, 1)[0] = row.type;
    const replyBytes = REPLY_BYTES.get(`OK_${row.reply}`)!;
    const chain = [
      { address: REQUEST, length: row.request.sizeBytes },
      { address: REPLY, length: replyBytes, isWritable: true },
    ];
    driver.sendChain(QUEUES[row.queue], chain);
    const expected = new Uint8Array(ram.bytes(REPLY, replyBytes));
    driver.start();
    ram.bytes(REPLY, replyBytes).fill(0);

    driver.sendChain(QUEUES[row.queue], chain.flatMap(inThrees));

    assertEquals(new Uint8Array(ram.bytes(REPLY, replyBytes)), expected);
  });

  Deno.test(`${row.name} is answered whatever its fields are, with every feature there is and with none`, async () => {
    const random = new Random(row.type);
    const machine = await startMachine(everything());
    for (const features of [[0xffffffff, 0xffffffff], [0, 1]] as const) {
      machine.driver.start(features);
      for (let count = 0; count < 200; count++) {
        fillRequest(machine, row.type, () => hostileU32(random));
        const answer = send(machine, row, row.request.sizeBytes + 64, REPLY_BYTES.get(`OK_${row.reply}`)!);
        assert(/^(OK|ERR)_/.test(answer), answer);
      }
    }
    assert(!needsReset(machine));
  });
}

for (const row of commands.filter(({ feature }) => feature !== undefined)) {
  const answer = /CREATE_BLOB|SCANOUT_BLOB/.test(row.name) ? "ERR_INVALID_PARAMETER" : "ERR_UNSPEC";
  Deno.test(`${row.name} answers ${answer} to a driver that negotiated VERSION_1 alone, whatever else it says`, async () => {
    const machine = await startMachine(everything());
    machine.driver.start([0, 1]);

    for (const value of [0, 1, 0xffff_ffff]) {
      fillRequest(machine, row.type, () => value);
      assertEquals(send(machine, row, row.request.sizeBytes + 64, REPLY_BYTES.get(`OK_${row.reply}`)!), answer);
    }
  });
}

for (const row of commands.filter(({ feature }) => feature === "VIRGL")) {
  Deno.test(`${row.name} answers ERR_UNSPEC on a device without VIRGL`, async () => {
    const machine = await startMachine(without3d);

    for (const value of [0, 1, 0xffffffff]) {
      fillRequest(machine, row.type, () => value);
      const answer = send(machine, row, row.request.sizeBytes + 64, REPLY_BYTES.get(`OK_${row.reply}`)!);
      assertEquals(answer, "ERR_UNSPEC");
    }
  });
}

function inThrees({ address, length, isWritable = false }: Descriptor): Descriptor[] {
  return Array.from({ length: Math.ceil(length / 3) }, (_, index) => ({
    address: address + 3 * index,
    length: Math.min(3, length - 3 * index),
    isWritable,
  }));
}
