/** Which of several faults in one command is answered: ids first, then parameters, then state. Virtio 1.4, 5.7.6.7. */

import { assertEquals } from "@std/assert";
import type { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { startMachine } from "../support/machine.ts";
import { attach, createResource, flush, rect, setScanout, transfer, updateCursor } from "./requests.ts";

const outside = rect(0xffffffff, 0, 2, 1);
const hole = { addr: 0x80000000, length: 0 };

// Resource 1 is 8x8 and has no backing, 2 has one; the limits are two resources and 1 MiB.
const cases: [name: string, answer: string, send: (driver: GpuDriver) => string][] = [
  [
    "SET_SCANOUT with a bad scanout and a bad resource",
    "ERR_INVALID_SCANOUT_ID",
    (driver) => setScanout(driver, 9, 9, outside),
  ],
  [
    "SET_SCANOUT with a bad resource and a bad rectangle",
    "ERR_INVALID_RESOURCE_ID",
    (driver) => setScanout(driver, 0, 9, outside),
  ],
  [
    "RESOURCE_FLUSH with a bad resource and a bad rectangle",
    "ERR_INVALID_RESOURCE_ID",
    (driver) => flush(driver, 9, outside),
  ],
  [
    "TRANSFER_TO_HOST_2D with a bad resource and a bad rectangle",
    "ERR_INVALID_RESOURCE_ID",
    (driver) => transfer(driver, 9, outside, 2 ** 53),
  ],
  [
    "TRANSFER_TO_HOST_2D with a bad rectangle and no backing",
    "ERR_INVALID_PARAMETER",
    (driver) => transfer(driver, 1, outside, 0),
  ],
  [
    "RESOURCE_ATTACH_BACKING with a bad resource and a bad entry",
    "ERR_INVALID_RESOURCE_ID",
    (driver) => attach(driver, 9, [hole]),
  ],
  [
    "RESOURCE_CREATE_2D with id 0 and a bad format",
    "ERR_INVALID_RESOURCE_ID",
    (driver) => createResource(driver, 0, 8, 8, 5),
  ],
  [
    "RESOURCE_CREATE_2D with an id in use and too many bytes",
    "ERR_INVALID_RESOURCE_ID",
    (driver) => createResource(driver, 1, 65536, 65536),
  ],
  [
    "RESOURCE_CREATE_2D with a bad format and too many bytes",
    "ERR_INVALID_PARAMETER",
    (driver) => createResource(driver, 3, 65536, 65536, 5),
  ],
  [
    "RESOURCE_CREATE_2D with a bad format and too many resources",
    "ERR_INVALID_PARAMETER",
    (driver) => createResource(driver, 3, 8, 8, 5),
  ],
  [
    "RESOURCE_CREATE_2D without pixels and too many resources",
    "ERR_INVALID_PARAMETER",
    (driver) => createResource(driver, 3, 0, 8),
  ],
  [
    "UPDATE_CURSOR with a bad scanout and a bad resource",
    "ERR_INVALID_SCANOUT_ID",
    (driver) => updateCursor(driver, 9, { pos: { scanoutId: 9, x: 0, y: 0 } }),
  ],
  [
    "UPDATE_CURSOR with a bad scanout and a bad size",
    "ERR_INVALID_SCANOUT_ID",
    (driver) => updateCursor(driver, 1, { pos: { scanoutId: 9, x: 0, y: 0 } }),
  ],
];

for (const [name, answer, send] of cases) {
  Deno.test(`${name} answers ${answer}`, async () => {
    const { driver } = await startMachine({ limits: { resources: 2, hostMemoryBytes: 1024 * 1024 } });
    createResource(driver, 1, 8, 8);
    createResource(driver, 2, 8, 8);
    attach(driver, 2, [{ addr: 4096, length: 256 }]);

    assertEquals(send(driver), answer);
  });
}
