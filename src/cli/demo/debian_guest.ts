import type { V86 } from "v86";
import { GuestMachine } from "../../../build/guest/guest_machine.ts";
import { type GuestFile, type GuestImage, makeGuestImage } from "../../../build/guest/image.ts";
import type { VirtioGpu } from "../../device/virtio_gpu.ts";
import { MemoryDisplay, type Picture } from "../../display/memory_display.ts";
import { attach } from "../../hosts/v86.ts";
import { showGuestProgress } from "../guest_progress.ts";
import type { Terminal } from "../terminal.ts";
import type { Animation } from "./animation.ts";
import { count, measureWork, reportGuestErrors, type Shown } from "./guest.ts";
import { SCENE_HEIGHT, SCENE_WIDTH } from "./scene.ts";

const ROUNDS = 12;
const BLOCK_BYTES = 64 * 1024; // of animate.sh
const STATUS_MILLISECONDS = 250;
const ANIMATION_TIMEOUT_SECONDS = 300;
const LOAD_DRIVER = "modprobe -a virtio_pci virtio_gpu && until [ -e /dev/fb0 ]; do sleep 0.1; done";
const SETTLE_ROUNDS = 50;

/** Makes the guest's image with the animation in it. Throws as `makeGuestImage` does. */
export async function makeDemoImage(animation: Animation, terminal: Terminal): Promise<GuestImage> {
  const script = await Deno.readFile(new URL("../../../build/guest/animate.sh", import.meta.url));
  const files: GuestFile[] = [
    { path: "/bin/animate", mode: 0o755, bytes: script },
    { path: "/animation/whole", mode: 0o644, bytes: animation.whole },
    ...animation.water.map((bytes, frame) => ({ path: `/animation/water/${frame}`, mode: 0o644, bytes })),
  ];
  return await makeGuestImage({ files, onProgress: showGuestProgress(terminal) });
}

/** Boots Debian in v86 with a device in it, whose screen Debian's own driver draws: the console, then the animation. */
export async function showDebian(image: GuestImage, animation: Animation, terminal: Terminal): Promise<Shown> {
  const display = new MemoryDisplay();
  const { machine, gpu } = await boot(image, display, terminal);
  try {
    terminal.line("Debian's own driver, virtio_gpu, finds the device:");
    for (const line of await loadDriver(machine)) terminal.line(`  ${line}`);
    const { widthPixels, heightPixels } = screen(display);
    terminal.line(`Mode: ${widthPixels}x${heightPixels}`);

    await machine.output("console");
    const console = await settledScreen(machine, display);
    const frames = 1 + ROUNDS * animation.water.length;
    const work = await measureWork(gpu.counters, frames, () => animate(machine, gpu, animation, terminal));
    return { console, picture: await settledScreen(machine, display), work };
  } finally {
    await machine.close();
  }
}

async function boot(image: GuestImage, display: MemoryDisplay, terminal: Terminal) {
  terminal.line(`Debian's Linux ${image.release} boots in v86, with a virtio-gpu device on its PCI bus`);
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
  let lastLine = "the kernel unpacks itself";
  const timer = setInterval(() => terminal.status("Booting", `${seconds()} s, ${lastLine}`), STATUS_MILLISECONDS);
  let gpu: VirtioGpu;
  try {
    const machine = await GuestMachine.boot({
      image,
      onLine: (line) => lastLine = printable(line),
      async beforeRun(emulator: V86) {
        const attached = await attach(emulator, {
          display,
          outputs: [{ widthPixels: SCENE_WIDTH, heightPixels: SCENE_HEIGHT }],
          onGuestError: reportGuestErrors(terminal),
        });
        gpu = attached.gpu;
      },
    });
    terminal.line(`It has booted in ${seconds()} s`);
    return { machine, gpu: gpu! };
  } finally {
    clearInterval(timer);
  }
}

/** Loads the driver and returns what it says in the kernel's log. */
async function loadDriver(machine: GuestMachine): Promise<string[]> {
  await machine.dmesg();
  await machine.output(LOAD_DRIVER);
  const log = await machine.dmesg();
  return log.split("\n").filter((line) => line.includes("[drm]"));
}

async function animate(machine: GuestMachine, gpu: VirtioGpu, animation: Animation, terminal: Terminal): Promise<void> {
  const before = gpu.counters.commands;
  const began = performance.now();
  const timer = setInterval(() => {
    const commands = gpu.counters.commands - before;
    terminal.status("Drawing", `${count(commands / (performance.now() - began) * 1000)} commands per second`);
  }, STATUS_MILLISECONDS);
  try {
    await machine.run(`animate ${ROUNDS} ${animation.waterOffsetBytes / BLOCK_BYTES}`, ANIMATION_TIMEOUT_SECONDS);
  } finally {
    clearInterval(timer);
  }
}

/** What the guest shows once it draws no more: its kernel sends what was drawn some time after the program has gone on. */
async function settledScreen(machine: GuestMachine, display: MemoryDisplay): Promise<Picture> {
  for (let round = 0; round < SETTLE_ROUNDS; round++) {
    const { frames } = display;
    await machine.output("sleep 0.2"); // of the guest's time
    if (display.frames === frames) break;
  }
  return screen(display);
}

function screen(display: MemoryDisplay): Picture {
  const picture = display.picture(0);
  if (picture === undefined) throw new Error("The guest's driver shows nothing on the device");
  return picture;
}

/** A line of a serial console without what would move a terminal's cursor. */
function printable(line: string): string {
  // deno-lint-ignore no-control-regex -- that is what has to go
  return line.replaceAll(/\x1b\[[\d;?]*[A-Za-z]|[\x00-\x1f\x7f]/g, "");
}
