// While a guest draws nothing, our side does nothing to a canvas and asks for no frame of the screen.

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { CanvasWork } from "../../bench/browser/canvas_work.ts";
import { FiguresInBrowser } from "../../bench/browser/figures_page.ts";
import type { Way } from "../../bench/browser/machine_calls.ts";
import { withGuestPage } from "../support/browser/guest_page.ts";
import { bundleScript } from "../support/browser/page_server.ts";

declare const canvasWork: CanvasWork;
declare const waitForFrames: (count: number) => Promise<void>;

const FRAMES = 300;
/** In which the page has shown what its guest has drawn before. */
const SETTLE_FRAMES = 60;

for (const thread of ["main", "worker"] as const) {
  const way: Way = { driver: "virtio_gpu", hasBlobs: true, thread };

  Deno.test(`A canvas (${thread}) is left alone over ${FRAMES} frames while the guest sleeps, or computes`, async () => {
    await FiguresInBrowser.with([way], async (page) => {
      const drawn = await page.draw(0, "screens", 300);
      assert(drawn.after.canvas.pictures > drawn.before.canvas.pictures);
      assert(drawn.after.canvas.calls > drawn.before.canvas.calls);
      assert(drawn.after.canvas.frameRequests > drawn.before.canvas.frameRequests);

      const asleep = await page.watch(0, "sleeping", FRAMES);
      assert(asleep.before.canvas.pictures > drawn.after.canvas.pictures); // its one picture
      assertEquals(asleep.after.canvas, asleep.before.canvas);

      const busy = await page.watch(0, "computing", FRAMES);
      assert(busy.before.canvas.pictures > asleep.after.canvas.pictures);
      assertNotEquals(busy.after.instructions, busy.before.instructions);
      assertEquals(busy.after.canvas, busy.before.canvas);
    });
  });
}

Deno.test(`The page (main) leaves its canvases alone over ${FRAMES} frames while its guest draws nothing`, async () => {
  const initScript = await bundleScript("tests/browser_pages/canvas_work.ts");
  await withGuestPage("thread=main", async (guest) => {
    await guest.waitForDesktop();
    await guest.run("killall desktop; while pidof desktop; do sleep 0.1; done; console"); // which hides its cursor
    const work = await guest.page.evaluate(async ([settle, frames]) => {
      await waitForFrames(settle!);
      const before = { ...canvasWork };
      await waitForFrames(frames!);
      return [before, { ...canvasWork }] as const;
    }, [SETTLE_FRAMES, FRAMES]);
    assert(work[0].pictures > 0);
    assertEquals(work[1], work[0]);
  }, { initScript });
});
