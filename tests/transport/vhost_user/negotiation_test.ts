/** Features, protocol features, acknowledgements and unknown requests. vhost-user, Communication. */

import { assertEquals } from "@std/assert";
import { FrontEndRequest, ProtocolFeature } from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { featureSet } from "../../../src/virtio/virtio_device.ts";
import { VirtioFeature } from "../../../src/virtio/virtio.gen.ts";
import { numberOf } from "./front_end.ts";
import { makeMockVhost, shareRam, startMockVhost } from "./vhost_machine.ts";

const { ReplyAck, ConfigureMemSlots } = ProtocolFeature;

Deno.test("GET_FEATURES answers the device's features and the bit of the protocol features", async () => {
  const { frontEnd } = await makeMockVhost({ offeredFeatures: featureSet(1, 3, 28, 32) });

  assertEquals(frontEnd.get(FrontEndRequest.GetFeatures), 2 ** 1 + 2 ** 3 + 2 ** 28 + 2 ** 30 + 2 ** 32);
});

Deno.test("GET_PROTOCOL_FEATURES answers all but what shared memory regions need, before anything was negotiated", async () => {
  const { frontEnd } = await makeMockVhost();

  const bits = [0, 3, 5, 9, 13, 15, 16];
  assertEquals(frontEnd.get(FrontEndRequest.GetProtocolFeatures), bits.reduce((sum, bit) => sum + 2 ** bit, 0));
});

Deno.test("The device gets the features that were accepted, without the bit of the protocol features", async () => {
  const { device } = await startMockVhost();

  assertEquals(device.features, device.offeredFeatures);
  assertEquals(device.take(), ["activate"]);
});

Deno.test("SET_FEATURES takes RING_RESET, which QEMU offers by itself, and keeps it from the device", async () => {
  const machine = await makeMockVhost();
  const { low, high } = machine.device.offeredFeatures;
  const ringReset = featureSet(VirtioFeature.RingReset).high;
  shareRam(machine);

  machine.frontEnd.negotiate(low, high | ringReset);

  assertEquals(machine.frontEnd.closed, undefined);
});

for (const bit of [2, VirtioFeature.AccessPlatform, VirtioFeature.RingPacked, VirtioFeature.InOrder, 63]) {
  Deno.test(`SET_FEATURES closes the connection when feature ${bit} is accepted, which is not offered`, async () => {
    const { frontEnd } = await makeMockVhost();

    const { low, high } = featureSet(bit);
    frontEnd.negotiate(low, high);

    assertEquals(frontEnd.closed?.startsWith("SET_FEATURES is refused: the features 0x"), true);
  });
}

Deno.test("SET_FEATURES refuses other features while a ring runs, and takes the same again", async () => {
  const { frontEnd, device } = await startMockVhost();
  const { low, high } = device.offeredFeatures;

  frontEnd.negotiate(low, high);
  assertEquals(frontEnd.closed, undefined);
  frontEnd.negotiate(0, high);

  assertEquals(frontEnd.closed, "SET_FEATURES is refused: the features cannot change while a ring runs");
});

Deno.test("SET_PROTOCOL_FEATURES closes the connection when one is set that is not offered", async () => {
  for (const bit of [1, 8, 20, 40]) {
    const { frontEnd } = await makeMockVhost();

    frontEnd.sendU64(FrontEndRequest.SetProtocolFeatures, 2 ** bit);

    assertEquals(frontEnd.closed?.startsWith("SET_PROTOCOL_FEATURES is refused: the protocol features 0x"), true);
  }
});

Deno.test("GET_QUEUE_NUM answers the number of the device's queues", async () => {
  const { frontEnd } = await makeMockVhost({ queueSizes: [64, 64, 8] });

  assertEquals(frontEnd.get(FrontEndRequest.GetQueueNum), 3);
});

Deno.test("A request without a reply is acknowledged by 0 when need_reply is set and REPLY_ACK was negotiated", async () => {
  const { frontEnd } = await makeMockVhost();
  frontEnd.sendU64(FrontEndRequest.SetProtocolFeatures, 2 ** ReplyAck);

  const outcome = frontEnd.send(FrontEndRequest.SetOwner, undefined, { needsReply: true });

  assertEquals(outcome, {
    header: { request: FrontEndRequest.SetOwner, flags: 5, sizeBytes: 8 },
    payload: new Uint8Array(8),
  });
});

Deno.test("SET_PROTOCOL_FEATURES itself is acknowledged when it turns REPLY_ACK on, as user-mode Linux expects", async () => {
  const { frontEnd } = await makeMockVhost();

  const outcome = frontEnd.sendU64(FrontEndRequest.SetProtocolFeatures, 2 ** ReplyAck, { needsReply: true });

  assertEquals(numberOf(outcome), 0);
});

Deno.test("need_reply is ignored where REPLY_ACK was not negotiated", async () => {
  const { frontEnd } = await makeMockVhost();

  assertEquals(frontEnd.send(FrontEndRequest.SetOwner, undefined, { needsReply: true }), undefined);
});

Deno.test("need_reply changes nothing for a request that has a reply of its own", async () => {
  const { frontEnd } = await makeMockVhost();
  frontEnd.sendU64(FrontEndRequest.SetProtocolFeatures, 2 ** ReplyAck);

  const outcome = frontEnd.send(FrontEndRequest.GetQueueNum, undefined, { needsReply: true });

  assertEquals(numberOf(outcome), 2);
});

Deno.test("A refused request is answered by 1 when need_reply is set, reported, and the connection goes on", async () => {
  const { frontEnd, host } = await makeMockVhost();
  frontEnd.sendU64(FrontEndRequest.SetProtocolFeatures, 2 ** ReplyAck);

  const outcome = frontEnd.sendState(FrontEndRequest.SetVringNum, 0, 3, { needsReply: true });

  assertEquals(numberOf(outcome), 1);
  assertEquals(host.reports, ["SET_VRING_NUM is refused: a ring cannot have 3 descriptors"]);
  assertEquals(frontEnd.get(FrontEndRequest.GetQueueNum), 2);
});

Deno.test("An unknown request is refused: by 1 when need_reply is set, else by the end of the connection", async () => {
  for (const request of [0, 6, 7, 19, 20, 22, 23, 26, 31, 35, 41, 45, 0xffffffff]) {
    const { frontEnd } = await makeMockVhost();
    frontEnd.sendU64(FrontEndRequest.SetProtocolFeatures, 2 ** ReplyAck);

    assertEquals(numberOf(frontEnd.send(request, new Uint8Array(8), { needsReply: true })), 1);
    assertEquals(frontEnd.send(request), {
      close: `a request is refused: ${request} is no request that is known`,
    });
  }
});

Deno.test("A request whose protocol feature was not negotiated is refused", async () => {
  const requests = [
    FrontEndRequest.GetStatus,
    FrontEndRequest.GetMaxMemSlots,
  ];
  for (const request of requests) {
    const { frontEnd } = await makeMockVhost();

    frontEnd.send(request);

    assertEquals(frontEnd.closed?.endsWith("is refused: its protocol feature was not negotiated"), true);
  }
});

Deno.test("GET_MAX_MEM_SLOTS answers how many regions there may be", async () => {
  const { frontEnd } = await makeMockVhost();
  frontEnd.sendU64(FrontEndRequest.SetProtocolFeatures, 2 ** ConfigureMemSlots);

  assertEquals(frontEnd.get(FrontEndRequest.GetMaxMemSlots), 64);
});
