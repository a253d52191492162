import type { GuestMemory } from "../memory/guest_memory.ts";
import { MmioRegister } from "../virtio/virtio.gen.ts";
import type { Restoration, VirtioDevice } from "../virtio/virtio_device.ts";
import { DriverSession, type TransportHost } from "./driver_session.ts";
import { mmioRegisters } from "./mmio_registers.ts";
import { RegisterBlock } from "./registers.ts";
import type { Snapshot } from "./session_snapshot.ts";

/** Where a machine has put what belongs to a device besides its registers. */
export interface MmioOptions {
  /**
   * Guest address of each shared memory region of the device, by the region's id; the machine brings the region's bytes
   * there. Not needed for a device that has no such regions.
   */
  readonly sharedMemoryAddresses?: Readonly<Record<number, number>>;
}

const CONFIG_AT = MmioRegister.Config;
const SIZE_BYTES = 0x200; // what QEMU's machines give a device, and their device trees say

/**
 * The virtio-mmio transport, version 2: one range of registers and one interrupt line. Virtio 1.4, 4.2. A driver of the
 * legacy interface (version 1) finds nothing that it knows.
 */
export class VirtioMmio {
  /** Size of the range of registers in bytes; the machine chooses where it lies and tells the guest. */
  readonly sizeBytes: number = SIZE_BYTES;
  readonly #session: DriverSession;
  readonly #registers: RegisterBlock;

  /**
   * Puts `device`, whose rings and buffers lie in `guest`, behind MMIO. Throws `RangeError` for a device with more
   * configuration than the range has room for, and for a shared memory region without an address below 2^53.
   */
  constructor(device: VirtioDevice, guest: GuestMemory, host: TransportHost, options: MmioOptions = {}) {
    const { sharedMemoryAddresses = {} } = options;
    if (device.config.length > SIZE_BYTES - CONFIG_AT) {
      throw new RangeError(
        `Cannot put device ${device.deviceId} behind MMIO: its configuration must be at most ${
          SIZE_BYTES - CONFIG_AT
        }` +
          ` bytes, got ${device.config.length}`,
      );
    }
    for (const { id, lengthBytes } of device.sharedMemory) checkAddress(id, sharedMemoryAddresses[id], lengthBytes);
    this.#session = new DriverSession(device, guest, host);
    this.#registers = new RegisterBlock(CONFIG_AT, mmioRegisters(this.#session, sharedMemoryAddresses));
  }

  /**
   * The guest reads `bytes` (1, 2 or 4; an access of 8 is two of 4, the lower first) at `offset` of the range. Below the
   * device configuration, at 0x100, a driver must make aligned accesses of 4 bytes: another one reads 0, and so do a
   * register that can only be written and a place where none is. Virtio 1.4, 4.2.2 (driver requirements).
   */
  read(offset: number, bytes: number): number {
    if (offset >= CONFIG_AT) return this.#session.readConfig(offset - CONFIG_AT, bytes);
    return isRegisterAccess(offset, bytes) ? this.#registers.read(offset, bytes) : 0;
  }

  /** The guest writes `bytes` of `value` at `offset`, as for `read`; an access that reads 0 there writes nothing here. */
  write(offset: number, bytes: number, value: number): void {
    if (offset >= CONFIG_AT) this.#session.writeConfig(offset - CONFIG_AT, bytes, value);
    else if (isRegisterAccess(offset, bytes)) this.#registers.write(offset, bytes, value);
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

function isRegisterAccess(offset: number, bytes: number): boolean {
  return bytes === 4 && offset % 4 === 0;
}

function checkAddress(id: number, address: number | undefined, lengthBytes: number): void {
  const isPlaced = address !== undefined && Number.isSafeInteger(address) && address >= 0 &&
    Number.isSafeInteger(address + lengthBytes);
  if (isPlaced) return;
  throw new RangeError(
    `Cannot put shared memory region ${id} behind MMIO: sharedMemoryAddresses[${id}] must be 0 or more and its end` +
      ` below 2^53, got ${address}`,
  );
}
