import { CtrlFlag, writeCtxCreate, writeSubmit3d } from "../../src/protocol/wire.gen.ts";
import { type BenchDevice, makeScanoutDevice, withPlain } from "./bench_device.ts";
import { BenchGuest } from "./bench_guest.ts";
import { copies, type DeviceCase, sender } from "./device_cases.ts";
import { IdleRenderer } from "./idle_renderer.ts";
import { PlainSubmitDevice } from "./plain_submit_device.ts";

const CONTEXT = 1;
const STREAM_BYTES = 4096;
const RINGS = 64;

/** Makes our device and the plain one, both of which draw nothing, and the cases over them. */
export async function fenceCases(): Promise<DeviceCase[]> {
  const guests = { scanout: await scanoutGuest(), plain: new BenchGuest(plainDevice()) };
  const turnaround = (name: string, rings: number, perRing: number): DeviceCase => ({
    name,
    operations: rings * perRing,
    scanout: sender(guests.scanout, [fences(guests.scanout, rings, perRing)]),
    plain: sender(guests.plain, [fences(guests.plain, rings, perRing)]),
    kernels: undefined,
    copy: undefined,
  });
  return [
    {
      name: "submit/4 KiB",
      operations: 1,
      scanout: sender(guests.scanout, [[submitStream(guests.scanout)]]),
      plain: sender(guests.plain, [[submitStream(guests.plain)]]),
      kernels: undefined,
      copy: copies(1, STREAM_BYTES),
    },
    turnaround("fence turnaround/1 in flight", 1, 1),
    turnaround("fence turnaround/16 in flight on one ring", 1, 16),
    turnaround(`fence turnaround/${RINGS} in flight on ${RINGS} rings`, RINGS, 1),
  ];
}

async function scanoutGuest(): Promise<BenchGuest> {
  const renderer = new IdleRenderer();
  const guest = new BenchGuest(finishing(await makeScanoutDevice({ renderer }), () => renderer.finish()));
  guest.sendChecked([guest.prepare(writeCtxCreate, { ctxId: CONTEXT, nlen: 0, contextInit: 0 })]);
  return guest;
}

function plainDevice(): BenchDevice {
  let plain: PlainSubmitDevice;
  return finishing(withPlain((ram, place) => plain = new PlainSubmitDevice(ram, place)), () => plain.finish());
}

/** A device whose fences in flight are done, by `finish`, once it has worked off a kick. */
export function finishing(device: BenchDevice, finish: () => void): BenchDevice {
  const { ram, queues } = device;
  const kick: BenchDevice["kick"] = (queue) => {
    device.kick(queue);
    finish();
  };
  return { ram, queues, kick };
}

/** Prepares the submission of a command stream without a fence. */
function submitStream(guest: BenchGuest): number {
  const trailing = new Uint32Array(STREAM_BYTES / 4).fill(0x12345678);
  return guest.prepare(writeSubmit3d, { ctxId: CONTEXT, size: STREAM_BYTES }, { trailing });
}

/** Prepares fenced submissions of nothing. */
function fences(guest: BenchGuest, rings: number, perRing: number): number[] {
  const flags = CtrlFlag.Fence | CtrlFlag.InfoRingIdx;
  return Array.from({ length: rings * perRing }, (_, index) => {
    const fence = { flags, fenceIdLow: index, fenceIdHigh: 0, ringIdx: index % rings };
    return guest.prepare(writeSubmit3d, { ctxId: CONTEXT, size: 0, ...fence });
  });
}
