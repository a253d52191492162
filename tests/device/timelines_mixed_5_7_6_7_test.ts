/** Timelines on which command streams and other commands of the renderer's stand. Virtio 1.4, 5.7.6.7. */

import { assertEquals } from "@std/assert";
import { writeResourceCreate3d } from "../../src/protocol/wire.gen.ts";
import { type FenceGuest, type Posted, type Ring, startFences } from "./fence_guest.ts";

/** Posts a fenced command that the renderer has no stream for, and kicks. */
function create3d(fences: FenceGuest, ring?: Ring): Posted {
  const size = { width: 64, height: 1, depth: 1, arraySize: 1, lastLevel: 0, nrSamples: 0, resourceFlags: 0 };
  const fields = { ...fences.fence(ring), resourceId: 7, target: 0, format: 64, bind: 0, ...size };
  const posted = fences.post(writeResourceCreate3d, fields);
  fences.kick();
  return posted;
}

Deno.test("A fence of another command on a ring says nothing of the streams before it: the ring's order is kept", async () => {
  const { renderer, fences } = await startFences();
  const stream = fences.submit([1, 5]);
  const other = create3d(fences, [1, 5]);

  renderer.doneAt(1); // which of the renderer's timelines that one is on, the renderer does not know
  const before = fences.ids();
  renderer.doneAt(0);

  assertEquals(before, []);
  assertEquals(fences.ids(), [stream.id, other.id]);
});

Deno.test("A fence of another command on no ring ends the streams before it that are on no ring, too", async () => {
  const { renderer, fences } = await startFences();
  const stream = fences.submit();
  const other = create3d(fences);

  renderer.doneAt(1);

  assertEquals(fences.ids(), [stream.id, other.id]);
});

Deno.test("A command whose fence ends at once does not overtake the streams that end with it", async () => {
  const { renderer, fences } = await startFences();
  const streams = [fences.submit(), fences.submit()];
  renderer.isImmediate = true;

  const other = create3d(fences);

  assertEquals(fences.ids(), [...streams.map(({ id }) => id), other.id]);
});
