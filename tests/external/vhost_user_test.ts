// A vhost-user back end as a process of its own, and a front end that plays QEMU and the guest: what the guest sees.

import { assertEquals, assertThrows } from "@std/assert";
import {
  CONFIG_NUM_SCANOUTS_OFFSET,
  Format,
  GpuQueue,
  readRespDisplayInfo,
  RESP_DISPLAY_INFO_SIZE,
  writeGetDisplayInfo,
} from "../../src/protocol/wire.gen.ts";
import { ProtocolFeature } from "../../src/transport/vhost_user/vhost_user.gen.ts";
import {
  DeviceStatus,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_FLAGS,
  VIRTQ_DESC_LEN,
  VIRTQ_DESC_NEXT,
} from "../../src/virtio/virtio.gen.ts";
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
import {
  assertShows,
  draw,
  HEIGHT,
  makeScreen,
  MIB,
  OK,
  PAGE,
  pagesBelow,
  SCREEN,
  SCREEN_BYTES,
  show,
  WIDTH,
} from "../support/vhost_front_end/screens.ts";
import { SharedRam, type SharedRegion } from "../support/vhost_front_end/shared_ram.ts";

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

Deno.test("text drawn character by character makes the whole picture", async () => {
  await using backEnd = await BackEndProcess.start();
  using machine = new FrontEndMachine(backEnd.path);
  const { driver } = machine;
  driver.start();
  const pages = pagesBelow(32 * MIB);
  makeScreen(machine, 1, pages);
  show(machine, 1, pages, 1);

  draw(machine.ram, pages, 2);
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
  draw(all, pages, 7);
  assertEquals(createResource(driver, 1, WIDTH, HEIGHT), OK);
  assertEquals(attach(driver, 1, pages), "ERR_UNSPEC");

  frontEnd.addRegion(more);
  assertEquals(attach(driver, 1, pages), OK);
  const answers = [transfer(driver, 1, SCREEN, 0), setScanout(driver, 0, 1, SCREEN), flush(driver, 1, SCREEN)];
  assertEquals(answers, [OK, OK, OK]);
  await assertShows(backEnd, 7);

  frontEnd.removeRegion(more);
  assertEquals(transfer(driver, 1, SCREEN, 0), "ERR_UNSPEC");
  assertEquals(backEnd.mappings("guest RAM 1"), 0);
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
  draw(other, pages, 9);
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
  loop.setUint32(VIRTQ_DESC_LEN, 1, true);
  loop.setUint16(VIRTQ_DESC_FLAGS, VIRTQ_DESC_F_NEXT, true);
  loop.setUint16(VIRTQ_DESC_NEXT, 0, true);

  queue.push(0);
  transport.signalKick(GpuQueue.Control);

  transport.waitUntil(() => (transport.readStatus() & DeviceStatus.DeviceNeedsReset) !== 0, "no NEEDS_RESET");
  assertEquals(transport.takeError(GpuQueue.Control), true);
  driver.start();
  assertEquals(createResource(driver, 1, 8, 8, Format.B8G8R8X8Unorm), OK);
});

Deno.test("a guest with more RAM than one memory holds is refused with a message", async () => {
  await using backEnd = await BackEndProcess.start({ keep: true });
  {
    using machine = new FrontEndMachine(backEnd.path, { regions: [{ guestAddress: 0, sizeBytes: 4096 * MIB }] });
    assertThrows(() => machine.driver.start(), Error, "refuses");
    await backEnd.waitFor(/^warning: SET_MEM_TABLE is refused: .* do not fit: .* about 3.9 GiB$/m);
  }
  using machine = new FrontEndMachine(backEnd.path, { regions: [{ guestAddress: 0, sizeBytes: 3900 * MIB }] });
  machine.driver.start();
  const pages = pagesBelow(3900 * MIB);
  makeScreen(machine, 1, pages);
  show(machine, 1, pages, 1);
  await assertShows(backEnd, 1);
});

Deno.test("guest memory cannot be shortened any more once the back end has it", async () => {
  await using backEnd = await BackEndProcess.start({ requireSeals: true });
  using machine = new FrontEndMachine(backEnd.path);
  const [{ fd, sizeBytes }] = machine.ram.regions as [SharedRegion];
  machine.driver.start();

  assertEquals(machine.libc.calls.ftruncate(fd, 0n), -1);

  assertEquals(machine.fds.status(fd)?.sizeBytes, sizeBytes);
});
