import { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { GuestRam } from "../../src/guest/guest_ram.ts";
import { PciDriverTransport } from "../../src/guest/pci_driver_transport.ts";
import type { Machine } from "./machine.ts";

/** A guest that moves from one machine to another between two commands, and does not notice. */
export class MovingGuest {
  /** The machine that the guest is in, with the guest's own driver and RAM. */
  machine: Machine;
  readonly #driver: GpuDriver;
  readonly #ram: GuestRam;

  /** A guest whose driver has not started yet, in place of the machine's own. */
  constructor(machine: Machine) {
    this.machine = machine;
    this.#ram = new GuestRam(() => ramOf(this.machine), machine.guest.regions[0]!.sizeBytes);
    this.#driver = new GpuDriver(
      new PciDriverTransport({
        configSpace: machine.pci.configSpace,
        readBar: (offset, bytes) => this.machine.pci.readBar(offset, bytes),
        writeBar: (offset, bytes, value) => this.machine.pci.writeBar(offset, bytes, value),
      }),
      this.#ram,
    );
    this.enter(machine);
  }

  /** Moves to `target`: its RAM is copied, and the device there takes `snapshot` up and does what was put off. */
  moveTo(target: Machine, snapshot: unknown = this.machine.pci.snapshot()): void {
    copyRam(this.machine, target);
    target.pci.restore(snapshot);
    runDeferred(target);
    this.enter(target);
  }

  /** Goes on in a machine that has its RAM and its device's state already. */
  enter(machine: Machine): void {
    this.machine = { ...machine, driver: this.#driver, ram: this.#ram };
  }
}

/** The RAM of a machine whose RAM is one region: a view, good until the memory grows. */
export function ramOf({ guest }: Machine): Uint8Array {
  const { offset, sizeBytes } = guest.regions[0]!;
  return guest.bytes.subarray(offset, offset + sizeBytes);
}

/** Copies RAM from one machine to another with as much. */
export function copyRam(from: Machine, to: Machine): void {
  ramOf(to).set(ramOf(from));
}

/** Lets a machine do what its device put off. */
export function runDeferred({ deferred }: Machine): void {
  while (deferred.length > 0) deferred.shift()!();
}

/** Puts the RAM of a machine, which must not be in use yet, somewhere else in its memory. */
export function relocateRam({ guest, memory }: Machine): void {
  const { guestAddress, sizeBytes } = guest.regions[0]!;
  const offset = memory.grow(sizeBytes / 65536 + 3) * 65536 + 2 * 65536;
  guest.setRegions([{ guestAddress, sizeBytes, offset }]);
}
