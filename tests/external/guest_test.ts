// A stock Debian guest with one output: its own virtio_gpu driver finds the device and draws.

import { assert, assertEquals } from "@std/assert";
import { EDID_MAX_BYTES, writeEdid } from "../../src/protocol/edid.ts";
import { GpuQueue } from "../../src/protocol/wire.gen.ts";
import { type DebianGuest, dumbPattern, LOAD_DRIVER, withDebian } from "../support/guest_debian.ts";
import { cpuOf } from "../support/guest_emulator.ts";
import { assertGoldenPng, comparePictures } from "../support/golden.ts";

const WIDTH = 1024;
const HEIGHT = 768;
const CURSOR_SIZE = 64;

/**
 * What Debian's kernel 6.1 says of every virtio-gpu: its driver uses damage clips on a plane that it has not declared to
 * have them. No device has a part in it.
 */
const KERNEL_OWN_WARNING =
  /^<4>\[ *[\d.]+\] virtio-pci [\da-f:.]+: \[drm\] drm_plane_enable_fb_damage_clips\(\) not called$/;

Deno.test("a Debian guest", async (t) => {
  await withDebian({}, async (guest) => {
    await t.step("probes the device without a warning", async () => {
      const lines = (await guest.output("dmesg -r -c")).split("\n");
      const warnings = lines.filter((line) => /^<[0-4]>/.test(line) && !KERNEL_OWN_WARNING.test(line));

      assertEquals(warnings, []);
      assert(lines.some((line) => line.includes("[drm] Initialized virtio_gpu")));
      assert(lines.some((line) => line.includes("fb0: virtio_gpudrmfb frame buffer device")));
    });

    await t.step("has the interrupt for itself", async () => {
      assertEquals((await guest.output("grep virtio0 /proc/interrupts")).split(/ +/).slice(-2), ["XT-PIC", "virtio0"]);
    });

    await t.step("reads the EDID of the output, byte for byte", async () => {
      const written = new Uint8Array(EDID_MAX_BYTES);
      const length = writeEdid(written, 0, { widthPixels: WIDTH, heightPixels: HEIGHT, index: 0 });

      const hex = await guest.output("od -An -v -tx1 /sys/class/drm/card0-Virtual-1/edid");

      assertEquals(Uint8Array.fromHex(hex.replaceAll(/\s/g, "")), written.slice(0, length));
    });

    await t.step("lists the output's own mode first", async () => {
      const [preferred] = (await guest.output("cat /sys/class/drm/card0-Virtual-1/modes")).split("\n");
      assertEquals(preferred, `${WIDTH}x${HEIGHT}`);
    });

    await t.step("draws its console", async () => {
      await assertConsole(guest);
    });

    await t.step("draws a pattern in a dumb buffer of which every pixel arrives", async () => {
      await guest.output("begin dumb");
      assertEquals(comparePictures(await guest.picture(), dumbPattern(WIDTH, HEIGHT)), undefined);
      await guest.output("end dumb");
    });

    await t.step("shows its console again after that", async () => {
      await assertConsole(guest);
    });

    await t.step("shows a cursor, moves it, partly off the screen too, and hides it", async () => {
      const moves = movesOf(guest);

      await guest.output("begin cursor 3 4 100 120 -5 7 1020 -63");
      const shown = guest.display.cursor(0);
      await guest.output("end cursor");

      assertEquals(shown?.picture, {
        widthPixels: CURSOR_SIZE,
        heightPixels: CURSOR_SIZE,
        hotspotX: 3,
        hotspotY: 4,
        rgba: cursorPattern(),
      });
      assertEquals([shown?.x, shown?.y], [1020, -63]);
      assertEquals(moves.slice(0, 3), [[100, 120], [-5, 7], [1020, -63]]);
      assertEquals(guest.display.cursor(0), undefined);
    });

    await t.step("runs no stale code: v86 is told of replies and of the used ring", async () => {
      const ranges = dirtiedRanges(guest);

      await guest.output("fill 2");

      const lengths = new Set(ranges.map(({ start, end }) => end - start));
      const usedRingBytes = 6 + 8 * guest.device.gpu.queueSizes[GpuQueue.Control]!;
      assert(lengths.has(24), `The replies' headers are not among ${[...lengths]}`);
      assert(lengths.has(usedRingBytes), `The used ring is not among ${[...lengths]}`);
      assert(ranges.every(({ start, end }) => start >= 0 && end <= cpuOf(guest.machine.emulator).memory_size[0]!));
    });

    await t.step("takes its driver off the device, which then has nothing of it left, and puts it back", async () => {
      const driver = "/sys/bus/virtio/drivers/virtio_gpu";

      await guest.output(`echo virtio0 > ${driver}/unbind`);
      assertEquals(guest.usedBytes, guest.idleBytes);
      assertEquals(guest.display.picture(0), undefined);

      await guest.output(`echo virtio0 > ${driver}/bind`);
      await assertConsole(guest);
    });

    await t.step("unloads its driver and loads it again", async () => {
      await guest.output("echo 0 > /sys/class/vtconsole/vtcon1/bind; rmmod virtio_gpu");
      assertEquals(guest.usedBytes, guest.idleBytes);

      await guest.output(LOAD_DRIVER);
      await assertConsole(guest);
    });
  });
});

/** Lets the guest write its fixed text, and compares. */
async function assertConsole(guest: DebianGuest): Promise<void> {
  await guest.output("console");
  const { rgba, widthPixels, heightPixels } = await guest.picture();
  assertGoldenPng("console", rgba, widthPixels, heightPixels);
}

/** The pixels of the guest's program `cursor`. */
function cursorPattern(): Uint8Array<ArrayBuffer> {
  const rgba = new Uint8Array(CURSOR_SIZE * CURSOR_SIZE * 4);
  for (let y = 0; y < CURSOR_SIZE; y++) {
    for (let x = 0; x < CURSOR_SIZE; x++) {
      const alpha = x + y < 56 ? 255 : x + y < 64 ? 128 : 0;
      const premultiplied = [x * 4, y * 4, 128].map((color) => Math.floor(color * alpha / 255));
      rgba.set([...premultiplied, alpha], (y * CURSOR_SIZE + x) * 4);
    }
  }
  return rgba;
}

/** The positions that the display is told from now on. */
function movesOf({ display }: DebianGuest): [number, number][] {
  const moves: [number, number][] = [];
  const { moveCursor } = display;
  display.moveCursor = (scanoutId, x, y) => {
    moves.push([x, y]);
    moveCursor.call(display, scanoutId, x, y);
  };
  return moves;
}

/** The guest addresses of which v86 is told from now on that they were written. */
function dirtiedRanges({ machine }: DebianGuest): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  const cpu = cpuOf(machine.emulator);
  const original = cpu.jit_dirty_cache;
  cpu.jit_dirty_cache = (start, end) => {
    ranges.push({ start, end });
    original.call(cpu, start, end);
  };
  return ranges;
}
