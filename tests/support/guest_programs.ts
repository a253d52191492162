import { fileURLToPath } from "node:url";
import { canCompileForGuest, compileForGuest } from "../../build/guest/compile.ts";
import type { GuestFile } from "../../build/guest/image.ts";

const FOLDER = fileURLToPath(new URL("../guest_programs", import.meta.url));

/**
 * Compiles the programs of tests/guest_programs for the guest; each becomes `/bin/NAME`. They need no C library.
 * Returns undefined where there is no gcc that makes i386 programs; throws where there is one that refuses them.
 */
export async function compileGuestPrograms(): Promise<GuestFile[] | undefined> {
  if (!await canCompileForGuest()) return undefined;
  const names = Array.from(Deno.readDirSync(FOLDER), ({ name }) => name).filter((name) => name.endsWith(".c")).sort();
  return await Promise.all(names.map(async (name) => ({
    path: `/bin/${name.slice(0, -".c".length)}`,
    mode: 0o755,
    bytes: await compileForGuest(FOLDER, name),
  })));
}
