/** H16: fences of any number, on answers of any kind. */

import { assertEquals } from "@std/assert";
import { commands } from "../../build/tables/wire.ts";
import { readCtrlHdr } from "../../src/protocol/wire.gen.ts";
import { FenceGuest, type Ring, startFences } from "../device/fence_guest.ts";
import { HandRenderer } from "../device/hand_renderer.ts";
import { Random } from "../support/fuzz/random.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { runDeferred } from "../support/moving_guest.ts";

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

const CONTEXT = 0xdead_beef;
const options = { resourceBlob: true, resourceUuid: true };

/** Starts a device whose renderer has done all work at once, and makes a context. */
async function startWithRenderer() {
  const renderer = new HandRenderer();
  renderer.isImmediate = true;
  const machine = await startMachine({ ...options, renderer });
  new FenceGuest(machine).createContexts(CONTEXT);
  return machine;
}

const devices: [name: string, start: () => Promise<Machine>][] = [
  ["without a renderer", () => startMachine(options)],
  ["with a renderer", startWithRenderer],
];
const cases = devices.flatMap(([device, start]) => commands.map((command) => ({ device, start, command })));

for (const { device, start, command: { name, type, queue, request } } of cases) {
  Deno.test(`${name} gives each fence back exactly ${device}, with its context and ring, refused or not`, async () => {
    const { driver } = await start();
    const bytes = driver.requestBytes().fill(0);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, 8);
    const sent: number[][] = [];
    const received: number[][] = [];
    for (const [low, high] of FENCES) {
      for (const ringIdx of RINGS) {
        words.set([type, 0xffff_ffff, low, high, CONTEXT, 0xffff_ff00 | ringIdx]);
        const { header } = driver.sendBytes(request.sizeBytes, { queue: QUEUES[queue], replyBytes: 1056 });
        sent.push([3, low, high, CONTEXT, ringIdx]);
        received.push([header.flags, header.fenceIdLow, header.fenceIdHigh, header.ctxId, header.ringIdx]);
      }
    }

    assertEquals(received, sent);
  });

  Deno.test(`${name} gives no bit of a fence back that was not asked for ${device}`, async () => {
    const { driver } = await start();
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

const SEED = 20_261_102;
const ROUNDS = 3000;
const rings: (Ring | undefined)[] = [undefined, [1, 0], [1, 1], [1, 63], [2, 0], [2, 64], [2, 255], [77, 0]];

for (const fencesInFlight of [1, 7, 1024]) {
  Deno.test(`Fences of any ring, done in any order, are answered once each with ${fencesInFlight} slots (seed ${SEED})`, async () => {
    const machine = await startFences({ limits: { fencesInFlight } });
    const { renderer, fences, deferred } = machine;
    const random = new Random(SEED);
    const posted: number[] = [];
    const answered: number[] = [];

    for (let round = 0; round < ROUNDS; round++) {
      for (let count = random.below(20); count > 0 && posted.length - answered.length < 100; count--) {
        const ring = random.pick(rings);
        posted.push((random.oneIn(3) ? fences.refused(ring) : fences.submit(ring)).id);
      }
      for (const { slot } of random.oneIn(2) ? renderer.take().toReversed() : []) renderer.done(slot);
      while (deferred.length > 0 && random.oneIn(2)) deferred.shift()!();
      answered.push(...fences.ids());
    }
    while (deferred.length > 0 || renderer.work.length > 0) {
      for (const { slot } of renderer.take()) renderer.done(slot);
      runDeferred(machine);
    }
    answered.push(...fences.ids());

    assertEquals(answered.toSorted((a, b) => a - b), posted);
  });
}
