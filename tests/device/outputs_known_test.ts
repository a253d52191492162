/** Monitors that somebody else has: a guest's question about them waits until they are known. */

import { assertEquals, assertThrows } from "@std/assert";
import {
  GpuQueue,
  MAX_SCANOUTS,
  readRespDisplayInfo,
  readRespEdid,
  RESP_DISPLAY_INFO_SIZE,
  RESP_EDID_EDID_BYTES,
  RESP_EDID_EDID_OFFSET,
  RESP_EDID_SIZE,
  writeGetDisplayInfo,
  writeGetEdid,
  writeResourceUnref,
} from "../../src/protocol/wire.gen.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { createResource, moveCursor } from "./requests.ts";

/** Puts GET_DISPLAY_INFO into the control queue, and RESOURCE_UNREF behind it; returns where the reply will be. */
function ask({ driver, ram }: Machine): number {
  const queue = driver.queue(GpuQueue.Control);
  const [question, reply, other] = [ram.allocate(32), ram.allocate(RESP_DISPLAY_INFO_SIZE), ram.allocate(32)];
  writeGetDisplayInfo(ram.words(question, 8), 0, {});
  writeResourceUnref(ram.words(other, 8), 0, { resourceId: 1 });
  queue.push(queue.writeChain([
    { address: question, length: 24 },
    { address: reply, length: RESP_DISPLAY_INFO_SIZE, isWritable: true },
  ]));
  queue.push(queue.writeChain([{ address: other, length: 32 }]));
  driver.transport.kick(GpuQueue.Control);
  return reply;
}

Deno.test("GET_DISPLAY_INFO waits with what is behind it, and tells what is known when the host calls notify", async () => {
  let areKnown = false;
  const machine = await startMachine({ areOutputsKnown: () => areKnown });
  const { driver, gpu, ram } = machine;
  const queue = driver.queue(GpuQueue.Control);
  const reply = ask(machine);
  assertEquals(queue.pop(), undefined);
  gpu.notify(GpuQueue.Control);
  assertEquals(queue.pop(), undefined);

  gpu.setOutput(0, { widthPixels: 640, heightPixels: 480 });
  areKnown = true;
  gpu.notify(GpuQueue.Control);

  assertEquals([queue.pop()?.length, queue.pop()?.length, queue.pop()], [RESP_DISPLAY_INFO_SIZE, 0, undefined]);
  const { pmodes } = readRespDisplayInfo(ram.words(reply, RESP_DISPLAY_INFO_SIZE / 4), 0);
  assertEquals(pmodes.length, MAX_SCANOUTS);
  assertEquals(pmodes[0]!.rect, { x: 0, y: 0, width: 640, height: 480 });
});

Deno.test("Nothing but the control queue waits, and nothing but questions about monitors", async () => {
  const machine = await startMachine({ areOutputsKnown: () => false });

  assertEquals(createResource(machine.driver, 1, 4, 4), "OK_NODATA");
  ask(machine);

  assertEquals(moveCursor(machine.driver, 0, 1, 1), "OK_NODATA");
  assertEquals(machine.errors, []);
});

Deno.test("A reset forgets a question that waits", async () => {
  let areKnown = false;
  const machine = await startMachine({ areOutputsKnown: () => areKnown });
  ask(machine);

  machine.driver.start();
  areKnown = true;
  machine.gpu.notify(GpuQueue.Control);

  assertEquals(machine.driver.queue(GpuQueue.Control).pop(), undefined);
});

Deno.test("GET_EDID gives the EDID that an output has of its own, until it is taken away", async () => {
  const edid = Uint8Array.from({ length: 256 }, (_, index) => index);
  const { driver, gpu } = await startMachine({ outputs: [{ widthPixels: 640, heightPixels: 480, edid }] });
  const read = () => {
    const { words } = driver.send(writeGetEdid, { scanout: 0 }, { replyBytes: RESP_EDID_SIZE });
    const { size } = readRespEdid(words, 0);
    return new Uint8Array(words.buffer, RESP_EDID_EDID_OFFSET, size);
  };

  assertEquals(read(), edid);
  gpu.setOutput(0, { edid: undefined });

  assertEquals(read().length, 128);
});

Deno.test("An EDID that fits no reply is refused", async () => {
  const { gpu } = await startMachine();

  for (const bytes of [0, RESP_EDID_EDID_BYTES + 1]) {
    assertThrows(
      () => gpu.setOutput(0, { edid: new Uint8Array(bytes) }),
      RangeError,
      "its EDID must have 1 to 1024 bytes",
    );
  }
});
