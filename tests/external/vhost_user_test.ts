// A vhost-user back end as a process of its own, and a front end that plays QEMU and the guest.

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { CONFIG_NUM_SCANOUTS_OFFSET, Format, GpuQueue, writeGetDisplayInfo } from "../../src/protocol/wire.gen.ts";
import { readRespDisplayInfo, RESP_DISPLAY_INFO_SIZE } from "../../src/protocol/wire.gen.ts";
import { makeSocketPair } from "../../src/hosts/deno/unix_socket.ts";
import { ProtocolFeature } from "../../src/transport/vhost_user/vhost_user.gen.ts";
import { DeviceStatus, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_FLAGS, VIRTQ_DESC_NEXT } from "../../src/virtio/virtio.gen.ts";
import {
  attach,
  createResource,
  flush,
  moveCursor,
  rect,
  setScanout,
  transfer,
  unref,
  updateCursor,
} from "../device/requests.ts";
import { BackEndProcess } from "../support/vhost_front_end/back_end_process.ts";
import { FrontEndMachine } from "../support/vhost_front_end/front_end_machine.ts";
import { SharedRam } from "../support/vhost_front_end/shared_ram.ts";

const PAGE = 4096;
const MIB = 1024 * 1024;
const OK = "OK_NODATA";
const WIDTH = 320;
const HEIGHT = 200;
const SCREEN = rect(0, 0, WIDTH, HEIGHT);
const SCREEN_BYTES = WIDTH * HEIGHT * 4;

/** A pixel that says where it is and in which picture. */
function pixelAt(x: number, y: number, picture: number): number {
  return (0xff000000 | picture << 16 | (y & 0xff) << 8 | x & 0xff) >>> 0;
}

/** The picture `picture` of a screen, in the order of its pixels. */
function pictureOf(picture: number): Uint32Array {
  return Uint32Array.from({ length: WIDTH * HEIGHT }, (_, at) => pixelAt(at % WIDTH, Math.floor(at / WIDTH), picture));
}

/** Scattered pages for a screen, from the top of `[begin, end)` down. */
function pagesBelow(end: number): { addr: number; length: number }[] {
  const count = Math.ceil(SCREEN_BYTES / PAGE);
  return Array.from({ length: count }, (_, index) => ({ addr: end - (index + 1) * PAGE, length: PAGE }));
}

/** Writes a picture into pages as a guest's processor would. */
function draw({ ram }: FrontEndMachine, pages: readonly { addr: number }[], words: Uint32Array): void {
  const bytes = new Uint8Array(words.buffer);
  pages.forEach(({ addr }, index) => {
    ram.bytes.set(bytes.subarray(index * PAGE, (index + 1) * PAGE), addr);
  });
}

/** Makes resource `id` of a screen's size, backed by `pages`. */
function makeScreen({ driver }: FrontEndMachine, id: number, pages: readonly { addr: number; length: number }[]): void {
  assertEquals([createResource(driver, id, WIDTH, HEIGHT), attach(driver, id, pages)], [OK, OK]);
}

/** Draws a picture into a resource and shows it. */
function show(machine: FrontEndMachine, id: number, pages: readonly { addr: number }[], picture: number): void {
  const { driver } = machine;
  draw(machine, pages, pictureOf(picture));
  const answers = [transfer(driver, id, SCREEN, 0), setScanout(driver, 0, id, SCREEN), flush(driver, id, SCREEN)];
  assertEquals(answers, [OK, OK, OK]);
}

async function assertShows(backEnd: BackEndProcess, picture: number): Promise<void> {
  const { widthPixels, heightPixels, pixels } = await backEnd.screenshot();
  assertEquals([widthPixels, heightPixels], [WIDTH, HEIGHT]);
  const expected = pictureOf(picture);
  const wrong = pixels.findIndex((pixel, at) => pixel !== expected[at]);
  assert(wrong < 0, `pixel ${wrong} is ${pixels[wrong]?.toString(16)}, expected ${expected[wrong]?.toString(16)}`);
}

Deno.test("a driver brings the device up and finds its queues, configuration and monitor", async () => {
  await using backEnd = await BackEndProcess.start({ outputs: [{ widthPixels: WIDTH, heightPixels: HEIGHT }] });
  using machine = new FrontEndMachine(backEnd.path);
  const { driver, frontEnd, transport } = machine;

  driver.start();

  assertEquals(frontEnd.queueCount(), 2);
  assertEquals(transport.readConfig(CONFIG_NUM_SCANOUTS_OFFSET, 4), 1);
  const { words } = driver.send(writeGetDisplayInfo, {}, { replyBytes: RESP_DISPLAY_INFO_SIZE });
  assertEquals(readRespDisplayInfo(words, 0).pmodes[0]!.rect, SCREEN);
});

const FRONT_ENDS: [name: string, protocolFeatures: number | "none"][] = [
  ["that knows no protocol features", "none"],
  ["that wants no protocol features", 0],
  ["that acknowledges nothing", 1 << ProtocolFeature.Mq | 1 << ProtocolFeature.Config],
  ["that waits for acknowledgements", 1 << ProtocolFeature.Mq | 1 << ProtocolFeature.ReplyAck],
];
for (const [name, protocolFeatures] of FRONT_ENDS) {
  Deno.test(`a front end ${name} shows a picture`, async () => {
    await using backEnd = await BackEndProcess.start();
    using machine = new FrontEndMachine(backEnd.path, { protocolFeatures });
    machine.driver.start();
    const pages = pagesBelow(32 * MIB);
    makeScreen(machine, 1, pages);

    show(machine, 1, pages, 1);

    await assertShows(backEnd, 1);
  });
}

Deno.test("lines of text drawn one by one make the whole picture, and a scroll moves it", async () => {
  await using backEnd = await BackEndProcess.start();
  using machine = new FrontEndMachine(backEnd.path);
  const { driver } = machine;
  driver.start();
  const pages = pagesBelow(32 * MIB);
  makeScreen(machine, 1, pages);
  show(machine, 1, pages, 1);

  draw(machine, pages, pictureOf(2));
  for (let y = 0; y < HEIGHT; y += 16) {
    const line = rect(0, y, WIDTH, Math.min(16, HEIGHT - y));
    for (let x = 0; x < WIDTH; x += 8) {
      assertEquals(transfer(driver, 1, { ...line, x, width: 8 }, (y * WIDTH + x) * 4), OK);
    }
    assertEquals(flush(driver, 1, line), OK);
  }

  await assertShows(backEnd, 2);
});

Deno.test("page flips show one buffer and the other", async () => {
  await using backEnd = await BackEndProcess.start();
  using machine = new FrontEndMachine(backEnd.path);
  machine.driver.start();
  const buffers = [1, 2].map((id) => ({ id, pages: pagesBelow((16 + id * 8) * MIB) }));
  for (const { id, pages } of buffers) makeScreen(machine, id, pages);

  for (let frame = 0; frame < 60; frame++) {
    const { id, pages } = buffers[frame % 2]!;
    show(machine, id, pages, frame);
    if (frame % 15 === 0) await assertShows(backEnd, frame);
  }
});

Deno.test("a cursor moves over the picture and is hidden", async () => {
  await using backEnd = await BackEndProcess.start();
  using machine = new FrontEndMachine(backEnd.path);
  const { driver } = machine;
  driver.start();
  const pages = pagesBelow(32 * MIB);
  makeScreen(machine, 1, pages);
  show(machine, 1, pages, 1);
  assertEquals([createResource(driver, 2, 64, 64), attach(driver, 2, [{ addr: 8 * MIB, length: 16384 }])], [OK, OK]);

  updateCursor(driver, 2, { pos: { scanoutId: 0, x: 5, y: 6 } });
  assertEquals((await backEnd.screenshot()).cursor, { x: 5, y: 6 });
  moveCursor(driver, 0, 100, 50);
  assertEquals((await backEnd.screenshot()).cursor, { x: 100, y: 50 });
  updateCursor(driver, 0);
  assertEquals((await backEnd.screenshot()).cursor, undefined);
});

Deno.test("one buffer crosses from a region into the next, and RAM lies above 4 GiB as QEMU puts it", async () => {
  await using backEnd = await BackEndProcess.start();
  const high = 4096 * MIB;
  using machine = new FrontEndMachine(backEnd.path, {
    regions: [
      { guestAddress: 0, sizeBytes: 640 * 1024 },
      { guestAddress: MIB, sizeBytes: 15 * MIB, fileOffset: MIB },
      { guestAddress: 16 * MIB, sizeBytes: 16 * MIB },
      { guestAddress: high, sizeBytes: 16 * MIB, fileOffset: 8 * PAGE },
    ],
    firstFree: MIB,
  });
  const { driver } = machine;
  driver.start();
  const crossing = [{ addr: 16 * MIB - 10 * PAGE, length: SCREEN_BYTES }];
  makeScreen(machine, 1, crossing);
  const pages = crossing.flatMap(({ addr }) => {
    return Array.from({ length: Math.ceil(SCREEN_BYTES / PAGE) }, (_, index) => ({ addr: addr + index * PAGE }));
  });
  show(machine, 1, pages, 1);
  await assertShows(backEnd, 1);

  const highPages = pagesBelow(high + 8 * MIB);
  makeScreen(machine, 2, highPages);
  show(machine, 2, highPages, 2);
  await assertShows(backEnd, 2);
});

Deno.test("a region that comes while the rings run can be drawn from, and one that goes cannot", async () => {
  await using backEnd = await BackEndProcess.start();
  using machine = new FrontEndMachine(backEnd.path);
  const { driver, frontEnd, libc } = machine;
  driver.start();
  const all = new SharedRam(libc, [
    { guestAddress: 0, sizeBytes: 64 * MIB },
    { guestAddress: 64 * MIB, sizeBytes: 8 * MIB },
  ]);
  const more = all.regions[1]!;
  const pages = pagesBelow(72 * MIB);
  const bytes = new Uint8Array(pictureOf(7).buffer);
  pages.forEach(({ addr }, index) => all.bytes.set(bytes.subarray(index * PAGE, (index + 1) * PAGE), addr));
  assertEquals(createResource(driver, 1, WIDTH, HEIGHT), OK);
  assertEquals(attach(driver, 1, pages), "ERR_UNSPEC");

  frontEnd.addRegion(more);
  assertEquals(attach(driver, 1, pages), OK);
  const answers = [transfer(driver, 1, SCREEN, 0), setScanout(driver, 0, 1, SCREEN), flush(driver, 1, SCREEN)];
  assertEquals(answers, [OK, OK, OK]);
  await assertShows(backEnd, 7);

  frontEnd.removeRegion(more);
  assertEquals(transfer(driver, 1, SCREEN, 0), "ERR_UNSPEC");
  assertEquals(mappings(backEnd, "guest RAM 1"), 0);
  frontEnd.addRegion(more);
  assertEquals(transfer(driver, 1, SCREEN, 0), OK);
  assertThrows(() => frontEnd.addRegion(more), Error, "refuses"); // it overlaps itself
  assertEquals(transfer(driver, 1, SCREEN, 0), OK);
  all.close();
});

Deno.test("a table that is replaced while the rings run brings other bytes to the same addresses", async () => {
  await using backEnd = await BackEndProcess.start();
  const regions = [{ guestAddress: 0, sizeBytes: 16 * MIB }, { guestAddress: 16 * MIB, sizeBytes: 16 * MIB }];
  using machine = new FrontEndMachine(backEnd.path, { regions });
  const { driver, frontEnd, libc, ram } = machine;
  driver.start();
  const pages = pagesBelow(32 * MIB);
  makeScreen(machine, 1, pages);
  show(machine, 1, pages, 1);

  const other = new SharedRam(libc, regions);
  const bytes = new Uint8Array(pictureOf(9).buffer);
  pages.forEach(({ addr }, index) => other.bytes.set(bytes.subarray(index * PAGE, (index + 1) * PAGE), addr));
  frontEnd.setMemory([ram.regions[0]!, { ...other.regions[1]!, userAddress: ram.regions[1]!.userAddress }]);
  assertEquals([transfer(driver, 1, SCREEN, 0), flush(driver, 1, SCREEN)], [OK, OK]);
  await assertShows(backEnd, 9);

  frontEnd.setMemory(ram.regions);
  assertEquals([transfer(driver, 1, SCREEN, 0), flush(driver, 1, SCREEN)], [OK, OK]);
  await assertShows(backEnd, 1);
  other.close();
});

Deno.test("a driver that resets the device finds it clean", async () => {
  await using backEnd = await BackEndProcess.start();
  using machine = new FrontEndMachine(backEnd.path);
  const { driver } = machine;
  const pages = pagesBelow(32 * MIB);
  for (let boot = 0; boot < 3; boot++) {
    driver.start();
    assertEquals(unref(driver, 1), "ERR_INVALID_RESOURCE_ID");
    makeScreen(machine, 1, pages);
    show(machine, 1, pages, boot);
    await assertShows(backEnd, boot);
  }
});

Deno.test("a malformed ring is reported by its eventfd, and works again after a reset", async () => {
  await using backEnd = await BackEndProcess.start();
  using machine = new FrontEndMachine(backEnd.path);
  const { driver, ram, transport } = machine;
  driver.start();
  const queue = driver.queue(GpuQueue.Control);
  const loop = ram.guest.fields(queue.descriptors, 16); // a chain that comes back to itself
  loop.setUint16(VIRTQ_DESC_FLAGS, VIRTQ_DESC_F_NEXT, true);
  loop.setUint16(VIRTQ_DESC_NEXT, 0, true);
  ram.guest.fields(queue.descriptors, 16).setUint32(8, 1, true);

  queue.push(0);
  transport.signalKick(GpuQueue.Control);

  transport.waitUntil(() => (transport.readStatus() & DeviceStatus.DeviceNeedsReset) !== 0, "no NEEDS_RESET");
  assertEquals(transport.takeError(GpuQueue.Control), true);
  driver.start();
  assertEquals(createResource(driver, 1, 8, 8, Format.B8G8R8X8Unorm), OK);
});

Deno.test("with keep, a front end that comes after another finds a clean device", async () => {
  await using backEnd = await BackEndProcess.start({ keep: true });
  for (const picture of [1, 2, 3]) {
    using machine = new FrontEndMachine(backEnd.path);
    assertEquals((await backEnd.screenshot()).widthPixels, 0);
    machine.driver.start();
    const pages = pagesBelow(32 * MIB);
    makeScreen(machine, 1, pages);
    show(machine, 1, pages, picture);
    await assertShows(backEnd, picture);
  }
});

Deno.test("without keep, the back end ends when its front end has gone, and its socket with it", async () => {
  await using backEnd = await BackEndProcess.start();
  const machine = new FrontEndMachine(backEnd.path);
  machine.driver.start();

  machine.close();

  assertEquals((await backEnd.ended()).code, 0);
  assertMatch(backEnd.output, /disconnected: it has gone\nended\n$/);
  assertThrows(() => Deno.statSync(backEnd.path), Deno.errors.NotFound);
});

Deno.test("a second front end is sent away with a message, and the first goes on", async () => {
  await using backEnd = await BackEndProcess.start({ keep: true });
  using machine = new FrontEndMachine(backEnd.path);
  machine.driver.start();

  assertThrows(() => new FrontEndMachine(backEnd.path));

  await backEnd.waitFor(/^warning: another front end was sent away: one is connected$/m);
  assertEquals(createResource(machine.driver, 1, 8, 8), OK);
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  Deno.test(`${signal} ends a back end that serves a guest`, async () => {
    await using backEnd = await BackEndProcess.start({ keep: true });
    using machine = new FrontEndMachine(backEnd.path);
    machine.driver.start();

    const { code } = await backEnd.end(signal);

    assertEquals(code, 0);
    assertMatch(backEnd.output, /\nended\n$/);
    assertThrows(() => Deno.statSync(backEnd.path), Deno.errors.NotFound);
    assertEquals(machine.frontEnd.socket.receive(), undefined);
  });
}

/** How many lines of the back end's table of mappings contain `text`. */
function mappings({ pid }: BackEndProcess, text: string): number {
  return Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n").filter((line) => line.includes(text)).length;
}

/** What a process holds, by the names of its file descriptors, numbers left out. */
function descriptors({ pid }: BackEndProcess): string[] {
  const folder = `/proc/${pid}/fd`;
  return [...Deno.readDirSync(folder)].map(({ name }) => Deno.readLinkSync(`${folder}/${name}`).replace(/\d+/g, "N"))
    .sort();
}

/** Bytes of memory that a process has in use. */
function residentBytes({ pid }: BackEndProcess): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) * 1024;
}

/** How far a front end comes before it goes, in turn. */
const STAGES: ((machine: FrontEndMachine) => void)[] = [
  () => {},
  ({ frontEnd, ram }) => frontEnd.setMemory(ram.regions),
  ({ driver }) => driver.start(),
  (machine) => {
    const [near, far] = makeSocketPair(machine.libc);
    machine.frontEnd.setGpuSocket(far);
    machine.fds.close(far);
    machine.driver.start();
    makeScreen(machine, 1, pagesBelow(4 * MIB));
    machine.fds.close(near);
  },
  (machine) => {
    machine.driver.start();
    const pages = pagesBelow(4 * MIB);
    makeScreen(machine, 1, pages);
    show(machine, 1, pages, 1);
    machine.frontEnd.socket.sendBytes(new Uint8Array(5), machine.ram.regions.map(({ fd }) => fd)); // half a message
  },
];

Deno.test("a thousand connections leave no descriptor, no mapping and no memory behind", async () => {
  await using backEnd = await BackEndProcess.start({ keep: true });
  const regions = [{ guestAddress: 0, sizeBytes: 2 * MIB }, { guestAddress: 2 * MIB, sizeBytes: 2 * MIB }];
  const connect = (count: number) => {
    for (let index = 0; index < count; index++) {
      using machine = new FrontEndMachine(backEnd.path, { regions });
      STAGES[index % STAGES.length]!(machine);
    }
  };
  const settle = async () => {
    while (mappings(backEnd, "guest RAM") > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  connect(STAGES.length);
  await backEnd.screenshot();
  await settle();
  const [descriptorsBefore, mappingsBefore] = [descriptors(backEnd), mappings(backEnd, "")];
  const residentBefore = residentBytes(backEnd);

  connect(1000);
  await backEnd.screenshot();
  await settle();

  assertEquals(descriptors(backEnd), descriptorsBefore);
  const grown = mappings(backEnd, "") - mappingsBefore; // the engine's own come and go
  assert(grown < 100, `${grown} mappings more`);
  assert(
    residentBytes(backEnd) - residentBefore < 64 * MIB,
    `${residentBytes(backEnd)} bytes, before ${residentBefore}`,
  );
});
