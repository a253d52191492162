import { fileURLToPath } from "node:url";
import type { GuestFile } from "../../build/guest/image.ts";

const FOLDER = fileURLToPath(new URL("../guest_programs", import.meta.url));

const FLAGS = [
  ..."-m32 -march=i686 -O2 -std=c11 -Wall -Wextra -Werror".split(" "),
  ..."-ffreestanding -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables".split(" "),
  ..."-nostdlib -static -no-pie -s -Wl,--build-id=none".split(" "), // nothing in it that differs from run to run
];

/**
 * Compiles the programs of tests/guest_programs for the guest; each becomes `/bin/NAME`. They need no C library.
 * Returns undefined where there is no gcc that makes i386 programs; throws where there is one that refuses them.
 */
export async function compileGuestPrograms(): Promise<GuestFile[] | undefined> {
  if (!await canCompile()) return undefined;
  const names = Array.from(Deno.readDirSync(FOLDER), ({ name }) => name).filter((name) => name.endsWith(".c")).sort();
  return await Promise.all(names.map(async (name) => ({
    path: `/bin/${name.slice(0, -".c".length)}`,
    mode: 0o755,
    bytes: await compile(name),
  })));
}

async function canCompile(): Promise<boolean> {
  try {
    const { success } = await gcc(["-m32", "-E", "-x", "c", "/dev/null"]);
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function compile(name: string): Promise<Uint8Array> {
  const target = await Deno.makeTempFile();
  try {
    const { success, stderr } = await gcc([...FLAGS, "-o", target, name]);
    if (!success) throw new Error(`Cannot compile ${name}: ${new TextDecoder().decode(stderr)}`);
    return await Deno.readFile(target);
  } finally {
    await Deno.remove(target);
  }
}

function gcc(args: string[]): Promise<Deno.CommandOutput> {
  return new Deno.Command("gcc", { args, cwd: FOLDER, stdout: "null", stderr: "piped" }).output();
}
