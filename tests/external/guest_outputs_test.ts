// A stock Debian guest with other outputs, and with outputs that change while it runs.

import { assertEquals } from "@std/assert";
import { type DebianGuest, dumbPattern, withDebian } from "../support/guest_debian.ts";
import { comparePictures } from "../support/golden.ts";
import { topLeft } from "../support/png.ts";

Deno.test("a Debian guest with an output of 1280x800 that changes", async (t) => {
  const outputs = [{ widthPixels: 1280, heightPixels: 800 }];
  await withDebian({ outputs }, async (guest) => {
    await t.step("has a console of that size", async () => {
      await guest.output("console");
      const { widthPixels, heightPixels } = await guest.picture();

      assertEquals([widthPixels, heightPixels], [1280, 800]);
      assertEquals(await consoleSize(guest), "160x50");
    });

    await t.step("changes its mode when the output is another while it runs", async () => {
      guest.device.gpu.setOutput(0, { widthPixels: 800, heightPixels: 600 });
      const { widthPixels, heightPixels } = await guest.picture();

      assertEquals([widthPixels, heightPixels], [800, 600]);
      assertEquals(await firstMode(guest, 1), "800x600");
    });

    await t.step("notices that the output is unplugged", async () => {
      guest.device.gpu.setOutput(0, { isEnabled: false });
      await guest.settle();

      assertEquals(await guest.output("cat /sys/class/drm/card0-Virtual-1/status"), "disconnected");
    });
  });
});

Deno.test("a Debian guest with two outputs shows its console on both", async () => {
  const outputs = [{ widthPixels: 1280, heightPixels: 800 }, { widthPixels: 800, heightPixels: 600 }];
  await withDebian({ outputs }, async (guest) => {
    await guest.output("console");
    const [first, second] = [await guest.picture(0), await guest.picture(1)];

    assertEquals([await firstMode(guest, 1), await firstMode(guest, 2)], ["1280x800", "800x600"]);
    assertEquals(await consoleSize(guest), "100x37"); // Linux makes it fit the smaller one
    assertEquals(comparePictures(second, topLeft(first, 800, 600)), undefined);
  });
});

Deno.test("a Debian guest that is offered blobs keeps its frame buffers in them, and every pixel arrives", async () => {
  await withDebian({ resourceBlob: true }, async (guest) => {
    await guest.output("begin dumb");

    assertEquals(comparePictures(await guest.picture(), dumbPattern(1024, 768)), undefined);
    assertEquals(/\S+resource_blob/.exec(await guest.output("dmesg"))?.[0], "+resource_blob");

    await guest.output("end dumb");
  });
});

/** Columns and rows of the console, as Linux says them when it switches to a frame buffer. */
async function consoleSize(guest: DebianGuest): Promise<string | undefined> {
  return /switching to colour frame buffer device (\d+x\d+)/.exec(await guest.output("dmesg"))?.[1];
}

async function firstMode(guest: DebianGuest, connector: number): Promise<string | undefined> {
  return (await guest.output(`cat /sys/class/drm/card0-Virtual-${connector}/modes`)).split("\n")[0];
}
