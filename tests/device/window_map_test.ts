// The books of the host visible memory. Virtio 1.4, 5.7.6.9 (RESOURCE_MAP_BLOB); H12.

import { assert, assertEquals, assertThrows } from "@std/assert";
import type { HostVisibleMemory } from "../../src/memory/host_visible_memory.ts";
import { makeWindow, WindowMap } from "../../src/device/window_map.ts";
import { Random } from "../support/fuzz/random.ts";
import { RecordingRenderer } from "../support/recording_renderer.ts";

const PAGE = 4096;

function windowOf(lengthBytes: number, granularityBytes = PAGE): HostVisibleMemory {
  return {
    lengthBytes,
    granularityBytes,
    onReady: undefined,
    map: () => undefined,
    addressOf: (offset) => offset,
    unmap: () => undefined,
    reset: () => {},
  };
}

function makeMap(lengthBytes: number, granularityBytes?: number): WindowMap {
  return new WindowMap(windowOf(lengthBytes, granularityBytes), new RecordingRenderer());
}

/** Offset, size in bytes, alignment: what may be there in a window of 16 pages, and why not. */
const places: [name: string, offset: number, size: number, alignment: number, refused: string | undefined][] = [
  ["at its start", 0, PAGE, 1, undefined],
  ["as long as it", 0, 16 * PAGE, 1, undefined],
  ["in its last page", 15 * PAGE, 1, 1, undefined],
  ["a byte longer than it", 0, 16 * PAGE + 1, 1, "does not lie in"],
  ["with its rounded end outside", 15 * PAGE, PAGE + 1, 1, "does not lie in"],
  ["at its end", 16 * PAGE, 1, 1, "does not lie in"],
  ["at 2^32", 2 ** 32, PAGE, 1, "does not lie in"],
  ["at 2^53, where larger offsets saturate", 2 ** 53, PAGE, 1, "does not lie in"],
  ["at byte 1", 1, PAGE, 1, "multiple"],
  ["within a page", PAGE + 64, 64, 1, "multiple"],
  ["at a page, with blob_alignment 16384", PAGE, PAGE, 16384, "multiple"],
  ["at 16384, with blob_alignment 16384", 16384, PAGE, 16384, undefined],
];
for (const [name, offset, size, alignment, refused] of places) {
  Deno.test(`A blob ${name} is ${refused === undefined ? "let pass" : "refused"} by the window's books`, () => {
    const reason = makeMap(16 * PAGE).refusePlace(offset, size, alignment);
    assertEquals(reason === undefined, refused === undefined);
    if (refused !== undefined) assert(reason!.text.includes(refused), reason!.text);
  });
}

Deno.test("Ranges are as long as their blobs rounded up to the granularity", () => {
  const map = makeMap(1024 * 1024, 65536);
  assertEquals(map.roundUp(1), 65536);
  assert(map.take(65536, 1));
  assertEquals(map.take(65536 + 4096, 4096), false);
  assert(map.take(0, 65536));
  assert(map.take(131072, 1));
});

Deno.test("Ranges that touch do not overlap, and what was given back can be taken again", () => {
  const map = makeMap(16 * PAGE);
  assert(map.take(4 * PAGE, 4 * PAGE));
  assert(map.take(8 * PAGE, PAGE));
  assert(map.take(3 * PAGE, PAGE));
  for (const [offset, size] of [[7, 1], [4, 4], [2, 2], [0, 16], [8, 1]] as const) {
    assertEquals(map.take(offset * PAGE, size * PAGE), false);
  }
  map.giveBack(4 * PAGE);
  map.giveBack(5 * PAGE); // nobody's
  assertEquals(map.count, 2);
  assert(map.take(5 * PAGE, 3 * PAGE));
});

Deno.test("The books of thousands of ranges agree with a table of pages", () => {
  const pages = 4096;
  const map = makeMap(pages * PAGE);
  const owners = new Array<number | undefined>(pages);
  const starts: number[] = [];
  const random = new Random(12);
  for (let turn = 0; turn < 40_000; turn++) {
    if (starts.length > 0 && random.below(3) === 0) {
      const start = starts.splice(random.below(starts.length), 1)[0]!;
      map.giveBack(start * PAGE);
      for (let page = start; owners[page] === start; page++) owners[page] = undefined;
      continue;
    }
    const start = random.below(pages);
    const length = 1 + random.below(3);
    const end = start + length;
    if (end > pages) continue;
    const isFree = owners.slice(start, end).every((owner) => owner === undefined);
    assertEquals(map.take(start * PAGE, length * PAGE), isFree);
    if (!isFree) continue;
    owners.fill(start, start, end);
    starts.push(start);
  }
  assertEquals(map.count, starts.length);
  assert(map.count > 500);
});

const windows: [name: string, lengthBytes: number, granularityBytes: number][] = [
  ["a granularity below a page", PAGE, 2048],
  ["a granularity that is no power of two", 3 * PAGE, 3 * PAGE],
  ["a length that is no multiple of the granularity", 65536 + PAGE, 65536],
  ["no bytes", 0, PAGE],
  ["half a byte", 4096.5, PAGE],
];
for (const [name, lengthBytes, granularityBytes] of windows) {
  Deno.test(`A host visible memory of ${name} throws a RangeError`, () => {
    assertThrows(() => makeMap(lengthBytes, granularityBytes), RangeError, "host visible memory");
  });
}

Deno.test("A host visible memory without a renderer throws a TypeError", () => {
  assertThrows(() => makeWindow(windowOf(PAGE), undefined), TypeError, "needs a renderer");
  assertEquals(makeWindow(undefined, undefined), undefined);
});
