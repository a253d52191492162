// The reference renderer behind Linux's own driver in v86, driven by the program tests/guest_programs/three_d.c: contexts,
// streams, fences, and blobs of host memory that the guest maps, in each way that v86 can have a window for them.

import { assertEquals, assertMatch } from "@std/assert";
import type { Picture } from "../../src/display/memory_display.ts";
import type { V86WindowWay } from "../../src/hosts/v86.ts";
import { comparePictures } from "../support/golden.ts";
import { DebianGuest, type DebianOptions, LOAD_DRIVER } from "../support/guest_debian.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { runThreeD, threeDErrors, type ThreeDOffers, type ThreeDViewer } from "../support/three_d.ts";

const WINDOW_BYTES = 64 << 20;
/** Tenths of a second in which the guest's kernel gives back what the program has left open. */
const GIVING_BACK_ROUNDS = 100;

/** A guest whose device draws by the reference renderer. */
interface Drawing {
  readonly guest: DebianGuest;
  readonly renderer: ReferenceRenderer;
}

const windows: { way: V86WindowWay; address: string }[] = [
  { way: "ram", address: "0x8000000" },
  { way: "vga", address: "0xe4000000" },
  { way: "mmio", address: "0xdc000000" },
];

for (const { way, address } of windows) {
  Deno.test(`Linux maps host blobs in v86 by way "${way}": guest and renderer write and read the same memory`, async (t) => {
    const options = { hostVisible: { bytes: WINDOW_BYTES, way }, resourceUuid: true };
    const offers = { isHostVisible: true, hasUuids: true };
    const hasWindow = new RegExp(`\\[drm\\] Host memory window: ${address} \\+0x4000000\n.*\\+host_visible`);
    const { guest, renderer } = await start(options);

    await t.step("the driver finds the window where it is", async () => {
      assertMatch(await guest.machine.dmesg(), hasWindow);
    });

    await t.step("S10 to S13, S19, S20: the program passes every check, and gives everything back", async () => {
      await assertThreeD({ guest, renderer }, offers);
    });

    await t.step("the window is there again after a reboot", async () => {
      await guest.machine.reboot();
      await guest.output(LOAD_DRIVER);
      assertMatch(await guest.machine.dmesg(), hasWindow);
      const contexts = await guest.output("begin three_d host-visible cross-device");
      const resources = await guest.output("step three_d");
      const checks = [contexts, resources, await guest.output("step three_d")].join("\n"); // the last: blobs
      assertMatch(checks, /\nPASS mapped-blob-read\nPASS mapped-blob-write\n.*\nready$/s);
      assertEquals(/FAIL/.exec(checks), null);
    });

    await guest.machine.close();
  });
}

Deno.test("Linux uses a renderer in v86 without a window: what it maps is refused by its own driver", async () => {
  const { guest, renderer } = await start({});

  await assertThreeD({ guest, renderer }, { isHostVisible: false, hasUuids: false });

  await guest.machine.close();
});

Deno.test("Linux is saved with its console's context, and draws by the renderer where it goes on", async () => {
  const options = { hostVisible: { bytes: WINDOW_BYTES, way: "mmio" as const }, resourceUuid: true };
  const before = await start(options);
  await before.guest.output("console"); // the same each time, without a cursor that blinks
  const console = await before.guest.picture();
  const contextCount = before.renderer.contextCount;
  const file = await before.guest.device.saveState();
  await before.guest.machine.close();

  const renderer = new ReferenceRenderer();
  const guest = await DebianGuest.restore({ ...options, renderer }, file);
  const atRestore = renderer.contextCount;
  const difference = comparePictures(await guest.picture(), console);
  await runThreeD(guest, { isHostVisible: true, hasUuids: true }, viewerOf(guest));

  assertEquals([contextCount, atRestore, difference], [1, 0, undefined]);
  await guest.machine.close();
});

async function start(options: DebianOptions): Promise<Drawing> {
  const renderer = new ReferenceRenderer();
  return { guest: await DebianGuest.start({ ...options, renderer }), renderer };
}

/** Runs the program, and asserts that the device has reported what it means to get wrong, and that nothing of it is left. */
async function assertThreeD({ guest, renderer }: Drawing, offers: ThreeDOffers): Promise<void> {
  const [errorsBefore, contextsBefore] = [guest.errors.length, renderer.contextCount]; // the console has a context too
  await runThreeD(guest, offers, viewerOf(guest));
  for (let round = 0; renderer.resourceCount > 0 && round < GIVING_BACK_ROUNDS; round++) {
    await guest.output("sleep 0.1");
  }
  const errors = guest.errors.slice(errorsBefore).map(({ command, reason }) => `${command}: ${reason.text}`);
  assertEquals(errors.sort(), threeDErrors(offers));
  assertEquals([renderer.contextCount, renderer.resourceCount], [contextsBefore, 0]);
}

function viewerOf(guest: DebianGuest): ThreeDViewer {
  return {
    isLive: false,
    async assertPicture(picture: Picture): Promise<void> {
      assertEquals(comparePictures(await guest.picture(), picture), undefined);
    },
    async assertCursor(image: Picture, x: number, y: number): Promise<void> {
      await guest.settle();
      const cursor = guest.display.cursor(0)!;
      assertEquals(comparePictures(cursor.picture, image), undefined);
      assertEquals([cursor.x, cursor.y], [x, y]);
    },
  };
}
