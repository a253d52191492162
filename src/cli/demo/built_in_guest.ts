import { VirtioGpu } from "../../device/virtio_gpu.ts";
import { MemoryDisplay } from "../../display/memory_display.ts";
import { GpuDriver, type Writer } from "../../guest/gpu_driver.ts";
import { GuestRam } from "../../guest/guest_ram.ts";
import { PciDriverTransport } from "../../guest/pci_driver_transport.ts";
import { GuestMemory } from "../../memory/guest_memory.ts";
import { growingArena } from "../../memory/host_heap.ts";
import type { Rect } from "../../memory/rect.ts";
import {
  Format,
  readRespDisplayInfo,
  RESP_DISPLAY_INFO_SIZE,
  responseName,
  ResponseType,
  writeGetDisplayInfo,
  writeResourceCreate2d,
  writeResourceFlush,
  writeSetScanout,
  writeTransferToHost2d,
} from "../../protocol/wire.gen.ts";
import { VirtioPci } from "../../transport/pci.ts";
import type { Terminal } from "../terminal.ts";
import type { Animation } from "./animation.ts";
import { measureWork, reportGuestErrors, type Shown } from "./guest.ts";
import { SCENE_HEIGHT, SCENE_WIDTH } from "./scene.ts";

const RAM_BYTES = 16 * 1024 * 1024;
const WASM_PAGE_BYTES = 65536;
const HEAP_BYTES = 64 * 1024 * 1024;
const GUEST_PAGE_BYTES = 4096;
const ROUNDS = 120;
const RESOURCE_ID = 1;
const STRIDE_BYTES = SCENE_WIDTH * 4;

/** Shows the animation by Scanout's own guest driver: the same virtqueues and commands, with no operating system. */
export async function showBuiltIn(animation: Animation, terminal: Terminal): Promise<Shown> {
  const display = new MemoryDisplay();
  const { driver, gpu } = await makeMachine(display, terminal);
  driver.start();
  const mode = readMode(driver);
  terminal.line(`Mode: ${mode.width}x${mode.height}`);
  const pages = setUpScreen(driver, mode);
  const frames = 1 + ROUNDS * animation.water.length;
  const work = await measureWork(gpu.counters, frames, () => animate(driver, pages, animation));
  return { picture: display.picture(0)!, work };
}

/** A machine without a processor: RAM, the device behind virtio-pci, and the driver that plays the guest. */
async function makeMachine(display: MemoryDisplay, terminal: Terminal): Promise<{ driver: GpuDriver; gpu: VirtioGpu }> {
  const memory = new WebAssembly.Memory({ initial: RAM_BYTES / WASM_PAGE_BYTES, maximum: 65536 });
  const heap = growingArena(memory, HEAP_BYTES);
  const guest = await GuestMemory.create(memory, heap, [{ guestAddress: 0, sizeBytes: RAM_BYTES, offset: 0 }]);
  const gpu = new VirtioGpu(guest, {
    display,
    outputs: [{ widthPixels: SCENE_WIDTH, heightPixels: SCENE_HEIGHT }],
    onGuestError: reportGuestErrors(terminal),
  });
  const pci = new VirtioPci(gpu, guest, {
    setInterrupt() {}, // the driver looks into the used ring by itself
    defer: (work) => setTimeout(work, 0),
  });
  const ram = new GuestRam(() => guest.bytes.subarray(0, RAM_BYTES), RAM_BYTES);
  return { driver: new GpuDriver(new PciDriverTransport(pci), ram), gpu };
}

function readMode(driver: GpuDriver): Rect {
  const { words } = driver.send(writeGetDisplayInfo, {}, { replyBytes: RESP_DISPLAY_INFO_SIZE });
  return readRespDisplayInfo(words, 0).pmodes[0]!.rect;
}

/** Shows a resource on the scanout and returns the pages that back it, which do not follow each other in guest RAM. */
function setUpScreen(driver: GpuDriver, { width, height }: Rect): readonly number[] {
  const count = width * height * 4 / GUEST_PAGE_BYTES;
  const pages = Array.from({ length: count }, () => driver.ram.allocate(GUEST_PAGE_BYTES, GUEST_PAGE_BYTES)).reverse();
  const rect = { x: 0, y: 0, width, height };
  send(driver, writeResourceCreate2d, { resourceId: RESOURCE_ID, format: Format.B8G8R8X8Unorm, width, height });
  driver.attachBacking(RESOURCE_ID, pages.map((addr) => ({ addr, length: GUEST_PAGE_BYTES })));
  send(driver, writeSetScanout, { rect, scanoutId: 0, resourceId: RESOURCE_ID });
  return pages;
}

function animate(driver: GpuDriver, pages: readonly number[], { whole, water, waterOffsetBytes }: Animation): void {
  draw(driver, pages, 0, whole);
  for (let round = 0; round < ROUNDS; round++) {
    for (const frame of water) draw(driver, pages, waterOffsetBytes, frame);
  }
}

/** Writes rows into the backing's pages, as a program would, and has them shown. */
function draw(driver: GpuDriver, pages: readonly number[], offsetBytes: number, rows: Uint8Array): void {
  const firstPage = offsetBytes / GUEST_PAGE_BYTES;
  for (let at = 0; at < rows.length; at += GUEST_PAGE_BYTES) {
    const page = pages[firstPage + at / GUEST_PAGE_BYTES]!;
    driver.ram.bytes(page, GUEST_PAGE_BYTES).set(rows.subarray(at, at + GUEST_PAGE_BYTES));
  }
  const rect = { x: 0, y: offsetBytes / STRIDE_BYTES, width: SCENE_WIDTH, height: rows.length / STRIDE_BYTES };
  send(driver, writeTransferToHost2d, { rect, offset: offsetBytes, resourceId: RESOURCE_ID });
  send(driver, writeResourceFlush, { rect, resourceId: RESOURCE_ID });
}

function send<F>(driver: GpuDriver, write: Writer<F>, fields: F): void {
  const { type } = driver.send(write, fields).header;
  if (type !== ResponseType.OkNodata) throw new Error(`The device answered ${responseName(type)}`);
}
