// A stock Debian guest that finds the device by ACPI, behind virtio-mmio.

import { assertEquals } from "@std/assert";
import { dumbPattern } from "../support/guest_debian.ts";
import { assertGoldenPng } from "../support/golden.ts";
import { withMmioGuest } from "../support/guest_mmio.ts";

Deno.test("a Debian guest over virtio-mmio", async (t) => {
  await withMmioGuest(async (guest) => {
    await t.step("finds a virtio device of version 2 and binds its own drivers to it", async () => {
      await guest.output("modprobe -a virtio_mmio virtio_gpu");

      const log = await guest.output("dmesg");
      assertEquals(/Initialized virtio_gpu .* for (\S+) /.exec(log)?.[1], "LNRO0005:00");
      assertEquals(/virtio_mmio: .*/.exec(log)?.[0], undefined); // it would complain of a wrong version or magic value
    });

    await t.step("has the interrupt for itself", async () => {
      const [, ...source] = (await guest.output("grep virtio0 /proc/interrupts")).split(/ +/).slice(-3);
      assertEquals(source, ["5-fasteoi", "virtio0"]);
    });

    await t.step("draws its console, the same as over PCI", async () => {
      await guest.output("console");
      const { rgba, widthPixels, heightPixels } = await guest.picture();

      assertGoldenPng("console", rgba, widthPixels, heightPixels);
    });

    await t.step("draws a pattern in a dumb buffer of which every pixel arrives", async () => {
      await guest.output("begin dumb");
      assertEquals(await guest.picture(), dumbPattern(1024, 768));
      await guest.output("end dumb");
    });

    await t.step("changes its mode when the output is another while it runs", async () => {
      guest.device.gpu.setOutput(0, { widthPixels: 800, heightPixels: 600 });
      const { widthPixels, heightPixels } = await guest.picture();

      assertEquals([widthPixels, heightPixels], [800, 600]);
      assertEquals((await guest.output("cat /sys/class/drm/card0-Virtual-1/modes")).split("\n")[0], "800x600");
    });

    await t.step("resets the device when its driver lets go of it, and starts it again", async () => {
      await guest.output("cd /sys/bus/virtio/drivers/virtio_gpu && echo virtio0 >unbind");
      assertEquals(guest.display.picture(0), undefined);

      await guest.output("cd /sys/bus/virtio/drivers/virtio_gpu && echo virtio0 >bind && console");
      const { widthPixels, heightPixels } = await guest.picture();
      assertEquals([widthPixels, heightPixels], [800, 600]);
    });
  });
});
