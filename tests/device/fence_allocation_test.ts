/**
 * That command streams and fences allocate nothing in the steady state, however their work ends. All tests use one device:
 * the engine gives up on code that has seen many. Numbers of 2^31 and more would be boxed where they are kept as objects.
 */

import { assertLess } from "@std/assert";
import { makeScanoutDevice } from "../../bench/support/bench_device.ts";
import { BenchGuest } from "../../bench/support/bench_guest.ts";
import { finishing } from "../../bench/support/fence_cases.ts";
import { IdleRenderer } from "../../bench/support/idle_renderer.ts";
import { CtrlFlag, writeCtxCreate, writeResourceUnref, writeSubmit3d } from "../../src/protocol/wire.gen.ts";
import { bytesPerKick } from "../support/bytes_per_kick.ts";
import { allocationTest } from "../support/allocation_test.ts";

const CONTEXT = 0xffff_fff1;
const STREAM_BYTES = 4096;
const fence = { fenceIdLow: 0xffff_fff2, fenceIdHigh: 0xffff_fff3, ctxId: CONTEXT };
const onRing = { ...fence, flags: CtrlFlag.Fence | CtrlFlag.InfoRingIdx };

const renderer = new IdleRenderer();
const guest = new BenchGuest(finishing(await makeScanoutDevice({ renderer }), () => renderer.finish()));
guest.sendChecked([guest.prepare(writeCtxCreate, { ctxId: CONTEXT, nlen: 0, contextInit: 0 })]);

function submit(ringIdx: number): number {
  return guest.prepare(writeSubmit3d, { ...onRing, ringIdx, size: 0 });
}

/** Its id is a small one, as Linux's are: whether a large one is boxed on its way is the engine's choice. */
function refused(ringIdx: number): number {
  return guest.prepare(writeResourceUnref, { ...onRing, ringIdx, resourceId: 5 });
}

allocationTest(import.meta.url, "SUBMIT_3D of 4 KiB allocates nothing", () => {
  const trailing = new Uint32Array(STREAM_BYTES / 4);
  const heads = [guest.prepare(writeSubmit3d, { ctxId: CONTEXT, size: STREAM_BYTES }, { trailing })];
  guest.sendChecked(heads);
  assertLess(bytesPerKick(guest, heads), 1);
});

allocationTest(import.meta.url, "a fence that is done after the kick allocates nothing", () => {
  const heads = [submit(63)];
  guest.sendChecked(heads);
  assertLess(bytesPerKick(guest, heads), 1);
});

allocationTest(import.meta.url, "fences of several rings, and refused commands behind them, allocate nothing", () => {
  const heads = [submit(0), submit(1), refused(1), submit(1), refused(0), refused(2)];
  guest.send(heads);
  assertLess(bytesPerKick(guest, heads), 1);
});
