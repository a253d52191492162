/** H16: fences of any number, on answers of any kind. */

import { assertEquals } from "@std/assert";
import { commands } from "../../build/tables/wire.ts";
import { readCtrlHdr } from "../../src/protocol/wire.gen.ts";
import { startMachine } from "../support/machine.ts";

const QUEUES = { CONTROL: 0, CURSOR: 1 } as const;
const FENCES: [low: number, high: number][] = [
  [0, 0],
  [1, 0],
  [0, 1],
  [0xffff_ffff, 0],
  [0xffff_ffff, 0x1f_ffff], // 2^53 - 1, the last that a number holds
  [1, 0x20_0000], // 2^53 + 1, the first that it does not
  [0xffff_ffff, 0xffff_ffff],
  [0xffff_fffe, 0xffff_ffff],
  [5, 0],
  [5, 0],
  [4, 0],
];
const RINGS = [0, 1, 63, 64, 255];

for (const { name, type, queue, request } of commands) {
  Deno.test(`${name} gives each fence back exactly, with its context and ring, refused or not`, async () => {
    const { driver } = await startMachine({ resourceBlob: true, resourceUuid: true });
    const bytes = driver.requestBytes().fill(0);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, 8);
    const sent: number[][] = [];
    const received: number[][] = [];
    for (const [low, high] of FENCES) {
      for (const ringIdx of RINGS) {
        words.set([type, 0xffff_ffff, low, high, 0xdead_beef, 0xffff_ff00 | ringIdx]);
        const { header } = driver.sendBytes(request.sizeBytes, { queue: QUEUES[queue], replyBytes: 1056 });
        sent.push([3, low, high, 0xdead_beef, ringIdx]);
        received.push([header.flags, header.fenceIdLow, header.fenceIdHigh, header.ctxId, header.ringIdx]);
      }
    }

    assertEquals(received, sent);
  });

  Deno.test(`${name} gives no bit of a fence back that was not asked for`, async () => {
    const { driver } = await startMachine({ resourceBlob: true, resourceUuid: true });
    const bytes = driver.requestBytes().fill(0xff);
    const request32 = new Uint32Array(bytes.buffer, bytes.byteOffset, 8);
    request32[0] = type;
    request32[1] = 0xffff_fffe;

    const { words } = driver.sendBytes(request.sizeBytes, { queue: QUEUES[queue], replyBytes: 1056 });

    const header = readCtrlHdr(words, 0, { type: 0, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 });
    assertEquals(header, { type: header.type, flags: 0, fenceIdLow: 0, fenceIdHigh: 0, ctxId: 0, ringIdx: 0 });
    assertEquals(words[5], 0);
  });
}
