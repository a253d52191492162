import { assertEquals } from "@std/assert";
import { DamagedFrame } from "../../src/display/damaged_frame.ts";
import type { GuestMemory } from "../../src/memory/guest_memory.ts";
import { NO_PIXELS, type PixelSource } from "../../src/memory/pixel_source.ts";
import { Format } from "../../src/protocol/wire.gen.ts";
import { makeMachine } from "../support/machine.ts";

const WHOLE = { x: 0, y: 0, width: 16, height: 8 };
const CORNER = { x: 2, y: 3, width: 4, height: 5 };

/** A frame whose screen wants its next frame when the test says so, and what it was then asked to draw. */
function testFrame() {
  const drawn: { isNew: boolean; rects: object[] }[] = [];
  const due: (() => void)[] = [];
  const frame: DamagedFrame = new DamagedFrame("rgbx", (draw) => due.push(draw), (isNew) => {
    const rects = Array.from({ length: frame.damage.count }, (_, index) => ({ ...frame.damage.at(index) }));
    drawn.push({ isNew, rects });
    frame.damage.clear();
  });
  const screenFrame = () => due.splice(0).forEach((draw) => draw());
  return { frame, drawn, due, screenFrame };
}

async function testSource(): Promise<PixelSource> {
  const { guest } = await makeMachine();
  const offsetBytes = guest.heap.allocate(WHOLE.width * WHOLE.height * 4);
  return sourceOf(guest, offsetBytes);
}

function sourceOf(guest: GuestMemory, offsetBytes: number): PixelSource {
  const [format, pages] = [Format.B8G8R8X8Unorm, undefined];
  const { width: widthPixels, height: heightPixels } = WHOLE;
  return { guest, format, widthPixels, heightPixels, strideBytes: widthPixels * 4, offsetBytes, pages };
}

Deno.test("A DamagedFrame draws all of a picture whose pixels were not there at first, once they are", async () => {
  const { frame, drawn, due, screenFrame } = testFrame();
  const source = await testSource();
  const missing = { ...source, offsetBytes: NO_PIXELS };
  frame.read(missing, WHOLE);
  assertEquals(due.length, 0);
  frame.read(source, CORNER);
  screenFrame();
  assertEquals(drawn, [{ isNew: true, rects: [WHOLE] }]);
});

Deno.test("A DamagedFrame draws all of a picture again in another format, and when its screen has lost it", async () => {
  const { frame, drawn, screenFrame } = testFrame();
  const source = await testSource();
  frame.showAgain(); // nothing yet
  frame.read(source, WHOLE);
  screenFrame();
  frame.read(source, CORNER);
  screenFrame();
  frame.read({ ...source, format: Format.R8G8B8X8Unorm }, CORNER);
  screenFrame();
  frame.showAgain();
  screenFrame();
  const [first, ...later] = drawn.map(({ isNew, rects }) => [isNew, ...rects]);
  assertEquals(first, [true, WHOLE]);
  assertEquals(later, [[false, CORNER], [false, WHOLE], [false, WHOLE]]);
});

Deno.test("A DamagedFrame asks for one frame for many flushes, and draws nothing that was released meanwhile", async () => {
  const { frame, drawn, due, screenFrame } = testFrame();
  const source = await testSource();
  for (let flush = 0; flush < 5; flush++) frame.read(source, WHOLE);
  assertEquals(due.length, 1);
  const used = source.guest.heap;
  frame.release();
  screenFrame();
  assertEquals([drawn, frame.source, frame.guest], [[], undefined, undefined]);
  frame.read(source, CORNER);
  screenFrame();
  assertEquals(drawn, [{ isNew: true, rects: [WHOLE] }]);
  assertEquals(frame.guest?.heap, used);
});
