import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PrivateApt } from "../../../build/guest/apt.ts";
import { makeCompleteFolder } from "../../../build/guest/complete_folder.ts";
import { dropKvmCheck } from "./kvm_check.ts";

/** Which of Debian's builds of QEMU: bookworm's, or the first with a vhost-user device of any kind. */
export type QemuVersion = "7.2" | "11.1";

/** How to start a program: the arguments come before its caller's. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
}

/** Where a version comes from: the last suite has it, the others what it depends on. */
interface QemuSource {
  readonly suites: readonly string[];
  readonly change?: (program: string) => Promise<void>;
}

const SOURCES: Record<QemuVersion, QemuSource> = {
  "7.2": { suites: ["bookworm"], change: dropKvmCheck },
  "11.1": { suites: ["trixie", "trixie-backports"] },
};

const PACKAGE = "qemu-system-x86";
const PROGRAM = "usr/bin/qemu-system-x86_64";
const LIBRARIES = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];
const MODULES = "usr/lib/x86_64-linux-gnu/qemu";
const DATA = ["usr/share/qemu", "usr/share/seabios"];
const LOADER = "ld-linux-x86-64.so.2";

const CACHE_FOLDER = fileURLToPath(new URL("../../../.cache/qemu", import.meta.url));
/** Changes when what a folder holds changes, so that older ones are not used. */
const CACHE_KEY = 1;

/**
 * Fetches a QEMU with all that it depends on, once, and keeps it in the cache: it runs beside whatever the machine has.
 * Throws `AptMissingError` and `GuestPackageError`.
 */
export async function qemuProgram(version: QemuVersion): Promise<Program> {
  const root = join(CACHE_FOLDER, `${version}-${CACHE_KEY}`);
  await makeCompleteFolder(root, (work) => fetchRoot(work, SOURCES[version]));
  const libraries = LIBRARIES.map((folder) => join(root, folder));
  return {
    command: await firstFile(libraries.map((folder) => join(folder, LOADER))),
    args: [
      "--library-path",
      libraries.join(":"),
      join(root, PROGRAM),
      ...DATA.flatMap((folder) => ["-L", join(root, folder)]),
    ],
    env: { QEMU_MODULE_DIR: join(root, MODULES) },
  };
}

async function fetchRoot(work: string, { suites, change }: QemuSource): Promise<string> {
  const apt = await PrivateApt.create(work, "amd64");
  await apt.update();
  for (const suite of suites) await apt.addSuite(suite);
  await apt.downloadClosure(PACKAGE, suites.at(-1)!);
  const root = join(work, "root");
  await apt.unpack(root);
  await change?.(join(root, PROGRAM));
  return root;
}

async function firstFile(paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    if (await Deno.stat(path).then(() => true, () => false)) return path;
  }
  throw new Error(`There is none of ${paths.join(", ")}`);
}
