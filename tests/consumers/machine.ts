/**
 * A machine for those who install the packages, and its guest: the tests put both beside what they install. It knows the
 * device by its registers alone and imports nothing of the packages.
 */
import { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { GuestRam } from "../../src/guest/guest_ram.ts";
import { MmioDriverTransport, type MmioRange } from "../../src/guest/mmio_driver_transport.ts";
import {
  Format,
  writeResourceCreate2d,
  writeResourceFlush,
  writeSetScanout,
  writeTransferToHost2d,
} from "../../src/protocol/wire.gen.ts";

const WIDTH = 64;
const HEIGHT = 48;
const RAM_BYTES = 4 * 1024 * 1024;

/** What the examples of docs/packages.md call the reader's own emulator. */
export interface Machine {
  readonly memory: WebAssembly.Memory;
  readonly ramBytes: number;
  setInterruptLine(isAsserted: boolean): void;
  /** Runs the guest: it draws one frame on the device behind `range`. */
  run(range: MmioRange): void;
}

/** The machine of the examples. */
export const machine: Machine = {
  memory: new WebAssembly.Memory({ initial: RAM_BYTES / 65536, maximum: 65536 }),
  ramBytes: RAM_BYTES,
  setInterruptLine() {},
  run(range) {
    const ram = new GuestRam(() => new Uint8Array(machine.memory.buffer), RAM_BYTES);
    const driver = new GpuDriver(new MmioDriverTransport(range), ram);
    const pixels = ram.allocate(WIDTH * HEIGHT * 4, 4096);
    ram.bytes(pixels, WIDTH * HEIGHT * 4).set(frameBytes());
    const rect = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
    driver.start();
    driver.send(writeResourceCreate2d, { resourceId: 1, format: Format.B8G8R8X8Unorm, width: WIDTH, height: HEIGHT });
    driver.attachBacking(1, [{ addr: pixels, length: WIDTH * HEIGHT * 4 }]);
    driver.send(writeSetScanout, { rect, scanoutId: 0, resourceId: 1 });
    driver.send(writeTransferToHost2d, { rect, offset: 0, resourceId: 1 });
    driver.send(writeResourceFlush, { rect, resourceId: 1 });
  },
};

/** The frame as the guest has it: blue, green, red and a byte that means nothing. */
function frameBytes(): Uint8Array {
  return Uint8Array.from({ length: WIDTH * HEIGHT * 4 }, (_, at) => (at >>> 2) % WIDTH * 3 + (at & 3) * 61 + at / 512);
}

/** The frame as it must be shown: red, green, blue, and opaque. */
export function expectedPicture(): { widthPixels: number; heightPixels: number; rgba: Uint8Array } {
  const bytes = frameBytes();
  const rgba = bytes.map((byte, at) => (at & 3) === 3 ? 255 : (at & 3) === 1 ? byte : bytes[at ^ 2]!);
  return { widthPixels: WIDTH, heightPixels: HEIGHT, rgba };
}
