/** Fences behind a remote renderer end in the order in which they end with the renderer beside the device. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Reasons } from "../../src/protocol/reasons.ts";
import { writeResourceFlush, writeSubmit3d } from "../../src/protocol/wire.gen.ts";
import { createResource } from "../device/requests.ts";
import { FenceGuest, type Ring } from "../device/fence_guest.ts";
import { HandRenderer } from "../device/hand_renderer.ts";
import { type Machine, startMachine } from "../support/machine.ts";
import { startRemote } from "../support/renderer/remote_machine.ts";

const RECT = { x: 0, y: 0, width: 8, height: 8 };
const RINGS: readonly (Ring | undefined)[] = [undefined, [1, 0], [1, 1], [2, 0]];

/** What a guest does, or its renderer: by the number of what was asked of it and has not ended. */
type Step =
  | { does: "submit" | "is refused by the renderer" | "is refused by the device" | "flush"; ring: number }
  | { does: "ends"; work: number };

/** A device with a renderer that is driven by hand, and its guest. */
interface Side {
  readonly machine: Machine;
  readonly renderer: HandRenderer;
  /** Lets both sides of a remote renderer work. */
  readonly settle: () => void;
}

async function startDirect(): Promise<Side> {
  const renderer = new HandRenderer();
  return { machine: await startMachine({ renderer }), renderer, settle: () => {} };
}

async function startBehindRemote(): Promise<Side> {
  const machine = await startRemote(new HandRenderer());
  return { machine, renderer: machine.reference, settle: machine.step };
}

/** Lets a new guest and its renderer do `steps`, and returns the numbers of the requests that were answered after each. */
function run({ machine, renderer, settle }: Side, steps: readonly Step[]): number[][] {
  machine.driver.start();
  renderer.take();
  const guest = new FenceGuest(machine);
  guest.createContexts(1, 2);
  createResource(machine.driver, 1, 8, 8);
  return steps.map((step) => {
    carryOut(guest, renderer, step);
    settle();
    return guest.ids();
  });
}

function carryOut(guest: FenceGuest, renderer: HandRenderer, step: Step): void {
  if (step.does === "ends") {
    const { work } = renderer;
    const [ended] = work.splice(step.work % Math.max(work.length, 1), 1);
    return ended && renderer.done(ended.slot);
  }
  const ring = RINGS[step.ring];
  switch (step.does) {
    case "flush":
      guest.post(writeResourceFlush, { rect: RECT, resourceId: 1, ...guest.fence(ring) });
      return guest.kick();
    case "is refused by the device":
      return void guest.refused(ring);
    case "is refused by the renderer":
    case "submit":
      renderer.outcomes.push(step.does === "submit" ? undefined : Reasons.contextLost);
      guest.post(writeSubmit3d, { ctxId: 1, ...guest.fence(ring), size: 0 });
      return guest.kick();
  }
}

/** The answers with the renderer beside the device, and behind a remote one. */
function both(direct: Side, remote: Side): (steps: readonly Step[]) => void {
  return (steps) => assertEquals(run(remote, steps), run(direct, steps));
}

Deno.test("A stream that the renderer refuses ends its own fence, not those before it on its ring", async () => {
  const remote = await startBehindRemote();

  const answers = run(remote, [
    { does: "submit", ring: 1 },
    { does: "is refused by the renderer", ring: 1 },
    { does: "is refused by the renderer", ring: 2 },
    { does: "is refused by the renderer", ring: 0 },
    { does: "ends", work: 0 },
  ]);

  assertEquals(answers, [[], [], [5], [6], [3, 4]]);
});

Deno.test("Fences end in the same order whether the renderer is beside the device or behind a remote one", async () => {
  const compare = both(await startDirect(), await startBehindRemote());
  const does = fc.constantFrom(
    "submit" as const,
    "is refused by the renderer" as const,
    "is refused by the device" as const,
    "flush" as const,
  );
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ does, ring: fc.nat(RINGS.length - 1) }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constant("ends" as const), work: fc.nat(15) }) },
  );

  fc.assert(fc.property(fc.array(step, { maxLength: 24 }), compare));
});
