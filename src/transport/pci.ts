import type { GuestMemory } from "../memory/guest_memory.ts";
import type { VirtioDevice } from "../virtio/virtio_device.ts";
import { DriverSession, type TransportHost } from "./driver_session.ts";
import { commonRegisters } from "./pci_common.ts";
import {
  BAR_BYTES,
  CONFIG_AT,
  ISR_AT,
  NOTIFY_AT,
  NOTIFY_STRIDE_BYTES,
  pciConfigSpace,
  type PciOptions,
} from "./pci_config.ts";
import { RegisterBlock } from "./registers.ts";

/**
 * The modern virtio-pci transport: a PCI configuration space whose capabilities point into one base address register, and
 * the registers behind it. Virtio 1.4, 4.1. Interrupts are INTx; a driver finds no MSI-X capability.
 */
export class VirtioPci {
  /** The 256 bytes of the function's configuration space as a machine's PCI bus should begin with. Owned by the caller. */
  readonly configSpace: Uint8Array;
  /** Size of the base address register's range in bytes. */
  readonly barBytes: number = BAR_BYTES;
  readonly #session: DriverSession;
  readonly #registers: RegisterBlock;

  /**
   * Puts `device`, whose rings and buffers lie in `guest`, behind PCI. Throws `RangeError` for a device with more queues
   * or configuration than the range has room for.
   */
  constructor(device: VirtioDevice, guest: GuestMemory, host: TransportHost, options: PciOptions = {}) {
    this.configSpace = pciConfigSpace(device, options);
    this.#session = new DriverSession(device, guest, host);
    this.#registers = new RegisterBlock(NOTIFY_AT, commonRegisters(this.#session));
  }

  /** The guest reads `bytes` (1, 2 or 4) at `offset` of the base address register's range. */
  readBar(offset: number, bytes: number): number {
    if (offset < NOTIFY_AT) return this.#registers.read(offset, bytes);
    if (offset < ISR_AT) return 0;
    if (offset === ISR_AT) return this.#session.takeInterruptStatus();
    if (offset < CONFIG_AT) return 0;
    return this.#readConfig(offset - CONFIG_AT, bytes);
  }

  /** The guest writes `bytes` (1, 2 or 4) at `offset` of the base address register's range. */
  writeBar(offset: number, bytes: number, value: number): void {
    if (offset < NOTIFY_AT) this.#registers.write(offset, bytes, value);
    else if (offset < ISR_AT) this.#session.notify(Math.floor((offset - NOTIFY_AT) / NOTIFY_STRIDE_BYTES));
    else if (offset >= CONFIG_AT) this.#session.device.writeConfig(offset - CONFIG_AT, bytes, value);
  }

  /** Back to the state after power-on, as when the machine resets. */
  reset(): void {
    this.#session.reset();
  }

  #readConfig(offset: number, bytes: number): number {
    const { config } = this.#session.device;
    let value = 0;
    for (let index = 0; index < bytes; index++) {
      value |= (config[offset + index] ?? 0) << (index * 8);
    }
    return value >>> 0;
  }
}
