/** H5, H6, H7 and H11: sizes, rectangles, offsets and strides that wrap in 32 bits, against the same sums in BigInt. */

import { assertEquals } from "@std/assert";
import {
  BlobMem,
  Format,
  type Rect,
  responseName,
  writeResourceCreate2d,
  writeResourceCreateBlob,
  writeResourceFlush,
  writeSetScanout,
  writeSetScanoutBlob,
  writeTransferToHost2d,
} from "../../src/protocol/wire.gen.ts";
import { entryWords } from "../../src/guest/gpu_driver.ts";
import { answerTo, createBacked, createResource, unref } from "../device/requests.ts";
import { type Machine, startMachine } from "../support/machine.ts";

const WIDTH = 8;
const HEIGHT = 6;
const EDGES = [0, 1, 2, 7, 8, 9, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff];

/** All combinations of four edges as a rectangle. */
const rects: Rect[] = EDGES.flatMap((x) =>
  EDGES.flatMap((y) => EDGES.flatMap((width) => EDGES.map((height) => ({ x, y, width, height }))))
);

function isInside({ x, y, width, height }: Rect): boolean {
  return BigInt(x) + BigInt(width) <= BigInt(WIDTH) && BigInt(y) + BigInt(height) <= BigInt(HEIGHT);
}

function isEmpty({ width, height }: Rect): boolean {
  return width === 0 || height === 0;
}

/** The rectangles for which the answer is not the expected one. */
function wrong(expected: (rect: Rect) => string, answer: (rect: Rect) => string): string[] {
  return rects
    .map((rect) => ({ rect, got: answer(rect), wanted: expected(rect) }))
    .filter(({ got, wanted }) => got !== wanted)
    .map(({ rect, got }) => `${JSON.stringify(rect)} answers ${got}`);
}

Deno.test(`SET_SCANOUT takes those of ${rects.length} rectangles that BigInt says are inside and not empty`, async () => {
  const machine = await startMachine();
  createResource(machine.driver, 1, WIDTH, HEIGHT);
  const answer = (rect: Rect) => answerTo(machine.driver, writeSetScanout, { scanoutId: 0, resourceId: 1, rect });

  const faults = wrong((rect) => isInside(rect) && !isEmpty(rect) ? "OK_NODATA" : "ERR_INVALID_PARAMETER", answer);

  assertEquals(faults, []);
});

Deno.test(`RESOURCE_FLUSH takes those of ${rects.length} rectangles that BigInt says are inside`, async () => {
  const machine = await startMachine();
  createResource(machine.driver, 1, WIDTH, HEIGHT);
  const whole = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
  answerTo(machine.driver, writeSetScanout, { scanoutId: 0, resourceId: 1, rect: whole });
  const answer = (rect: Rect) => answerTo(machine.driver, writeResourceFlush, { resourceId: 1, rect });

  assertEquals(wrong((rect) => isInside(rect) ? "OK_NODATA" : "ERR_INVALID_PARAMETER", answer), []);
});

Deno.test(`TRANSFER_TO_HOST_2D takes those of ${rects.length} rectangles that BigInt says are inside`, async () => {
  const machine = await startMachine();
  createBacked(machine, 1, WIDTH, HEIGHT);
  const answer = (rect: Rect) => answerTo(machine.driver, writeTransferToHost2d, { resourceId: 1, rect, offset: 0 });

  assertEquals(wrong((rect) => isInside(rect) ? "OK_NODATA" : "ERR_INVALID_PARAMETER", answer), []);
});

const OFFSETS = [0, 1, 4, 28, 32, 160, 188, 189, 192, 0xffff_fffc, 0xffff_ffff];
const OFFSETS_HIGH = [0, 1, 0x20_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

Deno.test("TRANSFER_TO_HOST_2D takes those 64-bit offsets from which BigInt finds the rectangle in the backing", async () => {
  const machine = await startMachine();
  const { driver, ram } = machine;
  createBacked(machine, 1, WIDTH, HEIGHT);
  const total = BigInt(WIDTH * HEIGHT * 4);
  const faults: string[] = [];
  for (const [width, height] of [[1, 1], [8, 1], [1, 6], [8, 6], [3, 2]] as const) {
    const rowsBytes = BigInt((height - 1) * WIDTH * 4 + width * 4);
    for (const high of OFFSETS_HIGH) {
      for (const low of OFFSETS) {
        const offset = (BigInt(high) << 32n) | BigInt(low);
        const answer = sendTransfer(width, height, low, high);
        const wanted = offset + rowsBytes <= total ? "OK_NODATA" : "ERR_INVALID_PARAMETER";
        if (answer !== wanted) faults.push(`${width}x${height} at ${offset} answers ${answer}`);
      }
    }
  }

  assertEquals(faults, []);

  function sendTransfer(width: number, height: number, low: number, high: number): string {
    const bytes = driver.requestBytes();
    const words = ram.words(bytes.byteOffset - ram.bytes(0, 1).byteOffset, 14);
    const length = writeTransferToHost2d(words, 0, { resourceId: 1, rect: { x: 0, y: 0, width, height }, offset: 0 });
    words[10] = low;
    words[11] = high;
    return responseName(driver.sendBytes(length).header.type);
  }
});

Deno.test("RESOURCE_CREATE_2D takes what fits the limit by BigInt and nothing that only wraps into it", async () => {
  const limit = 1024 * 1024;
  const { driver, heap } = await startMachine({ limits: { hostMemoryBytes: limit } });
  const usedBefore = heap.usedBytes;
  const edges = [0, 1, 2, 3, 16, 0x1_0000, 0x1_0001, 0x2000_0000, 0x3fff_ffff, 0x4000_0000, 0x4000_0001]
    .concat([0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xc000_0000, 0xffff_ffff]);
  const faults: string[] = [];
  for (const width of edges) {
    for (const height of edges) {
      const bytes = BigInt(width) * BigInt(height) * 4n;
      const isTaken = bytes > 0n && bytes <= BigInt(limit);
      const fields = { resourceId: 1, format: Format.B8G8R8X8Unorm, width, height };
      const answer = answerTo(driver, writeResourceCreate2d, fields);
      if ((answer === "OK_NODATA") !== isTaken) faults.push(`${width}x${height} answers ${answer}`);
      unref(driver, 1);
    }
  }

  assertEquals(faults, []);
  assertEquals(heap.usedBytes, usedBefore);
});

const wrapping: [width: number, height: number][] = [
  [0x8000_0001, 1],
  [0x8000_0001, 16],
  [0x4000_0001, 1],
  [0x2000_0000, 8],
  [0x1_0000, 0x1_0000],
  [0x1_0001, 0xffff],
];
for (const [width, height] of wrapping) {
  const size = `${width}x${height}, whose stride or size wraps in 32 bits (CVE-2026-3886)`;
  Deno.test(`RESOURCE_CREATE_2D answers ERR_OUT_OF_MEMORY for ${size}`, async () => {
    const { driver } = await startMachine();

    assertEquals(createResource(driver, 1, width, height), "ERR_OUT_OF_MEMORY");

    assertEquals(unref(driver, 1), "ERR_INVALID_RESOURCE_ID");
  });
}

const BLOB_BYTES = 4096;

/** Starts a machine whose resource 2 is a blob of `BLOB_BYTES`. */
async function startWithBlob(): Promise<Machine> {
  const machine = await startMachine({ resourceBlob: true });
  const fields = { resourceId: 2, blobMem: BlobMem.Guest, blobFlags: 0, nrEntries: 1, blobIdLow: 0, blobIdHigh: 0 };
  const trailing = entryWords([{ addr: machine.ram.allocate(BLOB_BYTES), length: BLOB_BYTES }]);
  answerTo(machine.driver, writeResourceCreateBlob, { ...fields, size: BLOB_BYTES }, { trailing });
  return machine;
}

Deno.test("SET_SCANOUT_BLOB takes what BigInt finds in the blob, and FLUSH reads it", async () => {
  const machine = await startWithBlob();
  const { driver } = machine;
  const strides = [0, 1, 31, 32, 33, 64, 4096, 0x2000_0000, 0x8000_0000, 0xffff_ffe0, 0xffff_ffff];
  const offsets = [0, 1, 64, 4064, 4065, 4095, 4096, 0x8000_0000, 0xffff_ffff];
  const sizes = [[8, 1], [8, 2], [8, 64], [8, 65], [1, 1], [1024, 1], [0x4000_0000, 1], [8, 0xffff_ffff]] as const;
  const faults: string[] = [];
  for (const strideBytes of strides) {
    for (const offsetBytes of offsets) {
      for (const [width, height] of sizes) {
        const answer = setAndFlush(width, height, strideBytes, offsetBytes);
        const end = BigInt(offsetBytes) + BigInt(height - 1) * BigInt(strideBytes) + BigInt(width) * 4n;
        const isTaken = BigInt(strideBytes) >= BigInt(width) * 4n && end <= BigInt(BLOB_BYTES);
        const wanted = isTaken ? "OK_NODATA" : "ERR_INVALID_PARAMETER";
        if (answer !== wanted) faults.push(`${width}x${height} stride ${strideBytes} at ${offsetBytes}: ${answer}`);
      }
    }
  }

  assertEquals(faults, []);

  function setAndFlush(width: number, height: number, strideBytes: number, offsetBytes: number): string {
    const rect = { x: 0, y: 0, width, height };
    const picture = { width, height, format: Format.B8G8R8X8Unorm };
    const planes = { strides: Uint32Array.of(strideBytes, 0, 0, 0), offsets: Uint32Array.of(offsetBytes, 0, 0, 0) };
    const fields = { rect, scanoutId: 0, resourceId: 2, ...picture, ...planes };
    const answer = answerTo(driver, writeSetScanoutBlob, fields);
    answerTo(driver, writeResourceFlush, { rect, resourceId: 2 });
    return answer;
  }
});

const refused: [what: string, change: Record<string, unknown>][] = [
  ["format 0", { format: 0 }],
  ["format 0xffffffff", { format: 0xffff_ffff }],
  ["stride 0", { strides: Uint32Array.of(0, 0, 0, 0) }],
  ["a rectangle whose x wraps", { rect: { x: 0xffff_ffff, y: 0, width: 2, height: 1 } }],
  ["a rectangle whose y wraps", { rect: { x: 0, y: 0xffff_ffff, width: 1, height: 2 } }],
  ["a rectangle of no pixels", { rect: { x: 0, y: 0, width: 0, height: 0 } }],
  ["a rectangle outside of the picture", { rect: { x: 1, y: 0, width: 8, height: 8 } }],
];
for (const [what, change] of refused) {
  Deno.test(`SET_SCANOUT_BLOB answers ERR_INVALID_PARAMETER for ${what}, and shows what it did`, async () => {
    const machine = await startWithBlob();
    const rect = { x: 0, y: 0, width: 8, height: 8 };
    const picture = { width: 8, height: 8, format: Format.B8G8R8X8Unorm };
    const planes = { strides: Uint32Array.of(32, 0, 0, 0), offsets: Uint32Array.of(0, 0, 0, 0) };
    const good = { rect, scanoutId: 0, resourceId: 2, ...picture, ...planes };
    answerTo(machine.driver, writeSetScanoutBlob, good);

    const answer = answerTo(machine.driver, writeSetScanoutBlob, { ...good, ...change });
    answerTo(machine.driver, writeResourceFlush, { rect, resourceId: 2 });

    assertEquals(answer, "ERR_INVALID_PARAMETER");
    assertEquals(machine.display.picture(0)?.widthPixels, 8);
  });
}
