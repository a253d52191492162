import type { Counters } from "../../device/command_answerer.ts";
import type { GuestError } from "../../device/guest_errors.ts";
import type { Picture } from "../../display/memory_display.ts";
import type { Terminal } from "../terminal.ts";

/** What a guest of the demo has shown, and how much work that was. */
export interface Shown {
  /** What the scanout showed when the guest had written its console; a guest without one leaves it out. */
  readonly console?: Picture;
  /** What it showed after the last frame of the animation. */
  readonly picture: Picture;
  readonly work: Work;
}

/** What a device did while the animation was drawn. */
export interface Work {
  readonly frames: number;
  readonly seconds: number;
  /** Commands that were answered, and those of them that were refused. */
  readonly commands: number;
  readonly refused: number;
  /** Bytes that the commands moved. */
  readonly bytes: number;
}

/** Runs `draw`, which draws `frames` frames, and tells how much work that was for the device with these `counters`. */
export async function measureWork(
  counters: Readonly<Counters>,
  frames: number,
  draw: () => void | Promise<void>,
): Promise<Work> {
  const before = { ...counters };
  const began = performance.now();
  await draw();
  return {
    frames,
    seconds: (performance.now() - began) / 1000,
    commands: counters.commands - before.commands,
    refused: counters.errors - before.errors,
    bytes: counters.bytes - before.bytes,
  };
}

/** A listener that tells on `terminal` what the guest's driver did wrong. */
export function reportGuestErrors(terminal: Terminal): (error: GuestError) => void {
  return ({ command, reason }) =>
    terminal.line(`The guest's driver erred: ${command}, ${reason.text} (${reason.clause})`);
}

/** A whole number with its thousands apart. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
