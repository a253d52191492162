import { assertEquals, assertThrows } from "@std/assert";
import { SharedScreens } from "../../../src/hosts/deno/shared_screens.ts";

Deno.test("another thread's view of the screens shows what was written", () => {
  const screens = new SharedScreens();
  const view = new SharedScreens(screens.buffer);

  screens.write(15, 800, 600);
  screens.write(15, 800, 600);

  assertEquals(view.read(15), { widthPixels: 800, heightPixels: 600, frames: 2 });
  assertEquals(view.read(0), { widthPixels: 0, heightPixels: 0, frames: 0 });
});

Deno.test("one change of size is told at a time, until it is heard", () => {
  const screens = new SharedScreens();

  assertEquals(screens.write(0, 800, 600), true);
  assertEquals(screens.write(0, 1024, 768), false);
  assertEquals(screens.write(1, 640, 480), false);
  screens.hear();
  assertEquals(screens.write(0, 1024, 768), false); // a frame of the same size
  assertEquals(screens.write(0, 0, 0), true);
});

Deno.test("there are sixteen screens", () => {
  const screens = new SharedScreens();
  for (const scanoutId of [-1, 16, NaN]) {
    assertThrows(() => screens.read(scanoutId), RangeError, "0 to 15");
  }
});
