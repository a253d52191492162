import { basename, join } from "node:path";
import { type Architecture, type OnDownload, PrivateApt } from "./apt.ts";
import { makeCompleteFolder } from "./complete_folder.ts";
import { modulesDep, readModules } from "./modules.ts";

/** What the guest image takes from Debian's packages. */
export interface GuestPackages {
  readonly bios: Uint8Array<ArrayBuffer>;
  readonly vgaBios: Uint8Array<ArrayBuffer>;
  /** The kernel's bzImage. */
  readonly kernel: Uint8Array<ArrayBuffer>;
  /** The kernel's release, as `uname -r` says it. */
  readonly release: string;
  /** A statically linked busybox. */
  readonly busybox: Uint8Array<ArrayBuffer>;
  /** Files of `/lib/modules/RELEASE`: the modules, and `modules.dep`. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
}

/** Receives the name of a step that begins. */
export type OnStep = (step: "fetching the package lists" | "downloading" | "unpacking") => void;

/**
 * Which of Debian's kernels the guest has, and with it the guest's architecture: "stable" is 6.1 for i386; "newest" is 6.5,
 * after which Debian made no more for i386; "stable-amd64" is 6.1 for amd64, which runs i386 programs too.
 */
export type GuestKernel = "stable" | "newest" | "stable-amd64";

/** Where a kernel comes from: what a metapackage names, or the package `name` of one more suite. */
type KernelSource =
  & { readonly architecture: Architecture }
  & ({ readonly metapackage: string } | { readonly suite: string; readonly name: string });

const KERNELS: Record<GuestKernel, KernelSource> = {
  "stable": { architecture: "i386", metapackage: "linux-image-686" },
  "newest": { architecture: "i386", suite: "bookworm-backports", name: "linux-image-6.5.0-0.deb12.4-686" },
  "stable-amd64": { architecture: "amd64", metapackage: "linux-image-amd64" },
};
const PACKAGES = ["busybox-static", "seabios"];

/** virtio_gpu on virtio-pci and on virtio-mmio, and bochs, which drives v86's own VGA and is what we are compared with. */
const MODULES = ["virtio_pci", "virtio_mmio", "virtio_gpu", "bochs"];

/** Modules that an image has if it asks for them: the keyboard and the mouse as event devices. */
const OPTIONAL_MODULES = ["evdev", "psmouse"] as const;
/** One of them. */
export type OptionalModule = (typeof OPTIONAL_MODULES)[number];

/** Names the folder for a kernel. Changes when what `fetchPackages` puts there changes, so that older ones are not read. */
export function packagesKey(kernel: GuestKernel): string {
  return `debian-4-${kernel}`;
}

/**
 * Fetches Debian's packages and leaves what the image needs in `folder`, unless it is there: it comes into being complete
 * or not at all. Throws `AptMissingError` and `GuestPackageError`.
 */
export async function fetchPackages(
  folder: string,
  kernel: GuestKernel,
  onStep: OnStep,
  onDownload: OnDownload,
): Promise<void> {
  const source = KERNELS[kernel];
  await makeCompleteFolder(folder, async (work) => {
    const apt = await PrivateApt.create(work, source.architecture);
    onStep("fetching the package lists");
    await apt.update();
    if ("suite" in source) await apt.addSuite(source.suite);
    onStep("downloading");
    const kernelPackage = "suite" in source ? source.name : await apt.firstDependency(source.metapackage);
    await apt.download([kernelPackage, ...PACKAGES], onDownload);
    onStep("unpacking");
    await apt.unpack(join(work, "root"));
    const kept = join(work, "kept");
    await keepNeededFiles(join(work, "root"), kept);
    return kept;
  });
}

/**
 * Reads what `fetchPackages` left in `folder`, of the optional modules only `optional`. Throws `Deno.errors.NotFound` where
 * it has not run.
 */
export async function readPackages(folder: string, optional: readonly OptionalModule[]): Promise<GuestPackages> {
  const modules = await readModules(await filesBelow(join(folder, "modules")), [...MODULES, ...optional]);
  const files = modules.map(({ name, bytes }): [string, Uint8Array] => [`${name}.ko`, bytes]);
  return {
    bios: await Deno.readFile(join(folder, "bios.bin")),
    vgaBios: await Deno.readFile(join(folder, "vgabios.bin")),
    kernel: await Deno.readFile(join(folder, "vmlinuz")),
    release: await Deno.readTextFile(join(folder, "release")),
    busybox: await Deno.readFile(join(folder, "busybox")),
    modules: new Map([...files, ["modules.dep", new TextEncoder().encode(modulesDep(modules))] as const].sort()),
  };
}

async function keepNeededFiles(root: string, kept: string): Promise<void> {
  await Deno.mkdir(join(kept, "modules"), { recursive: true });
  const [kernel] = (await filesBelow(join(root, "boot"))).filter((path) => basename(path).startsWith("vmlinuz-"));
  const release = basename(kernel!).slice("vmlinuz-".length);
  await Deno.writeTextFile(join(kept, "release"), release);
  await Deno.copyFile(kernel!, join(kept, "vmlinuz"));
  await Deno.copyFile(join(root, "bin/busybox"), join(kept, "busybox"));
  await Deno.copyFile(join(root, "usr/share/seabios/bios.bin"), join(kept, "bios.bin"));
  await Deno.copyFile(join(root, "usr/share/seabios/vgabios-stdvga.bin"), join(kept, "vgabios.bin"));

  const modules = await readModules(await filesBelow(join(root, "lib/modules", release)), [
    ...MODULES,
    ...OPTIONAL_MODULES,
  ]);
  for (const { name, bytes } of modules) await Deno.writeFile(join(kept, "modules", `${name}.ko`), bytes);
}

async function filesBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) paths.push(...await filesBelow(path));
    if (isFile) paths.push(path);
  }
  return paths;
}
