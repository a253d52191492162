import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PrivateApt } from "../../build/guest/apt.ts";
import { makeCompleteFolder } from "../../build/guest/complete_folder.ts";

/** A program that is a vhost-user back end of QEMU's kind: it takes `--socket-path=PATH`. */
export interface BackEndProgram {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
}

const C_FOLDER = fileURLToPath(new URL("../../.cache/qemu/vhost-user-gpu-1", import.meta.url));
const C_PROGRAM = "usr/lib/qemu/vhost-user-gpu";
const C_LIBRARIES = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];
const C_SUITE = "bookworm";
/** What the program needs; its own package, which has QEMU's windows, too, would bring 200 MiB more. */
const C_CLOSURES = ["libvirglrenderer1", "libglib2.0-0", "libpixman-1-0", "libnuma1"];

const OURS = fileURLToPath(new URL("../../packaging/vhost-user/scanout-vhost-user-gpu", import.meta.url));

/** Ours, as users start it. */
export function scanoutProgram(): BackEndProgram {
  return { name: "scanout", command: OURS, args: [], env: { SCANOUT_DENO: Deno.execPath(), NO_COLOR: "1" } };
}

/** QEMU's own in C, as Debian built it; fetched once and kept in the cache. Throws `AptMissingError`, `GuestPackageError`. */
export async function cProgram(): Promise<BackEndProgram> {
  await makeCompleteFolder(C_FOLDER, fetchRoot);
  const [libraries, ...others] = C_LIBRARIES.map((folder) => join(C_FOLDER, folder));
  return {
    name: "vhost-user-gpu",
    command: join(others[0]!, "ld-linux-x86-64.so.2"),
    args: ["--library-path", [libraries, ...others].join(":"), join(C_FOLDER, C_PROGRAM)],
    env: {},
  };
}

async function fetchRoot(work: string): Promise<string> {
  const apt = await PrivateApt.create(work, "amd64");
  await apt.update();
  for (const name of C_CLOSURES) await apt.downloadClosure(name, C_SUITE);
  await apt.download(["qemu-system-gui"], () => {});
  const root = join(work, "root");
  await apt.unpack(root);
  return root;
}
