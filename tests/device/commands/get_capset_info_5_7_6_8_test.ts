/** GET_CAPSET_INFO, and num_capsets, which bounds its index. Virtio 1.4, 5.7.6.8. */

import { assertEquals } from "@std/assert";
import { readRespCapsetInfo, responseName, writeGetCapsetInfo } from "../../../src/protocol/wire.gen.ts";
import type { GpuDriver } from "../../../src/guest/gpu_driver.ts";
import { startRecording } from "../../support/renderer_machine.ts";

const NUM_CAPSETS_OFFSET = 12;

function capsetInfo(driver: GpuDriver, capsetIndex: number) {
  const { header, words } = driver.send(writeGetCapsetInfo, { capsetIndex }, { replyBytes: 40 });
  const { capsetId, capsetMaxVersion, capsetMaxSize } = readRespCapsetInfo(words, 0);
  return [responseName(header.type), capsetId, capsetMaxVersion, capsetMaxSize];
}

Deno.test("GET_CAPSET_INFO tells id, version and size of each set, as many as num_capsets says", async () => {
  const { driver } = await startRecording();

  const count = driver.transport.readConfig(NUM_CAPSETS_OFFSET, 4);

  assertEquals(count, 2);
  assertEquals(capsetInfo(driver, 0), ["OK_CAPSET_INFO", 60, 1, 64]);
  assertEquals(capsetInfo(driver, 1), ["OK_CAPSET_INFO", 61, 2, 160]);
});

for (const capsetIndex of [2, 3, 0x80000000, 0xffffffff]) {
  Deno.test(`GET_CAPSET_INFO answers ERR_INVALID_PARAMETER for index ${capsetIndex} of 2 sets`, async () => {
    const { driver } = await startRecording();
    const { header, usedLength } = driver.send(writeGetCapsetInfo, { capsetIndex }, { replyBytes: 40 });

    assertEquals(responseName(header.type), "ERR_INVALID_PARAMETER");
    assertEquals(usedLength, 24);
  });
}

Deno.test("GET_CAPSET_INFO asks the renderer nothing: the sets never change", async () => {
  const { driver, renderer } = await startRecording();
  capsetInfo(driver, 0);
  assertEquals(renderer.calls, []);
});
