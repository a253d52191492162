// A vhost-user back end as a process of its own: how it begins, takes front ends, and ends.

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { makeSocketPair } from "../../src/hosts/deno/unix_socket.ts";
import { createResource } from "../device/requests.ts";
import { BackEndProcess } from "../support/vhost_front_end/back_end_process.ts";
import { FrontEndMachine } from "../support/vhost_front_end/front_end_machine.ts";
import { assertShows, makeScreen, MIB, OK, pagesBelow, show } from "../support/vhost_front_end/screens.ts";

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
    while (backEnd.mappings("guest RAM") > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  connect(STAGES.length);
  await backEnd.screenshot();
  await settle();
  const [descriptorsBefore, mappingsBefore] = [descriptors(backEnd), backEnd.mappings("")];
  const residentBefore = residentBytes(backEnd);

  connect(1000);
  await backEnd.screenshot();
  await settle();

  assertEquals(descriptors(backEnd), descriptorsBefore);
  const grown = backEnd.mappings("") - mappingsBefore; // the engine's own come and go
  assert(grown < 100, `${grown} mappings more`);
  assert(
    residentBytes(backEnd) - residentBefore < 64 * MIB,
    `${residentBytes(backEnd)} bytes, before ${residentBefore}`,
  );
});
