import { assertEquals } from "@std/assert";
import { PngDisplay } from "../../src/display/png.ts";
import { createFilled, flush, pixel, rect, setScanout } from "../device/requests.ts";
import { startMachine } from "../support/machine.ts";
import { decodePng } from "../support/png.ts";

Deno.test("PngDisplay gives a PNG of what a scanout shows, and nothing while it shows nothing", async () => {
  const display = new PngDisplay();
  const machine = await startMachine({ display });
  assertEquals(display.png(0), undefined);

  createFilled(machine, 1, 4, 2, pixel);
  setScanout(machine.driver, 0, 1, rect(0, 0, 4, 2));
  flush(machine.driver, 1, rect(0, 0, 4, 2));

  const { widthPixels, heightPixels, rgba } = decodePng(display.png(0)!);
  assertEquals([widthPixels, heightPixels], [4, 2]);
  assertEquals([...rgba.subarray(4, 8)], [1, 0, 0, 255]);
});
