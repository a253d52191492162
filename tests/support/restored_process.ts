/**
 * A process of its own that goes on with a guest whose file is named on the command line: for tests/external. The guest shows
 * the pattern of its program `dumb`. Prints what was seen as JSON.
 */

import { comparePictures } from "./golden.ts";
import { DebianGuest, dumbPattern } from "./guest_debian.ts";

/** What the process has seen. */
export interface RestoredReport {
  /** How often something was shown before the guest ran again. */
  frames: number;
  /** How that differs from the pattern; absent when it does not. */
  difference?: string | undefined;
  /** What the guest's program printed before and after. */
  output: string;
  /** The guest's fixed console text, as PNG compares it: width, height and RGBA bytes in hexadecimal. */
  console: { widthPixels: number; heightPixels: number; rgba: string };
  /** Lines of the kernel's log since the restore. */
  log: string;
  /** Errors that the device reported. */
  errors: number;
}

if (import.meta.main) {
  const file = (await Deno.readFile(Deno.args[0]!)).buffer;
  let frames = 0;
  let difference: string | undefined;
  const guest = await DebianGuest.restore({}, file, (display) => {
    frames = display.frames;
    difference = comparePictures(display.picture(0)!, dumbPattern(1024, 768));
  });
  const output = await guest.output("end dumb");
  await guest.output("console");
  const { widthPixels, heightPixels, rgba } = await guest.picture();
  const log = await guest.output("dmesg -c");
  await guest.machine.close();
  const report: RestoredReport = {
    frames,
    difference,
    output,
    console: { widthPixels, heightPixels, rgba: rgba.toHex() },
    log,
    errors: guest.errors.length,
  };
  console.log(JSON.stringify(report));
}
