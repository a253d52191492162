/** H24: a snapshot is hostile input. A bad one is refused whole, and says what is wrong. */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { decodeSnapshot, encodeSnapshot } from "../../src/snapshot/snapshot_file.ts";
import { entryWords } from "../../src/guest/gpu_driver.ts";
import {
  BlobMem,
  Format,
  writeResourceAssignUuid,
  writeResourceCreateBlob,
  writeSetScanoutBlob,
} from "../../src/protocol/wire.gen.ts";
import {
  answerTo,
  createFilled,
  flush,
  pixel,
  rect,
  setScanout,
  shownPixels,
  unref,
  updateCursor,
} from "../device/requests.ts";
import { Random } from "../support/fuzz/random.ts";
import { type Machine, type MachineOptions, makeMachine } from "../support/machine.ts";
import { copyRam, MovingGuest, runDeferred } from "../support/moving_guest.ts";
import { RandomGuest } from "../support/random_guest.ts";

// deno-lint-ignore no-explicit-any -- a snapshot of any shape is what these tests are about
type Anything = any;

const OPTIONS: MachineOptions = {
  ramBytes: 4 * 1024 * 1024,
  outputs: [{ widthPixels: 640, heightPixels: 480 }, { widthPixels: 320, heightPixels: 200 }],
  resourceBlob: true,
  resourceUuid: true,
  limits: { hostMemoryBytes: 1024 * 1024, resources: 8, pageEntries: 64 },
};

/** A guest with something in every corner of its device: 2D resource 1 on scanout 0, blob 2 on scanout 1, a cursor. */
async function busyGuest(): Promise<MovingGuest> {
  const guest = new MovingGuest(await makeMachine(OPTIONS));
  const { machine } = guest;
  const { driver, ram, gpu } = machine;
  driver.start();
  const addr = createFilled(machine, 1, 64, 64, pixel);
  setScanout(driver, 0, 1, rect(0, 0, 64, 64));
  flush(driver, 1, rect(0, 0, 64, 64));
  const length = ram.allocate(16384, 4096) && 16384;
  const entries = [{ addr, length: 4096 }, { addr: addr + 8192, length: length - 4096 }];
  const size = { nrEntries: 2, size: 16384 };
  const kind = { blobMem: BlobMem.Guest, blobFlags: 4, blobIdLow: 0, blobIdHigh: 0 };
  answerTo(driver, writeResourceCreateBlob, { resourceId: 2, ...kind, ...size }, { trailing: entryWords(entries) });
  answerTo(driver, writeSetScanoutBlob, {
    resourceId: 2,
    scanoutId: 1,
    rect: rect(1, 2, 60, 50),
    width: 64,
    height: 64,
    format: Format.B8G8R8A8Unorm,
    strides: Uint32Array.of(256, 0, 0, 0),
    offsets: new Uint32Array(4),
  });
  flush(driver, 2, rect(0, 0, 64, 64));
  answerTo(driver, writeResourceAssignUuid, { resourceId: 2 }, { replyBytes: 40 });
  updateCursor(driver, 1, { pos: { scanoutId: 0, x: -4, y: 9 }, hotX: 3 });
  gpu.setOutput(0, { x: 7 });
  return guest;
}

/** A busy guest, and a machine in which another one runs, whose RAM is as the busy one needs it. */
async function machines(): Promise<{ guest: MovingGuest; target: Machine }> {
  const guest = await busyGuest();
  const { machine: target } = await busyGuest();
  unref(target.driver, 2);
  copyRam(guest.machine, target);
  return { guest, target };
}

/** Asserts that `snapshot` is refused with an error of which `kind` says the class, and that nothing changed. */
function assertRefused(target: Machine, snapshot: unknown, kind: typeof RangeError | typeof TypeError): string {
  const before = target.pci.snapshot();
  const usedBytes = target.heap.usedBytes;
  const frames = target.display.frames;
  const { message } = assertThrows(() => target.pci.restore(snapshot), kind);
  assertEquals(target.pci.snapshot(), before);
  assertEquals(target.heap.usedBytes, usedBytes);
  assertEquals([target.display.frames, target.deferred.length], [frames, 0]);
  return message;
}

const MAX_U32 = 0xffffffff;
const ring = (session: Anything) => session.queues[0].ring;
const entry = (snapshot: Anything, index: number) =>
  new DataView(snapshot.device.resources[1].backing.buffer, index * 16);

const refused: [kind: typeof RangeError | typeof TypeError, spoil: (snapshot: Anything) => void, message: string][] = [
  [RangeError, (it) => it.version = 3, "version must be 1 to 2, got 3"],
  [TypeError, (it) => delete it.version, "version must be a number, got nothing"],
  [TypeError, (it) => it.session = [], "session must be an object, got an array of 0 items"],
  [TypeError, (it) => it.device = null, "device must be an object, got null"],

  [RangeError, ({ session }) => session.status = 256, "session.status must be 0 to 255, got 256"],
  [
    RangeError,
    ({ session }) => session.status = 7,
    "session: a device is active though its status says it is not ready",
  ],
  [RangeError, ({ session }) => session.interruptStatus = 4, "session.interruptStatus must be 0 to 3, got 4"],
  [RangeError, ({ session }) => session.queueSelect = -1, `session.queueSelect must be 0 to ${MAX_U32}, got -1`],
  [
    RangeError,
    ({ session }) => session.driverFeatures.low = 1,
    "session.driverFeatures: the device does not offer all of them, or VERSION_1 is not there",
  ],
  [
    RangeError,
    ({ session }) => session.driverFeatures.high = 0,
    "session.driverFeatures: the device does not offer all of them, or VERSION_1 is not there",
  ],

  [
    RangeError,
    ({ session }) => session.queues.pop(),
    "session.queues must be an array of 2 items, got an array of 1 items",
  ],
  [RangeError, ({ session }) => session.queues[0].size = 512, "session.queues[0].size must be 1 to 256, got 512"],
  [
    RangeError,
    ({ session }) => session.queues[0].size = 96,
    "session.queues[0].size: a queue's size is a power of two",
  ],
  [
    RangeError,
    ({ session }) => session.queues[1].ring = null,
    "session.queues[1].ring: a queue works when it is enabled and the device active",
  ],
  [
    RangeError,
    ({ session }) => session.queues[1].isEnabled = false,
    "session.queues[1].ring: a queue works when it is enabled and the device active",
  ],
  [
    RangeError,
    ({ session }) => session.queues[1].usedLow = 4 * 1024 * 1024 - 8,
    "session.queues[1]: the queue is not in guest memory, or the heap has no room for it",
  ],
  [
    RangeError,
    ({ session }) => session.queues[0].descriptorHigh = MAX_U32,
    "session.queues[0]: the queue is not in guest memory, or the heap has no room for it",
  ],
  [
    RangeError,
    ({ session }) => session.queues[0].descriptorLow += 8,
    "session.queues[0]: the queue is not in guest memory, or the heap has no room for it",
  ],
  [
    RangeError,
    ({ session }) => ring(session).nextAvailable = 65536,
    "session.queues[0].ring.nextAvailable must be 0 to 65535, got 65536",
  ],
  [
    RangeError,
    ({ session }) => ring(session).nextUsed = 0.5,
    "session.queues[0].ring.nextUsed must be a whole number, got 0.5",
  ],
  [
    RangeError,
    ({ session }) => ring(session).errorCode = 1,
    "session.queues[0].ring.errorCode must be -13 to 0, got 1",
  ],

  [
    RangeError,
    ({ device }) => device.config.blobAlignment = 4096,
    "device.config.blobAlignment must be 1, got 4096",
  ],
  [
    RangeError,
    ({ device }) => device.config.generation = 2 ** 32,
    `device.config.generation must be 0 to ${MAX_U32}, got 4294967296`,
  ],
  [
    RangeError,
    ({ device }) => device.outputs.push(device.outputs[0]),
    "device.outputs must be an array of 2 items, got an array of 3 items",
  ],
  [RangeError, ({ device }) => device.outputs[1].x = -1, "device.outputs[1].x must be 0 to 2147483647, got -1"],
  [
    RangeError,
    ({ device }) => device.outputs[1].heightPixels = 16385,
    "device.outputs[1].heightPixels must be 1 to 16384, got 16385",
  ],

  [RangeError, ({ device }) => device.resources[1].id = 1, "device.resources[1].id: the resource id is in use"],
  [RangeError, ({ device }) => device.resources[0].id = 0, `device.resources[0].id must be 1 to ${MAX_U32}, got 0`],
  [
    RangeError,
    ({ device }) => device.resources.push(...new Array(7).fill(device.resources[0])),
    "device.resources must be an array of 0 to 8 items, got an array of 9 items",
  ],
  [
    RangeError,
    ({ device }) => device.resources[1].kind = "x".repeat(1000),
    `device.resources[1].kind must be "2d" or "guestBlob", got "${"x".repeat(40)}"`,
  ],
  [
    RangeError,
    ({ device }) => device.resources[0].format = 5,
    "device.resources[0].format: the format is none of virtio_gpu_formats",
  ],
  [
    RangeError,
    ({ device }) => device.resources[0].widthPixels = 0,
    `device.resources[0].widthPixels must be 1 to ${MAX_U32}, got 0`,
  ],
  [
    RangeError,
    ({ device }) => device.resources[0].heightPixels = 65,
    "device.resources[0].pixels must be of 16640 bytes, got 16384 bytes",
  ],
  [
    RangeError,
    ({ device }) => Object.assign(device.resources[0], { widthPixels: MAX_U32, heightPixels: MAX_U32 }),
    "device.resources[0].pixels must be of 73786976260478470000 bytes, got 16384 bytes",
  ],
  [
    TypeError,
    ({ device }) => device.resources[0].pixels = new Uint32Array(4096),
    "device.resources[0].pixels must be a Uint8Array, got an object",
  ],
  [
    RangeError,
    ({ device }) =>
      Object.assign(device.resources[0], { widthPixels: 1024, heightPixels: 512, pixels: new Uint8Array(2 ** 21) }),
    "device.resources[0]: the limit of host memory is reached",
  ],
  [
    RangeError,
    ({ device }) => device.resources[1].uuid = "A".repeat(32),
    `device.resources[1].uuid must be 32 hexadecimal digits, got "${"A".repeat(32)}"`,
  ],
  [
    RangeError,
    ({ device }) => device.resources[0].uuid = device.resources[1].uuid,
    "device.resources[1].uuid: another resource has the same UUID",
  ],
  [RangeError, ({ device }) => device.resources[1].flags = 8, "device.resources[1].flags must be 0 to 7, got 8"],
  [
    RangeError,
    ({ device }) => device.resources[1].sizeBytes = 2 ** 54,
    "device.resources[1].sizeBytes must be 1 to 9007199254740992, got 18014398509481984",
  ],
  [
    RangeError,
    ({ device }) => device.resources[1].sizeBytes = 16385,
    "device.resources[1].backing: the entries hold fewer bytes than the blob",
  ],
  [
    RangeError,
    ({ device }) => device.resources[1].backing = new Uint8Array(0),
    "device.resources[1].backing: it must hold 1 to 64 memory entries of 16 bytes",
  ],
  [
    RangeError,
    ({ device }) => device.resources[1].backing = new Uint8Array(65 * 16),
    "device.resources[1].backing: it must hold 1 to 64 memory entries of 16 bytes",
  ],
  [
    RangeError,
    ({ device }) => device.resources[1].backing = device.resources[1].backing.slice(1),
    "device.resources[1].backing: it must hold 1 to 64 memory entries of 16 bytes",
  ],
  [
    RangeError,
    (it) => entry(it, 1).setUint32(0, 4 * 1024 * 1024 - 4096, true),
    "device.resources[1].backing: an entry is empty or lies outside guest memory",
  ],
  [
    RangeError,
    (it) => entry(it, 1).setUint32(8, 0, true),
    "device.resources[1].backing: an entry is empty or lies outside guest memory",
  ],

  [
    RangeError,
    ({ device }) => device.scanouts[0].resourceId = 3,
    "device.scanouts[0].resourceId: there is no such resource",
  ],
  [
    RangeError,
    ({ device }) => device.scanouts[0].rect.x = 1,
    "device.scanouts[0].rect: it is not inside the resource",
  ],
  [
    RangeError,
    ({ device }) => device.scanouts[0].rect.width = 0,
    `device.scanouts[0].rect.width must be 1 to ${MAX_U32}, got 0`,
  ],
  [
    RangeError,
    ({ device }) => device.scanouts[0].framebuffer = device.scanouts[1].framebuffer,
    "device.scanouts[0].framebuffer: a 2D resource has none",
  ],
  [
    TypeError,
    ({ device }) => device.scanouts[1].framebuffer = null,
    "device.scanouts[1].framebuffer must be an object, got null",
  ],
  [
    RangeError,
    ({ device }) => device.scanouts[1].framebuffer.format = 99,
    "device.scanouts[1].framebuffer.format: the format is none of virtio_gpu_formats",
  ],
  [
    RangeError,
    ({ device }) => device.scanouts[1].framebuffer.strideBytes = 240,
    "device.scanouts[1].framebuffer.strideBytes: rows are 244 bytes or more",
  ],
  [
    RangeError,
    ({ device }) => device.scanouts[1].framebuffer.offsetBytes = 2 ** 31,
    "device.scanouts[1].framebuffer: its bytes do not all lie in the blob",
  ],
  [
    RangeError,
    ({ device }) => Object.assign(device.scanouts[1].rect, { y: MAX_U32, height: MAX_U32 }),
    "device.scanouts[1].framebuffer: its bytes do not all lie in the blob",
  ],
  [
    TypeError,
    ({ device }) => device.scanouts[1].isStale = 1,
    "device.scanouts[1].isStale must be true or false, got 1",
  ],

  [
    RangeError,
    ({ device }) => device.cursors[0].x = 2 ** 31,
    "device.cursors[0].x must be -2147483648 to 2147483647, got 2147483648",
  ],
  [RangeError, ({ device }) => device.cursors[0].y = NaN, "device.cursors[0].y must be a whole number, got NaN"],
  [
    RangeError,
    ({ device }) => device.cursors[0].image.widthPixels = 65,
    "device.cursors[0].image.widthPixels must be 1 to 64, got 65",
  ],
  [
    RangeError,
    ({ device }) => device.cursors[0].image.hotspotY = 64,
    "device.cursors[0].image.hotspotY must be 0 to 63, got 64",
  ],
  [
    RangeError,
    ({ device }) => device.cursors[0].image.rgba = new Uint8Array(16383),
    "device.cursors[0].image.rgba must be of 16384 bytes, got 16383 bytes",
  ],
];

Deno.test("restore refuses a snapshot with one thing wrong, whole, and says what it is", async (t) => {
  const { guest, target } = await machines();
  const good = guest.machine.pci.snapshot();
  for (const [kind, spoil, message] of refused) {
    await t.step(message, () => {
      const snapshot = structuredClone(good);
      spoil(snapshot);
      assertEquals(assertRefused(target, snapshot, kind), `Cannot restore: ${message}`);
    });
  }
});

const NOT_SNAPSHOTS = [undefined, null, 1, "snapshot", [], {}, new Uint8Array(100), () => {}, Symbol("snapshot"), 1n];

Deno.test("restore throws TypeError for what is no snapshot at all", async () => {
  const { target } = await machines();
  for (const value of NOT_SNAPSHOTS) assertRefused(target, value, TypeError);
});

Deno.test("restore refuses a snapshot of a machine with more RAM than this one", async () => {
  const guest = new MovingGuest(await makeMachine({ ...OPTIONS, ramBytes: 8 * 1024 * 1024 }));
  guest.machine.ram.allocate(5 * 1024 * 1024);
  guest.machine.driver.start();
  const { target } = await machines();

  const message = assertRefused(target, guest.machine.pci.snapshot(), RangeError);

  assertEquals(
    message,
    "Cannot restore: session.queues[0]: the queue is not in guest memory, or the heap has no room for it",
  );
});

Deno.test("restore refuses a snapshot of a device that offered more features", async () => {
  const { guest } = await machines();
  const target = await makeMachine({ ...OPTIONS, resourceBlob: false });

  const message = assertRefused(target, guest.machine.pci.snapshot(), RangeError);

  assertEquals(
    message,
    "Cannot restore: session.driverFeatures: the device does not offer all of them, or VERSION_1 is not there",
  );
});

for (const roomFor of [0, 1, 2, 3, 4, 5, 6]) {
  Deno.test(`restore refuses a snapshot whole when the heap has room for ${roomFor} of its 7 blocks`, async () => {
    const { guest, target } = await machines();
    const { heap } = target;
    const allocate = heap.allocate.bind(heap);
    let left = roomFor;
    heap.allocate = (bytes) => left-- > 0 ? allocate(bytes) : 0;

    assertRefused(target, guest.machine.pci.snapshot(), RangeError);

    heap.allocate = allocate;
    guest.moveTo(target);
    assertWorks(guest);
  });
}

/** What a mutation puts somewhere. */
const HOSTILE = [
  ...[
    0,
    -0,
    1,
    -1,
    0.5,
    NaN,
    Infinity,
    255,
    256,
    65535,
    65536,
    2 ** 31,
    -(2 ** 31),
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53,
    1e300,
  ],
  ...[undefined, null, true, false, "", "2d", "guestBlob", "0".repeat(32), [], {}, 1n, () => {}],
  ...[new Uint8Array(0), new Uint8Array(16), new Uint8Array(16384), new Uint16Array(8), new Array(100_000).fill(0)],
];

/** Every object and array of a snapshot. */
function containers(value: Anything): Anything[] {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return [];
  return [value, ...Object.values(value).flatMap(containers)];
}

/** Changes one place of a snapshot at random: another value, another's value, bytes, or a length. */
function mutate(snapshot: Anything, good: Anything, random: Random): void {
  const container = random.pick(containers(snapshot));
  const keys = Object.keys(container);
  if (keys.length === 0) return;
  const key = random.pick(keys);
  const value = container[key];
  if (value instanceof Uint8Array && value.length > 0 && !random.oneIn(4)) {
    value[random.below(value.length)] = random.u32();
  } else if (typeof value === "number" && random.oneIn(2)) {
    container[key] = value + random.pick([1, -1, 2, 4, 16, 256, -256]);
  } else if (Array.isArray(container) && random.oneIn(3)) {
    container.splice(random.below(keys.length), random.below(2), container[random.below(keys.length)]);
  } else if (random.oneIn(4)) {
    const other = random.pick(containers(good));
    container[key] = structuredClone(other[Object.keys(other)[0] ?? ""]);
  } else {
    container[key] = random.pick(HOSTILE);
  }
}

/** The guest's driver can still do everything, and the device has nothing left of it after a reset. */
function assertWorks({ machine }: MovingGuest): void {
  machine.pci.reset();
  machine.driver.start();
  createFilled(machine, 9, 8, 8, pixel);
  assertEquals(shownPixels(machine, 9, 8, 8), Array.from({ length: 64 }, (_, index) => pixel(index)));
}

for (const seed of [11, 12, 13, 14]) {
  Deno.test(`restore takes a mutated snapshot up or refuses it whole, and the device works on (seed ${seed})`, async () => {
    const random = new Random(seed);
    const { guest, target } = await machines();
    const good = guest.machine.pci.snapshot();
    target.pci.reset();
    const idleBytes = target.heap.usedBytes;
    target.pci.restore(good);
    runDeferred(target);
    const outcomes = { taken: 0, refused: 0 };
    for (let round = 0; round < 200; round++) {
      const snapshot = structuredClone(good);
      for (let count = random.oneIn(4) ? 3 : 1; count > 0; count--) mutate(snapshot, good, random);
      outcomes[await attempt(target, snapshot, random.u32())]++;
      if (!random.oneIn(20)) continue;
      target.pci.reset();
      assertEquals(target.heap.usedBytes - shownBytes(target), idleBytes);
    }
    assert(outcomes.taken > 20 && outcomes.refused > 50, JSON.stringify(outcomes));
    guest.moveTo(target, good);
    assertWorks(guest);
  });
}

/**
 * Restores in a machine whose RAM is a busy guest's, and on success lets that guest go on; checks that a refusal changed
 * nothing, and that what was taken up gives a snapshot that is taken up as well.
 */
async function attempt(target: Machine, snapshot: Anything, seed: number): Promise<"taken" | "refused"> {
  const before = target.pci.snapshot();
  const usedBytes = target.heap.usedBytes;
  try {
    target.pci.restore(snapshot);
  } catch (error) {
    assert(error instanceof RangeError || error instanceof TypeError, String(error));
    assert(error.message.startsWith("Cannot restore: "), error.message);
    assertEquals(target.pci.snapshot(), before);
    assertEquals(target.heap.usedBytes, usedBytes);
    return "refused";
  }
  runDeferred(target);
  target.pci.restore(target.pci.snapshot());
  runDeferred(target);
  await liveIn(target, seed);
  return "taken";
}

/** A busy guest does things at random in `target`, as far as its queues work there. */
async function liveIn(target: Machine, seed: number): Promise<void> {
  const guest = await busyGuest();
  copyRam(guest.machine, target);
  guest.enter(target);
  const random = new RandomGuest(new Random(seed), 2);
  try {
    for (let step = 0; step < 40; step++) random.act(guest.machine);
    random.showAll(guest.machine);
  } catch (error) {
    assertMatch(String(error), /^Error: The device left the chain \d+ in queue [01]$/);
  }
  copyRam((await busyGuest()).machine, target);
}

/** What the display, which shares the heap, keeps of its own. */
function shownBytes({ display }: Machine): number {
  return [0, 1].reduce((sum, id) => sum + (display.picture(id)?.rgba.length ?? 0), 0);
}

Deno.test("decodeSnapshot throws RangeError for a file that is cut off anywhere, or goes on", async () => {
  const { machine } = await busyGuest();
  const file = encodeSnapshot(machine.pci.snapshot());

  for (let length = 0; length < file.length; length += length < 4000 ? 1 : 97) {
    assertThrows(() => decodeSnapshot(file.subarray(0, length)), RangeError, "Cannot decode a snapshot");
  }
  assertThrows(() => decodeSnapshot(new Uint8Array([...file, 0])), RangeError, "1 bytes at its end belong to nothing");
});

/** A file with this header, whatever it says, and these bytes behind it. */
function fileOf(header: string, bytes: number, headerBytes?: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(16 + text.length + bytes);
  file.set(new TextEncoder().encode("SCANOUT\0\x01"));
  new DataView(file.buffer).setUint32(12, headerBytes ?? text.length, true);
  file.set(text, 16);
  return file;
}

const badFiles: [name: string, file: Uint8Array, message: string][] = [
  ["another magic", new Uint8Array(100), "it does not begin with SCANOUT"],
  ["another version", fileOf("", 0).with(8, 2), "its version must be 1, got 2"],
  ["a header longer than the file", fileOf("{}", 0, MAX_U32), `its header of ${MAX_U32} bytes is cut off`],
  ["no header", fileOf("", 0), "its header is not JSON"],
  ["a header that is not JSON", fileOf("{]", 0), "its header is not JSON"],
  ["a header that is not UTF-8", fileOf('"...."', 0).with(18, 0xff), "its header is not JSON"],
  ["more bytes announced than there are", fileOf('{"a":{"$bytes":9}}', 8), "9 of its bytes are cut off"],
  ["2^53 bytes announced", fileOf('{"$bytes":9007199254740992}', 8), "9007199254740992 of its bytes are cut off"],
  ["less bytes announced than there are", fileOf('{"a":{"$bytes":7}}', 8), "1 bytes at its end belong to nothing"],
  ["-1 bytes", fileOf('{"$bytes":-1}', 8), "its header does not say how many bytes belong to a place"],
  ["half a byte", fileOf('{"$bytes":0.5}', 8), "its header does not say how many bytes belong to a place"],
  ["bytes of a text", fileOf('{"$bytes":"8"}', 8), "its header does not say how many bytes belong to a place"],
  ["a million levels", fileOf("[".repeat(1e6) + "]".repeat(1e6), 0), "its header is more than 32 levels deep"],
];

for (const [name, file, message] of badFiles) {
  Deno.test(`decodeSnapshot throws RangeError for a file with ${name}`, () => {
    assertThrows(() => decodeSnapshot(file), RangeError, `Cannot decode a snapshot: ${message}`);
  });
}

Deno.test("decodeSnapshot gives a field __proto__ as a field", () => {
  const decoded = decodeSnapshot(fileOf('{"__proto__":{"version":1}}', 0)) as Anything;

  assertEquals(Object.keys(decoded), ["__proto__"]);
  assertEquals(decoded.version, undefined);
});

const notEncoded: [value: unknown, kind: typeof RangeError | typeof TypeError][] = [
  [{ a: undefined }, TypeError],
  [[() => {}], TypeError],
  [1n, TypeError],
  [new Uint16Array(4), TypeError],
  [{ $bytes: 4 }, TypeError],
  [[NaN], RangeError],
  [{ a: Infinity }, RangeError],
];

Deno.test("encodeSnapshot throws for what is not plain data", () => {
  for (const [value, kind] of notEncoded) assertThrows(() => encodeSnapshot(value), kind, "Cannot encode a snapshot");
  const endless: Anything = {};
  endless.itself = endless;
  assertThrows(() => encodeSnapshot(endless), RangeError, "more than 32 levels deep");
});

for (const seed of [21, 22]) {
  Deno.test(`A mutated file is refused when it is read or restored, or taken up (seed ${seed})`, async () => {
    const random = new Random(seed);
    const { guest, target } = await machines();
    const good = encodeSnapshot(guest.machine.pci.snapshot());
    const headerEnd = 16 + new DataView(good.buffer).getUint32(12, true);
    for (let round = 0; round < 200; round++) {
      const file = good.slice();
      for (let count = random.between(1, 3); count > 0; count--) {
        const at = random.below(random.oneIn(8) ? file.length : headerEnd);
        file[at] = random.oneIn(2) ? file[at]! ^ 1 << random.below(8) : random.pick([48, 57, 44, 45, 34, 123, 91]);
      }
      const snapshot = decoded(file);
      if (snapshot !== undefined) await attempt(target, snapshot, random.u32());
    }
    guest.moveTo(target, decodeSnapshot(good));
    assertWorks(guest);
  });
}

function decoded(file: Uint8Array): unknown {
  try {
    return decodeSnapshot(file);
  } catch (error) {
    assert(error instanceof RangeError, String(error));
    return undefined;
  }
}
