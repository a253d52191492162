/** H13: capability sets of any index, id and version, and sets of no bytes. */

import { assert, assertEquals } from "@std/assert";
import { responseName, writeGetCapset, writeGetCapsetInfo } from "../../src/protocol/wire.gen.ts";
import { hostileU32 } from "../support/fuzz/hostile_numbers.ts";
import { Random } from "../support/fuzz/random.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { RecordingRenderer } from "../support/recording_renderer.ts";
import { needsReset } from "./raw_chain.ts";

const MARK = 0x5a;
const REQUEST = 0x10_0000;
const REPLY = 0x11_0000;
const ROOM_BYTES = 8192;
const sets = [{ id: 1, maxVersion: 1, sizeBytes: 308 }, { id: 2, maxVersion: 2, sizeBytes: 0 }];

/** The answer's name, and the bytes behind its header as the guest finds them, who had written `MARK` there. */
function ask({ driver, ram }: Machine, length: number, replyBytes: number) {
  ram.bytes(REPLY, ROOM_BYTES).fill(MARK);
  ram.bytes(REQUEST, length).set(driver.requestBytes().subarray(0, length));
  const usedLength = driver.sendChain(0, [
    { address: REQUEST, length },
    { address: REPLY, length: replyBytes, isWritable: true },
  ]);
  const data = ram.bytes(REPLY + 24, ROOM_BYTES - 24);
  return { usedLength, answer: responseName(ram.words(REPLY, 1)[0]!), data };
}

function write<F>(machine: Machine, writer: (words: Uint32Array, at: number, fields: F) => number, fields: F): number {
  const bytes = machine.driver.requestBytes();
  return writer(new Uint32Array(bytes.buffer, bytes.byteOffset, 64), 0, fields);
}

Deno.test("H13: GET_CAPSET_INFO and GET_CAPSET with any numbers and any room answer what there is, or an error, and nothing else", async () => {
  const machine = await startMachine({ renderer: new RecordingRenderer(sets) });
  const random = new Random(13);
  for (let count = 0; count < 2000; count++) {
    const [first, second, room] = [hostileU32(random), hostileU32(random), random.between(1, 600)];
    const capset = sets.find(({ id }) => id === first);
    const isKnown = capset !== undefined && second <= capset.maxVersion && room >= 24 + capset.sizeBytes;
    const got = ask(machine, write(machine, writeGetCapset, { capsetId: first, capsetVersion: second }), room);
    assertEquals(got.usedLength, room < 24 ? 0 : isKnown ? 24 + capset.sizeBytes : 24);
    if (room >= 24) assertEquals(got.answer.startsWith("OK_"), isKnown);
    assert(got.data.subarray(Math.max(0, got.usedLength - 24)).every((byte) => byte === MARK));

    const info = ask(machine, write(machine, writeGetCapsetInfo, { capsetIndex: first }), 40);
    assertEquals(info.answer, first < sets.length ? "OK_CAPSET_INFO" : "ERR_INVALID_PARAMETER");
  }
  assert(!needsReset(machine));
});

Deno.test("H13: a set of no bytes is a header, whatever its version and the room", async () => {
  const machine = await startMachine({ renderer: new RecordingRenderer(sets) });
  for (const [capsetVersion, room] of [[0, 24], [2, 25], [1, 4096]] as const) {
    const { usedLength, answer } = ask(machine, write(machine, writeGetCapset, { capsetId: 2, capsetVersion }), room);
    assertEquals([usedLength, answer], [24, "OK_CAPSET"]);
  }
});

Deno.test("H13, H18: a set that the renderer leaves unwritten is zeroes, not what a reply before it had there", async () => {
  class SilentRenderer extends RecordingRenderer {
    override readCapset(): void {}
  }
  const machine = await startMachine({ renderer: new SilentRenderer(sets) });
  machine.driver.sendBytes(
    write(machine, (words, at) => {
      words.set([0x10a, 0, 0, 0, 0, 0, 0, 0], at); // GET_EDID: a long reply
      return 32;
    }, {}),
    { replyBytes: 1056 },
  );

  const { usedLength, data } = ask(machine, write(machine, writeGetCapset, { capsetId: 1, capsetVersion: 1 }), 4096);

  assertEquals(usedLength, 332);
  assertEquals(data.slice(0, 308), new Uint8Array(308));
});
