/** The PCI configuration space and its capabilities. Virtio 1.4, 4.1.2 and 4.1.4. */

import { assertEquals, assertThrows } from "@std/assert";
import type { PciOptions } from "../../src/transport/pci_config.ts";
import { pciConfigSpace } from "../../src/transport/pci_config.ts";
import { PciCfgType } from "../../src/virtio/virtio.gen.ts";
import { MockDevice, type MockOptions } from "./mock_device.ts";
import { makeMockMachine } from "./mock_machine.ts";

const GiB = 1024 ** 3;

interface Capability {
  vendor: number;
  type: number;
  len: number;
  bar: number;
  id: number;
  offset: number;
  length: number;
  /** The bytes behind `struct virtio_pci_cap`. */
  more: number[];
}

/** Walks the list from the pointer at 0x34, as a driver does. */
function capabilities(space: Uint8Array): Capability[] {
  const view = new DataView(space.buffer, space.byteOffset, space.byteLength);
  const found: Capability[] = [];
  for (let at = view.getUint8(0x34); at !== 0; at = view.getUint8(at + 1)) {
    const len = view.getUint8(at + 2);
    found.push({
      vendor: view.getUint8(at),
      type: view.getUint8(at + 3),
      len,
      bar: view.getUint8(at + 4),
      id: view.getUint8(at + 5),
      offset: view.getUint32(at + 8, true),
      length: view.getUint32(at + 12, true),
      more: [...space.subarray(at + 16, at + len)],
    });
  }
  return found;
}

function capabilityOf(type: number, options: MockOptions = {}, pciOptions: PciOptions = {}): Capability {
  const found = capabilities(pciConfigSpace(new MockDevice(options), pciOptions)).filter((cap) => cap.type === type);
  assertEquals(found.length, 1);
  return found[0]!;
}

Deno.test("The configuration space names a virtio GPU, a display controller, revision 1, with INTA", () => {
  const space = pciConfigSpace(new MockDevice(), {});
  const view = new DataView(space.buffer);

  assertEquals(space.length, 256);
  assertEquals(view.getUint16(0x00, true), 0x1af4);
  assertEquals(view.getUint16(0x02, true), 0x1050);
  assertEquals(view.getUint16(0x06, true) & 0x10, 0x10); // it has capabilities
  assertEquals(view.getUint8(0x08), 1);
  assertEquals([view.getUint8(0x09), view.getUint8(0x0a), view.getUint8(0x0b)], [0, 0x80, 0x03]);
  assertEquals(view.getUint8(0x0e), 0); // one function
  assertEquals(view.getUint16(0x2c, true), 0x1af4);
  assertEquals(view.getUint8(0x3d), 1);
});

Deno.test("The capabilities are vendor capabilities, 4-byte aligned, and end", () => {
  const space = pciConfigSpace(new MockDevice(), {});

  const list = capabilities(space);

  assertEquals(list.map(({ vendor }) => vendor), [9, 9, 9, 9]);
  assertEquals(list.map(({ type }) => type), [
    PciCfgType.CommonCfg,
    PciCfgType.NotifyCfg,
    PciCfgType.IsrCfg,
    PciCfgType.DeviceCfg,
  ]);
  assertEquals(space[0x34]! % 4, 0);
});

Deno.test("The ranges of the capabilities lie in the BAR, aligned, and do not overlap", async () => {
  const { pci } = await makeMockMachine();

  const ranges = capabilities(pci.configSpace).sort((a, b) => a.offset - b.offset);

  const ends = ranges.map(({ offset, length }) => offset + length);
  assertEquals(ranges.map(({ bar }) => bar), [0, 0, 0, 0]);
  assertEquals(ranges.every(({ offset }) => offset % 4 === 0), true);
  assertEquals(ranges.slice(1).every(({ offset }, index) => offset >= ends[index]!), true);
  assertEquals(ends.at(-1)! <= pci.barBytes, true);
});

Deno.test("The common configuration has room for all its registers", () => {
  assertEquals(capabilityOf(PciCfgType.CommonCfg).length >= 64, true);
});

Deno.test("The notification capability has a multiplier and room for every queue", () => {
  const notify = capabilityOf(PciCfgType.NotifyCfg, { queueSizes: [256, 16] });

  assertEquals(notify.len, 20);
  assertEquals(notify.more, [4, 0, 0, 0]);
  assertEquals(notify.length >= 1 * 4 + 2, true);
});

Deno.test("The device configuration capability has room for the device's configuration", () => {
  assertEquals(capabilityOf(PciCfgType.DeviceCfg, { config: new Uint8Array(20) }).length >= 20, true);
});

for (const bar of [0, 1, 4, 5]) {
  Deno.test(`All structures lie behind BAR ${bar} when the embedder says so`, () => {
    const space = pciConfigSpace(new MockDevice(), { bar });

    assertEquals(capabilities(space).map((cap) => cap.bar), [bar, bar, bar, bar]);
  });
}

Deno.test("A BAR in memory space has its lowest bits 0, one in I/O space bit 0 set", () => {
  const inMemory = pciConfigSpace(new MockDevice(), { bar: 1 });
  const inIo = pciConfigSpace(new MockDevice(), { bar: 1, isIoBar: true });

  assertEquals([inMemory[0x10], inMemory[0x14]], [0, 0]);
  assertEquals([inIo[0x10], inIo[0x14]], [0, 1]);
});

Deno.test("A device without shared memory has no shared-memory capability, and BAR 2 is 0", () => {
  const space = pciConfigSpace(new MockDevice(), {});

  assertEquals(capabilities(space).some(({ type }) => type === PciCfgType.SharedMemoryCfg), false);
  assertEquals(space[0x18], 0);
});

Deno.test("Shared memory has a 64-bit capability with its id and length, behind a 64-bit prefetchable BAR", () => {
  const options = { sharedMemory: [{ id: 1, lengthBytes: 256 * 1024 * 1024 }] };
  const space = pciConfigSpace(new MockDevice(options), {});

  const { type: _, vendor: __, ...shared } = capabilityOf(PciCfgType.SharedMemoryCfg, options);

  const more = new Array(8).fill(0);
  assertEquals(shared, { len: 24, bar: 2, id: 1, offset: 0, length: 256 * 1024 * 1024, more });
  assertEquals(space[0x18], 0xc);
});

Deno.test("Shared memory of 4 GiB and more has the upper halves of offset and length", () => {
  const sharedMemory = [
    { id: 1, lengthBytes: 8 * GiB + 4096 },
    { id: 2, lengthBytes: 4 * GiB },
    { id: 7, lengthBytes: 65536 },
  ];

  const list = capabilities(pciConfigSpace(new MockDevice({ sharedMemory }), { sharedMemoryBar: 4 }));

  const shared = list.filter(({ type }) => type === PciCfgType.SharedMemoryCfg);
  assertEquals(shared.map(({ id, bar, offset, length, more }) => ({ id, bar, offset, length, more })), [
    { id: 1, bar: 4, offset: 0, length: 4096, more: [0, 0, 0, 0, 2, 0, 0, 0] },
    { id: 2, bar: 4, offset: 4096, length: 0, more: [2, 0, 0, 0, 1, 0, 0, 0] },
    { id: 7, bar: 4, offset: 4096, length: 65536, more: [3, 0, 0, 0, 0, 0, 0, 0] },
  ]);
});

Deno.test("pciConfigSpace throws a RangeError for more queues or configuration than the BAR has room for", () => {
  const queues = new MockDevice({ queueSizes: new Array(5).fill(16) });
  const config = new MockDevice({ config: new Uint8Array(33) });

  assertThrows(() => pciConfigSpace(queues, {}), RangeError, "too many queues or configuration");
  assertThrows(() => pciConfigSpace(config, {}), RangeError, "too many queues or configuration");
});

Deno.test("pciConfigSpace takes four queues and 32 bytes of configuration", () => {
  const device = new MockDevice({ queueSizes: new Array(4).fill(16), config: new Uint8Array(32) });

  assertEquals(capabilities(pciConfigSpace(device, {})).length, 4);
});
