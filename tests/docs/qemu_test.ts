import { assert, assertEquals } from "@std/assert";
import { ResponseType, writeGetDisplayInfo } from "../../src/protocol/wire.gen.ts";
import { testOnLinux } from "../hosts/deno/on_linux.ts";
import { startVhostUser, type VhostUserBackEnd } from "../../src/hosts/deno/vhost_user.ts";
import { codeBlock, runBlock } from "../support/code_block.ts";
import { FrontEndMachine } from "../support/vhost_front_end/front_end_machine.ts";
import { ReferenceRenderer } from "../support/renderer/reference_renderer.ts";
import { DENO_PROGRAMS, ShellBlock, withChanges } from "./shell_block.ts";

const QEMU = new URL("../../docs/qemu.md", import.meta.url);

/** Runs a block that starts a back end, connects to it as QEMU does, and asserts that it ends with its front end. */
async function assertServes(block: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "scanout-docs-" });
  const socketPath = `${folder}/gpu.sock`;
  const changes = { "/tmp/gpu.sock": socketPath, "8000": "0" };
  try {
    await using run = new ShellBlock(block, { changes, programs: DENO_PROGRAMS });
    const [, url] = await run.printed(/^The screens are at (http:\S+)$/m);
    await run.printed(/^Waiting for a front end at \S+$/m);

    const machine = new FrontEndMachine(socketPath);
    machine.driver.start();
    const { header } = machine.driver.send(writeGetDisplayInfo, {}, { replyBytes: 4096 });
    const { status, headers } = await fetch(url!);
    machine.close();
    const { code, stderr } = await run.end();

    assertEquals(header.type, ResponseType.OkDisplayInfo);
    assertEquals([status, headers.get("content-type")], [200, "text/html; charset=utf-8"]);
    assertEquals([code, stderr.replace(/^Task scanout .*\n/, "")], [0, ""]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

testOnLinux(
  "docs/qemu.md: the back end to try serves a front end and shows its screens, and ends with it",
  async () => {
    await assertServes(await codeBlock(QEMU, "## Try it", "sh"));
  },
);

testOnLinux("docs/qemu.md: the permissions are all that a back end needs", async () => {
  await assertServes(await codeBlock(QEMU, "## Permissions", "sh"));
});

testOnLinux("docs/qemu.md: the program of one's own starts a back end with a renderer", async () => {
  const folder = await Deno.makeTempDir({ prefix: "scanout-docs-" });
  const block = await codeBlock(QEMU, "## 3D, and memory of the host", "ts");
  const changed = withChanges(block, { "/tmp/gpu.sock": `${folder}/gpu.sock` });
  const given = { startVhostUser, renderer: new ReferenceRenderer() };

  const { backEnd } = await runBlock<{ backEnd: VhostUserBackEnd }>(changed, given, ["backEnd"]);

  assert((await Deno.stat(`${folder}/gpu.sock`)).isSocket);
  backEnd.stop();
  await backEnd.ended;
  await Deno.remove(folder, { recursive: true });
});

Deno.test("docs/qemu.md: QEMU is given the memory and the devices that the tests with QEMU give it", async () => {
  const machine = await Deno.readTextFile(new URL("../support/qemu/qemu_machine.ts", import.meta.url));
  const newest = await Deno.readTextFile(new URL("../external/qemu_newest_test.ts", import.meta.url));
  const blocks = [
    await codeBlock(QEMU, "## Try it", "sh", 1),
    await codeBlock(QEMU, "## 3D, and memory of the host", "sh"),
  ];
  for (const block of blocks) {
    assert(block.includes("memory-backend-memfd,id=ram,size=1G,share=on"));
    assert(block.includes("memory-backend=ram"));
    assert(block.includes("socket,id=gpu,path=/tmp/gpu.sock"));
  }
  assert(machine.includes("memory-backend-memfd,id=memory,size=${MEMORY},share=on"));
  assert(machine.includes("socket,id=back_end,path=${socketPath}"));
  const [, options] = /-device vhost-user-test-device-pci,chardev=gpu,(\S+)/.exec(blocks[1]!)!;
  assert(newest.includes(`"vhost-user-test-device-pci,${options}"`));
});

Deno.test("docs/qemu.md: what its installation takes from the checkout is there", async () => {
  const block = await codeBlock(QEMU, "## Install it on a fresh Debian", "sh");
  const paths = block.replaceAll("/opt/scanout/", "").match(/\b(?:src|packaging)\/[\w./-]+/g)!;
  assertEquals(paths.length, 4);
  for (const path of paths) assert((await Deno.stat(new URL(`../../${path}`, import.meta.url))).isFile, path);
});
