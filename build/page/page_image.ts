import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FILES, type GuestManifest, MANIFEST } from "../../examples/v86/guest_files.ts";
import { canCompileForGuest, compileForGuest } from "../guest/compile.ts";
import { type GuestFile, type GuestImage, type GuestImageOptions, makeGuestImage } from "../guest/image.ts";
import { westonFiles } from "../guest/weston.ts";
import { compileInGuest, guestCompiler, guestSources } from "./guest_compiler.ts";

const FOLDER = fileURLToPath(new URL("../../examples/v86/guest", import.meta.url));
const HEADERS = fileURLToPath(new URL("../../tests/guest_programs", import.meta.url));
const MEMORY_BYTES = 256 << 20;

const LOAD_DRIVER = "modprobe -a virtio_pci virtio_gpu && until [ -e /dev/fb0 ]; do sleep 0.1; done";
const MOUNT_TERMINALS = "mkdir -p /dev/pts; mount -t devpts devpts /dev/pts";
const START_DESKTOP = "setsid desktop </dev/tty1 >/run/desktop.log 2>&1 &";

/** The files of examples/v86/guest/weston, and where the guest has them. */
const WESTON_FILES: Record<string, string> = {
  "start.sh": "/bin/start-weston",
  "follow_monitors.sh": "/bin/follow-monitors",
  "weston.ini": "/etc/xdg/weston/weston.ini",
  "fonts.conf": "/etc/fonts/fonts.conf",
  "60-announced.rules": "/lib/udev/rules.d/60-announced.rules",
};

/** The guest of the page, and what the page must know of it. */
export interface PageImage {
  readonly image: GuestImage;
  readonly manifest: GuestManifest;
}

/** The guest's desktop: its files, and what must be done in the guest before it can run. */
interface Desktop {
  readonly files: readonly GuestFile[];
  readonly prepare: string;
}

/** Makes the guest of the page: Debian's kernel and modules, busybox, and the desktop of examples/v86/guest. */
export async function makePageImage(onProgress?: GuestImageOptions["onProgress"]): Promise<PageImage> {
  const { files, prepare } = await canCompileForGuest() ? await compiledDesktop() : await sourceDesktop(onProgress);
  const start = [LOAD_DRIVER, MOUNT_TERMINALS, prepare, START_DESKTOP].join("; ");
  return pageImage(await makeGuestImage({ files, ...(onProgress && { onProgress }) }), start);
}

/** Makes the page's other guest: the same kernel and busybox, and Debian's weston. */
export async function makeWestonImage(onProgress?: GuestImageOptions["onProgress"]): Promise<PageImage> {
  const own = await Promise.all(
    Object.entries(WESTON_FILES).map(async ([name, path]) => {
      const mode = name.endsWith(".sh") ? 0o755 : 0o644;
      return { path, mode, bytes: await Deno.readFile(join(FOLDER, "weston", name)) };
    }),
  );
  const files = [...await westonFiles(onProgress), ...own];
  const modules = ["evdev", "psmouse"] as const;
  return pageImage(await makeGuestImage({ files, modules, ...(onProgress && { onProgress }) }), "start-weston");
}

function pageImage(plain: GuestImage, start: string): PageImage {
  const commandLine = `console=tty0 ${plain.commandLine}`; // so that the VGA shows how the kernel boots
  return { image: { ...plain, commandLine }, manifest: { commandLine, memoryBytes: MEMORY_BYTES, start } };
}

/** The files of the page's folder guest/, by their names. `wasm` is v86's. */
export function pageFiles(
  { image, manifest }: PageImage,
  wasm: Uint8Array<ArrayBuffer>,
): Map<string, Uint8Array<ArrayBuffer>> {
  return new Map([
    [MANIFEST, new TextEncoder().encode(JSON.stringify(manifest))],
    [FILES.wasm, wasm],
    [FILES.bios, image.bios],
    [FILES.vgaBios, image.vgaBios],
    [FILES.kernel, image.kernel],
    [FILES.initramfs, image.initramfs],
  ]);
}

/** Compiled here by gcc, which makes it several times faster. */
async function compiledDesktop(): Promise<Desktop> {
  const bytes = await compileForGuest(FOLDER, "desktop.c", [`-I${HEADERS}`]);
  return { files: [{ path: "/bin/desktop", mode: 0o755, bytes }], prepare: "true" };
}

/** Compiled in the guest, where this machine has no compiler for it. */
async function sourceDesktop(onProgress: GuestImageOptions["onProgress"]): Promise<Desktop> {
  const sources = await guestSources({ [FOLDER]: "/src", [HEADERS]: "/src", [join(FOLDER, "tcc")]: "/src/tcc" });
  return { files: [...sources, ...await guestCompiler(onProgress)], prepare: compileInGuest("desktop") };
}
