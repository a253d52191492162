/** What a device offers, and commands whose feature was not negotiated. Virtio 1.4, 5.7.3. */

import { assertEquals } from "@std/assert";
import { commandSize, CommandType, GpuFeature, responseName, writeGetEdid } from "../../src/protocol/wire.gen.ts";
import { featureSet, hasFeature } from "../../src/virtio/virtio_device.ts";
import { VirtioFeature } from "../../src/virtio/virtio.gen.ts";
import { makeMachine } from "../support/machine.ts";
import { RecordingRenderer } from "../support/recording_renderer.ts";
import { answerTo } from "./requests.ts";

const { Version1, IndirectDesc, EventIdx, RingPacked, InOrder, RingReset } = VirtioFeature;
const { Edid, Virgl, ContextInit } = GpuFeature;

/** What a driver that knows neither 3D nor blobs nor UUIDs accepts. */
const plain: [number, number] = [featureSet(IndirectDesc, EventIdx, Edid).low, 0xffffffff];

for (const feature of [Version1, IndirectDesc, EventIdx, Edid]) {
  Deno.test(`VirtioGpu offers feature bit ${feature}`, async () => {
    const { gpu } = await makeMachine();

    assertEquals(hasFeature(gpu.offeredFeatures, feature), true);
  });
}

for (const feature of [Virgl, ContextInit, RingPacked, InOrder, RingReset]) {
  Deno.test(`VirtioGpu does not offer feature bit ${feature}`, async () => {
    const { gpu } = await makeMachine();

    assertEquals(hasFeature(gpu.offeredFeatures, feature), false);
  });
}

for (const feature of [Virgl, ContextInit]) {
  Deno.test(`VirtioGpu with a renderer offers feature bit ${feature}`, async () => {
    const { gpu } = await makeMachine({ renderer: new RecordingRenderer() });

    assertEquals(hasFeature(gpu.offeredFeatures, feature), true);
  });
}

const answers: [command: keyof typeof CommandType, answer: string][] = [
  ["ResourceCreateBlob", "ERR_INVALID_PARAMETER"],
  ["SetScanoutBlob", "ERR_INVALID_PARAMETER"],
  ["ResourceMapBlob", "ERR_UNSPEC"],
  ["ResourceUnmapBlob", "ERR_UNSPEC"],
  ["ResourceAssignUuid", "ERR_UNSPEC"],
  ["GetCapsetInfo", "ERR_UNSPEC"],
  ["GetCapset", "ERR_UNSPEC"],
  ["CtxCreate", "ERR_UNSPEC"],
  ["CtxDestroy", "ERR_UNSPEC"],
  ["CtxAttachResource", "ERR_UNSPEC"],
  ["CtxDetachResource", "ERR_UNSPEC"],
  ["ResourceCreate3d", "ERR_UNSPEC"],
  ["TransferToHost3d", "ERR_UNSPEC"],
  ["TransferFromHost3d", "ERR_UNSPEC"],
  ["Submit3d", "ERR_UNSPEC"],
];

const devices = [["a renderer", () => new RecordingRenderer()], ["no renderer", () => undefined]] as const;

for (const [command, answer] of answers) {
  for (const [with3d, makeRenderer] of devices) {
    Deno.test(`${command} answers ${answer} on a device with ${with3d} when its feature was not negotiated`, async () => {
      const renderer = makeRenderer();
      const { driver } = await makeMachine(renderer && { renderer });
      driver.start(plain);
      const type = CommandType[command];
      const request = driver.requestBytes().fill(1); // ids and sizes that are not 0
      new DataView(request.buffer, request.byteOffset).setUint32(0, type, true);

      const { header, usedLength } = driver.sendBytes(commandSize(type), { replyBytes: 512 });

      assertEquals(responseName(header.type), answer);
      assertEquals(usedLength, 24);
      assertEquals(renderer?.calls ?? [], []);
    });
  }
}

Deno.test("GET_EDID answers ERR_UNSPEC when EDID was not negotiated", async () => {
  const { driver, errors } = await makeMachine();
  driver.start([~(1 << Edid), 0xffffffff]);

  const answer = answerTo(driver, writeGetEdid, { scanout: 0 }, { replyBytes: 1056 });

  assertEquals(answer, "ERR_UNSPEC");
  assertEquals(errors.map(({ reason }) => reason.text), ["the command's feature was not negotiated"]);
});
