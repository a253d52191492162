/** H18, CVE-2016-9845, CVE-2016-9908, CVE-2024-8612: no byte of a reply, and no more bytes, than the device wrote for it. */

import { assert, assertEquals } from "@std/assert";
import { commands, responses } from "../../build/tables/wire.ts";
import { CommandType } from "../../src/protocol/wire.gen.ts";
import { defaultLimits } from "../../src/device/limits.ts";
import { featureSet } from "../../src/virtio/virtio_device.ts";
import { VirtioFeature } from "../../src/virtio/virtio.gen.ts";
import { DeviceModel } from "../support/fuzz/device_model.ts";
import { BatchWriter } from "../support/fuzz/fuzz_batch.ts";
import { FuzzMachine } from "../support/fuzz/fuzz_machine.ts";
import { FuzzQueue } from "../support/fuzz/fuzz_queue.ts";
import { FuzzSession } from "../support/fuzz/fuzz_session.ts";
import { WINDOW_BYTES } from "../support/fuzz/guest_layout.ts";
import { GuestSpace } from "../support/fuzz/guest_space.ts";
import { Random } from "../support/fuzz/random.ts";
import { RequestGenerator } from "../support/fuzz/requests.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { createFilled, createResource, flush, pictureWords, pixel, rect, setScanout } from "../device/requests.ts";

const QUEUES = { CONTROL: 0, CURSOR: 1 } as const;
const REPLY_BYTES = new Map(responses.map((row) => [row.name, row.struct.sizeBytes]));
const everything = { resourceBlob: true, resourceUuid: true };
const REPLY = 0x11_0000;
const REQUEST = 0x10_0000;
const PATTERN = 0xa7;

/** Sends a request whose fields are all `value` into a reply buffer of 4096 bytes that hold a pattern. */
function send(
  { driver, ram }: Machine,
  type: number,
  queue: 0 | 1,
  value: number,
): { length: number; reply: Uint8Array } {
  ram.words(REQUEST, 32).fill(value);
  ram.words(REQUEST, 2).set([type, 0]);
  ram.bytes(REPLY, 4096).fill(PATTERN);
  const length = driver.sendChain(queue, [
    { address: REQUEST, length: 128 },
    { address: REPLY, length: 4096, isWritable: true },
  ]);
  return { length, reply: ram.bytes(REPLY, 4096) };
}

for (const { name, type, queue, reply: replyName } of commands) {
  Deno.test(`${name} says how much it wrote, and writes no byte more`, async () => {
    const machine = await startMachine(everything);
    createResource(machine.driver, 1, 64, 64);
    for (const value of [0, 1, 0xffff_ffff]) {
      const { length, reply } = send(machine, type, QUEUES[queue], value);

      const isOk = new DataView(reply.buffer, reply.byteOffset).getUint32(0, true) < 0x1200;
      assertEquals(length, isOk ? REPLY_BYTES.get(`OK_${replyName}`) : 24);
      assert(reply.subarray(length).every((byte) => byte === PATTERN));
    }
  });

  Deno.test(`${name} answers the same on two machines whose memory held other bytes before`, async () => {
    const kinds = [{ isShared: false, poison: 0xff }, { isShared: true, poison: 0x01 }];
    const session = new FuzzSession(
      await Promise.all(kinds.map((kind) => FuzzMachine.make(kind, {}))),
      new DeviceModel({ ...defaultLimits, windowBytes: WINDOW_BYTES }),
    );
    const random = new Random(type);
    const space = new GuestSpace(random);
    const queues = [0, 1].map((index) => new FuzzQueue(session.image, space, index, 16));
    const polite = { aimedReplies: 0, spoiledRings: 0, hasIndirectDesc: false };
    const features = featureSet(0, 1, 2, 3, VirtioFeature.Version1);
    const requests = new RequestGenerator(random, features, () => space.anyPages());
    const writer = new BatchWriter(random, session.image, space, requests, polite);
    session.start(featureSet(1, 2, 3, VirtioFeature.Version1), queues);
    const request = new Uint8Array(128);
    for (const value of [0, 1, 2, 0xff]) {
      request.fill(value);
      new DataView(request.buffer).setUint32(0, type, true);
      space.beginBatch();
      const target = queues[QUEUES[queue]]!;
      target.beginBatch(0);
      assert(writer.push(target, request, 1100));

      assertEquals(session.run(), "answered");
    }
  });
}

Deno.test("A refusal that follows a long reply is a header and holds nothing of it", async () => {
  const machine = await startMachine(everything);
  send(machine, CommandType.GetEdid, 0, 0);

  const { length, reply } = send(machine, CommandType.ResourceUnref, 0, 0xffff_ffff);

  assertEquals(length, 24);
  assertEquals([...reply.subarray(4, 24)], new Array(20).fill(0));
});

Deno.test("A resource shows no byte of one that was there before", async () => {
  const machine = await startMachine();
  const { driver } = machine;
  for (let resourceId = 1; resourceId <= 8; resourceId++) createFilled(machine, resourceId, 64, 64, () => 0xffff_ffff);
  driver.start(); // a reset gives all of it back

  for (const [resourceId, size] of [[1, 64], [2, 33], [3, 1], [4, 181]] as const) {
    createResource(driver, resourceId, size, size);
    setScanout(driver, 0, resourceId, rect(0, 0, size, size));
    flush(driver, resourceId, rect(0, 0, size, size));
    assertEquals(new Set(pictureWords(machine.display.picture(0)!.rgba)), new Set([pixel(0)]));
  }
});
