import type { Rect } from "../../src/protocol/wire.gen.ts";
import { type BenchDevice, makePlainDevice, makeScanoutDevice } from "./bench_device.ts";
import { BenchGuest, FRAME, FRAME_PAGES, FRAME_RECT } from "./bench_guest.ts";
import { attachKernels, updateKernels } from "./kernels_alone.ts";
import { fenceCases } from "./fence_cases.ts";
import { seededRandom } from "./seeded_random.ts";
import { windowCases } from "./window_cases.ts";

/** One case of the whole-command benches; each function does `operations` of what the name says. */
export interface DeviceCase {
  name: string;
  operations: number;
  /** Our device, from the doorbell to the used ring. */
  scanout: () => void;
  /** The device in plain JavaScript, the same way. */
  plain: () => void;
  /** What it needs of the kernels, called directly. */
  kernels: (() => void) | undefined;
  /** One plain copy for each time that the bytes move. A large one goes around the cache, so that one in pages can beat it. */
  copy: (() => void) | undefined;
}

/** Prepares the requests of one case: for each kick the heads of the chains that it makes known. */
type Preparation = (guest: BenchGuest) => number[][];

const SHOWN = 1;
const HIDDEN = 2;
const BARE = 3;
const IN_FLIGHT = 64;
const SMALL_PIXELS = 64;
const SMALL_BYTES = SMALL_PIXELS * SMALL_PIXELS * 4;
const SMALL_RECTS = 16;

/**
 * The cases by what they are about, each group over devices of its own. A process should run one group: the engine makes
 * worse code of a device when it has seen several kinds of them.
 */
export const deviceCases: Record<string, () => Promise<DeviceCase[]>> = {
  drawing: drawingCases,
  fences: fenceCases,
  window: windowCases,
};

/** Makes our device and the plain one, and the cases of the 2D commands over them. */
async function drawingCases(): Promise<DeviceCase[]> {
  const guests = { scanout: makeGuest(await makeScanoutDevice()), plain: makeGuest(makePlainDevice()) };
  return [
    {
      name: "trivial command/1 in flight",
      operations: 1,
      ...senders(guests, (guest) => [trivialCommands(guest, 1)]),
      kernels: undefined,
      copy: undefined,
    },
    {
      name: `trivial command/${IN_FLIGHT} in flight`,
      operations: IN_FLIGHT,
      ...senders(guests, (guest) => [trivialCommands(guest, IN_FLIGHT)]),
      kernels: undefined,
      copy: undefined,
    },
    {
      name: "transfer and flush/64x64",
      operations: SMALL_RECTS,
      ...senders(guests, (guest) => smallRects().map((rect) => update(guest, SHOWN, rect))),
      kernels: await updateKernels(smallRects(), true),
      copy: copies(2 * SMALL_RECTS, SMALL_BYTES),
    },
    {
      name: "transfer and flush/1920x1080",
      operations: 1,
      ...senders(guests, (guest) => [update(guest, SHOWN, FRAME_RECT)]),
      kernels: await updateKernels([FRAME_RECT], true),
      copy: copies(2, FRAME.bytes),
    },
    {
      name: "transfer and flush, not shown/1920x1080",
      operations: 1,
      ...senders(guests, (guest) => [update(guest, HIDDEN, FRAME_RECT)]),
      kernels: await updateKernels([FRAME_RECT], false),
      copy: copies(1, FRAME.bytes),
    },
    {
      name: `attach and detach/${FRAME_PAGES} pages`,
      operations: 1,
      ...senders(guests, (guest) => [[guest.attachFrame(BARE), guest.detach(BARE)]]),
      kernels: await attachKernels(),
      copy: undefined,
    },
  ];
}

interface Guests {
  scanout: BenchGuest;
  plain: BenchGuest;
}

/** A guest with three frames: one that a scanout shows, one that none shows, and one without pages. */
function makeGuest(device: BenchDevice): BenchGuest {
  const guest = new BenchGuest(device);
  for (const frame of [SHOWN, HIDDEN, BARE]) guest.createFrame(frame);
  for (const frame of [SHOWN, HIDDEN]) guest.sendChecked([guest.attachFrame(frame)]);
  guest.showFrame(SHOWN);
  return guest;
}

function senders({ scanout, plain }: Guests, prepare: Preparation): { scanout: () => void; plain: () => void } {
  return { scanout: sender(scanout, prepare(scanout)), plain: sender(plain, prepare(plain)) };
}

/** Tries each kick once, and returns what sends them all. */
export function sender(guest: BenchGuest, kicks: number[][]): () => void {
  for (const heads of kicks) guest.sendChecked(heads);
  return () => {
    for (let index = 0; index < kicks.length; index++) guest.send(kicks[index]!);
  };
}

/** The least that a device can be asked to do and still decode and look up: a flush of what nothing shows. */
function trivialCommands(guest: BenchGuest, count: number): number[] {
  return Array.from({ length: count }, () => guest.flush(HIDDEN, FRAME_RECT));
}

/** What Linux sends for a change of a dumb buffer. */
function update(guest: BenchGuest, resourceId: number, rect: Rect): number[] {
  return [guest.transfer(resourceId, rect), guest.flush(resourceId, rect)];
}

function smallRects(): Rect[] {
  const random = seededRandom(2);
  return Array.from({ length: SMALL_RECTS }, () => ({
    x: random(FRAME.widthPixels - SMALL_PIXELS),
    y: random(FRAME.heightPixels - SMALL_PIXELS),
    width: SMALL_PIXELS,
    height: SMALL_PIXELS,
  }));
}

/** Copies of `bytes` bytes, `times` of them. */
export function copies(times: number, bytes: number): () => void {
  const source = new Uint8Array(bytes).fill(1);
  const target = new Uint8Array(bytes).fill(2);
  return () => {
    for (let time = 0; time < times; time++) target.set(source);
  };
}
