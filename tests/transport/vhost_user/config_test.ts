/** The configuration space, its changes, and the display socket. vhost-user, Front-end message types. */

import { assertEquals } from "@std/assert";
import { DriverQueue } from "../../../src/guest/driver_queue.ts";
import { FrontEndRequest, ProtocolFeature } from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { makeMockVhost, shareRam, startMockVhost } from "./vhost_machine.ts";

/** The payload of GET_CONFIG and SET_CONFIG. */
function access(offset: number, sizeBytes: number, flags: number, bytes = new Uint8Array(sizeBytes)): Uint8Array {
  return Uint8Array.of(...new Uint8Array(Uint32Array.of(offset, sizeBytes, flags).buffer), ...bytes);
}

async function makeConfigured() {
  const machine = await makeMockVhost({ config: Uint8Array.of(10, 11, 12, 13, 14, 15, 16, 17) });
  machine.frontEnd.negotiate(0, 0);
  return machine;
}

Deno.test("GET_CONFIG answers the part that is asked for, with zeroes past the end, in a payload of the same size", async () => {
  const { frontEnd } = await makeConfigured();

  const outcome = frontEnd.send(FrontEndRequest.GetConfig, access(6, 4, 0));

  assertEquals(outcome, {
    header: { request: FrontEndRequest.GetConfig, flags: 5, sizeBytes: 16 },
    payload: access(6, 4, 0, Uint8Array.of(16, 17, 0, 0)),
  });
});

Deno.test("GET_CONFIG of 256 bytes is the longest", async () => {
  const { frontEnd } = await makeConfigured();

  const outcome = frontEnd.send(FrontEndRequest.GetConfig, access(0, 256, 1));

  assertEquals(outcome && "header" in outcome && outcome.header.sizeBytes, 12 + 256);
});

for (const [offset, sizeBytes] of [[1, 256], [256, 1], [0xffffffff, 8], [0, 0xffffffff]] as const) {
  Deno.test(`GET_CONFIG of ${sizeBytes} bytes at ${offset} is answered by an empty payload`, async () => {
    const { frontEnd } = await makeConfigured();

    const outcome = frontEnd.send(FrontEndRequest.GetConfig, access(offset, sizeBytes, 0, new Uint8Array(8)));

    assertEquals(outcome && "header" in outcome && outcome.header.sizeBytes, 0);
  });
}

Deno.test("GET_CONFIG whose payload has another size than it says is answered by an empty payload", async () => {
  const { frontEnd } = await makeConfigured();

  const outcome = frontEnd.send(FrontEndRequest.GetConfig, access(0, 8, 0, new Uint8Array(4)));

  assertEquals(outcome && "header" in outcome && outcome.header.sizeBytes, 0);
});

Deno.test("SET_CONFIG writes words and what is left of one, for a driver and for a migration", async () => {
  for (const flags of [0, 1]) {
    const { device, frontEnd } = await makeConfigured();

    frontEnd.send(FrontEndRequest.SetConfig, access(4, 6, flags, Uint8Array.of(1, 2, 3, 4, 5, 6)));

    assertEquals(device.take(), ["config 4 4 0x4030201", "config 8 1 0x5", "config 9 1 0x6"]);
    assertEquals(frontEnd.closed, undefined);
  }
});

const misfits: [name: string, payload: Uint8Array][] = [
  ["ends past 256 bytes", access(250, 8, 0)],
  ["wraps", access(0xffffffff, 2, 0)],
  ["has fewer bytes than it says", access(0, 8, 0, new Uint8Array(7))],
  ["has flags that mean nothing", access(0, 4, 2)],
];

for (const [name, payload] of misfits) {
  Deno.test(`SET_CONFIG that ${name} is refused, with nothing written`, async () => {
    const { device, frontEnd } = await makeConfigured();

    frontEnd.send(FrontEndRequest.SetConfig, payload);

    assertEquals(frontEnd.closed, "SET_CONFIG is refused: it fits no configuration space");
    assertEquals(device.calls.filter((call) => call.startsWith("config")), []);
  });
}

Deno.test("A change of the configuration is told over the back end's channel", async () => {
  const { device, frontEnd, host } = await startMockVhost();
  const channel = host.openFd();
  frontEnd.send(FrontEndRequest.SetBackendReqFd, undefined, { fds: [channel] });

  device.events!.configChanged();

  assertEquals(host.sent, [{ fd: channel, bytes: new Uint8Array(Uint32Array.of(2, 1, 0).buffer) }]);
});

Deno.test("A change of the configuration is not told to a front end that has the display socket, as QEMU", async () => {
  const { device, frontEnd, host } = await startMockVhost();
  frontEnd.send(FrontEndRequest.SetBackendReqFd, undefined, { fds: [host.openFd()] });
  frontEnd.send(FrontEndRequest.GpuSetSocket, undefined, { fds: [host.openFd()] });

  device.events!.configChanged();

  assertEquals(host.sent, []);
});

Deno.test("A change of the configuration is not told where CONFIG or BACKEND_REQ was not negotiated", async () => {
  for (const missing of [ProtocolFeature.Config, ProtocolFeature.BackendReq]) {
    const { device, frontEnd, host } = await startMockVhost();
    frontEnd.send(FrontEndRequest.SetBackendReqFd, undefined, { fds: [host.openFd()] });
    const all = frontEnd.get(FrontEndRequest.GetProtocolFeatures);
    frontEnd.sendU64(FrontEndRequest.SetProtocolFeatures, all - 2 ** missing);

    device.events!.configChanged();

    assertEquals(host.sent, []);
  }
});

Deno.test("A change of the configuration while all rings stand still is told when one runs again", async () => {
  const { device, frontEnd, host, queue } = await startMockVhost();
  frontEnd.send(FrontEndRequest.SetBackendReqFd, undefined, { fds: [host.openFd()] });
  const base = frontEnd.stopRing(0);

  device.events!.configChanged();
  device.events!.configChanged();
  assertEquals(host.sent.length, 0);
  frontEnd.startRing(0, queue, base);

  assertEquals(host.sent.length, 1);
});

Deno.test("SET_BACKEND_REQ_FD closes the channel that it replaces", async () => {
  const { frontEnd, host } = await makeConfigured();
  const [first, second] = [host.openFd(), host.openFd()];

  for (const fd of [first, second]) frontEnd.send(FrontEndRequest.SetBackendReqFd, undefined, { fds: [fd] });

  assertEquals([...host.open.keys()], [second]);
});

Deno.test("GPU_SET_SOCKET hands the socket on, while rings run or not", async () => {
  const machine = await makeMockVhost();
  const { frontEnd, host, ram } = machine;
  shareRam(machine);
  const [first, second] = [host.openFd(), host.openFd()];

  frontEnd.send(FrontEndRequest.GpuSetSocket, undefined, { fds: [first] });
  assertEquals(host.gpuSocket, first);
  frontEnd.startRing(0, new DriverQueue(ram, 8));
  frontEnd.send(FrontEndRequest.GpuSetSocket, undefined, { fds: [second] });

  assertEquals(host.gpuSocket, second);
  assertEquals(host.open.has(first), false);
});
