import { assertEquals } from "@std/assert";
import { comparePictures } from "../golden.ts";
import { debianImage, LOAD_DRIVER } from "../guest_debian.ts";
import { decodePng, type Picture } from "../png.ts";
import { QemuMachine, type QemuOptions } from "./qemu_machine.ts";
import { qemuProgram, type QemuVersion } from "./qemu_program.ts";
import { ScanoutBackEnd } from "./scanout_back_end.ts";
import { uncompressedKernel } from "./uncompressed_kernel.ts";

/** A machine for a test. */
export interface QemuGuestOptions extends Pick<QemuOptions, "device" | "machine" | "isViewed"> {
  readonly version: QemuVersion;
}

/** A machine at its guest's shell, with the driver loaded, and the back end that is its GPU. */
export interface QemuGuest {
  readonly machine: QemuMachine;
  readonly backEnd: ScanoutBackEnd;
}

const CONSOLE = new URL("../../golden/console.png", import.meta.url);
const PATIENCE_MILLISECONDS = 20_000;
const INTERVAL_MILLISECONDS = 50;
/** What the back end says of front ends that come and go. */
const USUAL_LINE = /^(scanout: (a front end has connected|the front end is disconnected: it has gone))?$/;

/** Boots an amd64 Debian guest in QEMU with the programs of tests/guest_programs in it, and loads the driver. */
export async function bootQemuGuest(
  { version, ...options }: QemuGuestOptions,
  { socketPath }: Pick<ScanoutBackEnd, "socketPath">,
): Promise<QemuMachine> {
  const [program, image] = [await qemuProgram(version), await debianImage("stable-amd64")];
  const kernel = await uncompressedKernel(image);
  const machine = await QemuMachine.boot({ program, image, kernel, socketPath, ...options });
  await machine.output(LOAD_DRIVER);
  return machine;
}

/**
 * Runs `test` with a guest and a back end that was started with `backEndArgs`, and asserts that neither QEMU nor the back
 * end complains of the other or of the guest, and that the back end ends with its front end.
 */
export async function withQemuGuest(
  options: QemuGuestOptions,
  backEndArgs: readonly string[],
  test: (guest: QemuGuest) => Promise<void>,
): Promise<void> {
  const backEnd = await ScanoutBackEnd.start(...backEndArgs);
  try {
    const machine = await bootQemuGuest(options, backEnd);
    try {
      await test({ machine, backEnd });
    } catch (error) {
      await machine.kill();
      throw error;
    }
    assertEquals(await machine.close(), "");
    const { code, complaints } = await backEnd.ended();
    assertEquals(code, 0);
    assertNoComplaints(complaints);
  } finally {
    await backEnd.end("SIGKILL");
  }
}

/** Asserts that what `look` sees becomes `expected`, pixel by pixel: what a guest draws is shown somewhat later. */
export async function assertPicture(look: () => Promise<Picture>, expected: Picture): Promise<void> {
  await assertBecomes(async () => comparePictures(await look(), expected), undefined);
}

/** Lets the guest write its fixed text, and asserts that it becomes what `look` sees, on a screen of 1024x768. */
export async function assertConsole(machine: QemuMachine, ...looks: (() => Promise<Picture>)[]): Promise<void> {
  await machine.output("console");
  const expected = decodePng(await Deno.readFile(CONSOLE));
  for (const look of looks) await assertPicture(look, expected);
}

/** What `look` sees once the guest draws no more: its console is drawn by a worker, some time after the write. */
export async function stillPicture(machine: QemuMachine, look: () => Promise<Picture>): Promise<Picture> {
  let picture = await look();
  await assertBecomes(async () => {
    const before = picture;
    await machine.output("sleep 0.2"); // of the guest's time, in which the worker has its turn
    picture = await look();
    return comparePictures(picture, before);
  }, undefined);
  return picture;
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
  assertEquals(complaints.split("\n").filter((line) => !USUAL_LINE.test(line)), []);
}
