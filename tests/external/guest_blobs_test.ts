// Blobs of guest memory by Linux's own driver, driven by the program tests/guest_programs/blobs.c. What Linux cannot do is
// shown with the built-in driver only: it never takes a blob's pages away (S7), and never asks for a kind that the device
// does not offer (S4, S8, S9).

import { assertEquals } from "@std/assert";
import type { GuestBlobSnapshot } from "../../src/device/snapshot/gpu_snapshot.ts";
import type { Picture } from "../../src/display/memory_display.ts";
import { BlobFlag } from "../../src/protocol/wire.gen.ts";
import { type DebianGuest, type DebianOptions, withDebian } from "../support/guest_debian.ts";
import { comparePictures } from "../support/golden.ts";
import { patternPicture, patternPixel, withPattern } from "../support/guest_pattern.ts";

const WIDTH = 1024;
const HEIGHT = 768;
const BLOB_PAGES = 5000;
const PAGE_BYTES = 4096;
const SCREEN_PAGES = WIDTH * HEIGHT * 4 / PAGE_BYTES;
const SHARED_BYTES = 4 * PAGE_BYTES;
/** What one command counts besides the bytes that it moves. */
const COMMAND_BYTES = 1024;

const ODD_VIEW = patternPicture(12, WIDTH, HEIGHT);
const DAMAGE = { x: 200, y: 100, width: 150, height: 70 };

const cases: { name: string; options: DebianOptions }[] = [
  { name: "Linux 6.1", options: { resourceBlob: true } },
  { name: "Linux 6.5", options: { resourceBlob: true, kernel: "newest" } },
];

for (const { name, options } of cases) {
  Deno.test(`S1, S5, S14, S15, S18: blobs of guest memory by ${name}`, async (t) => {
    await withDebian(options, async (guest) => {
      await t.step("S5: blobs of 1 to 5,000 pages are made, described, waited for, written and destroyed", async () => {
        assertEquals(await guest.output("begin blobs"), "PASS sizes\nrow 0\nPASS scroll\nready");
        assertEquals(blobPages(guest), [BLOB_PAGES]); // the one that is shown next
      });

      await t.step("S1, S5: every page of 5,000 is shown where it belongs, without a transfer", async () => {
        await assertPicture(guest, patternPicture(11, WIDTH, HEIGHT));
        for (const row of [768, 1536, 2304, 3072, 3840, BLOB_PAGES - HEIGHT]) {
          const before = { ...guest.device.gpu.counters };

          assertEquals((await step(guest)).split("\n")[0], `row ${row}`);

          await assertPicture(guest, patternPicture(11, WIDTH, HEIGHT, row));
          assertEquals(guest.device.gpu.counters.commands - before.commands, 2); // SET_SCANOUT_BLOB, RESOURCE_FLUSH
        }
      });

      await t.step(
        "S14: the same blob is another picture, with gaps between its rows, from within a page on",
        async () => {
          assertEquals(await step(guest), "PASS odd-view\nready");
          await assertPicture(guest, ODD_VIEW);
        },
      );

      await t.step("S15, S18: damage is in the picture's pixels; one flush reads each of them once", async () => {
        const before = { ...guest.device.gpu.counters };

        assertEquals(await step(guest), "PASS odd-damage\nready");

        await assertPicture(guest, withPattern(ODD_VIEW, 13, DAMAGE));
        const { commands, bytes } = guest.device.gpu.counters;
        assertEquals(commands - before.commands, 1);
        assertEquals(bytes - before.bytes, COMMAND_BYTES + DAMAGE.width * DAMAGE.height * 4);
      });

      await t.step("S14: the same blob is a cursor, whose format and stride are others again", async () => {
        assertEquals(await step(guest), "PASS cursor\nready");

        const { picture, x, y } = guest.display.cursor(0)!;
        assertEquals(comparePictures(picture, patternPicture(15, 64, 64)), undefined);
        assertEquals([x, y], [40, 30]);
      });

      await t.step(
        "another file of the same card reads what the first one has written into a shared blob",
        async () => {
          assertEquals(await step(guest), "PASS prime\nready");
        },
      );

      await t.step("no blob is left when the program ends", async () => {
        await guest.output("end blobs");
        await guest.settle();
        assertEquals(blobPages(guest), []);
      });
    });
  });

  Deno.test(`S12: a blob that ${name} exports to other devices is found by its UUID, and read`, async () => {
    await withDebian({ ...options, resourceUuid: true, isStrict: true }, async (guest) => {
      assertEquals(await runTo(guest, "PASS prime"), "PASS prime\nready");

      const shared = guestBlobs(guest).filter(({ uuid }) => uuid !== null);
      assertEquals(shared.map(({ flags }) => flags & BlobFlag.UseCrossDevice), [BlobFlag.UseCrossDevice]);
      const uuid = shared[0]!.uuid!;
      assertEquals(readShared(guest, uuid), sharedWords());

      await guest.output("end blobs");
      await guest.settle();
      assertEquals(guest.device.gpu.findShared(uuid), undefined);
    });
  });
}

/** Lets the program do its next step; returns what it printed. */
function step(guest: DebianGuest): Promise<string> {
  return guest.output("step blobs");
}

/** Runs the program for other devices up to a step; returns what that one printed. */
async function runTo(guest: DebianGuest, name: string): Promise<string> {
  let output = await guest.output("begin blobs cross-device");
  while (!output.includes(name) && output.endsWith("ready")) output = await step(guest);
  return output;
}

async function assertPicture(guest: DebianGuest, picture: Picture): Promise<void> {
  assertEquals(comparePictures(await guest.picture(), picture), undefined);
}

function guestBlobs(guest: DebianGuest): GuestBlobSnapshot[] {
  return guest.device.gpu.snapshot().resources.filter((resource) => resource.kind === "guestBlob");
}

/** How many pages the guest's blobs have that are not pictures of a whole screen, as its console's is. */
function blobPages(guest: DebianGuest): number[] {
  return guestBlobs(guest).map(({ sizeBytes }) => sizeBytes / PAGE_BYTES).filter((pages) => pages !== SCREEN_PAGES);
}

/** What another device of the host reads of a shared resource. */
function readShared({ device }: DebianGuest, uuid: string): Uint32Array {
  const { heap, words } = device.guest;
  const address = heap.allocate(SHARED_BYTES);
  assertEquals(device.gpu.findShared(uuid)!.read(0, SHARED_BYTES, address), true);
  const read = words.slice(address / 4, (address + SHARED_BYTES) / 4);
  heap.free(address);
  return read;
}

/** What the program writes into it. */
function sharedWords(): Uint32Array {
  return Uint32Array.from({ length: SHARED_BYTES / 4 }, (_, index) => patternPixel(14, index, 0));
}
