/** Messages put together from a stream. vhost-user, Message Specification. */

import { assertEquals, assertThrows } from "@std/assert";
import { MessageReader } from "../../../src/transport/vhost_user/message_reader.ts";
import { FrontEndRequest, MAX_PAYLOAD_BYTES } from "../../../src/transport/vhost_user/vhost_user.gen.ts";

function message(request: number, flags: number, sizeBytes: number, payload: number[] = []): Uint8Array {
  return Uint8Array.of(...new Uint8Array(Uint32Array.of(request, flags, sizeBytes).buffer), ...payload);
}

Deno.test("MessageReader wants a header, then its payload, and no byte of the next message", () => {
  const reader = new MessageReader();
  const bytes = message(FrontEndRequest.SetFeatures, 1, 8, [1, 2, 3, 4, 5, 6, 7, 8]);

  assertEquals(reader.wantedBytes, 12);
  assertEquals(reader.take(bytes.subarray(0, 12), []), undefined);
  assertEquals(reader.wantedBytes, 8);
  const whole = reader.take(bytes.subarray(12), [7]);

  assertEquals(typeof whole === "object" && whole.header, { request: 2, flags: 1, sizeBytes: 8 });
  assertEquals(typeof whole === "object" && whole.words[0], 0x04030201);
  assertEquals(typeof whole === "object" && whole.fds, [7]);
  assertEquals(reader.wantedBytes, 12);
});

Deno.test("MessageReader puts a message together from single bytes, with the file descriptors of all of them", () => {
  const reader = new MessageReader();
  const bytes = message(FrontEndRequest.SetVringNum, 1, 8, [0, 0, 0, 0, 8, 0, 0, 0]);

  const outcomes = [...bytes].map((byte, index) => reader.take(Uint8Array.of(byte), index % 10 === 0 ? [index] : []));

  const whole = outcomes.pop();
  assertEquals(outcomes.every((outcome) => outcome === undefined), true);
  assertEquals(typeof whole === "object" && [...whole.words.subarray(0, 2)], [0, 8]);
  assertEquals(typeof whole === "object" && whole.fds, [0, 10]);
});

const wrong: [name: string, bytes: Uint8Array, fds: number[], reason: string][] = [
  ["of version 0", message(1, 0, 0), [], "a message has the flags 0x0"],
  ["of version 2", message(1, 2, 0), [], "a message has the flags 0x2"],
  ["that is a reply", message(1, 5, 0), [], "a message has the flags 0x5"],
  ["with a larger payload than any", message(1, 1, 269), [], "a message has 269 bytes, at most 268 are known"],
  ["of 4 GiB", message(1, 1, 0xffffffff), [], "a message has 4294967295 bytes, at most 268 are known"],
  ["with nine file descriptors", message(1, 1, 0), [1, 2, 3, 4, 5, 6, 7, 8, 9], "a message brings 9 file descriptors"],
];

for (const [name, bytes, fds, reason] of wrong) {
  Deno.test(`MessageReader does not go on after a message ${name}`, () => {
    assertEquals(new MessageReader().take(bytes, fds), reason);
  });
}

Deno.test("MessageReader reads the largest payload", () => {
  const reader = new MessageReader();
  const payload = Array.from({ length: MAX_PAYLOAD_BYTES }, (_, index) => index & 0xff);

  reader.take(message(24, 1, MAX_PAYLOAD_BYTES), []);
  const whole = reader.take(Uint8Array.from(payload), []);

  assertEquals(typeof whole === "object" && whole.words.length, MAX_PAYLOAD_BYTES / 4);
});

Deno.test("MessageReader.takeFds gives back the file descriptors of a message that is not whole", () => {
  const reader = new MessageReader();

  reader.take(message(1, 1, 0).subarray(0, 5), [3, 4]);

  assertEquals(reader.takeFds(), [3, 4]);
  assertEquals(reader.takeFds(), []);
});

Deno.test("MessageReader.take throws RangeError for more bytes than it wants", () => {
  const reader = new MessageReader();

  assertThrows(() => reader.take(new Uint8Array(13), []), RangeError, "Cannot take 13 bytes of a message: it wants 12");
});
