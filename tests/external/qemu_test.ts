// QEMU 7.2 with an amd64 Debian guest, whose GPU is our back end.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { EDID_MAX_BYTES, writeEdid } from "../../src/protocol/edid.ts";
import { comparePictures } from "../support/golden.ts";
import { dumbPattern, LOAD_DRIVER } from "../support/guest_debian.ts";
import { patternPicture } from "../support/guest_pattern.ts";
import { type Picture, topLeft } from "../support/png.ts";
import { assertModes, passedStep } from "../support/qemu/modes_steps.ts";
import {
  assertBecomes,
  assertConsole,
  assertNoComplaints,
  assertPicture,
  bootQemuGuest,
  type QemuGuest,
  stillPicture,
  withQemuGuest,
} from "../support/qemu/qemu_guest.ts";
import type { QemuMachine } from "../support/qemu/qemu_machine.ts";
import { ScanoutBackEnd } from "../support/qemu/scanout_back_end.ts";
import type { VncClient } from "../support/qemu/vnc_client.ts";

const WIDTH = 1024;
const HEIGHT = 768;
const SIZE = `xres=${WIDTH},yres=${HEIGHT}`;
const CONNECTOR = "/sys/class/drm/card0-Virtual";
const CURSOR_SIZE = 64;

/** What the emulated machine itself and the kernel's own mistakes bring with every virtio-gpu. */
const KERNEL_OWN_WARNINGS =
  /tsc: Unable to calibrate|APIC calibration|fail to add MMCONFIG|drm_plane_enable_fb_damage_clips\(\) not called/;

Deno.test("a Debian guest in QEMU 7.2 with vhost-user-gpu-pci", async (t) => {
  const options = { version: "7.2", device: `vhost-user-gpu-pci,max_outputs=2,${SIZE}`, isViewed: true } as const;
  await withQemuGuest(options, [], async (guest) => {
    const { machine, backEnd } = guest;
    const viewer = await machine.view();

    await t.step("probes the device without a warning", async () => {
      const lines = (await machine.output("dmesg -r -c")).split("\n");
      const warnings = lines.filter((line) => /^<[0-4]>/.test(line) && !KERNEL_OWN_WARNINGS.test(line));

      assertEquals(warnings, []);
      assert(lines.some((line) => line.includes("[drm] features: -virgl +edid -resource_blob")));
      assert(lines.some((line) => line.includes("[drm] number of scanouts: 2")));
      assert(lines.some((line) => line.includes("fb0: virtio_gpudrmfb frame buffer device")));
    });

    await t.step("reads our EDID of the size that QEMU wants: this QEMU has none of its own to give", async () => {
      assertEquals(await edid(machine), expectedEdid(WIDTH, HEIGHT));
    });

    await t.step("draws its console, which QEMU shows as our own PNG file does", async () => {
      await assertConsole(machine, () => machine.screendump(), () => backEnd.png());
    });

    await t.step("draws a pattern in a dumb buffer of which every pixel arrives", async () => {
      await machine.output("begin dumb");
      await assertShown(guest, dumbPattern(WIDTH, HEIGHT));
      await machine.output("end dumb");
    });

    await t.step("shows a cursor in QEMU, moves it, partly off the screen too, and hides it", async () => {
      await machine.output("begin cursor 3 4 100 120 -5 7 1020 -63");

      await assertBecomes(async () => (await backEnd.state()).cursor, {
        x: 1020,
        y: -63,
        width: CURSOR_SIZE,
        height: CURSOR_SIZE,
        hotspotX: 3,
        hotspotY: 4,
      });
      await assertBecomes(() => viewer.cursor?.hotspotX, 3);
      assertEquals(viewer.cursor?.hotspotY, 4);

      await machine.output("end cursor");
      await assertBecomes(async () => (await backEnd.state()).cursor, null);
    });

    await t.step("sets modes as a compositor does", async () => {
      await assertAllModes(guest, viewer);
    });

    await t.step("has a second output once somebody looks at it, which shows the console too", async () => {
      await viewer.select(1);
      await viewer.setDesktopSize(640, 480);
      await assertBecomes(() => probe(machine, 2), "connected 640x480");
      await machine.output("console");

      await assertBecomes(async () => sizeOf(await machine.screendump(1)), "640x480");
      const shown = await stillPicture(machine, () => machine.screendump(1));
      assertEquals(comparePictures(await backEnd.picture(1), shown), undefined);
      assertEquals(comparePictures(topLeft(await machine.screendump(0), 640, 480), shown), undefined);

      await viewer.setDesktopSize(0, 0);
      await assertBecomes(() => probe(machine, 2), "disconnected");
    });

    await t.step("goes on with the same picture when QEMU was stopped for a moment, and draws on", async () => {
      await viewer.select(0);
      await machine.output("begin dumb");
      await assertShown(guest, dumbPattern(800, 600));

      await machine.pause();

      await assertShown(guest, dumbPattern(800, 600));
      await machine.output("end dumb");
      await machine.output("begin dumb && printf '\\033[2J' >/dev/tty0");
      await assertShown(guest, dumbPattern(800, 600));
      await machine.output("end dumb");
    });

    await t.step("draws its console again after its driver was taken off the device and put back", async () => {
      await viewer.setDesktopSize(WIDTH, HEIGHT);
      await machine.output("cd /sys/bus/virtio/drivers/virtio_gpu && echo virtio0 >unbind && echo virtio0 >bind");
      await assertConsole(machine, () => machine.screendump(), () => backEnd.png());
    });

    await t.step("and after its own reboot", async () => {
      await machine.serial.reboot();
      await machine.output(LOAD_DRIVER);
      await assertConsole(machine, () => machine.screendump(), () => backEnd.png());
    });

    await t.step("and after the machine's reset button", async () => {
      await machine.reset();
      await machine.output(LOAD_DRIVER);
      await assertConsole(machine, () => machine.screendump(), () => backEnd.png());
    });
  });
});

Deno.test("a back end with --keep serves one QEMU after another, and a guest goes on without it", async (t) => {
  const backEnd = await ScanoutBackEnd.start("--keep");
  try {
    await t.step("a QEMU with vhost-user-gpu-pci that is killed", async () => {
      const machine = await bootQemuGuest({ version: "7.2", device: `vhost-user-gpu-pci,${SIZE}` }, backEnd);
      await assertConsole(machine, () => machine.screendump(), () => backEnd.png());
      await machine.kill();
      await assertBecomes(async () => (await backEnd.state()).width, 0);
    });

    const machine = await bootQemuGuest({ version: "7.2", device: `vhost-user-vga,${SIZE}` }, backEnd);
    try {
      await t.step("the next QEMU, with vhost-user-vga", async () => {
        await assertConsole(machine, () => machine.screendump(), () => backEnd.png());
      });

      await t.step("its guest, when the back end is killed", async () => {
        assertNoComplaints((await backEnd.end("SIGKILL")).complaints);
        await machine.output("printf '\\033[2J' > /dev/tty0");
        assertEquals(await machine.output("sleep 1; echo $((6 * 7))"), "42");
        assertMatch(await machine.output("cat /proc/uptime"), /^\d/);
      });
    } finally {
      await machine.kill();
    }
  } finally {
    await backEnd.end("SIGKILL");
  }
});

/** Takes the display through the steps of tests/guest_programs/modes.c, which waits after each. */
async function assertAllModes(guest: QemuGuest, viewer: VncClient): Promise<void> {
  const { machine, backEnd } = guest;
  await assertModes(machine, (picture) => assertShown(guest, picture));
  const image = patternPicture(5, CURSOR_SIZE, CURSOR_SIZE);
  await assertPicture(() => Promise.resolve(viewer.cursor!), image); // it was hidden meanwhile, but QEMU does not say so

  await viewer.setDesktopSize(1280, 720);
  await assertBecomes(() => probe(machine, 1), "connected 1280x720");
  assertEquals(passedStep(await machine.output("step modes")), "resized");
  await assertShown(guest, patternPicture(8, 1280, 720));
  assertEquals(await edid(machine), expectedEdid(1280, 720));

  await viewer.setDesktopSize(0, 0);
  await assertBecomes(() => probe(machine, 1), "disconnected");
  assertEquals(passedStep(await machine.output("step modes")), "unplugged");
  await assertBecomes(async () => (await backEnd.state()).width, 0);

  await viewer.setDesktopSize(800, 600);
  await assertBecomes(() => probe(machine, 1), "connected 800x600");
  assertEquals(passedStep(await machine.output("step modes")), "replugged");
  await assertShown(guest, patternPicture(10, 800, 600));
  await machine.output("end modes");
}

/** Asserts that QEMU and the back end's own file come to show a picture. */
async function assertShown({ machine, backEnd }: QemuGuest, picture: Picture): Promise<void> {
  await assertPicture(() => machine.screendump(), picture);
  await assertPicture(() => backEnd.picture(), picture);
}

/** Has the guest look at a connector again; gives its status and its first mode. */
async function probe(machine: QemuMachine, connector: number): Promise<string> {
  const folder = `${CONNECTOR}-${connector}`;
  return await machine.output(
    `echo detect >${folder}/status; echo $(cat ${folder}/status) $(head -n 1 ${folder}/modes)`,
  );
}

async function edid(machine: QemuMachine): Promise<Uint8Array> {
  const hex = await machine.output(`od -An -v -tx1 ${CONNECTOR}-1/edid`);
  return Uint8Array.fromHex(hex.replaceAll(/\s/g, ""));
}

function expectedEdid(widthPixels: number, heightPixels: number): Uint8Array {
  const written = new Uint8Array(EDID_MAX_BYTES);
  return written.slice(0, writeEdid(written, 0, { widthPixels, heightPixels, index: 0 }));
}

function sizeOf({ widthPixels, heightPixels }: Picture): string {
  return `${widthPixels}x${heightPixels}`;
}
