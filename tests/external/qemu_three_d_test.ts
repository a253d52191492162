// The reference renderer behind Linux's own driver in QEMU, driven by the program tests/guest_programs/three_d.c. QEMU 11.1
// shows host blobs to the guest: the guest's processor writes into the pages that the renderer, in another process, reads.

import { assertEquals, assertMatch } from "@std/assert";
import type { Picture } from "../../src/display/memory_display.ts";
import { comparePictures } from "../support/golden.ts";
import { LOAD_DRIVER } from "../support/guest_debian.ts";
import { assertBecomes, bootQemuGuest, type QemuGuestOptions } from "../support/qemu/qemu_guest.ts";
import type { QemuMachine } from "../support/qemu/qemu_machine.ts";
import { runThreeD, threeDErrors, type ThreeDViewer } from "../support/three_d.ts";
import { BackEndProcess } from "../support/vhost_front_end/back_end_process.ts";

const ANY_DEVICE = "vhost-user-test-device-pci,virtio-id=16,num_vqs=2,vq_size=256,config_size=16";
const OFFERS = { isHostVisible: true, hasUuids: true };
const WINDOW_BYTES = 256 * 1024 * 1024;
const CURSOR_SIZE = 64;

/** A guest in QEMU, and the back end with its renderer. */
interface Drawing {
  readonly machine: QemuMachine;
  readonly backEnd: BackEndProcess;
}

Deno.test("a Debian guest in QEMU 11.1 maps host blobs: guest and renderer write and read the same memory", async (t) => {
  await withDrawing({ version: "11.1", device: ANY_DEVICE }, async ({ machine, backEnd }) => {
    await t.step("its driver finds 3D, contexts of each kind and the window", async () => {
      assertMatch(
        await machine.output("dmesg"),
        driverFound("+virgl +edid +resource_blob +host_visible", "+context_init"),
      );
    });

    await t.step("S10 to S13, S19, S20: the program passes every check", async () => {
      await assertThreeD({ machine, backEnd });
    });

    await t.step("and again after a reboot, when QEMU has dropped the window", async () => {
      await machine.serial.reboot();
      await machine.output(LOAD_DRIVER);
      assertMatch(await machine.output("dmesg"), /\[drm\] Host memory window: 0x[0-9a-f]+ \+0x10000000\n/);
      await assertThreeD({ machine, backEnd });
    });

    await t.step("and after QEMU was stopped for a moment", async () => {
      await machine.pause();
      await assertThreeD({ machine, backEnd });
    });
  });
});

for (const version of ["7.2", "11.1"] as const) {
  Deno.test(`a Debian guest in QEMU ${version} with vhost-user-gpu-pci finds VIRGL, and neither blobs nor a window`, async () => {
    await withDrawing({ version, device: "vhost-user-gpu-pci,xres=1024,yres=768" }, async ({ machine }) => {
      const log = await machine.output("dmesg");

      assertMatch(log, driverFound("+virgl +edid -resource_blob -host_visible", "-context_init"));
      assertMatch(log, /\[drm\] number of cap sets: 2\n/);
    });
  });
}

/** What Linux says of the features that it finds. */
function driverFound(features: string, more: string): RegExp {
  const pattern = (text: string) => `\\[drm\\] features: ${text.replaceAll("+", "\\+")}\n`;
  return new RegExp(`${pattern(features)}.*${pattern(more)}`);
}

/** Runs `test` with a guest, and asserts that QEMU does not complain and that the back end ends with it. */
async function withDrawing(options: QemuGuestOptions, test: (drawing: Drawing) => Promise<void>): Promise<void> {
  await using backEnd = await BackEndProcess.start({
    renderer: "reference",
    hostVisibleBytes: WINDOW_BYTES,
    outputs: [{ widthPixels: 1024, heightPixels: 768 }],
    reportsGuestErrors: true,
  });
  const machine = await bootQemuGuest(options, { socketPath: backEnd.path });
  try {
    await test({ machine, backEnd });
  } catch (error) {
    await machine.kill();
    throw error;
  }
  assertEquals(await machine.close(), "");
  assertEquals((await backEnd.ended()).code, 0);
}

/** Runs the program, and asserts that the device has reported what the program means to get wrong. */
async function assertThreeD({ machine, backEnd }: Drawing): Promise<void> {
  const from = backEnd.output.length;
  await runThreeD(machine, OFFERS, viewerOf(backEnd));
  const errors = () => [...backEnd.output.slice(from).matchAll(/^\w+: the guest's (.*)$/gm)].map(([, text]) => text!);
  await assertBecomes(() => errors().sort(), threeDErrors(OFFERS));
}

function viewerOf(backEnd: BackEndProcess): ThreeDViewer {
  return {
    isLive: true,
    assertPicture: (picture) =>
      assertBecomes(async () => comparePictures(await pictureOf(backEnd), picture), undefined),
    async assertCursor(image: Picture, x: number, y: number): Promise<void> {
      await assertBecomes(async () => (await backEnd.screenshot()).cursor, { x, y });
      const rgba = new Uint8Array((await backEnd.screenshot()).cursorRgba!);
      const shown = { widthPixels: CURSOR_SIZE, heightPixels: CURSOR_SIZE, rgba };
      assertEquals(comparePictures(shown, image), undefined);
    },
  };
}

async function pictureOf(backEnd: BackEndProcess): Promise<Picture> {
  const { widthPixels, heightPixels, pixels } = await backEnd.screenshot();
  return { widthPixels, heightPixels, rgba: new Uint8Array(pixels.buffer as ArrayBuffer) };
}
