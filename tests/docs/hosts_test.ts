import { assertEquals } from "@std/assert";
import type { V86 } from "v86";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import type { V86Gpu } from "../../src/hosts/v86.ts";
import { codeBlock, runBlock } from "../support/code_block.ts";
import { emulatorOptions } from "../support/guest_emulator.ts";
import { RomProgram } from "../support/guest_rom.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";

const HOSTS = new URL("../../docs/hosts.md", import.meta.url);
const MIB = 1024 * 1024;

Deno.test("hosts.md: the block about blobs of host memory makes a v86 with a window behind the guest's RAM", async () => {
  const block = await codeBlock(HOSTS, "### Blobs of host memory in v86");
  const given = {
    machine: emulatorOptions({ bios: { buffer: new RomProgram().image() } }),
    display: new MemoryDisplay(),
    renderer: new ReferenceRenderer(),
  };

  const { emulator, device } = await runBlock<{ emulator: V86; device: V86Gpu }>(block, given, ["emulator", "device"]);

  assertEquals(device.hostVisible, { way: "ram", guestAddress: 256 * MIB, bytes: 64 * MIB });
  await emulator.destroy();
});
