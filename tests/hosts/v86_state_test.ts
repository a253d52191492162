// V86Gpu.saveState and restoreState: v86's state and the device's in one file.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { MemoryDisplay } from "../../src/display/memory_display.ts";
import { Format } from "../../src/protocol/wire.gen.ts";
import { decodeSnapshot, encodeSnapshot } from "../../src/snapshot/snapshot_file.ts";
import type { Snapshot } from "../../src/transport/session_snapshot.ts";
import { createFilled, flush, pixel, rect, setScanout } from "../device/requests.ts";
import { clearUnusedBars, guestRam } from "../support/guest_emulator.ts";
import { attachToPorts, driverFor, type PortMachine } from "../support/guest_ports.ts";
import type { Machine } from "../support/machine.ts";

const whole = rect(0, 0, 16, 16);
const PIXELS = Array.from({ length: 256 }, (_, index) => pixel(index));

interface StateFile {
  v86: Uint8Array;
  device: Snapshot;
}

/** v86's time stamp counter. */
interface Clock {
  readonly current_tsc: Uint32Array;
  store_current_tsc(): void;
  set_tsc(low: number, high: number): void;
}

/** An emulator whose driver shows a picture. */
async function showing(display: MemoryDisplay): Promise<PortMachine> {
  const machine = await attachToPorts({ display });
  const { driver } = machine;
  clearUnusedBars(machine.cpu);
  driver.start();
  createFilled({ driver, ram: driver.ram } as Machine, 1, 16, 16, pixel, Format.R8G8B8X8Unorm);
  setScanout(driver, 0, 1, whole);
  flush(driver, 1, whole);
  return machine;
}

function wordsOf(display: MemoryDisplay): number[] | undefined {
  const picture = display.picture(0);
  return picture && [...new Uint32Array(picture.rgba.buffer)];
}

/** A state file that `change` has changed. */
function changed(file: ArrayBuffer, change: (state: StateFile) => void): ArrayBuffer {
  const state = decodeSnapshot(new Uint8Array(file)) as StateFile;
  change(state);
  return encodeSnapshot(state).buffer;
}

Deno.test("restoreState brings RAM and picture to another emulator, whose device then answers", async () => {
  const source = await showing(new MemoryDisplay());
  const file = await source.saveState();
  const display = new MemoryDisplay();
  const target = await attachToPorts({ display });

  await target.restoreState(file);

  assertEquals(wordsOf(display), PIXELS);
  const { available } = source.driver.queue(0);
  assertEquals(
    guestRam(target.cpu).slice(available, available + 64),
    guestRam(source.cpu).slice(available, available + 64),
  );
  await new Promise((resolve) => setTimeout(resolve, 1)); // the device looks whether the queues hold anything
  const next = driverFor(target.cpu, 15, 16 << 20); // elsewhere: the first one's queues are in RAM
  next.start();
  assertEquals(flush(next, 1, whole), "ERR_INVALID_RESOURCE_ID");
  await source.close();
  await target.close();
});

Deno.test("restoreState goes back in the same emulator", async () => {
  const display = new MemoryDisplay();
  const { driver, saveState, restoreState, close } = await showing(display);
  const file = await saveState();
  createFilled({ driver, ram: driver.ram } as Machine, 2, 16, 16, () => 0, Format.R8G8B8X8Unorm);
  setScanout(driver, 0, 2, whole);
  flush(driver, 2, whole);

  await restoreState(file);

  assertEquals(wordsOf(display), PIXELS);
  await close();
});

Deno.test("restoreState sets the slot's interrupt line as it was, when an interrupt was pending and when none was", async () => {
  const source = await showing(new MemoryDisplay());
  source.driver.transport.takeInterrupt();
  const quiet = await source.saveState();
  source.gpu.setOutput(0, { widthPixels: 800 });
  const pending = await source.saveState();
  const target = await attachToPorts();
  const levels: [string, number][] = [];
  target.cpu.devices.pci.raise_irq = (pciId) => levels.push(["raise", pciId]);
  target.cpu.devices.pci.lower_irq = (pciId) => levels.push(["lower", pciId]);

  await target.restoreState(pending);
  await target.restoreState(quiet);

  assertEquals(levels, [["raise", 15 << 3], ["lower", 15 << 3]]);
  await source.close();
  await target.close();
});

Deno.test("restoreState sets the guest's time stamp counter to what it was, at the second restore too", async () => {
  const { emulator, saveState, restoreState, close } = await showing(new MemoryDisplay());
  const { cpu } = (emulator as unknown as { v86: { cpu: Clock } }).v86;
  const counter = () => {
    cpu.store_current_tsc();
    return cpu.current_tsc[1]! >>> 8; // 256 of the high word are twenty minutes
  };
  cpu.set_tsc(0, 1000);
  const [file, saved] = [await saveState(), counter()];

  for (const time of [0, 1, 2]) {
    cpu.set_tsc(0, 5000 + time * 1000);
    await restoreState(file);

    assertEquals(counter(), saved);
  }
  await close();
});

const refused: [name: string, change: (state: StateFile) => void, message: string][] = [
  [
    "whose device part is not right",
    ({ device }) => Object.assign(device.session, { status: -1 }),
    "session.status must be",
  ],
  [
    "without a device part",
    (state) => Object.assign(state, { device: null }),
    "the snapshot must be an object, got null",
  ],
  ["without v86's part", (state) => Object.assign(state, { v86: "" }), "v86 must be a Uint8Array"],
];

for (const [name, change, message] of refused) {
  Deno.test(`restoreState rejects a file ${name}, and changes neither v86 nor the device`, async () => {
    const display = new MemoryDisplay();
    const machine = await showing(display);
    const { driver, cpu, close } = machine;
    const file = changed(await machine.saveState(), change);
    const address = driver.ram.allocate(4);
    guestRam(cpu)[address] = 99;

    await assertRejects(() => machine.restoreState(file), Error, message);

    assertEquals(guestRam(cpu)[address], 99);
    assertEquals(flush(driver, 1, whole), "OK_NODATA");
    assertEquals(wordsOf(display), PIXELS);
    await close();
  });
}

Deno.test("restoreState rejects a file whose v86 part v86 refuses, and the device stays as it was", async () => {
  const display = new MemoryDisplay();
  const machine = await showing(display);
  const file = changed(await machine.saveState(), (state) => Object.assign(state, { v86: state.v86.subarray(0, 8) }));

  await assertRejects(() => machine.restoreState(file));

  assertEquals(flush(machine.driver, 1, whole), "OK_NODATA");
  assertEquals(wordsOf(display), PIXELS);
  await machine.close();
});

Deno.test("restoreState rejects what is no such file with RangeError", async () => {
  const { emulator, restoreState, close } = await attachToPorts();
  const v86State = await emulator.save_state();

  await assertRejects(() => restoreState(v86State), RangeError, "it does not begin with SCANOUT");
  await assertRejects(() => restoreState(new ArrayBuffer(0)), RangeError, "it must have at least 16 bytes");

  assert(v86State.byteLength > 0);
  await close();
});
