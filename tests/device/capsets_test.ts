/** What a renderer says of its capability sets is checked when a device is made. */

import { assertRejects } from "@std/assert";
import type { Capset } from "../../src/renderer/renderer.ts";
import { makeMachine } from "../support/machine.ts";
import { RecordingRenderer } from "../support/recording_renderer.ts";

const good: Capset = { id: 1, maxVersion: 1, sizeBytes: 64 };

const refused: [name: string, capsets: Capset[], message: string][] = [
  ["no set", [], "it must have a capability set, got none"],
  ["id 0", [{ ...good, id: 0 }], "its id must be 1 to 63"],
  ["id 64", [good, { ...good, id: 64 }], "its id must be 1 to 63"],
  ["an id that is no whole number", [{ ...good, id: 1.5 }], "its id must be 1 to 63"],
  ["the same id twice", [good, good], "there are two with this id"],
  ["a version below 0", [{ ...good, maxVersion: -1 }], "its version must be a u32, got -1"],
  ["4097 bytes", [{ ...good, sizeBytes: 4097 }], "its size must be at most 4096 bytes, got 4097"],
];

for (const [name, capsets, message] of refused) {
  Deno.test(`new VirtioGpu throws RangeError for a renderer with ${name}`, async () => {
    await assertRejects(() => makeMachine({ renderer: new RecordingRenderer(capsets) }), RangeError, message);
  });
}
