import { MemoryDisplay } from "../../src/display/memory_display.ts";
import { VirtioGpu } from "../../src/device/virtio_gpu.ts";
import type { VirtioGpuOptions } from "../../src/device/gpu_options.ts";
import { DriverQueue } from "../../src/guest/driver_queue.ts";
import { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { GuestRam } from "../../src/guest/guest_ram.ts";
import { PciDriverTransport } from "../../src/guest/pci_driver_transport.ts";
import { GuestMemory } from "../../src/memory/guest_memory.ts";
import { Arena } from "../../src/memory/host_heap.ts";
import { GpuQueue } from "../../src/protocol/wire.gen.ts";
import { VirtioPci } from "../../src/transport/pci.ts";
import { PlainDevice } from "./plain_device.ts";

/** A device with its driver started, as the benches' guest sees it. */
export interface BenchDevice {
  /** The guest's RAM; it stays where it is. */
  readonly ram: GuestRam;
  /** The queues by their numbers; nothing was sent through them yet. */
  readonly queues: readonly DriverQueue[];
  /** Rings a queue's doorbell, then takes the interrupt as its handler does. */
  readonly kick: (queue: GpuQueue) => void;
}

/** Our device with what is behind it. */
export interface ScanoutDevice extends BenchDevice {
  /** The memory in which it all lies. */
  readonly guest: GuestMemory;
}

const WASM_PAGE_BYTES = 65536;
const RAM_OFFSET = WASM_PAGE_BYTES; // so that a guest address is never an offset
const RAM_BYTES = 64 * 1024 * 1024;
const HOST_BYTES = 48 * 1024 * 1024;
const CONTROL_QUEUE_SIZE = 256;

/** A memory of fixed size: the guest's RAM, and room for the host. */
export function makeGuestMemory(): Promise<GuestMemory> {
  const memory = new WebAssembly.Memory({ initial: (RAM_OFFSET + RAM_BYTES + HOST_BYTES) / WASM_PAGE_BYTES });
  const extents = [{ address: RAM_OFFSET + RAM_BYTES, bytes: HOST_BYTES }]; // the only one: the memory never grows
  const regions = [{ guestAddress: 0, sizeBytes: RAM_BYTES, offset: RAM_OFFSET }];
  return GuestMemory.create(memory, new Arena(memory, () => extents.pop()), regions);
}

/** Our device behind PCI, with a `MemoryDisplay` unless `options`, which may need the memory, say otherwise. */
export async function makeScanoutDevice(
  options: VirtioGpuOptions | ((guest: GuestMemory) => VirtioGpuOptions) = {},
): Promise<ScanoutDevice> {
  const guest = await makeGuestMemory();
  const given = typeof options === "function" ? options(guest) : options;
  const gpu = new VirtioGpu(guest, { display: new MemoryDisplay(), ...given });
  const pci = new VirtioPci(gpu, guest, {
    setInterrupt() {},
    defer() {
      throw new Error("A kick was more than the budget of work");
    },
  });
  const ram = new GuestRam(() => guest.bytes.subarray(RAM_OFFSET, RAM_OFFSET + RAM_BYTES), RAM_BYTES);
  const transport = new PciDriverTransport(pci);
  const driver = new GpuDriver(transport, ram);
  driver.start();
  const kick = (queue: GpuQueue) => {
    transport.kick(queue);
    transport.takeInterrupt();
  };
  return { guest, ram, queues: [driver.queue(GpuQueue.Control), driver.queue(GpuQueue.Cursor)], kick };
}

/** A device in plain JavaScript, which has a control queue only. */
interface AnyPlainDevice {
  notify(): void;
  takeInterrupt(): boolean;
}

/** The plain JavaScript device of the 2D commands. */
export function makePlainDevice(): BenchDevice {
  return withPlain((ram, place) => new PlainDevice(ram, place));
}

/** Puts RAM and a control queue before a device in plain JavaScript. */
export function withPlain(make: (ram: Uint8Array, place: DriverQueue) => AnyPlainDevice): BenchDevice {
  const bytes = new Uint8Array(RAM_BYTES);
  const ram = new GuestRam(() => bytes, RAM_BYTES);
  const control = new DriverQueue(ram, CONTROL_QUEUE_SIZE);
  const device = make(bytes, control);
  const kick = () => {
    device.notify();
    device.takeInterrupt();
  };
  return { ram, queues: [control], kick };
}
