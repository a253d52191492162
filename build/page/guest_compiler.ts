import { join } from "node:path";
import { PrivateApt } from "../guest/apt.ts";
import { makeCompleteFolder } from "../guest/complete_folder.ts";
import { GUEST_CACHE_FOLDER, type GuestFile, type GuestImageOptions } from "../guest/image.ts";

const FOLDER = join(GUEST_CACHE_FOLDER, "tcc-1");
const PACKAGES = ["tcc", "libc6"];
/** What tcc needs of the packages, and where the guest looks for it. */
const FILES: Record<string, string> = {
  "usr/bin/tcc": "/bin/tcc",
  "lib/i386-linux-gnu/ld-linux.so.2": "/lib/ld-linux.so.2",
  "lib/i386-linux-gnu/libc.so.6": "/lib/i386-linux-gnu/libc.so.6",
  "lib/i386-linux-gnu/libm.so.6": "/lib/i386-linux-gnu/libm.so.6",
  "lib/i386-linux-gnu/libdl.so.2": "/lib/i386-linux-gnu/libdl.so.2",
  "lib/i386-linux-gnu/libpthread.so.0": "/lib/i386-linux-gnu/libpthread.so.0",
};

/** The command of the guest that compiles `/src/NAME.c` to `/bin/NAME`. */
export function compileInGuest(name: string): string {
  return `tcc -nostdlib -static -nostdinc -I/src/tcc -I/src -o /bin/${name} /src/${name}.c`;
}

/** Debian's small C compiler, for a guest whose host has no gcc. Fetched once. Throws as `makeGuestImage` does. */
export async function guestCompiler(onProgress: GuestImageOptions["onProgress"]): Promise<GuestFile[]> {
  await makeCompleteFolder(FOLDER, async (work) => {
    onProgress?.({ step: "fetching the package lists" });
    const apt = await PrivateApt.create(work, "i386");
    await apt.update();
    await apt.download(PACKAGES, (receivedBytes, totalBytes) => {
      onProgress?.({ step: "downloading", receivedBytes, totalBytes });
    });
    onProgress?.({ step: "unpacking" });
    await apt.unpack(join(work, "root"));
    return join(work, "root");
  });
  return await Promise.all(
    Object.entries(FILES).map(async ([from, path]) => ({
      path,
      mode: 0o755,
      bytes: await Deno.readFile(join(FOLDER, from)),
    })),
  );
}

/** The sources of `folders` (each with the folder of the guest for them). */
export async function guestSources(folders: Record<string, string>): Promise<GuestFile[]> {
  const files: GuestFile[] = [];
  for (const [folder, target] of Object.entries(folders)) {
    for (const { name } of [...Deno.readDirSync(folder)].filter(({ name }) => /\.[ch]$/.test(name))) {
      files.push({ path: `${target}/${name}`, mode: 0o644, bytes: await Deno.readFile(join(folder, name)) });
    }
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}
