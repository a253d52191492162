import { assertEquals } from "@std/assert";
import { comparePictures } from "../golden.ts";
import { debianImage, LOAD_DRIVER } from "../guest_debian.ts";
import type { Picture } from "../png.ts";
import { QemuMachine } from "./qemu_machine.ts";
import { qemuProgram, type QemuVersion } from "./qemu_program.ts";
import type { ScanoutBackEnd } from "./scanout_back_end.ts";

/** A machine that is connected to our back end, and how it is made. */
export interface QemuGuestOptions {
  readonly version: QemuVersion;
  /** As QEMU's -device takes it. */
  readonly device: string;
  /** How many of the device's displays can be viewed; none unless given. */
  readonly viewedHeads?: number;
}

const PATIENCE_MILLISECONDS = 20_000;
const INTERVAL_MILLISECONDS = 50;
/** What the back end says of front ends that come and go. */
const USUAL_LINE = /^scanout: (a front end has connected|the front end is disconnected: it has gone)$/;

/** Boots an amd64 Debian guest in QEMU with the programs of tests/guest_programs in it, and loads the driver. */
export async function bootQemuGuest(
  { version, ...options }: QemuGuestOptions,
  { socketPath }: ScanoutBackEnd,
): Promise<QemuMachine> {
  const [program, image] = [await qemuProgram(version), await debianImage("stable-amd64")];
  const machine = await QemuMachine.boot({ program, image, socketPath, ...options });
  await machine.output(LOAD_DRIVER);
  return machine;
}

/** Asserts that what `look` sees becomes `expected`, pixel by pixel: what a guest draws is shown somewhat later. */
export async function assertBecomesPicture(look: () => Promise<Picture>, expected: Picture): Promise<void> {
  await assertBecomes(async () => comparePictures(await look(), expected), undefined);
}

/** Asserts that what `look` sees becomes `expected`. */
export async function assertBecomes<T>(look: () => T | Promise<T>, expected: T): Promise<void> {
  const end = Date.now() + PATIENCE_MILLISECONDS;
  while (Date.now() < end) {
    try {
      return assertEquals(await look(), expected);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MILLISECONDS));
    }
  }
  assertEquals(await look(), expected);
}

/** Asserts that a back end has said nothing but that front ends have come and gone. */
export function assertNoComplaints(complaints: string): void {
  assertEquals(complaints.split("\n").filter((line) => line !== "" && !USUAL_LINE.test(line)), []);
}
