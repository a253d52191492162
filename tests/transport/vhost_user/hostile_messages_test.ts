/** Messages that no front end should send: an answer or the end of the connection, and nothing is left behind. */

import { assertEquals } from "@std/assert";
import { FrontEndRequest, requestRules } from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { makeMockVhost, startMockVhost } from "./vhost_machine.ts";

const requests = Object.values(FrontEndRequest);

for (const request of requests) {
  const rules = requestRules(request)!;

  Deno.test(`${rules.name} is refused with a payload that is too short or too long`, async () => {
    const sizes = [rules.leastPayloadBytes - 1, rules.leastPayloadBytes - 4, rules.mostPayloadBytes + 1];
    for (const sizeBytes of sizes.filter((size) => size >= 0 && size <= 268)) {
      const { frontEnd, host } = await startMockVhost();
      const fds = Array.from({ length: rules.leastFds }, () => host.openFd());

      frontEnd.send(request, new Uint8Array(sizeBytes), { fds });

      assertEquals(frontEnd.closed, `${rules.name} is refused: it has ${sizeBytes} bytes`);
      assertEquals([host.open.size, host.mappings.size], [0, 0]);
    }
  });

  Deno.test(`${rules.name} is refused with too few or too many file descriptors, which are closed`, async () => {
    for (const count of [rules.leastFds - 1, rules.mostFds + 1].filter((count) => count >= 0 && count <= 8)) {
      const { frontEnd, host } = await startMockVhost();
      const fds = Array.from({ length: count }, () => host.openFd());

      frontEnd.send(request, new Uint8Array(rules.leastPayloadBytes), { fds });

      assertEquals(frontEnd.closed, `${rules.name} is refused: ${count} file descriptors come with it`);
      assertEquals([host.open.size, host.mappings.size], [0, 0]);
    }
  });

  Deno.test(`${rules.name} as the very first message, all zero, does no harm`, async () => {
    const { frontEnd, host, connection } = await makeMockVhost();
    const fds = Array.from({ length: rules.leastFds }, () => host.openFd());

    frontEnd.send(request, new Uint8Array(rules.leastPayloadBytes), { fds });
    connection.close();

    assertEquals([host.open.size, host.mappings.size], [0, 0]);
  });

  Deno.test(`${rules.name} of ones alone does no harm`, async () => {
    const { frontEnd, host, connection } = await startMockVhost();
    const fds = Array.from({ length: rules.mostFds }, () => host.openFd());

    frontEnd.send(request, new Uint8Array(rules.mostPayloadBytes).fill(0xff), { fds });
    connection.close();

    assertEquals([host.open.size, host.mappings.size], [0, 0]);
  });
}

Deno.test("A message that is cut off by the end of the stream leaves no file descriptor open", async () => {
  const { frontEnd, connection, host } = await makeMockVhost();

  frontEnd.send(FrontEndRequest.AddMemReg, new Uint8Array(10), { sizeBytes: 40, fds: [host.openFd()] });
  assertEquals(host.open.size, 1);
  connection.close();

  assertEquals(host.open.size, 0);
});

Deno.test("A message that says it has 4 GiB ends the connection before a byte of them is read", async () => {
  const { frontEnd, host } = await startMockVhost();

  frontEnd.send(FrontEndRequest.SetMemTable, new Uint8Array(0), { sizeBytes: 0xffffffff, fds: [host.openFd()] });

  assertEquals(frontEnd.closed, "a message has 4294967295 bytes, at most 268 are known");
  assertEquals([host.open.size, host.mappings.size], [0, 0]);
});

Deno.test("A reply that nobody asked for ends the connection", async () => {
  const { frontEnd } = await makeMockVhost();

  frontEnd.send(FrontEndRequest.GetFeatures, undefined, { flags: 5 });

  assertEquals(frontEnd.closed, "a message has the flags 0x5");
});

Deno.test("File descriptors that trickle in byte by byte are counted together", async () => {
  const { frontEnd, connection, host } = await makeMockVhost();

  const answers = [1, 1, 1, 1, 1, 1, 1, 1, 1].map(() => connection.receive(Uint8Array.of(1), [host.openFd()]));

  assertEquals(answers.at(-1), { close: "a message brings 9 file descriptors" });
  assertEquals(host.open.size, 0);
  assertEquals(frontEnd.send(FrontEndRequest.GetFeatures), { close: "the connection is closed" });
});

Deno.test("A flag with SET_VRING_CALL that says no file descriptor comes, with one, is refused", async () => {
  const { frontEnd, host } = await makeMockVhost();

  frontEnd.sendU64(FrontEndRequest.SetVringCall, 0x100, { fds: [host.openFd()] });

  assertEquals(frontEnd.closed, "SET_VRING_CALL is refused: 1 file descriptors come with it");
  assertEquals(host.open.size, 0);
});
