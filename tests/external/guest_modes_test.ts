// A stock Debian guest's kernel, driven through its mode-setting interface by the program tests/guest_programs/modes.c.

import { assertEquals } from "@std/assert";
import type { Picture } from "../../src/display/memory_display.ts";
import { EDID_MAX_BYTES, writeEdid } from "../../src/protocol/edid.ts";
import { type DebianGuest, type DebianOptions, withDebian } from "../support/guest_debian.ts";
import { comparePictures } from "../support/golden.ts";
import { patternPicture, withPattern } from "../support/guest_pattern.ts";

const WIDTH = 1024;
const HEIGHT = 768;
const CONNECTOR = "/sys/class/drm/card0-Virtual-1";

const LEGACY = patternPicture(1, WIDTH, HEIGHT);
const DAMAGED = withPattern(LEGACY, 2, { x: 100, y: 50, width: 200, height: 120 });
const ALL_DRAWN = withPattern(DAMAGED, 3, { x: 400, y: 400, width: 10, height: 10 });
const ATOMIC = patternPicture(9, WIDTH, HEIGHT);
const FIRST_CLIP = { x: 10, y: 20, width: 30, height: 40 };
const SECOND_CLIP = { x: 500, y: 300, width: 64, height: 64 };
const CLIPPED = withPattern(withPattern(ATOMIC, 6, FIRST_CLIP), 7, SECOND_CLIP);

/** What the atomic interface's damage clips come to. */
interface DamageClips {
  readonly step: string;
  readonly picture: Picture;
}

const CLIPS: DamageClips = { step: "damage-clips", picture: CLIPPED };
/** Debian's 6.1 does not let programs say what they have damaged: the driver forgets to ask for it. */
const NO_CLIPS: DamageClips = { step: "no-damage-clips", picture: ATOMIC };

const cases: { name: string; options: DebianOptions; clips: DamageClips }[] = [
  { name: "Linux 6.1 without blobs", options: { resourceBlob: false }, clips: NO_CLIPS },
  { name: "Linux 6.1 with blobs", options: { resourceBlob: true }, clips: NO_CLIPS },
  { name: "Linux 6.5 with blobs", options: { resourceBlob: true, kernel: "newest" }, clips: CLIPS },
];

for (const { name, options, clips } of cases) {
  Deno.test(`mode setting by ${name}`, async (t) => {
    await withDebian(options, async (guest) => {
      await t.step("SETCRTC shows a frame buffer", async () => {
        assertEquals(await begin(guest), "legacy");
        await assertPicture(guest, LEGACY);
      });

      await t.step("DIRTYFB shows what was damaged and nothing else", async () => {
        assertEquals(await step(guest), "dirtyfb");
        await assertPicture(guest, DAMAGED);
      });

      await t.step("a page flip shows the other frame buffer, and its event comes", async () => {
        assertEquals(await step(guest), "flip");
        await assertPicture(guest, patternPicture(4, WIDTH, HEIGHT));
      });

      await t.step("sixty-one page flips are each shown once, and their events come in order", async () => {
        const before = guest.display.frames;

        assertEquals(await step(guest), "flips");

        await assertPicture(guest, ALL_DRAWN);
        assertEquals(guest.display.frames - before, 61);
      });

      await t.step("a cursor is shown, moved and hidden", async () => {
        assertEquals(await step(guest), "cursor");
        const { picture, x, y } = guest.display.cursor(0)!;
        assertEquals(comparePictures(picture, patternPicture(5, 64, 64)), undefined);
        assertEquals([x, y, picture.hotspotX, picture.hotspotY], [300, 200, 3, 5]);

        assertEquals(await step(guest), "cursor-move");
        assertEquals([guest.display.cursor(0)!.x, guest.display.cursor(0)!.y], [-7, 200]);

        assertEquals(await step(guest), "cursor-hide");
        assertEquals(guest.display.cursor(0), undefined);
      });

      await t.step("an atomic commit shows a frame buffer", async () => {
        assertEquals(await step(guest), "atomic");
        await assertPicture(guest, ATOMIC);
      });

      await t.step(`an atomic commit with ${clips.step}`, async () => {
        assertEquals(await step(guest), clips.step);
        await assertPicture(guest, clips.picture);
      });

      await t.step("the output's new size is the preferred mode, and its EDID is another", async () => {
        guest.device.gpu.setOutput(0, { widthPixels: 1280, heightPixels: 720 });
        await guest.settle();

        assertEquals(await step(guest), "resized");
        await assertPicture(guest, patternPicture(8, 1280, 720));
        await assertEdid(guest, 1280, 720);
      });

      await t.step("an output that is unplugged is disconnected, and the guest switches it off", async () => {
        guest.device.gpu.setOutput(0, { isEnabled: false });
        await guest.settle();

        assertEquals(await step(guest), "unplugged");
        assertEquals(await guest.output(`cat ${CONNECTOR}/status`), "disconnected");
        assertEquals(guest.display.picture(0), undefined);
      });

      await t.step("another one that is plugged in is shown in its own mode", async () => {
        guest.device.gpu.setOutput(0, { isEnabled: true, widthPixels: 800, heightPixels: 600 });
        await guest.settle();

        assertEquals(await step(guest), "replugged");
        assertEquals(await guest.output(`cat ${CONNECTOR}/status`), "connected");
        await assertPicture(guest, patternPicture(10, 800, 600));
        await assertEdid(guest, 800, 600);
      });

      await t.step("the console comes back, in that mode, when the program ends", async () => {
        await guest.output("end modes && console");
        const { widthPixels, heightPixels } = await guest.picture();
        assertEquals([widthPixels, heightPixels], [800, 600]);
      });
    });
  });
}

/** Starts the program; returns the name of its first step, which is done then. */
async function begin(guest: DebianGuest): Promise<string | undefined> {
  return passed(await guest.output("begin modes"));
}

/** Lets the program do its next step; returns the step's name. */
async function step(guest: DebianGuest): Promise<string | undefined> {
  return passed(await guest.output("step modes"));
}

function passed(output: string): string | undefined {
  return /^PASS (\S+)$/m.exec(output)?.[1] ?? output;
}

async function assertPicture(guest: DebianGuest, picture: Picture): Promise<void> {
  assertEquals(comparePictures(await guest.picture(), picture), undefined);
}

async function assertEdid(guest: DebianGuest, widthPixels: number, heightPixels: number): Promise<void> {
  const written = new Uint8Array(EDID_MAX_BYTES);
  const length = writeEdid(written, 0, { widthPixels, heightPixels, index: 0 });
  const hex = await guest.output(`od -An -v -tx1 ${CONNECTOR}/edid`);
  assertEquals(Uint8Array.fromHex(hex.replaceAll(/\s/g, "")), written.slice(0, length));
}
