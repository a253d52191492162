// Debian guests whose machine is saved as one file and goes on elsewhere.

import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { assertGoldenPng, comparePictures } from "../support/golden.ts";
import { DebianGuest, dumbPattern, withDebian } from "../support/guest_debian.ts";
import type { RestoredReport } from "../support/restored_process.ts";

const PROGRAM = fileURLToPath(new URL("../support/restored_process.ts", import.meta.url));

Deno.test("a Debian guest goes on in another process, where its screen is as it was before it runs again", async () => {
  await withDebian({}, async (guest) => {
    await guest.output("begin dumb");
    assertEquals(comparePictures(await guest.picture(), dumbPattern(1024, 768)), undefined);
    await guest.output("dmesg -c");

    const report = await continueElsewhere(await guest.device.saveState());

    assertEquals([report.frames, report.difference], [1, undefined]);
    assertMatch(report.output, /^PASS.*\nready\ndone$/s);
    const { widthPixels, heightPixels, rgba } = report.console;
    assertGoldenPng("console", Uint8Array.fromHex(rgba), widthPixels, heightPixels);
    assertEquals([report.log, report.errors], ["", 0]);

    await guest.output("end dumb"); // and the first one is not disturbed by having been saved
    await assertConsole(guest);
  });
});

Deno.test("a Debian guest hears of an output that changed just before it was saved", async () => {
  await withDebian({}, async (guest) => {
    await guest.machine.emulator.stop();
    guest.device.gpu.setOutput(0, { widthPixels: 800, heightPixels: 600 });
    const file = await guest.device.saveState();
    await guest.machine.emulator.run();

    await withRestored({}, file, async (restored) => {
      const { widthPixels, heightPixels } = await restored.picture();
      assertEquals([widthPixels, heightPixels], [800, 600]);
    });
  });
});

for (const resourceBlob of [false, true]) {
  const name = `a Debian guest that is drawing goes on drawing wherever it is saved ${
    resourceBlob ? "with" : "without"
  } blobs`;
  Deno.test(name, async () => {
    const options = { resourceBlob, limits: { workBytesPerNotify: 1 } }; // each command leaves work for later
    await withDebian(options, async (guest) => {
      const start = guest.display.frames;
      await guest.output("(fill 200; echo $? > /tmp/status) > /tmp/fill 2>&1 &");
      const files: ArrayBuffer[] = [];
      for (const frames of [20, 60, 220]) {
        await framesReach(guest, start + frames);
        files.push(await guest.device.saveState());
      }

      for (const file of files) await withRestored(options, file, assertDrawsOn);
      await assertDrawsOn(guest);
    });
  });
}

/** Resolves as soon as so many frames were shown. */
async function framesReach({ display }: DebianGuest, frames: number): Promise<void> {
  while (display.frames < frames) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** The program that draws 200 screens and 200 squares comes to its end, and what is drawn after it is right. */
async function assertDrawsOn(guest: DebianGuest): Promise<void> {
  const output = await guest.output("until [ -s /tmp/status ]; do sleep 0.1; done; cat /tmp/status /tmp/fill");
  assertMatch(output, /^0\n.*PASS/s);
  await assertConsole(guest);
}

async function assertConsole(guest: DebianGuest): Promise<void> {
  await guest.output("console");
  const { rgba, widthPixels, heightPixels } = await guest.picture();
  assertGoldenPng("console", rgba, widthPixels, heightPixels);
}

async function withRestored(
  options: Parameters<typeof DebianGuest.restore>[0],
  file: ArrayBuffer,
  test: (guest: DebianGuest) => Promise<void>,
): Promise<void> {
  const guest = await DebianGuest.restore(options, file);
  try {
    await test(guest);
    assertEquals(guest.errors, []);
  } finally {
    await guest.machine.close();
  }
}

async function continueElsewhere(file: ArrayBuffer): Promise<RestoredReport> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, new Uint8Array(file));
    const args = ["run", "-A", PROGRAM, path];
    const { stdout, success } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
    assertEquals(success, true);
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(path);
  }
}
