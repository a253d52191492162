/** What `onGuestError` is told. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { Reasons } from "../../src/protocol/reasons.ts";
import { responseName } from "../../src/protocol/wire.gen.ts";
import { startMachine } from "../support/machine.ts";
import { createResource, unref } from "./requests.ts";

Deno.test("onGuestError is told the command, its type and the reason", async () => {
  const { driver, errors } = await startMachine();

  unref(driver, 9);

  const told = errors.map(({ type, command, reason, suppressed }) => ({ type, command, reason, suppressed }));
  assertEquals(told, [{ type: 0x102, command: "RESOURCE_UNREF", reason: Reasons.resourceUnknown, suppressed: 0 }]);
});

Deno.test("onGuestError is told of an unknown command by its number", async () => {
  const { driver, errors } = await startMachine();
  driver.requestBytes().fill(0xee, 0, 4);

  driver.sendBytes(24);

  assertEquals([errors[0]!.command, errors[0]!.reason], ["0xeeeeeeee", Reasons.commandUnknown]);
});

Deno.test("onGuestError is not told of commands that are answered with OK", async () => {
  const { driver, errors } = await startMachine();

  createResource(driver, 1, 8, 8);
  unref(driver, 1);

  assertEquals(errors, []);
});

Deno.test("onGuestError is told of errors that no reply can say", async () => {
  const { driver, errors } = await startMachine();

  driver.sendBytes(8, { replyBytes: 0 });

  assertEquals(errors.map(({ reason }) => reason), [Reasons.headerTooShort]);
});

Deno.test("onGuestError is told of at most guestErrorsPerSecond errors in their second", async () => {
  const { driver, errors } = await startMachine({ limits: { guestErrorsPerSecond: 3 } });

  for (let count = 0; count < 10; count++) unref(driver, 9);

  assertLess(errors.length, 10); // a slow machine may see more than one second
  assertEquals(errors.slice(0, 3).map(({ suppressed }) => suppressed), [0, 0, 0]);
});

for (const [name, { response, text, clause }] of Object.entries(Reasons)) {
  Deno.test(`Reasons.${name} answers an error, and says why and by which clause`, () => {
    assert(responseName(response).startsWith("ERR_"));
    assert(text.length > 10 && !text.endsWith("."));
    assert(/^Virtio 1\.4, \d/.test(clause));
  });
}
