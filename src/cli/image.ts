import { join } from "node:path";
import { Command } from "commander";
import { GUEST_CACHE_FOLDER, makeGuestImage } from "../../build/guest/image.ts";
import { packagesKey } from "../../build/guest/packages.ts";
import { megabytes, showGuestProgress } from "./guest_progress.ts";
import type { Terminal } from "./terminal.ts";

/** `scanout image`: fetches what the Debian guest is made of, so that the demo and the tests find it. */
export function imageCommand(terminal: Terminal): Command {
  return new Command("image")
    .description("make the Debian guest ahead of time: fetches its packages (needs apt, but neither root nor changes)")
    .action(async () => {
      const { release, kernel, initramfs } = await makeGuestImage({ onProgress: showGuestProgress(terminal) });
      terminal.line(
        `Debian guest: Linux ${release}, kernel ${megabytes(kernel.length)}, initramfs ${megabytes(initramfs.length)}`,
      );
      terminal.line(`Its files are in ${join(GUEST_CACHE_FOLDER, packagesKey("stable"))}`);
    });
}
