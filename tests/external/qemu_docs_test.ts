// The command lines of docs/qemu.md, as they stand there, start machines whose GPU is our back end.

import { assertEquals, assertGreater } from "@std/assert";
import { join } from "node:path";
import { GuestSerial, type SerialLine } from "../../build/guest/guest_serial.ts";
import { ShellBlock } from "../docs/shell_block.ts";
import { codeBlock } from "../support/code_block.ts";
import { debianImage, LOAD_DRIVER } from "../support/guest_debian.ts";
import type { Picture } from "../support/png.ts";
import { assertBecomes } from "../support/qemu/qemu_guest.ts";
import { qemuProgram, type QemuVersion } from "../support/qemu/qemu_program.ts";
import { ScanoutBackEnd } from "../support/qemu/scanout_back_end.ts";
import { uncompressedKernel } from "../support/qemu/uncompressed_kernel.ts";

const QEMU = new URL("../../docs/qemu.md", import.meta.url);
/** A processor that every machine has, and none of the network cards, whose files are not fetched. */
const PLAIN = "-accel tcg -cpu max -nic none -display none";

/** A QEMU of this version, under the name by which a reader starts his own. */
async function qemuPrograms(version: QemuVersion): Promise<Record<string, string>> {
  const { command, args, env } = await qemuProgram(version);
  const variables = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
  const words = ["exec env", ...variables, ...[command, ...args].map((word) => `'${word}'`), '"$@"'];
  return { "qemu-system-x86_64": words.join(" ") };
}

/**
 * Runs `test` with the guest of a machine that `block` starts: in place of `placeholder`, the reader's own options, it boots
 * the guest of build/guest, whose first serial line is a socket.
 */
async function withMachine(
  block: string,
  placeholder: string,
  version: QemuVersion,
  test: (guest: GuestSerial, backEnd: ScanoutBackEnd) => Promise<void>,
): Promise<void> {
  const image = await debianImage("stable-amd64");
  const folder = await Deno.makeTempDir({ prefix: "scanout-qemu-docs-" });
  await Deno.writeFile(join(folder, "initramfs"), image.initramfs);
  const boot = `-kernel ${await uncompressedKernel(image)} -initrd ${join(folder, "initramfs")}`;
  const serial = `-serial unix:${join(folder, "serial")},server=on`; // the machine waits until somebody listens
  const own = `${PLAIN} ${boot} -append '${image.commandLine}' ${serial}`;
  const backEnd = await ScanoutBackEnd.start();
  try {
    const changes = { "/tmp/gpu.sock": backEnd.socketPath, [placeholder]: own };
    await using _qemu = new ShellBlock(block, { changes, programs: await qemuPrograms(version) });
    const socket = await connect(join(folder, "serial"));
    const guest = new GuestSerial(serialLine(socket));
    await guest.ready();
    await test(guest, backEnd);
    guest.close();
    socket.close();
  } finally {
    await backEnd.end("SIGKILL");
    await Deno.remove(folder, { recursive: true });
  }
}

/** Connects to a socket as soon as it is there. */
async function connect(path: string): Promise<Deno.UnixConn> {
  let socket: Deno.UnixConn | undefined;
  await assertBecomes(async () => {
    socket = await Deno.connect({ transport: "unix", path });
    return socket !== undefined;
  }, true);
  return socket!;
}

function serialLine(socket: Deno.UnixConn): SerialLine {
  const writer = socket.writable.getWriter();
  let hear: (text: string) => void = () => {};
  const read = async () => {
    for await (const text of socket.readable.pipeThrough(new TextDecoderStream("latin1"))) hear(text);
  };
  read().catch(() => {}); // it was closed
  return {
    send: (text) => void writer.write(new TextEncoder().encode(text)),
    listen(onText) {
      hear = onText;
      return () => hear = () => {};
    },
  };
}

/** How many pixels of a picture are not black. */
function litPixels({ rgba }: Picture): number {
  return new Uint32Array(rgba.buffer, rgba.byteOffset, rgba.length / 4).filter((pixel) => pixel !== 0xff000000).length;
}

Deno.test("docs/qemu.md: the command line to try shows a guest's console", async () => {
  const block = await codeBlock(QEMU, "## Try it", "sh", 1);
  await withMachine(block, "-display gtk -cdrom debian-live.iso", "7.2", async (guest, backEnd) => {
    await guest.output(`${LOAD_DRIVER}; console`);
    await assertBecomes(async () => litPixels(await backEnd.png()) > 1000, true);
  });
});

Deno.test("docs/qemu.md: the command line for 3D and blobs gives a guest every feature of the back end", async () => {
  const block = await codeBlock(QEMU, "## 3D, and memory of the host", "sh");
  await withMachine(block, "…", "11.1", async (guest, backEnd) => {
    const features = await guest.output(`${LOAD_DRIVER}; dmesg | grep -o '[+-]resource_blob'; console`);
    assertEquals(features.trim(), "+resource_blob");
    await assertBecomes(async () => litPixels(await backEnd.png()) > 1000, true);
    assertGreater((await backEnd.state()).width, 0);
  });
});
