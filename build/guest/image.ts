import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CpioEntry, writeCpio } from "./cpio.ts";
import {
  fetchPackages,
  type GuestKernel,
  type GuestPackages,
  type OptionalModule,
  packagesKey,
  readPackages,
} from "./packages.ts";

export type { GuestKernel } from "./packages.ts";
export { AptMissingError, GuestPackageError } from "./apt.ts";

/** A file to put into the guest. */
export interface GuestFile {
  /** Absolute path in the guest; its directories are made. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Permission bits, such as 0o755. */
  readonly mode: number;
}

/** How far `makeGuestImage` is. The byte counts come with "downloading" only. */
export interface GuestImageProgress {
  readonly step: "fetching the package lists" | "downloading" | "unpacking" | "writing the initramfs";
  readonly receivedBytes?: number;
  readonly totalBytes?: number;
}

/** What `makeGuestImage` takes; everything has a default. */
export interface GuestImageOptions {
  /** Which of Debian's kernels; "stable" unless given. */
  readonly kernel?: GuestKernel;
  /** Kernel modules that it has besides the device's. */
  readonly modules?: readonly OptionalModule[];
  /** More files for the guest: programs, pictures. */
  readonly files?: readonly GuestFile[];
  /** Is called at every step, and while packages arrive. */
  readonly onProgress?: (progress: GuestImageProgress) => void;
  /** Where fetched packages are kept; `.cache/guest` of this checkout unless given. */
  readonly cacheFolder?: string;
}

/** A Debian guest that any PC emulator can boot. The bytes are the caller's. */
export interface GuestImage {
  /** Changes when any byte of the image or its command line changes: names what is derived from it, as a saved state. */
  readonly key: string;
  readonly bios: Uint8Array<ArrayBuffer>;
  readonly vgaBios: Uint8Array<ArrayBuffer>;
  /** The kernel's bzImage. */
  readonly kernel: Uint8Array<ArrayBuffer>;
  /** An uncompressed cpio archive. */
  readonly initramfs: Uint8Array<ArrayBuffer>;
  /** The kernel command line that this image wants. */
  readonly commandLine: string;
  /** The kernel's release, as `uname -r` says it. */
  readonly release: string;
}

/** Where fetched packages and saved guests are kept, outside of git. */
export const GUEST_CACHE_FOLDER = fileURLToPath(new URL("../../.cache/guest", import.meta.url));

// The crypto self-tests and the search for ISA cards take 3 of the 10 seconds of a boot in v86, and tell us nothing.
const COMMAND_LINE = "console=ttyS0 cryptomgr.notests noisapnp";

const DIRECTORY = 0o040755;
const REGULAR_FILE = 0o100000;

/**
 * Makes the guest that tests and the demo boot: Debian's stock kernel and a busybox that obeys commands on the
 * serial line (see init.sh). Packages are fetched once and kept in the cache folder; nothing needs root.
 * Throws `AptMissingError` where the machine has no apt, and `GuestPackageError` where apt cannot get the packages.
 */
export async function makeGuestImage(options: GuestImageOptions = {}): Promise<GuestImage> {
  const onProgress = options.onProgress ?? (() => {});
  const kernelChoice = options.kernel ?? "stable";
  const folder = join(options.cacheFolder ?? GUEST_CACHE_FOLDER, packagesKey(kernelChoice));
  await fetchPackages(
    folder,
    kernelChoice,
    (step) => onProgress({ step }),
    (receivedBytes, totalBytes) => onProgress({ step: "downloading", receivedBytes, totalBytes }),
  );
  onProgress({ step: "writing the initramfs" });
  const packages = await readPackages(folder, options.modules ?? []);
  const initramfs = writeCpio(await initramfsEntries(packages, options.files ?? []));
  const { bios, vgaBios, kernel, release } = packages;
  const key = await digest([bios, vgaBios, kernel, initramfs, new TextEncoder().encode(COMMAND_LINE)]);
  return { key, bios, vgaBios, kernel, initramfs, release, commandLine: COMMAND_LINE };
}

async function initramfsEntries(packages: GuestPackages, files: readonly GuestFile[]): Promise<CpioEntry[]> {
  const all: GuestFile[] = [
    { path: "/init", mode: 0o755, bytes: await Deno.readFile(new URL("./init.sh", import.meta.url)) },
    { path: "/bin/console", mode: 0o755, bytes: await Deno.readFile(new URL("./console.sh", import.meta.url)) },
    { path: "/bin/busybox", mode: 0o755, bytes: packages.busybox },
    ...[...packages.modules].map(([name, bytes]) => ({
      path: `/lib/modules/${packages.release}/${name}`,
      mode: 0o644,
      bytes,
    })),
    ...files,
  ];
  return [
    ...directoriesOf(all).map((path) => ({ path, mode: DIRECTORY })),
    { path: "dev/console", mode: 0o020600, device: [5, 1] }, // the kernel opens it before devtmpfs is there
    ...all.map(({ path, mode, bytes }) => ({ path: path.slice(1), mode: REGULAR_FILE | mode, bytes })),
  ];
}

/** Every directory above the files, parents first, without leading slashes. */
function directoriesOf(files: readonly GuestFile[]): string[] {
  const paths = new Set(["dev"]);
  for (const { path } of files) {
    const parts = path.slice(1).split("/").slice(0, -1);
    parts.forEach((_, index) => paths.add(parts.slice(0, index + 1).join("/")));
  }
  return [...paths];
}

async function digest(parts: readonly Uint8Array<ArrayBuffer>[]): Promise<string> {
  const hashes = await Promise.all(parts.map((part) => crypto.subtle.digest("SHA-256", part)));
  const hash = await crypto.subtle.digest("SHA-256", await new Blob(hashes).arrayBuffer());
  return new Uint8Array(hash).toHex().slice(0, 16);
}

if (import.meta.main) {
  const start = performance.now();
  const image = await makeGuestImage({
    onProgress: ({ step, receivedBytes, totalBytes }) =>
      console.log(totalBytes === undefined ? step : `${step}: ${receivedBytes} of ${totalBytes} bytes`),
  });
  const { key, release, kernel, initramfs } = image;
  console.log(`guest ${key}: Linux ${release}, kernel ${kernel.length} bytes, initramfs ${initramfs.length} bytes`);
  console.log(`${(performance.now() - start).toFixed(0)} ms`);
}
