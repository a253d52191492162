import { assertEquals } from "@std/assert";
import { patternPicture, withPattern } from "../guest_pattern.ts";
import type { Picture } from "../png.ts";
import type { QemuMachine } from "./qemu_machine.ts";

const WIDTH = 1024;
const HEIGHT = 768;
const LEGACY = patternPicture(1, WIDTH, HEIGHT);
const DAMAGED = withPattern(LEGACY, 2, { x: 100, y: 50, width: 200, height: 120 });
const ALL_DRAWN = withPattern(DAMAGED, 3, { x: 400, y: 400, width: 10, height: 10 });
const ATOMIC = patternPicture(9, WIDTH, HEIGHT);

/** The first steps of tests/guest_programs/modes.c on a screen of 1024x768, and what is shown after each. */
const STEPS: readonly (readonly [name: string, picture: Picture])[] = [
  ["legacy", LEGACY],
  ["dirtyfb", DAMAGED],
  ["flip", patternPicture(4, WIDTH, HEIGHT)],
  ["flips", ALL_DRAWN],
  ["cursor", ALL_DRAWN],
  ["cursor-move", ALL_DRAWN],
  ["cursor-hide", ALL_DRAWN],
  ["atomic", ATOMIC],
  ["no-damage-clips", ATOMIC],
];

/**
 * Starts the program and takes it through its steps until the host has to change an output; it waits then. `isLive` says
 * that what is shown is the guest's memory as it is: what the guest has drawn without a word, too.
 */
export async function assertModes(
  machine: QemuMachine,
  assertShown: (picture: Picture) => Promise<void>,
  { isLive = false } = {},
): Promise<void> {
  for (const [index, [name, picture]] of STEPS.entries()) {
    assertEquals(passedStep(await machine.output(index === 0 ? "begin modes" : "step modes")), name);
    await assertShown(isLive && picture === DAMAGED ? ALL_DRAWN : picture);
  }
}

/** The step that the program says it has done; all that it says when there is none. */
export function passedStep(output: string): string {
  return /^PASS (\S+)$/m.exec(output)?.[1] ?? output;
}
