/** What of a request's header a reply echoes. Virtio 1.4, 5.7.6.5 and 5.7.6.7 (VIRTIO_GPU_FLAG_FENCE). */

import { assertEquals } from "@std/assert";
import {
  CtrlFlag,
  type CtrlHdr,
  Format,
  GpuQueue,
  responseName,
  writeGetDisplayInfo,
  writeGetEdid,
  writeMoveCursor,
  writeResourceCreate2d,
  writeResourceUnref,
  writeTransferToHost2d,
  writeUpdateCursor,
} from "../../src/protocol/wire.gen.ts";
import type { Answer, GpuDriver } from "../../src/guest/gpu_driver.ts";
import { startMachine } from "../support/machine.ts";
import { rect } from "./requests.ts";

const fence = {
  flags: CtrlFlag.Fence | CtrlFlag.InfoRingIdx,
  fenceIdLow: 0x89abcdef,
  fenceIdHigh: 0x01234567,
  ctxId: 5,
  ringIdx: 63,
};
const newResource = { resourceId: 1, format: Format.B8G8R8X8Unorm, width: 8, height: 8 };
const moved = { rect: rect(0, 0, 1, 1), offset: 0, resourceId: 1 };
const cursor = { pos: { scanoutId: 0, x: 0, y: 0 }, resourceId: 0, hotX: 0, hotY: 0 };
const onCursorQueue = { queue: GpuQueue.Cursor };

type Sender = (driver: GpuDriver, header: Partial<CtrlHdr>) => Answer;
const answers: [answer: string, name: string, send: Sender][] = [
  [
    "OK_NODATA",
    "RESOURCE_CREATE_2D",
    (driver, header) => driver.send(writeResourceCreate2d, { ...newResource, ...header }),
  ],
  [
    "OK_DISPLAY_INFO",
    "GET_DISPLAY_INFO",
    (driver, header) => driver.send(writeGetDisplayInfo, header, { replyBytes: 408 }),
  ],
  [
    "OK_EDID",
    "GET_EDID",
    (driver, header) => driver.send(writeGetEdid, { scanout: 0, ...header }, { replyBytes: 1056 }),
  ],
  [
    "OK_NODATA",
    "MOVE_CURSOR",
    (driver, header) => driver.send(writeMoveCursor, { ...cursor, ...header }, onCursorQueue),
  ],
  [
    "ERR_OUT_OF_MEMORY",
    "RESOURCE_CREATE_2D",
    (driver, header) => driver.send(writeResourceCreate2d, { ...newResource, width: 0xffffffff, ...header }),
  ],
  [
    "ERR_INVALID_RESOURCE_ID",
    "RESOURCE_UNREF",
    (driver, header) => driver.send(writeResourceUnref, { resourceId: 9, ...header }),
  ],
  [
    "ERR_INVALID_RESOURCE_ID",
    "TRANSFER_TO_HOST_2D",
    (driver, header) => driver.send(writeTransferToHost2d, { ...moved, ...header }),
  ],
  [
    "ERR_INVALID_SCANOUT_ID",
    "UPDATE_CURSOR",
    (driver, header) =>
      driver.send(writeUpdateCursor, { ...cursor, ...header, pos: { scanoutId: 9, x: 0, y: 0 } }, onCursorQueue),
  ],
  [
    "ERR_INVALID_PARAMETER",
    "GET_EDID",
    (driver, header) => driver.send(writeGetEdid, { scanout: 9, ...header }, { replyBytes: 1056 }),
  ],
  ["ERR_UNSPEC", "GET_DISPLAY_INFO without room", (driver, header) => driver.send(writeGetDisplayInfo, header)],
  ["ERR_UNSPEC", "a request of an unknown type", (driver, header) =>
    driver.send((words, at, fields) => {
      const size = writeGetDisplayInfo(words, at, fields);
      words[at] = 0xffffffff;
      return size;
    }, header)],
];

for (const [answer, name, send] of answers) {
  Deno.test(`${answer} for ${name} echoes the fence, its context and its ring`, async () => {
    const { driver } = await startMachine();

    const { header } = send(driver, fence);

    assertEquals(responseName(header.type), answer);
    assertEquals({ ...header, type: 0 }, { ...fence, type: 0 });
  });

  Deno.test(`${answer} for ${name} has nothing but zeroes behind its type without FENCE`, async () => {
    const { driver } = await startMachine();

    const { header, words } = send(driver, { ...fence, flags: 0 });

    assertEquals(responseName(header.type), answer);
    assertEquals([...words.subarray(1, 6)], [0, 0, 0, 0, 0]);
  });
}

Deno.test("A reply echoes FENCE and INFO_RING_IDX alone of flags 0xffffffff", async () => {
  const { driver } = await startMachine();

  const { header } = driver.send(writeResourceCreate2d, { ...newResource, flags: 0xffffffff });

  assertEquals(header.flags, CtrlFlag.Fence | CtrlFlag.InfoRingIdx);
});

Deno.test("A reply leaves the header's padding zero when the request's is not", async () => {
  const { driver } = await startMachine();

  const { words } = driver.send((words, at, fields) => {
    const size = writeResourceCreate2d(words, at, fields);
    words[at + 5] = 0xffffff07;
    return size;
  }, { ...newResource, flags: CtrlFlag.Fence });

  assertEquals(words[5], 7);
});

Deno.test("Fence ids come back exactly in the order sent: 0, 2^64-1, decreasing, twice", async () => {
  const { driver } = await startMachine();
  const ids = [[0, 0], [0xffffffff, 0xffffffff], [0xfffffffe, 0xffffffff], [0, 0x80000000], [7, 0], [7, 0]] as const;

  const echoed = ids.map(([fenceIdLow, fenceIdHigh]) => {
    const { header } = driver.send(writeResourceUnref, { resourceId: 9, flags: 1, fenceIdLow, fenceIdHigh });
    return [header.fenceIdLow, header.fenceIdHigh];
  });

  assertEquals(echoed, ids.map((id) => [...id]));
});
