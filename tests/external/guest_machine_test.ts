// What happens to a stock Debian guest's machine: resets from inside and outside, growth of the emulator's memory, and
// commands.

import { assertEquals, assertGreater } from "@std/assert";
import type { GuestMachine } from "../../build/guest/guest_machine.ts";
import type { Picture } from "../../src/display/memory_display.ts";
import { type DebianGuest, dumbPattern, LOAD_DRIVER, withDebian } from "../support/guest_debian.ts";
import { cpuOf } from "../support/guest_emulator.ts";
import { assertGoldenPng, comparePictures } from "../support/golden.ts";

const BOOT_SECONDS = 180;
const MIB = 1 << 20;

Deno.test("a Debian guest draws its console again after its own reboot and after restart()", async (t) => {
  await withDebian({}, async (guest) => {
    await t.step("its own reboot", async () => {
      await assertConsoleAfter(guest, () => guest.machine.reboot());
    });
    await t.step("restart()", async () => {
      await assertConsoleAfter(guest, () => restart(guest.machine));
    });
  });
});

Deno.test("a Debian guest draws on when the emulator's memory grows, and so does v86's own VGA", async (t) => {
  const reservedBytes = 8 << 20; // enough for the console, not for another buffer of its size
  await withDebian({ reservedBytes, resourceBlob: false }, async (guest) => {
    await t.step("its console is on the VGA once it has loaded that driver", async () => {
      await guest.output("modprobe bochs && console");
      assertConsole(await vgaPicture(guest));
    });

    await t.step("every pixel of a dumb buffer arrives, for which the memory has grown", async () => {
      const before = guest.device.guest.bytes.length;

      await guest.output("begin dumb");

      assertGreater(guest.device.guest.bytes.length, before + MIB); // v86 itself takes less now and then
      assertEquals(comparePictures(await guest.picture(), dumbPattern(1024, 768)), undefined);
      await guest.output("end dumb");
    });

    await t.step("the VGA shows the same as before, and what is written next", async () => {
      assertConsole(await vgaPicture(guest));

      await guest.output("printf '\\033[2J' > /dev/tty0");
      assertBlack(await vgaPicture(guest));

      await guest.output("console");
      assertConsole(await vgaPicture(guest));
    });
  });
});

Deno.test("a Debian guest takes a whole command though a program that was left behind ends while it reads", async () => {
  await withDebian({}, async ({ machine }) => {
    const ended = machine.waitFor(/^ended$/m);
    await machine.output("(sleep 0.5; echo ended >/dev/ttyS0) &");
    machine.emulator.serial0_send("100 echo who");
    await ended;
    await new Promise((resolve) => setTimeout(resolve, 300)); // it prints before it ends

    machine.emulator.serial0_send("le\n");

    // deno-lint-ignore no-control-regex -- a byte that the serial console gives as it is
    const [answer] = await machine.waitFor(/\x01.*\n[^]*\x02.*\n/);
    assertEquals(answer, "\x01100\nwhole\n\x02100 0\n");
  });
});

async function assertConsoleAfter(guest: DebianGuest, reset: () => Promise<void>): Promise<void> {
  await reset();
  assertEquals(guest.display.picture(0), undefined);
  assertEquals(guest.usedBytes, guest.idleBytes);

  await guest.output(LOAD_DRIVER);
  await guest.output("console");
  assertConsole(await guest.picture());
}

async function restart(machine: GuestMachine): Promise<void> {
  const ready = machine.waitFor(/^scanout guest ready/m, BOOT_SECONDS);
  machine.emulator.restart();
  await ready;
}

function assertConsole({ rgba, widthPixels, heightPixels }: Picture): void {
  assertGoldenPng("console", rgba, widthPixels, heightPixels);
}

function assertBlack({ rgba }: Picture): void {
  const BLACK = 0xff000000; // RGBA bytes as a little-endian word
  assertEquals(new Set(new Uint32Array(rgba.buffer)), new Set([BLACK]));
}

/** v86's VGA, as far as it takes to see its picture: whoever shows it is handed image data over the emulator's memory. */
interface V86Vga {
  screen: { update_buffer(layers: { image_data: ImageData }[]): void };
  /** Something has changed everywhere. */
  complete_redraw(): void;
  screen_fill_buffer(): void;
}

/** What the VGA shows, in a graphical mode, once the guest draws no more. */
async function vgaPicture(guest: DebianGuest): Promise<Picture> {
  await guest.output("sleep 0.3"); // of the guest's time: the console is drawn by a worker
  const { vga } = cpuOf(guest.machine.emulator).devices as unknown as { vga: V86Vga };
  let picture: Picture | undefined;
  vga.screen.update_buffer = ([layer]) => {
    const { width, height, data } = layer!.image_data;
    picture = { widthPixels: width, heightPixels: height, rgba: new Uint8Array(data) };
  };
  vga.complete_redraw();
  vga.screen_fill_buffer();
  return picture!;
}
