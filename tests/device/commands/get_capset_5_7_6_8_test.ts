/** GET_CAPSET. Virtio 1.4, 5.7.6.8. */

import { assertEquals } from "@std/assert";
import { responseName, writeGetCapset } from "../../../src/protocol/wire.gen.ts";
import type { GpuDriver } from "../../../src/guest/gpu_driver.ts";
import { RecordingRenderer } from "../../support/recording_renderer.ts";
import { startRecording, startWithRenderer } from "../../support/renderer_machine.ts";

function getCapset(driver: GpuDriver, capsetId: number, capsetVersion: number, replyBytes: number) {
  const { header, words, usedLength } = driver.send(writeGetCapset, { capsetId, capsetVersion }, { replyBytes });
  const data = new Uint8Array(words.buffer, words.byteOffset).subarray(24, replyBytes);
  return { answer: responseName(header.type), usedLength, data };
}

for (const [capsetId, version, sizeBytes] of [[60, 0, 64], [60, 1, 64], [61, 2, 160]] as const) {
  Deno.test(`GET_CAPSET tells version ${version} of set ${capsetId}, all its bytes and no others`, async () => {
    const { driver } = await startRecording();

    const { answer, usedLength, data } = getCapset(driver, capsetId, version, 1024);

    assertEquals([answer, usedLength], ["OK_CAPSET", 24 + sizeBytes]);
    assertEquals(data.subarray(0, sizeBytes), new Uint8Array(sizeBytes).fill(0x10 + version));
    assertEquals(data.subarray(sizeBytes), new Uint8Array(1000 - sizeBytes));
  });
}

Deno.test("GET_CAPSET hands the renderer zeroes, whatever the replies before it were", async () => {
  const { driver, renderer } = await startRecording();
  getCapset(driver, 61, 2, 184);
  renderer.takeCalls();

  getCapset(driver, 60, 0, 88);

  assertEquals(renderer.calls, [["readCapset", 60, 0, new Array(64).fill(0)]]);
});

for (const capsetId of [0, 1, 59, 62, 60 + 2 ** 31, 0xffffffff]) {
  Deno.test(`GET_CAPSET answers ERR_INVALID_PARAMETER for set ${capsetId}, which there is not`, async () => {
    const { driver } = await startRecording();
    assertEquals(getCapset(driver, capsetId, 0, 1024).answer, "ERR_INVALID_PARAMETER");
  });
}

for (const version of [2, 0xffffffff]) {
  Deno.test(`GET_CAPSET answers ERR_INVALID_PARAMETER for version ${version} of a set whose newest is 1`, async () => {
    const { driver, renderer } = await startRecording();
    assertEquals(getCapset(driver, 60, version, 1024).answer, "ERR_INVALID_PARAMETER");
    assertEquals(renderer.calls, []);
  });
}

Deno.test("GET_CAPSET answers ERR_UNSPEC when the room for its reply is too short, to the byte", async () => {
  const { driver, renderer } = await startRecording();

  assertEquals(getCapset(driver, 60, 1, 24).answer, "ERR_UNSPEC");
  assertEquals(getCapset(driver, 60, 1, 87).answer, "ERR_UNSPEC");
  assertEquals(renderer.calls, []);
  assertEquals(getCapset(driver, 60, 1, 88).answer, "OK_CAPSET");
});

Deno.test("GET_CAPSET is carried out without room for a header, as every command is, and writes nothing", async () => {
  const { driver, errors } = await startRecording();
  assertEquals(getCapset(driver, 60, 1, 23).usedLength, 0);
  assertEquals(errors, []);
});

Deno.test("GET_CAPSET tells sets of 0 and of 4096 bytes", async () => {
  const capsets = [{ id: 1, maxVersion: 0, sizeBytes: 0 }, { id: 63, maxVersion: 0, sizeBytes: 4096 }];
  const { driver } = await startWithRenderer(new RecordingRenderer(capsets));

  assertEquals(getCapset(driver, 1, 0, 24).usedLength, 24);
  const { usedLength, data } = getCapset(driver, 63, 0, 4120);
  assertEquals(usedLength, 4120);
  assertEquals(data, new Uint8Array(4096).fill(0x10));
});
