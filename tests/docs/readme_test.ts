import { assert, assertEquals, assertLess } from "@std/assert";
import { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { GuestRam } from "../../src/guest/guest_ram.ts";
import { PciDriverTransport, type PciFunction } from "../../src/guest/pci_driver_transport.ts";
import {
  Format,
  ResponseType,
  writeResourceCreate2d,
  writeResourceFlush,
  writeSetScanout,
} from "../../src/protocol/wire.gen.ts";
import { codeBlock, runBlock } from "../support/code_block.ts";

const README = new URL("../../README.md", import.meta.url);

Deno.test("README: the quickstart into one's own emulator shows what a guest's driver draws", async () => {
  const block = await codeBlock(README, "## Into your own emulator");
  const functions: PciFunction[] = [];
  let interrupts = 0;
  const { memory, display } = await runBlock<{ memory: WebAssembly.Memory; display: PictureSource }>(
    block,
    {
      bus: { addFunction: (added: PciFunction) => functions.push(added) },
      cpu: { setInterruptLine: () => interrupts++ },
    },
    ["memory", "display"],
  );
  const ram = new GuestRam(() => new Uint8Array(memory.buffer), 64 * 1024 * 1024);
  const driver = new GpuDriver(new PciDriverTransport(functions[0]!), ram);
  const rect = { x: 0, y: 0, width: 4, height: 2 };

  driver.start();
  driver.send(writeResourceCreate2d, { resourceId: 1, format: Format.B8G8R8X8Unorm, width: 4, height: 2 });
  driver.send(writeSetScanout, { scanoutId: 0, resourceId: 1, rect });
  const { header } = driver.send(writeResourceFlush, { resourceId: 1, rect });

  assertEquals(header.type, ResponseType.OkNodata);
  assertEquals(display.picture(0)?.widthPixels, 4);
  assert(interrupts > 0);
});

Deno.test("README: the quickstart into one's own emulator has at most 30 lines", async () => {
  assertLess((await codeBlock(README, "## Into your own emulator")).split("\n").length, 31);
});

Deno.test("README: the quickstart into v86 has at most ten lines", async () => {
  assertLess((await codeBlock(README, "## Into v86")).split("\n").length, 11);
});

Deno.test("README: a display of one's own has the four methods of Display", async () => {
  const block = await codeBlock(README, "## A display of your own");
  const { display } = await runBlock<{ display: Record<string, unknown> }>(block, {}, ["display"]);
  assertEquals(Object.keys(display).sort(), ["disable", "moveCursor", "setCursor", "show"]);
});

interface PictureSource {
  picture(scanoutId: number): { widthPixels: number } | undefined;
}
