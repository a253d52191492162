import { GuestMachine } from "../../build/guest/guest_machine.ts";
import type { Display } from "../../src/display/display.ts";
import { attach } from "../../src/hosts/v86.ts";
import { BYTES_PER_PIXEL } from "../../src/protocol/formats.ts";
import { DebianGuest, debianImage, debianState } from "../../tests/support/guest_debian.ts";
import { cpuOf } from "../../tests/support/guest_emulator.ts";

/** A guest and one way from what it draws to RGBA. It stands still between runs; `close` it when done. */
export interface Contender {
  readonly name: string;
  /** Runs a shell command in the guest, and returns what it printed. */
  readonly run: (command: string) => Promise<string>;
  /** Time that the host has spent on the way so far, in milliseconds. */
  readonly hostMilliseconds: () => number;
  /** What else there is to say of it, when all is over. */
  readonly report: () => string;
  readonly close: () => Promise<void>;
}

/** How often a page shows v86's VGA: once for each frame of a common monitor. */
const PAGE_FRAMES_PER_SECOND = 60;
/** What one command counts in `counters.bytes` besides the bytes that it moves. */
const COMMAND_BYTES = 1024;

/** Linux's virtio_gpu driver on our device, which converts at each flush what was damaged. */
export async function virtioGpu(name: string, resourceBlob: boolean): Promise<Contender> {
  const { machine, device: { gpu }, display } = await DebianGuest.start({ resourceBlob });
  await machine.emulator.stop();
  const before = { ...gpu.counters };
  const pixels = countPixels(display);
  const hostMilliseconds = timeMethod(gpu, "notify");
  return {
    name,
    run: (command) => runAndStop(machine, command),
    hostMilliseconds,
    report() {
      const { commands, bytes } = gpu.counters;
      const movedBytes = bytes - before.bytes - (commands - before.commands) * COMMAND_BYTES;
      return `${(movedBytes / (pixels() * BYTES_PER_PIXEL)).toFixed(2)} copies of each damaged pixel`;
    },
    close: () => close(machine),
  };
}

/** v86's VGA as far as a page uses it. */
interface V86Vga {
  screen: { update_buffer(layers: unknown): void };
  screen_fill_buffer(): void;
}

/**
 * Linux's bochs driver on v86's own VGA, into whose memory the guest draws. A page has v86 convert what has changed at each
 * of its animation frames, so this does it by a timer, however many pictures the guest draws in between.
 */
export async function bochsVga(name: string): Promise<Contender> {
  const image = await debianImage();
  const beforeRun = async (emulator: object) => void await attach(emulator); // the saved state has its PCI function
  const machine = await GuestMachine.resume({ image, beforeRun }, await debianState());
  await machine.output("modprobe bochs");
  const { vga } = cpuOf(machine.emulator).devices as unknown as { vga: V86Vga };
  vga.screen.update_buffer = () => {}; // where a page would put the pixels on its canvas
  const hostMilliseconds = timeMethod(vga, "screen_fill_buffer");
  await machine.emulator.stop();
  let conversions = 0;
  let milliseconds = 0;
  return {
    name,
    async run(command) {
      const started = performance.now();
      const timer = setInterval(() => {
        vga.screen_fill_buffer();
        conversions++;
      }, 1000 / PAGE_FRAMES_PER_SECOND);
      const output = await runAndStop(machine, command);
      clearInterval(timer);
      milliseconds += performance.now() - started;
      return output;
    },
    hostMilliseconds,
    report: () => `converted ${(conversions * 1000 / milliseconds).toFixed(0)} times a second`,
    close: () => close(machine),
  };
}

async function runAndStop(machine: GuestMachine, command: string): Promise<string> {
  await machine.emulator.run();
  const output = await machine.output(command);
  await machine.emulator.stop();
  return output;
}

async function close(machine: GuestMachine): Promise<void> {
  await machine.emulator.run(); // one that stands still cannot be closed
  await machine.close();
}

/** Replaces a method by one that is timed; returns what tells the milliseconds spent in it so far. */
function timeMethod<K extends string>(
  object: { [name in K]: (argument: number) => void },
  name: K,
): () => number {
  const method = object[name];
  let milliseconds = 0;
  object[name] = (argument: number) => {
    const started = performance.now();
    method.call(object, argument);
    milliseconds += performance.now() - started;
  };
  return () => milliseconds;
}

/** Returns what tells how many pixels a display has been shown since now. */
function countPixels(display: Display): () => number {
  const { show } = display;
  let pixels = 0;
  display.show = (scanoutId, source, damage) => {
    pixels += damage.width * damage.height;
    show.call(display, scanoutId, source, damage);
  };
  return () => pixels;
}
