/** Any accesses to any registers: nothing is thrown, nothing outside RAM changes, and a reset makes a good device of it. */

import { assert, assertEquals } from "@std/assert";
import { DriverQueue } from "../../src/guest/driver_queue.ts";
import { GuestRam } from "../../src/guest/guest_ram.ts";
import { DeviceStatus } from "../../src/virtio/virtio.gen.ts";
import { hostileU32 } from "../support/fuzz/hostile_numbers.ts";
import { Random } from "../support/fuzz/random.ts";
import { type Machine, makeMachine, TRANSPORTS } from "../support/machine.ts";
import { recovers } from "../hostile/raw_chain.ts";

const RAM_BYTES = 2 * 1024 * 1024;
const ACCESSES = 20_000;
const SEED = 20_260_922;
const GUARD = 0x6d;

/** A window of registers: how they are reached, how long it is, and values that mean something there. */
interface Window {
  read(offset: number, bytes: number): number;
  write(offset: number, bytes: number, value: number): void;
  readonly lengthBytes: number;
}

function windowOf({ pci, mmio }: Machine, transport: typeof TRANSPORTS[number]): Window {
  if (transport === "pci") {
    return {
      read: (offset, bytes) => pci.readBar(offset, bytes),
      write: (offset, bytes, value) => pci.writeBar(offset, bytes, value),
      lengthBytes: pci.barBytes + 16,
    };
  }
  return {
    read: (offset, bytes) => mmio.read(offset, bytes),
    write: (offset, bytes, value) => mmio.write(offset, bytes, value),
    lengthBytes: 0x200,
  };
}

for (const isShared of [false, true]) {
  for (const transport of TRANSPORTS) {
    const kind = `${transport}, ${isShared ? "shared" : "unshared"} memory, seed ${SEED}`;
    Deno.test(`${ACCESSES} random register accesses leave a device that works after a reset (${kind})`, async () => {
      const machine = await makeMachine({ ramBytes: RAM_BYTES, isShared, transport, resourceBlob: true });
      const { memory, guest, deferred } = machine;
      const random = new Random(SEED);
      guest.bytes.fill(GUARD, 16, 65536); // below RAM, where nobody has anything
      const window = windowOf(machine, transport);
      random.fill(new Uint8Array(memory.buffer, 65536, RAM_BYTES));

      let startUp: (() => void)[] = [];
      for (let count = 0; count < ACCESSES; count++) {
        if (random.oneIn(2)) {
          if (startUp.length === 0) startUp = startUpSteps(machine, random);
          startUp.shift()!();
          continue;
        }
        const bytes = random.pick([1, 2, 4, 4]);
        const offset = random.oneIn(4) ? random.below(window.lengthBytes) : random.below(window.lengthBytes / 4) * 4;
        if (random.oneIn(3)) {
          const value = window.read(offset, bytes);
          assert(Number.isInteger(value) && value >= 0 && value < 2 ** (8 * bytes), `${value} at ${offset}`);
        } else {
          window.write(offset, bytes, drawValue(random));
        }
        for (const work of deferred.splice(0)) work();
      }

      machine.pci.reset();
      machine.mmio.reset();
      assert(guest.bytes.subarray(16, 65536).every((byte) => byte === GUARD));
      assertEquals(recovers(machine), true);
    });
  }
}

/** The steps of a driver that starts the device, with queues somewhere in RAM that hold nothing, or anything. */
function startUpSteps({ driver, memory }: Machine, random: Random): (() => void)[] {
  const { transport } = driver;
  const rings = new GuestRam(
    () => new Uint8Array(memory.buffer, 65536, RAM_BYTES),
    RAM_BYTES,
    random.below(RAM_BYTES / 2),
  );
  const queues = [64, 16].map((size) => new DriverQueue(rings, size));
  if (random.oneIn(2)) {
    for (const { used, descriptors } of queues) rings.bytes(descriptors, used - descriptors).fill(0);
  }
  const features = random.u32();
  return [
    () => transport.writeStatus(0),
    () => transport.writeStatus(DeviceStatus.Acknowledge | DeviceStatus.Driver),
    () => transport.writeFeatures(0, transport.readFeatures(0) & features),
    () => transport.writeFeatures(1, transport.readFeatures(1)),
    () => transport.writeStatus(0xb),
    () => transport.enableQueue(0, queues[0]!),
    () => transport.enableQueue(1, queues[1]!),
    () => transport.writeStatus(0xf),
    () => transport.kick(0),
    () => transport.kick(1),
    () => queues[0]!.push(random.below(80)),
    () => transport.kick(0),
  ];
}

/** A register's value: a status or a flag, an address in RAM, or anything. */
function drawValue(random: Random): number {
  switch (random.below(4)) {
    case 0:
      return random.pick([0, 1, 2, 3, 4, 7, 8, 0xb, 0xf, 0x4f, 0x80]);
    case 1:
      return random.below(RAM_BYTES / 4096) * 4096;
    default:
      return hostileU32(random);
  }
}
