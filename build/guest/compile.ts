/** Programs for the guest: freestanding C, since there is no C library for i386 where this runs. */

const FLAGS = [
  ..."-m32 -march=i686 -O2 -std=c11 -Wall -Wextra -Werror".split(" "),
  ..."-ffreestanding -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables".split(" "),
  ..."-nostdlib -static -no-pie -s -Wl,--build-id=none".split(" "), // nothing in it that differs from run to run
];

/** Whether there is a gcc here that makes i386 programs. */
export async function canCompileForGuest(): Promise<boolean> {
  try {
    const { success } = await gcc(["-m32", "-E", "-x", "c", "/dev/null"], ".");
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Compiles `name` of `folder`, which needs no C library. Throws `Error` with what gcc says where it refuses it. */
export async function compileForGuest(folder: string, name: string, args: readonly string[] = []): Promise<Uint8Array> {
  const target = await Deno.makeTempFile();
  try {
    const { success, stderr } = await gcc([...FLAGS, ...args, "-o", target, name], folder);
    if (!success) throw new Error(`Cannot compile ${name}: ${new TextDecoder().decode(stderr)}`);
    return await Deno.readFile(target);
  } finally {
    await Deno.remove(target);
  }
}

function gcc(args: string[], cwd: string): Promise<Deno.CommandOutput> {
  return new Deno.Command("gcc", { args, cwd, stdout: "null", stderr: "piped" }).output();
}
