import { dirname, join } from "node:path";
import { PrivateApt } from "./apt.ts";
import { makeCompleteFolder } from "./complete_folder.ts";
import { GUEST_CACHE_FOLDER, type GuestFile, type GuestImageOptions } from "./image.ts";
import { libraryClosure } from "./library_closure.ts";

/** Has a number that changes with what is put there. */
const FOLDER = join(GUEST_CACHE_FOLDER, "weston-1");

/** weston, udev, what they and their libraries read, and the libraries: those that Debian's bookworm makes them of. */
const PACKAGES = `
  weston libweston-10-0 udev xkb-data libinput-bin fonts-dejavu-core
  libacl1 libblkid1 libbrotli1 libbsd0 libc6 libcairo2 libcap2 libdatrie1 libdbus-1-3 libdrm2 libevdev2 libexpat1
  libffi8 libfontconfig1 libfreetype6 libfribidi0 libgbm1 libgcrypt20 libglib2.0-0 libgpg-error0 libgraphite2-3
  libgudev-1.0-0 libharfbuzz0b libinput10 libjpeg62-turbo libkmod2 liblz4-1 liblzma5 libmd0 libmount1 libmtdev1
  libpango-1.0-0 libpangocairo-1.0-0 libpangoft2-1.0-0 libpcre2-8-0 libpixman-1-0 libpng16-16 libselinux1 libssl3
  libsystemd0 libthai0 libudev1 libva-drm2 libva2 libwacom9 libwayland-client0 libwayland-cursor0 libwayland-server0
  libwebp7 libx11-6 libxau6 libxcb-render0 libxcb-shm0 libxcb1 libxdmcp6 libxext6 libxkbcommon0 libxrender1 libzstd1
  zlib1g
`.trim().split(/\s+/);

const LIBRARIES = "usr/lib/i386-linux-gnu";
/** Where the programs look for libraries; the last one is weston's own. */
const LIBRARY_FOLDERS = ["lib/i386-linux-gnu", LIBRARIES, `${LIBRARIES}/weston`];
/** What is run, or opened by its name. */
const PROGRAMS = [
  "bin/udevadm",
  "usr/bin/weston",
  `${LIBRARIES}/libweston-10/drm-backend.so`,
  `${LIBRARIES}/weston/desktop-shell.so`,
  `${LIBRARIES}/weston-desktop-shell`,
  "usr/bin/weston-terminal",
  "usr/bin/weston-editor",
  "usr/bin/weston-flower",
];
/** Files and folders that are read. */
const DATA = [
  "lib/ld-linux.so.2",
  "lib/udev/rules.d/60-input-id.rules",
  "usr/share/X11/xkb/compat",
  "usr/share/X11/xkb/keycodes",
  "usr/share/X11/xkb/rules/evdev",
  "usr/share/X11/xkb/symbols",
  "usr/share/X11/xkb/types",
  "usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
  "usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
  "usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
  "usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf",
  "usr/share/libinput",
  "usr/share/weston",
];

/**
 * Debian's weston with its shell, a terminal and two more clients, to be drawn by pixman: of the packages only what these
 * programs load. Fetched once. Throws as `makeGuestImage` does.
 */
export async function westonFiles(onProgress: GuestImageOptions["onProgress"]): Promise<GuestFile[]> {
  await makeCompleteFolder(FOLDER, async (work) => {
    onProgress?.({ step: "fetching the package lists" });
    const apt = await PrivateApt.create(work, "i386");
    await apt.update();
    await apt.download(PACKAGES, (receivedBytes, totalBytes) => {
      onProgress?.({ step: "downloading", receivedBytes, totalBytes });
    });
    onProgress?.({ step: "unpacking" });
    const root = join(work, "root");
    await apt.unpack(root);
    const kept = join(work, "kept");
    const loaded = await libraryClosure(root, PROGRAMS, LIBRARY_FOLDERS);
    for (const path of [...loaded, ...await filesOf(root, DATA)]) await copyFile(join(root, path), join(kept, path));
    return kept;
  });
  const paths = await filesOf(FOLDER, ["."]);
  return await Promise.all(paths.sort().map((path) => readFile(FOLDER, path)));
}

/** The files of `paths`, and of those that are folders, whatever is in them. */
async function filesOf(root: string, paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const { isDirectory } = await Deno.stat(join(root, path));
    const inside = isDirectory ? Array.from(Deno.readDirSync(join(root, path)), ({ name }) => join(path, name)) : [];
    files.push(...isDirectory ? await filesOf(root, inside) : [path]);
  }
  return files;
}

async function copyFile(from: string, to: string): Promise<void> {
  await Deno.mkdir(dirname(to), { recursive: true });
  await Deno.copyFile(from, to);
}

async function readFile(root: string, path: string): Promise<GuestFile> {
  const { mode } = await Deno.stat(join(root, path));
  return { path: `/${path}`, mode: mode! & 0o777, bytes: await Deno.readFile(join(root, path)) };
}
