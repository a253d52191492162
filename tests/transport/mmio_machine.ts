import { MmioDriverTransport } from "../../src/guest/mmio_driver_transport.ts";
import { DriverQueue } from "../../src/guest/driver_queue.ts";
import type { GuestRam } from "../../src/guest/guest_ram.ts";
import { type MmioOptions, VirtioMmio } from "../../src/transport/mmio.ts";
import { DeviceStatus, MmioRegister } from "../../src/virtio/virtio.gen.ts";
import { makeMachine } from "../support/machine.ts";
import { MockDevice, type MockOptions } from "./mock_device.ts";

/** A `MockDevice` behind virtio-mmio, and its registers. */
export interface MmioMachine {
  device: MockDevice;
  mmio: VirtioMmio;
  transport: MmioDriverTransport;
  ram: GuestRam;
  /** The interrupt line as the device drives it. */
  line: { isAsserted: boolean };
  /** Reads a register as a driver does. */
  read(register: keyof typeof MmioRegister): number;
  /** Writes a register as a driver does. */
  write(register: keyof typeof MmioRegister, value: number): void;
}

/** Makes a mock device behind virtio-mmio, with 32 MiB of guest RAM. */
export async function makeMmioMachine(options: MockOptions = {}, mmioOptions?: MmioOptions): Promise<MmioMachine> {
  const { guest, ram } = await makeMachine();
  const device = new MockDevice(options);
  const line = { isAsserted: false };
  const mmio = new VirtioMmio(device, guest, {
    setInterrupt: (isAsserted) => line.isAsserted = isAsserted,
    defer: () => {},
  }, mmioOptions);
  return {
    device,
    mmio,
    transport: new MmioDriverTransport(mmio),
    ram,
    line,
    read: (register) => mmio.read(MmioRegister[register], 4),
    write: (register, value) => mmio.write(MmioRegister[register], 4, value),
  };
}

const { Acknowledge, Driver, FeaturesOk, DriverOk } = DeviceStatus;

/** Starts the device with all features that it offers and all of its queues. */
export function startMmio({ device, transport, ram }: MmioMachine): void {
  transport.writeStatus(Acknowledge | Driver);
  for (const select of [0, 1]) transport.writeFeatures(select, transport.readFeatures(select));
  transport.writeStatus(Acknowledge | Driver | FeaturesOk);
  device.queueSizes.forEach((size, index) => transport.enableQueue(index, new DriverQueue(ram, size)));
  transport.writeStatus(Acknowledge | Driver | FeaturesOk | DriverOk);
}
