import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { V86, V86Options } from "v86";
import { GuestSerial, v86SerialLine } from "../../build/guest/guest_serial.ts";
import type { GuestImage } from "../../build/guest/image.ts";
import type { MemoryDisplay } from "../../src/display/memory_display.ts";
import { codeBlock, runBlock } from "../support/code_block.ts";
import { assertGoldenPng } from "../support/golden.ts";
import { debianImage, LOAD_DRIVER, settle } from "../support/guest_debian.ts";

const README = new URL("../../README.md", import.meta.url);
const GOLDEN = new URL("../golden/console.png", import.meta.url);

Deno.test("README: the quickstart into v86 shows the console of a Debian guest", async () => {
  const block = await codeBlock(README, "## Into v86");
  const given = { machine: machineOf(await debianImage()) };

  const { emulator, display } = await runBlock<{ emulator: V86; display: MemoryDisplay }>(
    block,
    given,
    ["emulator", "display"],
  );
  const serial = new GuestSerial(v86SerialLine(emulator));
  await serial.ready();
  const run = (command: string) => serial.run(command);
  await run(`${LOAD_DRIVER} && console`);
  await settle(display, run);

  const { rgba, widthPixels, heightPixels } = display.picture(0)!;
  assertGoldenPng("console", rgba, widthPixels, heightPixels);
  serial.close();
  await emulator.destroy();
});

Deno.test("README: its picture is the golden picture of the console", async () => {
  const picture = await Deno.readFile(new URL("docs/console.png", README));
  assertEquals(picture, await Deno.readFile(GOLDEN));
});

/** What an embedder gives v86 for the machine of the guest. */
function machineOf(image: GuestImage): V86Options {
  return {
    wasm_path: fileURLToPath(new URL("./v86.wasm", import.meta.resolve("v86"))),
    memory_size: 128 << 20,
    bios: { buffer: image.bios.buffer },
    vga_bios: { buffer: image.vgaBios.buffer },
    bzimage: { buffer: image.kernel.slice().buffer }, // v86 writes into its header
    initrd: { buffer: image.initramfs.buffer },
    cmdline: image.commandLine,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
  };
}
