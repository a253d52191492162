import { PciDriverTransport } from "../../src/guest/pci_driver_transport.ts";
import { DriverQueue } from "../../src/guest/driver_queue.ts";
import { GuestRam } from "../../src/guest/guest_ram.ts";
import { GuestMemory } from "../../src/memory/guest_memory.ts";
import { growingArena } from "../../src/memory/host_heap.ts";
import { VirtioPci } from "../../src/transport/pci.ts";
import type { PciOptions } from "../../src/transport/pci_config.ts";
import { type CommonCfg, commonCfgWidth, DeviceStatus } from "../../src/virtio/virtio.gen.ts";
import { MockDevice, type MockOptions } from "./mock_device.ts";

/** A `MockDevice` behind PCI, and a driver's way to it. */
export interface MockMachine {
  device: MockDevice;
  guest: GuestMemory;
  pci: VirtioPci;
  transport: PciDriverTransport;
  ram: GuestRam;
  /** The interrupt line, and how often it rose. */
  line: { isAsserted: boolean; rises: number };
  /** Work that the transport put off. */
  deferred: (() => void)[];
}

const RAM_OFFSET = 65536;
const RAM_BYTES = 4 * 1024 * 1024;

/** Puts a mock device behind PCI, with 4 MiB of RAM from guest address 0 on. */
export async function makeMockMachine(options: MockOptions = {}, pciOptions?: PciOptions): Promise<MockMachine> {
  const memory = new WebAssembly.Memory({ initial: (RAM_OFFSET + RAM_BYTES) / 65536, maximum: 1024 });
  const heap = growingArena(memory, 16 * 1024 * 1024);
  const guest = await GuestMemory.create(memory, heap, [{ guestAddress: 0, sizeBytes: RAM_BYTES, offset: RAM_OFFSET }]);
  const device = new MockDevice(options);
  const line = { isAsserted: false, rises: 0 };
  const deferred: (() => void)[] = [];
  const pci = new VirtioPci(device, guest, {
    setInterrupt(isAsserted) {
      line.isAsserted = isAsserted;
      line.rises += isAsserted ? 1 : 0;
    },
    defer: (work) => deferred.push(work),
  }, pciOptions);
  const ram = new GuestRam(() => new Uint8Array(memory.buffer, RAM_OFFSET, RAM_BYTES), RAM_BYTES);
  return { device, guest, pci, transport: new PciDriverTransport(pci), ram, line, deferred };
}

const { Acknowledge, Driver, FeaturesOk, DriverOk } = DeviceStatus;
/** The device status of a driver that has negotiated features and is not ready yet. */
export const NEGOTIATED: number = Acknowledge | Driver | FeaturesOk;
/** The device status of a driver that is ready. */
export const READY: number = NEGOTIATED | DriverOk;

/** Starts the device with all features that it offers and all of its queues. */
export function startMock({ device, transport, ram }: MockMachine): void {
  transport.writeStatus(Acknowledge | Driver);
  for (const select of [0, 1]) transport.writeFeatures(select, transport.readFeatures(select));
  transport.writeStatus(NEGOTIATED);
  device.queueSizes.forEach((size, index) => transport.enableQueue(index, new DriverQueue(ram, size)));
  transport.writeStatus(READY);
}

/** Reads a whole register of the common configuration. */
export function readCommon(pci: VirtioPci, register: CommonCfg): number {
  return pci.readBar(register, commonCfgWidth(register));
}

/** Writes a whole register of the common configuration. */
export function writeCommon(pci: VirtioPci, register: CommonCfg, value: number): void {
  pci.writeBar(register, commonCfgWidth(register), value);
}
