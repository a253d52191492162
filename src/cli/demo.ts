import { join } from "node:path";
import { Command } from "commander";
import { AptMissingError, type GuestImage, GuestPackageError } from "../../build/guest/image.ts";
import type { Picture } from "../display/memory_display.ts";
import { encodePng } from "../display/png_encode.ts";
import { type Animation, makeAnimation } from "./demo/animation.ts";
import { showBuiltIn } from "./demo/built_in_guest.ts";
import { makeDemoImage, showDebian } from "./demo/debian_guest.ts";
import { count, type Shown, type Work } from "./demo/guest.ts";
import { megabytes } from "./guest_progress.ts";
import type { Terminal } from "./terminal.ts";

/** The options of `scanout demo`. */
export interface DemoOptions {
  /** The folder for the pictures; it is made when it does not exist. */
  readonly out: string;
  /** Whether Debian stays away even where it could boot. */
  readonly builtIn?: boolean;
}

const EXAMPLES = `
Examples:
  scanout demo
  scanout demo --built-in --out pictures

Where Debian's packages cannot be had (no apt, no network), Scanout's built-in guest driver draws the picture instead.
It has no console.`;

/** `scanout demo`: a guest draws on a device, and what is seen then is left as PNG files. */
export function demoCommand(terminal: Terminal): Command {
  return new Command("demo")
    .description("boot Debian in v86 and see its own driver draw on the device; writes PNG files")
    .option("--out <folder>", "where console.png and picture.png are written", "out")
    .option("--built-in", "do not boot Debian: use the built-in guest driver")
    .addHelpText("after", EXAMPLES)
    .action((options: DemoOptions) => runDemo(options, terminal));
}

/**
 * Has a guest draw, tells on `terminal` what happens, and writes what is seen to PNG files. The guest is Debian, from the
 * image that `makeImage` gives; where that rejects for want of packages, it is the built-in driver.
 */
export async function runDemo(options: DemoOptions, terminal: Terminal, makeImage = makeDemoImage): Promise<void> {
  const { out, builtIn = false } = options;
  terminal.status("Painting the picture that the guest will draw");
  const animation = makeAnimation();
  const image = builtIn ? undefined : await orUndefined(makeImage(animation, terminal), terminal);
  const shown = image === undefined
    ? await showWithoutDebian(animation, terminal)
    : await showDebian(image, animation, terminal);
  terminal.line(describeWork(shown.work));
  if (shown.console !== undefined) await writePng(out, "console.png", shown.console, terminal);
  await writePng(out, "picture.png", shown.picture, terminal);
}

/** The image, or undefined and a word about it where its packages cannot be had. */
async function orUndefined(image: Promise<GuestImage>, terminal: Terminal): Promise<GuestImage | undefined> {
  try {
    return await image;
  } catch (error) {
    if (!(error instanceof AptMissingError || error instanceof GuestPackageError)) throw error;
    terminal.line(`No Debian here. ${error.message}`);
    return undefined;
  }
}

function showWithoutDebian(animation: Animation, terminal: Terminal): Promise<Shown> {
  terminal.line("Scanout's built-in guest driver draws, through virtqueues as Linux does: the picture, but no console");
  return showBuiltIn(animation, terminal);
}

function describeWork({ frames, seconds, commands, refused, bytes }: Work): string {
  const facts = [
    `${count(frames)} frames in ${seconds.toFixed(1)} s`,
    `${count(commands)} commands`,
    `${refused === 0 ? "none" : count(refused)} refused`,
    `${megabytes(bytes)} moved`,
    `${count(commands / seconds)} commands per second`,
  ];
  return `Drawn: ${facts.join(", ")}`;
}

async function writePng(folder: string, name: string, picture: Picture, terminal: Terminal): Promise<void> {
  const path = join(folder, name);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeFile(path, encodePng(picture.rgba, picture.widthPixels, picture.heightPixels));
  terminal.line(`Written: ${path}`);
}
