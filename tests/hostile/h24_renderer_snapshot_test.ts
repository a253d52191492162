/** H24: snapshots that claim what a renderer has, or another renderer than the one that is there. They are refused whole. */

import { assertEquals, assertThrows } from "@std/assert";
import { Format } from "../../src/protocol/wire.gen.ts";
import { createFilled, flush, pictureWords, pixel, rect, setScanout } from "../device/requests.ts";
import { createContext } from "../device/three_d_requests.ts";
import { makeHostBlob, mapBlob, WINDOW_BYTES } from "../device/window_requests.ts";
import { type Machine, type MachineOptions, makeMachine } from "../support/machine.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";

// deno-lint-ignore no-explicit-any -- a snapshot of any shape is what these tests are about
type Anything = any;

const whole = rect(0, 0, 16, 16);

type WithRenderer = MachineOptions & { renderer: ReferenceRenderer };

function options(): WithRenderer {
  return { ramBytes: 4 * 1024 * 1024, windowBytes: WINDOW_BYTES, renderer: new ReferenceRenderer() };
}

/** A machine that shows resource 1, in which nothing is the renderer's, and the snapshot of its device. */
async function snapshotOf(options: MachineOptions): Promise<Anything> {
  const machine = await makeMachine(options);
  machine.driver.start();
  show(machine);
  return machine.pci.snapshot();
}

function show(machine: Machine): void {
  createFilled(machine, 1, 16, 16, pixel, Format.R8G8B8X8Unorm);
  setScanout(machine.driver, 0, 1, whole);
  flush(machine.driver, 1, whole);
}

const hostBlob = {
  kind: "hostBlob",
  id: 5,
  sizeBytes: 4096,
  flags: 1,
  hasGuestPages: false,
  contextId: 1,
  mappedAt: 0,
  backing: null,
  uuid: null,
};
const texture = { kind: "3d", id: 5, format: 1, widthPixels: 16, heightPixels: 16, backing: null, uuid: null };

const contextFaults: [name: string, context: Anything, message: string][] = [
  ["no word about a context", undefined, " must be an object, got nothing"],
  ["a context 0", { id: 0 }, ".id must be 1 to 4294967295, got 0"],
  ["a context twice", { id: 1 }, ".id: the context id is in use"],
  ["a context of no set", { id: 2, capsetId: 9 }, ".capsetId: there is no such capability set"],
  ["a context of a set that is no number", { id: 2, capsetId: {} }, ".capsetId must be a number, got an object"],
  [
    "a context with too long a name",
    { id: 2, capsetId: 20, debugName: "x".repeat(65) },
    `.debugName must be a text of at most 64 characters, got "${"x".repeat(40)}"`,
  ],
  [
    "a context that is attached to what is not there",
    { id: 2, capsetId: 20, debugName: "\n", attached: [1, 5] },
    ".attached[1]: there is no such resource",
  ],
  [
    "a context that is attached to nothing in particular",
    { id: 2, capsetId: 20, debugName: "", attached: null },
    ".attached must be an array, got null",
  ],
];

const refused: [name: string, spoil: (snapshot: Anything) => void, message: string][] = [
  [
    "a host blob, mapped",
    ({ device }) => device.resources.push(hostBlob),
    'device.resources[1].kind must be "2d" or "guestBlob", got "hostBlob"',
  ],
  [
    "a 3D resource",
    ({ device }) => device.resources.push(texture),
    'device.resources[1].kind must be "2d" or "guestBlob", got "3d"',
  ],
  [
    "a 2D resource that is a host blob by then",
    ({ device }) => device.resources[0].kind = "hostBlob",
    'device.resources[0].kind must be "2d" or "guestBlob", got "hostBlob"',
  ],
  [
    "a scanout of a resource that is not in it",
    ({ device }) => device.scanouts[0].resourceId = 5,
    "device.scanouts[0].resourceId: there is no such resource",
  ],
  [
    "a capability set more",
    ({ device }) => device.config.capsets.push(device.config.capsets[0]),
    "device.config.capsets must be an array of 0 to 2 items, got an array of 3 items",
  ],
  [
    "a capability set fewer",
    ({ device }) => device.config.capsets.pop(),
    "device.config.capsets must be an array of 2 items, got an array of 1 items",
  ],
  [
    "another capability set",
    ({ device }) => device.config.capsets[1].id = 4,
    "device.config.capsets[1].id must be 21, got 4",
  ],
  [
    "another version of a capability set",
    ({ device }) => device.config.capsets[1].maxVersion = 9,
    "device.config.capsets[1].maxVersion must be 2, got 9",
  ],
  [
    "a larger capability set",
    ({ device }) => device.config.capsets[0].sizeBytes = 65,
    "device.config.capsets[0].sizeBytes must be 64, got 65",
  ],
  [
    "capability sets by another order",
    ({ device }) => device.config.capsets.reverse(),
    "device.config.capsets[0].id must be 20, got 21",
  ],
  [
    "a longer window",
    ({ device }) => device.config.hostVisibleBytes *= 2,
    `device.config.hostVisibleBytes must be ${WINDOW_BYTES}, got ${WINDOW_BYTES * 2}`,
  ],
  [
    "a window that is no number",
    ({ device }) => device.config.hostVisibleBytes = "all",
    'device.config.hostVisibleBytes must be a number, got "all"',
  ],
  [
    "no word about capability sets",
    ({ device }) => delete device.config.capsets,
    "device.config.capsets must be an array, got nothing",
  ],
  ...contextFaults.map(([name, context, message]): typeof refused[number] => [
    name,
    ({ device }) => device.contexts.push({ id: 1, capsetId: 20, debugName: "", attached: [1] }, context),
    `device.contexts[1]${message}`,
  ]),
  [
    "more contexts than there may be",
    ({ device }) => device.contexts.length = 257,
    "device.contexts must be an array of 0 to 256 items, got an array of 257 items",
  ],
  [
    "contexts that are none of the features' business",
    ({ session }) => session.driverFeatures.low |= 1 << 30,
    "session.driverFeatures: the device does not offer all of them, or VERSION_1 is not there",
  ],
];
for (const [name, spoil, message] of refused) {
  Deno.test(`A snapshot with ${name} is refused; guest and renderer keep all they have`, async () => {
    const snapshot = await snapshotOf(options());
    spoil(snapshot);
    const given = options();
    const target = await makeMachine(given);
    target.driver.start();
    show(target);
    createContext(target.driver, 1);
    makeHostBlob(target.driver, 5, 4096);
    mapBlob(target.driver, 5, 0);
    const before = stateOf(target, given);
    const error = assertThrows(() => target.pci.restore(snapshot), Error);
    assertEquals(error.message, `Cannot restore: ${message}`);
    assertEquals(stateOf(target, given), before);
    assertEquals(mapBlob(target.driver, 5, 4096).answer, "ERR_UNSPEC"); // it is mapped still
  });
}

Deno.test("A snapshot whose driver uses VIRGL is refused by a device without a renderer", async () => {
  const snapshot = await snapshotOf(options());
  const target = await makeMachine({ ramBytes: 4 * 1024 * 1024 });
  assertThrows(() => target.pci.restore(snapshot), RangeError, "the device does not offer all of them");
  snapshot.session.driverFeatures.low &= ~0b10001; // VIRGL and CONTEXT_INIT
  assertThrows(() => target.pci.restore(snapshot), RangeError, "device.config.capsets must be an array of 0 items");
  snapshot.device.config.capsets = [];
  assertThrows(() => target.pci.restore(snapshot), RangeError, "device.config.hostVisibleBytes must be 0");
});

function stateOf({ heap, display, deferred }: Machine, { renderer }: WithRenderer) {
  return {
    usedBytes: heap.usedBytes,
    frames: display.frames,
    deferred: deferred.length,
    shown: pictureWords(display.picture(0)!.rgba),
    contexts: renderer.contextCount,
    resources: renderer.resourceCount,
    address: renderer.blobAddress(5),
  };
}
