/** What a guest can make the device spend: `Limits`. */

import { assertEquals } from "@std/assert";
import { type Machine, startMachine } from "../support/machine.ts";
import { startRecording } from "../support/renderer_machine.ts";
import { attach, createResource, detach, unref } from "./requests.ts";
import { createContext, submit } from "./three_d_requests.ts";

const PIXELS_BYTES = 64 * 64 * 4;

/** Makes resources 1, 2, … of 64x64 until one is refused; returns how many there are. */
function createUntilRefused({ driver }: Machine): number {
  let id = 1;
  while (createResource(driver, id, 64, 64) === "OK_NODATA") id++;
  return id - 1;
}

/** `count` entries that cannot be merged. */
function scattered(count: number) {
  return Array.from({ length: count }, (_, index) => ({ addr: 4096 + (count - index) * 16, length: 4 }));
}

Deno.test("RESOURCE_CREATE_2D takes host memory to the last byte of the limit, and not one more", async () => {
  const machine = await startMachine({ limits: { hostMemoryBytes: 3 * PIXELS_BYTES } });

  assertEquals(createUntilRefused(machine), 3);
  assertEquals(createResource(machine.driver, 4, 1, 1), "ERR_OUT_OF_MEMORY");
});

Deno.test("RESOURCE_CREATE_2D answers ERR_OUT_OF_MEMORY when the limit lacks one byte", async () => {
  const { driver } = await startMachine({ limits: { hostMemoryBytes: PIXELS_BYTES - 1 } });

  assertEquals(createResource(driver, 1, 64, 64), "ERR_OUT_OF_MEMORY");
});

Deno.test("RESOURCE_UNREF makes host memory free for a resource of another size", async () => {
  const machine = await startMachine({ limits: { hostMemoryBytes: 4 * PIXELS_BYTES } });
  createUntilRefused(machine);

  unref(machine.driver, 2);
  unref(machine.driver, 3);

  assertEquals(createResource(machine.driver, 5, 128, 65), "ERR_OUT_OF_MEMORY");
  assertEquals(createResource(machine.driver, 5, 128, 64), "OK_NODATA");
});

Deno.test("RESOURCE_CREATE_2D can take and give back the whole limit again and again", async () => {
  const { driver, memory } = await startMachine({ limits: { hostMemoryBytes: 1024 * 1024 } });
  createResource(driver, 1, 512, 512);
  unref(driver, 1);
  const memoryBytes = memory.buffer.byteLength;

  const answers = Array.from({ length: 100 }, () => [createResource(driver, 1, 512, 512), unref(driver, 1)]);

  assertEquals(answers, new Array(100).fill(["OK_NODATA", "OK_NODATA"]));
  assertEquals(memory.buffer.byteLength, memoryBytes);
});

Deno.test("A refused RESOURCE_CREATE_2D takes nothing from the limit", async () => {
  const { driver } = await startMachine({ limits: { hostMemoryBytes: PIXELS_BYTES } });
  createResource(driver, 1, 64, 65);
  createResource(driver, 0, 64, 64);
  createResource(driver, 1, 64, 64, 5);

  assertEquals(createResource(driver, 1, 64, 64), "OK_NODATA");
});

Deno.test("RESOURCE_ATTACH_BACKING counts its page list against the limit of host memory", async () => {
  const { driver } = await startMachine({ limits: { hostMemoryBytes: PIXELS_BYTES + 100 } });
  createResource(driver, 1, 64, 64);

  assertEquals(attach(driver, 1, scattered(1000)), "ERR_OUT_OF_MEMORY");
  assertEquals(detach(driver, 1), "ERR_UNSPEC");
  assertEquals(attach(driver, 1, scattered(1)), "OK_NODATA");
});

Deno.test("RESOURCE_ATTACH_BACKING refused for want of host memory leaves none taken", async () => {
  const { driver, heap } = await startMachine({ limits: { hostMemoryBytes: PIXELS_BYTES + 100 } });
  createResource(driver, 1, 64, 64);
  const usedBytes = heap.usedBytes;

  attach(driver, 1, scattered(1000));

  assertEquals(heap.usedBytes, usedBytes);
});

Deno.test("RESOURCE_DETACH_BACKING and RESOURCE_UNREF free what the page list took from the limit", async () => {
  const { driver } = await startMachine({ limits: { hostMemoryBytes: PIXELS_BYTES + 1000 } });

  for (let turn = 0; turn < 20; turn++) {
    assertEquals(createResource(driver, 1, 64, 64), "OK_NODATA");
    assertEquals(attach(driver, 1, scattered(40)), "OK_NODATA");
    assertEquals(detach(driver, 1), "OK_NODATA");
    assertEquals(attach(driver, 1, scattered(40)), "OK_NODATA");
    assertEquals(unref(driver, 1), "OK_NODATA");
  }
});

Deno.test("RESOURCE_CREATE_2D answers ERR_OUT_OF_MEMORY past the limit of resources", async () => {
  const machine = await startMachine({ limits: { resources: 5 } });

  assertEquals(createUntilRefused(machine), 5);
  unref(machine.driver, 3);
  assertEquals(createResource(machine.driver, 3, 1, 1), "OK_NODATA");
});

Deno.test("RESOURCE_ATTACH_BACKING answers ERR_UNSPEC past the limit of entries", async () => {
  const { driver } = await startMachine({ limits: { pageEntries: 10 } });
  createResource(driver, 1, 64, 64);

  assertEquals(attach(driver, 1, scattered(11)), "ERR_UNSPEC");
  assertEquals(attach(driver, 1, scattered(10)), "OK_NODATA");
});

Deno.test("RESOURCE_ATTACH_BACKING answers ERR_OUT_OF_MEMORY past the limit of segments, which merging keeps low", async () => {
  const { driver } = await startMachine({ limits: { pageSegments: 10 } });
  const inOneRun = Array.from({ length: 100 }, (_, index) => ({ addr: 4096 + index * 4, length: 4 }));
  createResource(driver, 1, 64, 64);

  assertEquals(attach(driver, 1, scattered(11)), "ERR_OUT_OF_MEMORY");
  assertEquals(attach(driver, 1, inOneRun), "OK_NODATA");
});

Deno.test("RESOURCE_CREATE_2D answers ERR_OUT_OF_MEMORY when the heap itself has no room", async () => {
  const machine = await startMachine({ limits: { hostMemoryBytes: 2 ** 40 } });

  assertEquals(createResource(machine.driver, 1, 20000, 20000), "ERR_OUT_OF_MEMORY");
  assertEquals(createResource(machine.driver, 1, 64, 64), "OK_NODATA");
});

Deno.test("A device that takes streams of no bytes at all takes contexts with names all the same", async () => {
  const { driver, renderer } = await startRecording({ limits: { submitBytes: 0 } });

  assertEquals(createContext(driver, 1, { debugName: "n".repeat(64) }), "OK_NODATA");
  assertEquals(renderer.calls, [["createContext", 1, 60, "n".repeat(64)]]);
  assertEquals([submit(driver, 1, []), submit(driver, 1, [0])], ["OK_NODATA", "ERR_INVALID_PARAMETER"]);
});
