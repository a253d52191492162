/** Guest memory that a front end hands over. vhost-user, Memory access. */

import { assertEquals } from "@std/assert";
import { DriverQueue } from "../../../src/guest/driver_queue.ts";
import { MEMORY_SLOTS } from "../../../src/transport/vhost_user/memory_table.ts";
import { FrontEndRequest, MAX_TABLE_REGIONS } from "../../../src/transport/vhost_user/vhost_user.gen.ts";
import { MAX_REGIONS } from "../../../src/wasm/layout.gen.ts";
import type { FakeFile } from "./fake_host.ts";
import { numberOf, type RegionOptions } from "./front_end.ts";
import { completeAll, makeMockVhost, pushChains, RAM_BYTES, shareRam, startMockVhost } from "./vhost_machine.ts";

const MIB = 1024 * 1024;

function fileOf(bytes: number): FakeFile {
  return { bytes: new Uint8Array(bytes) };
}

function region(guestAddress: number, sizeBytes: number, more: Partial<RegionOptions> = {}): RegionOptions {
  return { guestAddress, sizeBytes, file: more.file ?? fileOf(sizeBytes), ...more };
}

Deno.test("MEMORY_SLOTS is as many as the kernels' region table holds", () => {
  assertEquals(MEMORY_SLOTS, MAX_REGIONS);
});

Deno.test("SET_MEM_TABLE maps every region of its file and closes the file descriptors", async () => {
  const { frontEnd, guest, host } = await makeMockVhost();
  const file = fileOf(4 * MIB);
  file.bytes[3 * MIB + 5] = 0x77;

  frontEnd.setMemTable([
    region(4 * 2 ** 30, 2 * MIB, { file, fileOffset: 2 * MIB }),
    region(0, 2 * MIB, { file }),
  ]);

  assertEquals(host.open.size, 0);
  assertEquals(host.mappings.size, 2);
  assertEquals(guest.regions.map(({ guestAddress, sizeBytes }) => [guestAddress, sizeBytes]), [
    [0, 2 * MIB],
    [4 * 2 ** 30, 2 * MIB],
  ]);
  assertEquals(guest.bytes[guest.resolve(4 * 2 ** 30 + MIB + 5, 1)], 0x77);
});

Deno.test("SET_MEM_TABLE takes a payload that is longer than its regions, as user-mode Linux sends it", async () => {
  const { frontEnd, guest } = await makeMockVhost();
  const payload = new Uint8Array(8 + 2 * 32);
  const words = new Uint32Array(payload.buffer);
  words.set([1, 0, 0, 0, MIB, 0, 0x1000, 0, 0, 0]);

  frontEnd.send(FrontEndRequest.SetMemTable, payload, { fds: [frontEnd.host.openFd(fileOf(MIB))] });

  assertEquals(guest.regions.length, 1);
});

Deno.test("SET_MEM_TABLE keeps the mapping of a region that was there already, and unmaps what is gone", async () => {
  const { frontEnd, host } = await makeMockVhost();
  const [low, high] = [region(0, MIB), region(MIB, MIB)];
  frontEnd.setMemTable([low, high]);
  const [kept] = host.mappings;

  frontEnd.setMemTable([low, region(8 * MIB, MIB)]);

  assertEquals(host.mapCount, 3);
  assertEquals(host.mappings.size, 2);
  assertEquals(host.mappings.has(kept!), true);
});

Deno.test("SET_MEM_TABLE maps anew what comes from another file, or from elsewhere in it", async () => {
  const { frontEnd, host } = await makeMockVhost();
  const file = fileOf(2 * MIB);
  frontEnd.setMemTable([region(0, MIB, { file })]);

  frontEnd.setMemTable([region(0, MIB)]);
  frontEnd.setMemTable([region(0, MIB, { file, fileOffset: MIB })]);

  assertEquals(host.mapCount, 3);
  assertEquals([...host.mappings].map(({ fileOffset }) => fileOffset), [MIB]);
});

Deno.test("SET_MEM_TABLE makes room for the new table before it maps it", async () => {
  const { frontEnd, host } = await makeMockVhost();

  frontEnd.setMemTable([region(0, 20 * MIB)]); // of a window of 32 MiB
  frontEnd.setMemTable([region(0, 24 * MIB)]);

  assertEquals(frontEnd.closed, undefined);
  assertEquals(host.mappings.size, 1);
});

Deno.test("SET_MEM_TABLE leaves no memory when a file cannot be mapped, and says why", async () => {
  const { frontEnd, guest, host } = await makeMockVhost();
  const kept = region(0, MIB);
  frontEnd.negotiate(0, 0);
  frontEnd.setMemTable([kept]);
  host.failsAt = (count) => count === 3;

  const outcome = frontEnd.setMemTable([kept, region(MIB, MIB), region(2 * MIB, MIB)], { needsReply: true });

  assertEquals(numberOf(outcome), 1);
  assertEquals(host.reports, ["SET_MEM_TABLE is refused: there is no room"]);
  assertEquals([guest.regions.length, host.mappings.size, host.open.size], [0, 0, 0]);
});

const refused: [name: string, regions: RegionOptions[], reason: string][] = [
  ["two that overlap", [region(0, 2 * MIB), region(MIB, MIB)], "the region at guest address 1048576 overlaps another"],
  ["one that is empty", [region(0, 0)], "the region at guest address 0 is empty"],
  [
    "one that ends past 2^53",
    [region(2 ** 53 - 4096, 8192)],
    "the region at guest address 9007199254736896 ends past 2^53",
  ],
  [
    "one of 2^53 bytes",
    [region(0, 2 ** 53, { file: fileOf(0), userAddress: 0 })],
    "the region at guest address 0 ends past 2^53",
  ],
  [
    "one whose front end's address is past 2^53",
    [region(0, 4096, { userAddress: 2 ** 60 })],
    "the region at guest address 0 ends past 2^53",
  ],
  [
    "one whose place in the file is past 2^53",
    [region(0, 4096, { fileOffset: 2 ** 53 })],
    "the region at guest address 0 ends past 2^53",
  ],
  ["one whose file is too short", [region(0, MIB, { file: fileOf(MIB - 1) })], "the file is too short"],
];

for (const [name, regions, reason] of refused) {
  Deno.test(`SET_MEM_TABLE refuses ${name}`, async () => {
    const { frontEnd, host } = await makeMockVhost();

    frontEnd.setMemTable(regions);

    assertEquals(frontEnd.closed, `SET_MEM_TABLE is refused: ${reason}`);
    assertEquals([host.open.size, host.mappings.size], [0, 0]);
  });

  Deno.test(`ADD_MEM_REG refuses ${name}`, async () => {
    const { frontEnd, host } = await makeMockVhost();
    frontEnd.negotiate(0, 0);

    for (const one of regions) frontEnd.addRegion(one);

    assertEquals(frontEnd.closed, `ADD_MEM_REG is refused: ${reason}`);
    assertEquals([host.open.size, host.mappings.size], [0, 0]);
  });
}

Deno.test("SET_MEM_TABLE leaves the table as it is when the new one is wrong", async () => {
  const { frontEnd, guest } = await makeMockVhost();
  frontEnd.negotiate(0, 0);
  frontEnd.setMemTable([region(0, MIB)]);
  const { generation } = guest;

  frontEnd.setMemTable([region(0, 2 * MIB), region(MIB, MIB)], { needsReply: true });

  assertEquals(guest.generation, generation);
});

Deno.test("SET_MEM_TABLE refuses fewer or more file descriptors than regions", async () => {
  for (const count of [0, 1, 3]) {
    const { frontEnd, host } = await makeMockVhost();
    const fds = Array.from({ length: count }, () => host.openFd(fileOf(MIB)));

    frontEnd.setMemTable([region(0, MIB), region(MIB, MIB)], { fds });

    assertEquals(frontEnd.closed, `SET_MEM_TABLE is refused: ${count} file descriptors come with 2 regions`);
    for (const fd of host.open.keys()) if (!fds.includes(fd)) host.closeFd(fd); // the test's own, which were not sent
    assertEquals(host.open.size, 0);
  }
});

Deno.test("SET_MEM_TABLE refuses to have more regions than its payload holds", async () => {
  for (const count of [1, MAX_TABLE_REGIONS + 1, 0xffffffff]) {
    const { frontEnd } = await makeMockVhost();

    frontEnd.send(FrontEndRequest.SetMemTable, new Uint8Array(Uint32Array.of(count, 0).buffer));

    assertEquals(frontEnd.closed, `SET_MEM_TABLE is refused: it has 8 bytes for ${count} regions`);
  }
});

Deno.test("SET_MEM_TABLE without regions takes all memory away", async () => {
  const { frontEnd, guest, host } = await makeMockVhost();
  frontEnd.setMemTable([region(0, MIB)]);

  frontEnd.setMemTable([]);

  assertEquals([guest.regions.length, host.mappings.size, frontEnd.closed], [0, 0, undefined]);
});

Deno.test("ADD_MEM_REG and REM_MEM_REG change single regions, with and without a file descriptor for the latter", async () => {
  const { frontEnd, guest, host } = await makeMockVhost();
  const [low, high] = [region(0, MIB), region(MIB, MIB)];
  frontEnd.negotiate(0, 0);

  frontEnd.addRegion(low);
  frontEnd.addRegion(high);
  frontEnd.removeRegion(low, { fds: [host.openFd(low.file)] });
  assertEquals(guest.regions.map(({ guestAddress }) => guestAddress), [MIB]);
  frontEnd.removeRegion(high);

  assertEquals([guest.regions.length, host.mappings.size, host.open.size], [0, 0, 0]);
  assertEquals(frontEnd.closed, undefined);
});

Deno.test("REM_MEM_REG refuses a region that is not there", async () => {
  const { frontEnd } = await makeMockVhost();
  frontEnd.negotiate(0, 0);
  frontEnd.addRegion(region(0, MIB));

  frontEnd.removeRegion(region(0, MIB / 2));

  assertEquals(frontEnd.closed, "REM_MEM_REG is refused: there is no such region");
});

Deno.test("ADD_MEM_REG refuses more regions than there are slots", async () => {
  const { frontEnd, host } = await makeMockVhost();
  frontEnd.negotiate(0, 0);

  for (let index = 0; index <= MEMORY_SLOTS; index++) frontEnd.addRegion(region(index * 8192, 4096));

  assertEquals(frontEnd.closed, "ADD_MEM_REG is refused: all 64 memory slots are in use");
  assertEquals([host.open.size, host.mappings.size], [0, 0]);
});

Deno.test("A ring goes on when its memory is mapped elsewhere while it runs", async () => {
  const machine = await startMockVhost();
  const { device, frontEnd, queue, file, guest } = machine;
  pushChains(queue, 2);
  completeAll(device);
  const [before] = guest.regions;

  frontEnd.setMemTable([region(16 * MIB, MIB), { guestAddress: 0, sizeBytes: RAM_BYTES, file }]);
  frontEnd.setMemTable([{ guestAddress: 0, sizeBytes: RAM_BYTES / 2, file }]);
  pushChains(queue, 3);

  assertEquals(guest.regions[0] === before, false);
  assertEquals(completeAll(device), 3);
  assertEquals(device.calls.filter((call) => call === "reset"), []);
});

Deno.test("A ring whose memory is taken away stands still, without an error, and goes on when it comes back", async () => {
  const machine = await startMockVhost();
  const { device, frontEnd, queue, file, host, kick } = machine;
  const all = { guestAddress: 0, sizeBytes: RAM_BYTES, file };
  pushChains(queue, 2);
  completeAll(device);
  frontEnd.work();

  frontEnd.removeRegion(all);
  assertEquals([device.queues[0], host.kicks[0]], [undefined, undefined]);
  device.take();
  machine.connection.notify(0);
  frontEnd.addRegion(all);
  frontEnd.work();

  assertEquals(device.take(), ["notify 0"]);
  assertEquals(host.kicks[0], kick);
  assertEquals([host.signals.length, host.reports.length], [1, 0]); // the interrupt
  pushChains(queue, 1);
  assertEquals(completeAll(device), 1);
});

Deno.test("A ring is found by the front end's addresses after the guest's addresses have moved", async () => {
  const machine = await startMockVhost();
  const { device, frontEnd, queue, file, guest } = machine;
  pushChains(queue, 1);
  completeAll(device);
  const userAddress = 0x7f12_3456_0000;

  frontEnd.setMemTable([{ guestAddress: 2 ** 32, sizeBytes: RAM_BYTES, file, userAddress }]);

  assertEquals(device.queues[0]?.errorCode, 0);
  assertEquals(completeAll(device), 0);
  assertEquals(guest.regions.length, 1);
  assertEquals(frontEnd.stopRing(0), 1);
});

Deno.test("A chain whose buffer crosses two regions that touch is one buffer", async () => {
  const machine = await makeMockVhost();
  const { device, frontEnd, file, guest } = machine;
  shareRam(machine);
  const queue = new DriverQueue(machine.ram, 8);
  const half = RAM_BYTES / 2;
  frontEnd.setMemTable([
    { guestAddress: 0, sizeBytes: half, file },
    { guestAddress: half, sizeBytes: half, file, fileOffset: half },
  ]);
  frontEnd.startRing(0, queue);
  queue.push(queue.writeChain([{ address: half - 8, length: 16 }]));
  for (let index = 0; index < 16; index++) guest.bytes[guest.resolve(half - 8 + index, 1)] = index + 1;

  device.queues[0]!.pop();

  const { chain } = device.queues[0]!;
  const command = guest.bytes.slice(chain.command, chain.command + 16);
  assertEquals(chain.readableBytes, 16);
  assertEquals([...command], Array.from({ length: 16 }, (_, index) => index + 1));
});
