// The host visible memory as a guest finds and uses it, over both transports. Virtio 1.4, 2.10, 4.1.4.7 (shared memory
// capability), 4.2.2 (SHMSel) and 5.7.5 (VIRTIO_GPU_SHM_ID_HOST_VISIBLE); seed S19, S20.

import { assertEquals, assertThrows } from "@std/assert";
import { MemoryWindow } from "../../src/memory/memory_window.ts";
import { BlobFlag, ShmId } from "../../src/protocol/wire.gen.ts";
import { VirtioGpu } from "../../src/device/virtio_gpu.ts";
import { makeMachine, TRANSPORTS } from "../support/machine.ts";
import { copy, fill } from "../support/renderer/stream.ts";
import { attachToContext, createContext, submit } from "./three_d_requests.ts";
import {
  blobWords,
  guestWindow,
  makeHostBlob,
  mapBlob,
  startWithWindow,
  unmapBlob,
  WINDOW_BYTES,
} from "./window_requests.ts";

const PAGE = 4096;

for (const transport of TRANSPORTS) {
  Deno.test(`${transport}: a driver finds the host visible memory by its id, with its length`, async () => {
    const { driver } = await startWithWindow({ transport });
    const place = driver.transport.findSharedMemory(ShmId.HostVisible)!;
    assertEquals(place, { guestAddress: 0x40_0000_0000, lengthBytes: WINDOW_BYTES });
    assertEquals(driver.transport.findSharedMemory(ShmId.Undefined), undefined);
  });

  Deno.test(`${transport}: a device without host visible memory has no region`, async () => {
    const { driver } = await makeMachine({ transport });
    assertEquals(driver.transport.findSharedMemory(ShmId.HostVisible), undefined);
  });

  Deno.test(`S20: guest and host see each other's writes to a mapped blob at once, over ${transport}`, async () => {
    const machine = await startWithWindow({ transport });
    const { driver } = machine;
    makeHostBlob(driver, 5, 2 * PAGE);
    makeHostBlob(driver, 6, PAGE);
    for (const blob of [5, 6]) attachToContext(driver, 1, blob);
    assertEquals(mapBlob(driver, 5, 7 * PAGE).answer, "OK_MAP_INFO");
    const { words } = guestWindow(machine);
    words(7 * PAGE + 64, 16).fill(0x600d);
    submit(driver, 1, [
      ...copy({ resourceId: 6, offset: 0 }, { resourceId: 5, offset: 64 }, 64),
      ...fill(5, 128, 64, 0xcafe),
    ]);
    assertEquals(blobWords(machine, 6, 0, 17), [...new Array(16).fill(0x600d), 0]);
    assertEquals([...words(7 * PAGE + 112, 24)], [
      ...new Array(4).fill(0x600d),
      ...new Array(16).fill(0xcafe),
      ...new Array(4).fill(0),
    ]);
  });

  Deno.test(`S20: a blob's bytes are there still after it was unmapped and mapped elsewhere, over ${transport}`, async () => {
    const machine = await startWithWindow({ transport });
    const { driver } = machine;
    makeHostBlob(driver, 5, 2 * PAGE);
    attachToContext(driver, 1, 5);
    mapBlob(driver, 5, 0);
    const { words } = guestWindow(machine);
    words(0, 1024).fill(1);
    unmapBlob(driver, 5);
    submit(driver, 1, fill(5, 2048, 4096, 2));
    words(0, 2048).fill(9); // nobody's now
    mapBlob(driver, 5, WINDOW_BYTES - 2 * PAGE);
    const expected = [...new Array(512).fill(1), ...new Array(1024).fill(2), ...new Array(512).fill(0)];
    assertEquals([...words(WINDOW_BYTES - 2 * PAGE, 2048)], expected);
  });
}

Deno.test("S19: a blob of host memory is shared between contexts without a window, though not mapped", async () => {
  const machine = await startWithWindow({ windowBytes: 0, isStrict: true });
  const { driver } = machine;
  makeHostBlob(driver, 5, PAGE, { blobFlags: BlobFlag.UseMappable | BlobFlag.UseShareable });
  assertEquals(mapBlob(driver, 5, 0).answer, "ERR_UNSPEC");
  createContext(driver, 2);
  assertEquals(attachToContext(driver, 2, 5), "OK_NODATA");
  submit(driver, 2, fill(5, 0, 4, 42));
  assertEquals(blobWords(machine, 5, 0, 2), [42, 0]);
});

Deno.test("A device with host visible memory and without a renderer is not made", async () => {
  const { guest, windowAddress } = await startWithWindow();

  const hostVisibleMemory = new MemoryWindow(guest, windowAddress, PAGE);
  assertThrows(() => new VirtioGpu(guest, { hostVisibleMemory }), TypeError, "needs a renderer");
});
