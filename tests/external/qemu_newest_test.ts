// QEMU 11.1 with an amd64 Debian guest, whose GPU is our back end. Its vhost-user device of any kind offers the guest
// everything that the back end has, blobs among it, and shows nothing itself.

import { assert, assertEquals } from "@std/assert";
import { CommandType, GpuFeature } from "../../src/protocol/wire.gen.ts";
import { comparePictures } from "../support/golden.ts";
import { dumbPattern, LOAD_DRIVER } from "../support/guest_debian.ts";
import { patternPicture, withPattern } from "../support/guest_pattern.ts";
import { type Picture, topLeft } from "../support/png.ts";
import { assertModes } from "../support/qemu/modes_steps.ts";
import {
  assertBecomes,
  assertConsole,
  assertPicture,
  type QemuGuest,
  stillPicture,
  withQemuGuest,
} from "../support/qemu/qemu_guest.ts";
import type { QemuMachine } from "../support/qemu/qemu_machine.ts";

const WIDTH = 1024;
const HEIGHT = 768;
const ANY_DEVICE = "vhost-user-test-device-pci,virtio-id=16,num_vqs=2,vq_size=256,config_size=16";
/** Half of the RAM lies above 4 GiB. */
const MACHINE = "q35,max-ram-below-4g=128M";
const TRACE = "/sys/kernel/tracing";

const BLOB_ROWS = 5000; // of a page each
const ODD_VIEW = patternPicture(12, WIDTH, HEIGHT);
const DAMAGED = withPattern(ODD_VIEW, 13, { x: 200, y: 100, width: 150, height: 70 });
/** The back end's file shows the guest's memory as it is: what the guest has drawn without a word, too. */
const ALL_DRAWN = withPattern(DAMAGED, 3, { x: 600, y: 600, width: 10, height: 10 });

/** The steps of tests/guest_programs/blobs.c, and what is shown after each. */
const BLOB_STEPS: readonly (readonly [output: string, picture: Picture])[] = [
  ["PASS sizes\nrow 0\nPASS scroll\nready", patternPicture(11, WIDTH, HEIGHT)],
  ...[768, 1536, 2304, 3072, 3840, BLOB_ROWS - HEIGHT].map((row) =>
    [`row ${row}\nPASS scroll\nready`, patternPicture(11, WIDTH, HEIGHT, row)] as const
  ),
  ["PASS odd-view\nready", ODD_VIEW],
  ["PASS odd-damage\nready", ALL_DRAWN],
  ["PASS cursor\nready", ALL_DRAWN],
  ["PASS prime\nready", ALL_DRAWN],
];

Deno.test("a Debian guest in QEMU 11.1 with a vhost-user device of any kind", async (t) => {
  const outputs = [`--resolution=${WIDTH}x${HEIGHT},640x480`, "--max-outputs=2"];
  await withQemuGuest({ version: "11.1", device: ANY_DEVICE, machine: MACHINE }, outputs, async (guest) => {
    const { machine, backEnd } = guest;

    await t.step("agrees on blobs, EDIDs and UUIDs, and has memory above 4 GiB", async () => {
      const bits = await machine.output("cat /sys/bus/virtio/devices/virtio0/features");
      const agreed = [GpuFeature.Edid, GpuFeature.ResourceUuid, GpuFeature.ResourceBlob].map((bit) => bits[bit]);

      assertEquals(agreed, ["1", "1", "1"]);
      assert((await machine.output("cat /proc/iomem")).includes("100000000-107ffffff : System RAM"));
    });

    await t.step("has its dumb buffers in blobs, of which every pixel arrives", async () => {
      await machine.output(`mount -t tracefs trace ${TRACE}; echo 1 >${TRACE}/events/virtio_gpu/enable`);
      await machine.output("begin dumb");
      await assertPicture(() => backEnd.picture(), dumbPattern(WIDTH, HEIGHT));
      await machine.output("end dumb");

      const commands = await tracedCommands(machine);
      assert(commands.has(CommandType.ResourceCreateBlob) && commands.has(CommandType.SetScanoutBlob));
      assertEquals(commands.has(CommandType.ResourceCreate2d) || commands.has(CommandType.SetScanout), false);
    });

    await t.step("has more memory when it is plugged in, with hardly any left before", async () => {
      const megabytes = "$(awk '/^MemFree/ { print int($2 / 1024) - 14 }' /proc/meminfo)";
      await machine.output("mkdir /full && mount -t tmpfs -o size=100% full /full");
      await machine.output(`dd if=/dev/zero of=/full/zeros bs=1M count=${megabytes}`);
      await machine.plugMemory(128 << 20);

      const states = "/sys/devices/system/memory/*/state";
      const online = `for state in $(grep -l offline ${states}); do echo online >$state; done`;
      await assertBecomes(() => machine.output(`${online}; echo $(cat ${states})`), "online online online");
    });

    await t.step(
      "shows blobs of every size, stride and offset, which are in that memory, as cursors too, and shares them",
      async () => {
        for (const [index, [output, picture]] of BLOB_STEPS.entries()) {
          assertEquals(await machine.output(index === 0 ? "begin blobs cross-device" : "step blobs"), output);
          await assertPicture(() => backEnd.picture(), picture);
        }
        const { x, y, width, height } = (await backEnd.state()).cursor!;
        assertEquals([x, y, width, height], [40, 30, 64, 64]);
        await machine.output("end blobs && umount /full");
      },
    );

    await t.step("sets modes as a compositor does", async () => {
      await assertModes(machine, (picture) => assertPicture(() => backEnd.picture(), picture), { isLive: true });
      await machine.output("killall modes");
    });

    await t.step("shows its console on both outputs", async () => {
      await assertConsoleOnBoth(guest);
    });

    await t.step("and again after its own reboot", async () => {
      await machine.serial.reboot();
      await machine.output(LOAD_DRIVER);
      await assertConsoleOnBoth(guest);
    });
  });
});

Deno.test("a Debian guest in QEMU 11.1 with vhost-user-gpu-pci", async (t) => {
  const device = `vhost-user-gpu-pci,xres=${WIDTH},yres=${HEIGHT}`;
  await withQemuGuest({ version: "11.1", device, machine: MACHINE }, [], async ({ machine, backEnd }) => {
    await t.step("reads QEMU's EDID through the back end", async () => {
      const edid = await machine.output("strings /sys/class/drm/card0-Virtual-1/edid");
      assert(edid.includes("QEMU Monitor"), edid);
    });

    await t.step("draws its console, which QEMU shows as our own PNG file does", async () => {
      await assertConsole(machine, () => machine.screendump(), () => backEnd.png());
    });
  });
});

/** The types of the commands that the guest's driver has sent while it was traced. */
async function tracedCommands(machine: QemuMachine): Promise<Set<number>> {
  const trace = await machine.output(`cat ${TRACE}/trace`);
  const types = [...trace.matchAll(/virtio_gpu_cmd_queue: .* type=(0x[0-9a-f]+)/g)];
  return new Set(types.map(([, type]) => Number(type)));
}

/** Linux makes its console fit the smaller output, and shows it at the top left of the larger one. */
async function assertConsoleOnBoth({ machine, backEnd }: QemuGuest): Promise<void> {
  await machine.output("console");
  const shown = await stillPicture(machine, () => backEnd.picture(1));
  assertEquals(comparePictures(topLeft(await backEnd.picture(0), 640, 480), shown), undefined);
}
