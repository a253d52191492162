/** H12: blobs mapped where they cannot be: misaligned, overlapping, outside, twice, and ended while they are mapped. */

import { assert, assertEquals } from "@std/assert";
import { LATER } from "../../src/protocol/outcome.ts";
import { writeResourceMapBlob, writeResourceUnref } from "../../src/protocol/wire.gen.ts";
import { attach, createResource, unref } from "../device/requests.ts";
import { attachToContext, createContext, destroyContext, detachFromContext } from "../device/three_d_requests.ts";
import {
  guestWindow,
  makeHostBlob,
  mapBlob,
  startWithWindow,
  unmapBlob,
  WINDOW_BYTES,
} from "../device/window_requests.ts";
import { hostileU32 } from "../support/fuzz/hostile_numbers.ts";
import { Random } from "../support/fuzz/random.ts";
import { WINDOW_MARGIN_BYTES } from "../support/machine.ts";
import { PendingRequest } from "../support/pending_request.ts";
import { scripted } from "../support/scripted_window.ts";

const PAGE = 4096;
/** The largest u64 that a number holds. */
const LAST_OFFSET = 2 ** 64 - 2048;

type Started = Awaited<ReturnType<typeof startWithWindow>>;

const nowhere: [name: string, offset: number][] = [
  ["1", 1],
  ["4095", PAGE - 1],
  ["half a page", PAGE / 2],
  ["a page before the end, for a blob of two", WINDOW_BYTES - PAGE],
  ["the end", WINDOW_BYTES],
  ["a page behind the end", WINDOW_BYTES + PAGE],
  ["2^31", 2 ** 31],
  ["2^32 - 4096", 2 ** 32 - PAGE],
  ["2^32, whose lower half is 0", 2 ** 32],
  ["2^53 - 4096", 2 ** 53 - PAGE],
  ["2^53, where numbers saturate", 2 ** 53],
  ["2^63", 2 ** 63],
  ["2^64 - 8192, where the blob would end at 2^64", 2 ** 64 - 2 * PAGE],
  ["2^64 - 4096, where the blob would wrap to the window's start", 2 ** 64 - PAGE],
  ["2^64 - 2048", 2 ** 64 - 2048],
];
for (const [name, offset] of nowhere) {
  Deno.test(`RESOURCE_MAP_BLOB at ${name} is ERR_INVALID_PARAMETER and moves nothing`, async () => {
    const machine = await startWithWindow();
    const { driver, renderer } = machine;
    makeHostBlob(driver, 5, 2 * PAGE);
    const address = renderer.blobAddress(5);
    const before = aroundWindow(machine);
    assertEquals(mapBlob(driver, 5, offset).answer, "ERR_INVALID_PARAMETER");
    assertEquals(renderer.blobAddress(5), address);
    assertEquals(aroundWindow(machine), before);
    assertEquals(unmapBlob(driver, 5), "ERR_UNSPEC");
  });
}

Deno.test("Ranges that overlap by one page or wholly are ERR_INVALID_PARAMETER, whichever was first", async () => {
  const { driver } = await startWithWindow();
  makeHostBlob(driver, 5, 4 * PAGE);
  makeHostBlob(driver, 6, 2 * PAGE);
  makeHostBlob(driver, 7, WINDOW_BYTES);
  mapBlob(driver, 5, 8 * PAGE);
  for (const page of [7, 8, 9, 10, 11]) {
    assertEquals(mapBlob(driver, 6, page * PAGE).answer, "ERR_INVALID_PARAMETER");
  }
  assertEquals(mapBlob(driver, 7, 0).answer, "ERR_INVALID_PARAMETER");
  assertEquals(mapBlob(driver, 6, 6 * PAGE).answer, "OK_MAP_INFO");
  for (const blob of [5, 6]) unmapBlob(driver, blob);
  assertEquals(mapBlob(driver, 7, 0).answer, "OK_MAP_INFO");
});

Deno.test("A blob of one byte takes a whole page of the window", async () => {
  const { driver } = await startWithWindow();
  makeHostBlob(driver, 5, 1);
  makeHostBlob(driver, 6, 1);
  mapBlob(driver, 5, 0);
  assertEquals(mapBlob(driver, 6, 0).answer, "ERR_INVALID_PARAMETER");
  assertEquals(mapBlob(driver, 6, PAGE).answer, "OK_MAP_INFO");
});

Deno.test("Mapping twice and unmapping twice are ERR_UNSPEC, and change nothing", async () => {
  const machine = await startWithWindow();
  const { driver, renderer, windowAddress } = machine;
  makeHostBlob(driver, 5, PAGE);
  mapBlob(driver, 5, PAGE);
  guestWindow(machine).words(PAGE, 1)[0] = 7;
  assertEquals([mapBlob(driver, 5, PAGE).answer, mapBlob(driver, 5, 9 * PAGE).answer], ["ERR_UNSPEC", "ERR_UNSPEC"]);
  assertEquals([renderer.blobAddress(5), guestWindow(machine).words(PAGE, 1)[0]], [windowAddress + PAGE, 7]);
  assertEquals([unmapBlob(driver, 5), unmapBlob(driver, 5)], ["OK_NODATA", "ERR_UNSPEC"]);
  assertEquals(machine.guest.words[renderer.blobAddress(5) >>> 2], 7);
});

/** What ends a blob that is mapped. */
const ends: [name: string, end: (machine: Started) => void][] = [
  ["RESOURCE_UNREF", ({ driver }) => unref(driver, 5)],
  ["CTX_DESTROY and RESOURCE_UNREF", ({ driver }) => {
    destroyContext(driver, 1);
    unref(driver, 5);
    createContext(driver, 1);
  }],
  ["CTX_DETACH_RESOURCE and RESOURCE_UNREF", ({ driver }) => {
    detachFromContext(driver, 1, 5);
    unref(driver, 5);
  }],
  ["a reset", ({ driver }) => {
    driver.start();
    createContext(driver, 1);
  }],
];
for (const [name, end] of ends) {
  Deno.test(`${name} while a blob is mapped gives its memory and its range back`, async () => {
    const machine = await startWithWindow({ limits: { hostMemoryBytes: 4 * PAGE } });
    const { driver, heap } = machine;
    const before = heap.usedBytes;
    for (let turn = 0; turn < 10; turn++) {
      makeHostBlob(driver, 5, 3 * PAGE); // two of them would be more than the limit
      attachToContext(driver, 1, 5);
      assertEquals(mapBlob(driver, 5, 0).answer, "OK_MAP_INFO");
      end(machine);
    }
    assertEquals(heap.usedBytes, before);
  });
}

Deno.test("Mapped bytes stay in the account: a guest cannot have more than the limit by mapping", async () => {
  const { driver } = await startWithWindow({ limits: { hostMemoryBytes: 4 * PAGE } });
  makeHostBlob(driver, 5, 3 * PAGE);
  mapBlob(driver, 5, 0);
  createResource(driver, 1, 32, 32); // one page more
  assertEquals(createResource(driver, 2, 32, 32), "ERR_OUT_OF_MEMORY");
  unmapBlob(driver, 5);
  assertEquals(createResource(driver, 2, 32, 32), "ERR_OUT_OF_MEMORY");
});

Deno.test("Guest pages in the window are no guest memory: a device never copies from one part of it to another", async () => {
  const machine = await startWithWindow();
  const { driver } = machine;
  makeHostBlob(driver, 5, PAGE);
  mapBlob(driver, 5, 0);
  createResource(driver, 1, 32, 32);
  const { guestAddress } = guestWindow(machine);
  assertEquals(attach(driver, 1, [{ addr: guestAddress, length: PAGE }]), "ERR_UNSPEC");
});

Deno.test("A guest that destroys a blob while its mapping waits is served in order", async () => {
  const script = scripted();
  const machine = await startWithWindow({ wrapWindow: script.wrapWindow });
  const { driver, renderer } = machine;
  makeHostBlob(driver, 5, PAGE);
  script.made().answer("map", LATER);
  const map = PendingRequest.send(machine, writeResourceMapBlob, { resourceId: 5, offset: 0 });
  const end = PendingRequest.send(machine, writeResourceUnref, { resourceId: 5 });
  assertEquals(renderer.resourceCount, 1);
  script.made().onReady!();
  assertEquals([map.answer(), end.answer(), renderer.resourceCount], ["OK_MAP_INFO", "OK_NODATA", 0]);
  assertEquals(script.made().takeCalls(), ["map 0+4096", "map 0+4096", "unmap 0+4096"]);
});

Deno.test("Thousands of hostile maps and unmaps are answered as a plain list of ranges says", async () => {
  const machine = await startWithWindow();
  const { driver, heap, renderer, windowAddress } = machine;
  const random = new Random(1200);
  const before = heap.usedBytes;
  const around = aroundWindow(machine);
  const sizes = new Map<number, number>();
  const mapped = new Map<number, number>();
  const counts = new Map<string, number>();
  for (let turn = 0; turn < 5000; turn++) {
    const blob = 5 + random.below(12);
    const offset = hostileOffset(random);
    const size = sizes.get(blob);
    const what = random.below(8);
    if (size === undefined) {
      const bytes = 1 + random.below(256 * 1024);
      makeHostBlob(driver, blob, bytes);
      sizes.set(blob, bytes);
    } else if (what < 4) {
      const { answer } = mapBlob(driver, blob, offset);
      assertEquals(answer, expectedAnswer(blob, size, offset, sizes, mapped), `${blob} at ${offset}`);
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
      if (answer === "OK_MAP_INFO") mapped.set(blob, offset);
    } else if (what < 7) {
      assertEquals(unmapBlob(driver, blob), mapped.delete(blob) ? "OK_NODATA" : "ERR_UNSPEC");
    } else {
      assertEquals(unref(driver, blob), "OK_NODATA");
      sizes.delete(blob);
      mapped.delete(blob);
    }
    for (const [other, at] of mapped) assertEquals(renderer.blobAddress(other), windowAddress + at);
  }
  assert([...counts.values()].every((count) => count > 50), JSON.stringify([...counts]));
  for (const blob of sizes.keys()) unref(driver, blob);
  assertEquals(aroundWindow(machine), around);
  assertEquals(heap.usedBytes, before);
});

function hostileOffset(random: Random): number {
  switch (random.below(4)) {
    case 0:
      return hostileU32(random);
    case 1:
      return Math.min(hostileU32(random) * 2 ** 32 + hostileU32(random), LAST_OFFSET);
    default:
      return random.below(WINDOW_BYTES / PAGE + 8) * PAGE;
  }
}

/** The answer by a list of ranges that is searched from its start to its end. */
function expectedAnswer(
  blob: number,
  size: number,
  offset: number,
  sizes: ReadonlyMap<number, number>,
  mapped: ReadonlyMap<number, number>,
): string {
  const pages = (bytes: number) => Math.ceil(bytes / PAGE) * PAGE;
  if (offset + pages(size) > WINDOW_BYTES || offset % PAGE !== 0) return "ERR_INVALID_PARAMETER";
  if (mapped.has(blob)) return "ERR_UNSPEC";
  const overlaps = [...mapped].some(([other, at]) =>
    at < offset + pages(size) && offset < at + pages(sizes.get(other)!)
  );
  return overlaps ? "ERR_INVALID_PARAMETER" : "OK_MAP_INFO";
}

/** The bytes before the window and behind it, which are nobody's: no mapping may change them. */
function aroundWindow({ guest, windowAddress }: Started): Uint8Array[] {
  const places = [windowAddress - WINDOW_MARGIN_BYTES, windowAddress + WINDOW_BYTES];
  return places.map((at) => guest.bytes.slice(at, at + WINDOW_MARGIN_BYTES));
}
