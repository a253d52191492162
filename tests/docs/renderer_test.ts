import { assert, assertEquals, assertLess } from "@std/assert";
import type { HostAccount } from "../../src/device/host_account.ts";
import { commandName, CommandType } from "../../src/protocol/wire.gen.ts";
import type { Renderer, RendererHost } from "../../src/renderer/renderer.ts";
import { createContext, createHostBlob, submit } from "../device/three_d_requests.ts";
import { guestWindow, mapBlob, unmapBlob, WINDOW_BYTES } from "../device/window_requests.ts";
import { codeBlock, runBlock } from "../support/code_block.ts";
import { startWithRenderer } from "../support/renderer_machine.ts";

const GUIDE = new URL("../../docs/renderer.md", import.meta.url);
const CONFIG = new URL("../../deno.json", import.meta.url);
const HEADING = "## The least that draws";

/** A machine with the guide's renderer, and what the device does for that. */
async function start() {
  let host: RendererHost | undefined;
  const { renderer } = await runBlock<{ renderer: Renderer }>(await codeBlock(GUIDE, HEADING), {}, ["renderer"]);
  const heard: Renderer = {
    ...renderer,
    start: (device) => {
      host = device;
      renderer.start(device);
    },
  };
  const machine = await startWithRenderer(heard, { windowBytes: WINDOW_BYTES });
  return { ...machine, usedBytes: () => (host!.account as HostAccount).usedBytes };
}

Deno.test("docs/renderer.md: what a stream of its renderer writes, the guest sees in its window", async () => {
  const machine = await start();
  const { driver, heap, pci, usedBytes } = machine;
  const window = guestWindow(machine);
  pci.reset();
  const emptyBytes = heap.usedBytes;
  driver.start();

  assertEquals(createContext(driver, 1), "OK_NODATA");
  assertEquals(submit(driver, 1, [1, 4096, 0xcafe, 2, 8192, 0xbeef]), "OK_NODATA");
  assertEquals(usedBytes(), 4096 + 8192);
  assertEquals(createHostBlob(driver, 5, { blobFlags: 1 }), "OK_NODATA");
  assertEquals(createHostBlob(driver, 6, { blobFlags: 1 }), "ERR_UNSPEC");
  assertEquals(mapBlob(driver, 5, 8192), { answer: "OK_MAP_INFO", mapInfo: 1 });
  assertEquals([...window.words(8192, 1024)], new Array(1024).fill(0xcafe));
  assertEquals(unmapBlob(driver, 5), "OK_NODATA");
  assertEquals(mapBlob(driver, 5, 0).answer, "OK_MAP_INFO");
  assertEquals([...window.words(0, 1024)], new Array(1024).fill(0xcafe));

  pci.reset();
  assertEquals([usedBytes(), heap.usedBytes], [0, emptyBytes]);
});

Deno.test("docs/renderer.md: a stream that is wrong loses its context", async () => {
  const { driver, usedBytes } = await start();
  createContext(driver, 1);

  assertEquals(submit(driver, 1, [1, 2, 3]), "OK_NODATA");
  assertEquals(submit(driver, 1, [1, 4096, 0xcafe]), "ERR_UNSPEC");
  assertEquals(usedBytes(), 0);
});

Deno.test("docs/renderer.md: its renderer has at most 70 lines, and types that fit", async () => {
  const block = await codeBlock(GUIDE, HEADING);
  assertLess(block.split("\n").length, 71);
  const file = await Deno.makeTempFile({ suffix: ".ts" }); // what lies in `out` is not checked
  await Deno.writeTextFile(file, `${block}\nexport { renderer };\n`);
  try {
    const check = new Deno.Command(Deno.execPath(), {
      args: ["check", "--config", CONFIG.pathname, file],
      stderr: "piped",
    });
    const { success, stderr } = await check.output();
    assertEquals([success, success ? "" : new TextDecoder().decode(stderr)], [true, ""]);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("docs/renderer.md: its picture has commands that exist, and members of what a renderer is given", async () => {
  const picture = await codeBlock(GUIDE, "# A renderer of your own", "");
  const commands = Object.values(CommandType).map(commandName);
  const members: (keyof RendererHost)[] = ["guest", "account", "fenceDone"];

  const named = picture.match(/\b[A-Z]+(_[A-Z0-9]+)+\b/g)!;

  assertEquals(named.filter((name) => !commands.some((command) => command.endsWith(name))), []);
  assert(members.every((member) => picture.includes(member)));
});
