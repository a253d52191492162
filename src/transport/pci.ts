import type { GuestMemory } from "../memory/guest_memory.ts";
import type { Restoration, VirtioDevice } from "../virtio/virtio_device.ts";
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
import type { Snapshot } from "./session_snapshot.ts";

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
    return this.#session.readConfig(offset - CONFIG_AT, bytes);
  }

  /** The guest writes `bytes` (1, 2 or 4) at `offset` of the base address register's range. */
  writeBar(offset: number, bytes: number, value: number): void {
    if (offset < NOTIFY_AT) this.#registers.write(offset, bytes, value);
    else if (offset < ISR_AT) this.#session.notify(Math.floor((offset - NOTIFY_AT) / NOTIFY_STRIDE_BYTES));
    else if (offset >= CONFIG_AT) this.#session.writeConfig(offset - CONFIG_AT, bytes, value);
  }

  /** Back to the state after power-on, as when the machine resets. */
  reset(): void {
    this.#session.reset();
  }

  /**
   * All state of the device and of its driver's session, as plain data that the caller owns; guest memory is not in it. Take
   * it at the same moment as the machine's own state. Throws `Error` while the device carries a command out.
   */
  snapshot(): Snapshot {
    return this.#session.snapshot();
  }

  /**
   * Takes a snapshot up, which may be anything, in place of the present state: of this device or of another with the same
   * options, in a memory of any layout. Guest memory must hold what it held at the snapshot already: displays are shown all
   * pictures anew, and the device goes on with what it had not come to. Throws `TypeError` or `RangeError` that names what
   * is wrong with the snapshot, `Error` while the device carries a command out; the device is then as it was.
   */
  restore(snapshot: unknown): void {
    this.#session.prepareRestore(snapshot).apply();
  }

  /**
   * The first half of `restore`, for a machine that restores something else as well: checks the snapshot and makes all that
   * is needed, whatever guest memory holds. The caller calls `apply` or `discard` of the result, once. Throws as `restore`.
   */
  prepareRestore(snapshot: unknown): Restoration {
    return this.#session.prepareRestore(snapshot);
  }
}
