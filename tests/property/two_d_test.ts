/** Any sequence of valid 2D operations shows on the device what it shows on the model. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { GuestRam } from "../../src/guest/guest_ram.ts";
import { PciDriverTransport } from "../../src/guest/pci_driver_transport.ts";
import { PIXEL_FORMATS } from "../../src/protocol/formats.ts";
import type { Rect } from "../../src/protocol/wire.gen.ts";
import { attach, createResource, detach, flush, setScanout, transfer, unref } from "../device/requests.ts";
import { type Machine, makeMachine } from "../support/machine.ts";
import { Random } from "../support/fuzz/random.ts";
import { Model2d, type ModelResource } from "./model_2d.ts";

const RAM_BYTES = 2 * 1024 * 1024;
const RAM_OFFSET = 65536;
const PIXELS_AT = 1024 * 1024; // RAM behind what the driver uses
const PIXELS_BYTES = 512 * 1024;
const SCANOUTS = 3;
const IDS = [1, 2, 3, 0xffff_ffff];

/** A rectangle by four fractions of a size, so that it fits any resource. */
const part = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
const id = fc.constantFrom(...IDS);
const scanout = fc.nat(SCANOUTS - 1);
const size = fc.integer({ min: 1, max: 40 });
const operation = fc.oneof(
  fc.record({
    do: fc.constant("create" as const),
    id,
    format: fc.constantFrom(...PIXEL_FORMATS),
    width: size,
    height: size,
  }),
  fc.record({ do: fc.constant("unref" as const), id }),
  fc.record({ do: fc.constant("attach" as const), id, seed: fc.nat() }),
  fc.record({ do: fc.constant("detach" as const), id }),
  fc.record({ do: fc.constant("draw" as const), seed: fc.nat() }),
  fc.record({ do: fc.constant("transfer" as const), id, part, isLinux: fc.boolean(), shift: fc.nat(255) }),
  fc.record({ do: fc.constant("transfer" as const), id, part, isLinux: fc.constant(true), shift: fc.constant(0) }),
  fc.record({ do: fc.constant("setScanout" as const), id, scanout, part }),
  fc.record({ do: fc.constant("disable" as const), scanout }),
  fc.record({ do: fc.constant("flush" as const), id, part }),
  fc.record({ do: fc.constant("flush" as const), id, part: fc.constant([0, 0, 255, 255] as const) }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Carries an operation out on both, if the model's state allows it, and asserts the device's answer. */
function carryOut(operation: Operation, driver: GpuDriver, model: Model2d): void {
  const ram = driver.ram.bytes(0, RAM_BYTES);
  if (operation.do === "draw") {
    return new Random(operation.seed).fill(ram.subarray(PIXELS_AT, PIXELS_AT + PIXELS_BYTES));
  }
  if (operation.do === "disable") {
    assertEquals(setScanout(driver, operation.scanout, 0, whole(1, 1)), "OK_NODATA");
    return model.disable(operation.scanout);
  }
  const resource = model.resources.get(operation.id);
  if (operation.do === "create") {
    const { id, format: { format }, width, height } = operation;
    const answer = createResource(driver, id, width, height, format);
    assertEquals(answer, resource === undefined ? "OK_NODATA" : "ERR_INVALID_RESOURCE_ID");
    if (resource === undefined) model.create(id, format, width, height);
    return;
  }
  if (resource === undefined) return assertEquals(unref(driver, operation.id), "ERR_INVALID_RESOURCE_ID");
  changeResource(operation, resource, driver, model);
}

function changeResource(
  operation: Exclude<Operation, { do: "draw" | "disable" | "create" }>,
  resource: ModelResource,
  driver: GpuDriver,
  model: Model2d,
): void {
  const { id } = operation;
  switch (operation.do) {
    case "unref":
      assertEquals(unref(driver, id), "OK_NODATA");
      return model.unref(id);
    case "attach": {
      const entries = drawEntries(new Random(operation.seed), resource);
      assertEquals(attach(driver, id, entries), resource.backing === undefined ? "OK_NODATA" : "ERR_UNSPEC");
      resource.backing ??= entries.flatMap(({ addr, length }) => Array.from({ length }, (_, index) => addr + index));
      return;
    }
    case "detach":
      assertEquals(detach(driver, id), resource.backing === undefined ? "ERR_UNSPEC" : "OK_NODATA");
      resource.backing = undefined;
      return;
    case "transfer": {
      const rect = rectOf(operation.part, resource);
      const offset = operation.isLinux ? (rect.y * resource.width + rect.x) * 4 : operation.shift;
      const answer = transfer(driver, id, rect, offset);
      if (resource.backing === undefined) return assertEquals(answer, "ERR_UNSPEC");
      const end = offset + ((rect.height - 1) * resource.width + rect.width) * 4;
      if (end > resource.backing.length) return assertEquals(answer, "ERR_INVALID_PARAMETER");
      assertEquals(answer, "OK_NODATA");
      return model.transfer(id, rect, offset, driver.ram.bytes(0, RAM_BYTES));
    }
    case "setScanout": {
      const rect = rectOf(operation.part, resource);
      assertEquals(setScanout(driver, operation.scanout, id, rect), "OK_NODATA");
      return model.setScanout(operation.scanout, id, rect);
    }
    case "flush": {
      const rect = rectOf(operation.part, resource);
      assertEquals(flush(driver, id, rect), "OK_NODATA");
      return model.flush(id, rect);
    }
  }
}

function whole(width: number, height: number): Rect {
  return { x: 0, y: 0, width, height };
}

/** A rectangle with pixels, inside the resource. */
function rectOf([x, y, width, height]: readonly number[], resource: ModelResource): Rect {
  const left = Math.floor(x! / 256 * resource.width);
  const top = Math.floor(y! / 256 * resource.height);
  return {
    x: left,
    y: top,
    width: 1 + Math.floor(width! / 256 * (resource.width - left)),
    height: 1 + Math.floor(height! / 256 * (resource.height - top)),
  };
}

/** Entries of any length, in any order, which may overlap; mostly enough for the whole resource. */
function drawEntries(random: Random, { width, height }: ModelResource): { addr: number; length: number }[] {
  const entries: { addr: number; length: number }[] = [];
  let left = random.oneIn(8) ? width * height : width * height * 4 + random.below(64);
  while (left > 0) {
    const length = random.between(1, Math.min(left, random.pick([3, 64, 4096, left])));
    entries.push({ addr: PIXELS_AT + random.below(PIXELS_BYTES - length), length });
    left -= length;
  }
  return entries;
}

/** A driver that has started the machine's device anew. */
function restart({ pci, memory }: Machine): GpuDriver {
  const ram = new GuestRam(() => new Uint8Array(memory.buffer, RAM_OFFSET, RAM_BYTES), RAM_BYTES);
  const driver = new GpuDriver(new PciDriverTransport(pci), ram);
  driver.start();
  return driver;
}

for (const isShared of [false, true]) {
  const kind = isShared ? "shared" : "unshared";
  Deno.test(`Any 2D operations show what the model shows, and are answered as it says (${kind} memory)`, async () => {
    const outputs = new Array(SCANOUTS).fill({ widthPixels: 64, heightPixels: 64 });
    const machine = await makeMachine({ ramBytes: RAM_BYTES, isShared, outputs });
    const emptyBytes = machine.heap.usedBytes;
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 80, size: "max" }), (operations) => {
        const driver = restart(machine);
        const model = new Model2d(SCANOUTS);

        for (const operation of operations) {
          carryOut(operation, driver, model);
          for (let scanout = 0; scanout < SCANOUTS; scanout++) {
            const picture = machine.display.picture(scanout)?.rgba;
            assertEquals(picture === undefined, model.picture(scanout) === undefined, `scanout ${scanout}`);
            if (picture !== undefined) assertEquals(picture, model.picture(scanout), `scanout ${scanout}`);
          }
        }

        machine.pci.reset();
        assertEquals(machine.heap.usedBytes, emptyBytes);
      }),
      { numRuns: 150 },
    );
  });
}
