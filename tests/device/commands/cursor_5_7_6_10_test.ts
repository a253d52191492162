/** UPDATE_CURSOR and MOVE_CURSOR. Virtio 1.4, 5.7.6.10. */

import { assertEquals } from "@std/assert";
import { Format, GpuQueue, writeMoveCursor, writeUpdateCursor } from "../../../src/protocol/wire.gen.ts";
import { type Machine, startMachine } from "../../support/machine.ts";
import {
  createBacked,
  createFilled,
  createResource,
  fill,
  flush,
  moveCursor,
  pictureWords,
  rect,
  setScanout,
  transfer,
  unref,
  updateCursor,
} from "../requests.ts";

const OTHER = 0x44332211; // a translucent pixel
const SIZE = 64;
const output = { widthPixels: 640, heightPixels: 480 };

/** A machine whose scanout 0 has the cursor of resource 1, every pixel of which is its number. */
async function withCursor(): Promise<Machine> {
  const machine = await startMachine({ outputs: [output, output] });
  createFilled(machine, 1, SIZE, SIZE, (index) => index, Format.R8G8B8A8Unorm);
  updateCursor(machine.driver, 1, { pos: { scanoutId: 0, x: 10, y: 20 }, hotX: 3, hotY: 4 });
  return machine;
}

/** The first pixel of the cursor's picture, or undefined when it is hidden. */
function firstPixel({ display }: Machine, scanout = 0): number | undefined {
  const cursor = display.cursor(scanout);
  return cursor && pictureWords(cursor.picture.rgba)[0];
}

Deno.test("UPDATE_CURSOR shows the resource, its hotspot and its place", async () => {
  const { display } = await withCursor();

  const { picture, x, y } = display.cursor(0)!;

  assertEquals([x, y], [10, 20]);
  assertEquals([picture.widthPixels, picture.heightPixels, picture.hotspotX, picture.hotspotY], [64, 64, 3, 4]);
  assertEquals(pictureWords(picture.rgba), Array.from({ length: SIZE * SIZE }, (_, index) => index));
  assertEquals(display.cursor(1), undefined);
});

// Red 10, green 20, blue 30; the fourth byte is 40 and counts as alpha in the X formats too.
const formats: [name: keyof typeof Format, bytes: number[]][] = [
  ["B8G8R8A8Unorm", [30, 20, 10, 40]],
  ["B8G8R8X8Unorm", [30, 20, 10, 40]],
  ["A8R8G8B8Unorm", [40, 10, 20, 30]],
  ["X8R8G8B8Unorm", [40, 10, 20, 30]],
  ["R8G8B8A8Unorm", [10, 20, 30, 40]],
  ["X8B8G8R8Unorm", [40, 30, 20, 10]],
  ["A8B8G8R8Unorm", [40, 30, 20, 10]],
  ["R8G8B8X8Unorm", [10, 20, 30, 40]],
];

for (const [name, bytes] of formats) {
  Deno.test(`UPDATE_CURSOR reads ${name} as RGBA whose alpha is the fourth channel`, async () => {
    const machine = await startMachine();
    const address = createBacked(machine, 1, SIZE, SIZE, Format[name]);
    for (let index = 0; index < SIZE * SIZE; index++) machine.ram.bytes(address + index * 4, 4).set(bytes);
    transfer(machine.driver, 1, rect(0, 0, SIZE, SIZE), 0);

    updateCursor(machine.driver, 1);

    const expected = new Uint8Array(SIZE * SIZE * 4).map((_, index) => [10, 20, 30, 40][index % 4]!);
    assertEquals(machine.display.cursor(0)!.picture.rgba, expected);
  });
}

Deno.test("UPDATE_CURSOR takes a snapshot: later transfers and RESOURCE_UNREF do not change the cursor", async () => {
  const machine = await startMachine();
  const address = createFilled(machine, 1, SIZE, SIZE, () => OTHER, Format.R8G8B8A8Unorm);
  updateCursor(machine.driver, 1);

  fill(machine, address, SIZE * SIZE, () => 0);
  transfer(machine.driver, 1, rect(0, 0, SIZE, SIZE), 0);
  assertEquals(firstPixel(machine), OTHER);
  unref(machine.driver, 1);
  assertEquals(firstPixel(machine), OTHER);
});

Deno.test("UPDATE_CURSOR shows the cursor of each scanout by itself", async () => {
  const machine = await withCursor();
  createFilled(machine, 2, SIZE, SIZE, () => OTHER, Format.R8G8B8A8Unorm);

  updateCursor(machine.driver, 2, { pos: { scanoutId: 1, x: 1, y: 2 } });

  assertEquals(firstPixel(machine, 0), 0);
  assertEquals(firstPixel(machine, 1), OTHER);
});

for (const scanoutId of [2, 16, 0xffffffff]) {
  Deno.test(`UPDATE_CURSOR answers ERR_INVALID_SCANOUT_ID for scanout ${scanoutId} of two`, async () => {
    const { driver } = await withCursor();

    assertEquals(updateCursor(driver, 1, { pos: { scanoutId, x: 0, y: 0 } }), "ERR_INVALID_SCANOUT_ID");
    assertEquals(updateCursor(driver, 0, { pos: { scanoutId, x: 0, y: 0 } }), "ERR_INVALID_SCANOUT_ID");
    assertEquals(moveCursor(driver, scanoutId, 0, 0), "ERR_INVALID_SCANOUT_ID");
  });
}

Deno.test("UPDATE_CURSOR answers ERR_INVALID_RESOURCE_ID when the resource does not exist, and keeps the cursor", async () => {
  const machine = await withCursor();
  const before = machine.display.cursor(0);

  const answer = updateCursor(machine.driver, 9, { pos: { scanoutId: 0, x: 99, y: 99 } });

  assertEquals(answer, "ERR_INVALID_RESOURCE_ID");
  assertEquals(machine.display.cursor(0), before);
});

for (const [width, height] of [[63, 64], [64, 65], [1, 1], [128, 128], [32, 128]] as const) {
  Deno.test(`UPDATE_CURSOR answers ERR_INVALID_PARAMETER for an image of ${width}x${height}, and keeps the cursor`, async () => {
    const machine = await withCursor();
    const before = machine.display.cursor(0);
    createResource(machine.driver, 2, width, height);

    const answer = updateCursor(machine.driver, 2, { pos: { scanoutId: 0, x: 99, y: 99 } });

    assertEquals(answer, "ERR_INVALID_PARAMETER");
    assertEquals(machine.display.cursor(0), before);
  });
}

for (const [width, height] of [[256, 256], [1, 256], [48, 32]] as const) {
  Deno.test(`UPDATE_CURSOR takes an image of ${width}x${height} when the limit is 256`, async () => {
    const machine = await startMachine({ limits: { cursorSizePixels: 256 } });
    createFilled(machine, 1, width, height, (index) => index, Format.R8G8B8A8Unorm);

    assertEquals(updateCursor(machine.driver, 1), "OK_NODATA");

    const { picture } = machine.display.cursor(0)!;
    assertEquals([picture.widthPixels, picture.heightPixels], [width, height]);
    assertEquals(pictureWords(picture.rgba), Array.from({ length: width * height }, (_, index) => index));
  });
}

Deno.test("UPDATE_CURSOR answers ERR_INVALID_PARAMETER for an image of 257x64 when the limit is 256", async () => {
  const { driver } = await startMachine({ limits: { cursorSizePixels: 256 } });
  createResource(driver, 1, 257, 64);

  assertEquals(updateCursor(driver, 1), "ERR_INVALID_PARAMETER");
});

Deno.test("UPDATE_CURSOR with resource 0 hides the cursor", async () => {
  const { driver, display } = await withCursor();

  assertEquals(updateCursor(driver, 0), "OK_NODATA");
  assertEquals(display.cursor(0), undefined);
});

Deno.test("UPDATE_CURSOR keeps a hotspot outside of the image inside it", async () => {
  const { driver, display } = await withCursor();

  updateCursor(driver, 1, { hotX: 64, hotY: 0xffffffff });

  const { picture } = display.cursor(0)!;
  assertEquals([picture.hotspotX, picture.hotspotY], [63, 63]);
});

Deno.test("UPDATE_CURSOR takes a resource without backing, and one that a scanout shows", async () => {
  const machine = await startMachine();
  const { driver } = machine;
  createResource(driver, 1, SIZE, SIZE, Format.R8G8B8A8Unorm);
  setScanout(driver, 0, 1, rect(0, 0, SIZE, SIZE));
  flush(driver, 1, rect(0, 0, SIZE, SIZE));

  assertEquals(updateCursor(driver, 1), "OK_NODATA");
  assertEquals(firstPixel(machine), 0);
});

const places = [[0, 0], [1279, 799], [-1, -64], [0x7fffffff, -0x80000000]] as const;

for (const [x, y] of places) {
  Deno.test(`UPDATE_CURSOR and MOVE_CURSOR take ${x},${y}: coordinates are signed`, async () => {
    const { driver, display } = await withCursor();

    updateCursor(driver, 1, { pos: { scanoutId: 0, x, y } });
    const updated = display.cursor(0)!;
    moveCursor(driver, 0, 5, 5);
    moveCursor(driver, 0, x, y);
    const moved = display.cursor(0)!;

    assertEquals([updated.x, updated.y], [x, y]);
    assertEquals([moved.x, moved.y], [x, y]);
  });
}

for (const resourceId of [0, 1, 99, 0xffffffff]) {
  Deno.test(`MOVE_CURSOR that names resource ${resourceId} moves the cursor and changes nothing else`, async () => {
    const { driver, display } = await withCursor();
    const { picture } = display.cursor(0)!;

    assertEquals(moveCursor(driver, 0, 30, 40, resourceId), "OK_NODATA");
    assertEquals(display.cursor(0), { picture, x: 30, y: 40 });
  });
}

Deno.test("MOVE_CURSOR leaves a hidden cursor hidden, and UPDATE_CURSOR shows it again", async () => {
  const { driver, display } = await withCursor();
  updateCursor(driver, 0);

  moveCursor(driver, 0, 30, 40, 1);
  assertEquals(display.cursor(0), undefined);
  updateCursor(driver, 1, { pos: { scanoutId: 0, x: 5, y: 6 } });
  assertEquals([display.cursor(0)!.x, display.cursor(0)!.y], [5, 6]);
});

Deno.test("MOVE_CURSOR ignores the hotspot that it carries", async () => {
  const { driver, display } = await withCursor();

  const fields = { pos: { scanoutId: 0, x: 1, y: 2 }, resourceId: 1, hotX: 60, hotY: 60 };
  driver.send(writeMoveCursor, fields, { queue: GpuQueue.Cursor });

  assertEquals(display.cursor(0)!.picture.hotspotX, 3);
});

const cursorFields = { pos: { scanoutId: 0, x: 7, y: 8 }, resourceId: 0, hotX: 0, hotY: 0 };

Deno.test("UPDATE_CURSOR without a writable descriptor, as Linux sends it, is done and has used length 0", async () => {
  const { driver, display } = await withCursor();

  const answer = driver.send(writeUpdateCursor, cursorFields, { queue: GpuQueue.Cursor, replyBytes: 0 });

  assertEquals(answer.usedLength, 0);
  assertEquals(display.cursor(0), undefined);
});

Deno.test("MOVE_CURSOR without a writable descriptor, as Linux sends it, is done and has used length 0", async () => {
  const { driver, display } = await withCursor();

  const answer = driver.send(writeMoveCursor, cursorFields, { queue: GpuQueue.Cursor, replyBytes: 0 });

  assertEquals(answer.usedLength, 0);
  assertEquals([display.cursor(0)!.x, display.cursor(0)!.y], [7, 8]);
});
