import { assert, assertEquals } from "@std/assert";
import { MovableBlock } from "../../src/renderer/movable_block.ts";
import { makeRendererHost, type TestRendererHost } from "../support/renderer/renderer_host.ts";

function bytesOf({ guest }: TestRendererHost, block: MovableBlock): number[] {
  return [...guest.bytes.subarray(block.address, block.address + block.sizeBytes)];
}

Deno.test("MovableBlock.allocate reserves zeroed bytes in the account, and free gives them back", async () => {
  const host = await makeRendererHost();
  const usedBytes = host.heap.usedBytes;

  const block = MovableBlock.allocate(host, 100)!;

  assertEquals(bytesOf(host, block), new Array(100).fill(0));
  assertEquals(host.account.usedBytes, 100);
  block.free();
  block.free();
  assertEquals([host.account.usedBytes, host.heap.usedBytes, block.address], [0, usedBytes, 0]);
});

Deno.test("MovableBlock.allocate takes nothing when the account is full", async () => {
  const host = await makeRendererHost(100);
  const usedBytes = host.heap.usedBytes;

  assertEquals(MovableBlock.allocate(host, 101), undefined);

  assertEquals([host.account.usedBytes, host.heap.usedBytes], [0, usedBytes]);
});

Deno.test("MovableBlock.allocate gives the account back what the heap has no room for", async () => {
  const host = await makeRendererHost();
  const full = { ...host, guest: { ...host.guest, heap: { allocate: () => 0, free: () => {} } } };

  assertEquals(MovableBlock.allocate(full as unknown as TestRendererHost, 100), undefined);

  assertEquals(host.account.usedBytes, 0);
});

Deno.test("MovableBlock.moveTo takes the bytes along and gives their memory back, but not to the account", async () => {
  const host = await makeRendererHost();
  const window = host.heap.allocate(2 * 4096);
  const usedBytes = host.heap.usedBytes;
  const block = MovableBlock.allocate(host, 4096)!;
  host.guest.bytes.fill(7, block.address, block.address + 4096);

  block.moveTo(window);

  assertEquals(block.address, window);
  assertEquals(bytesOf(host, block), new Array(4096).fill(7));
  assertEquals([host.account.usedBytes, host.heap.usedBytes], [4096, usedBytes]);
  block.moveTo(window + 4096);
  assertEquals(bytesOf(host, block), new Array(4096).fill(7));
  assertEquals(block.takeBack(), true);
  assertEquals(bytesOf(host, block), new Array(4096).fill(7));
  assert(block.address !== window && block.address !== window + 4096);
  block.free();
  assertEquals([host.account.usedBytes, host.heap.usedBytes], [0, usedBytes]);
});

Deno.test("MovableBlock.free does not free memory that is not the renderer's", async () => {
  const host = await makeRendererHost();
  const window = host.heap.allocate(4096);
  const usedBytes = host.heap.usedBytes;
  const block = MovableBlock.allocate(host, 4096)!;
  block.moveTo(window);

  block.free();

  assertEquals([host.account.usedBytes, host.heap.usedBytes], [0, usedBytes]);
});

Deno.test("MovableBlock.takeBack changes nothing when the heap has no room", async () => {
  const host = await makeRendererHost();
  const window = host.heap.allocate(4096);
  const block = MovableBlock.allocate(host, 4096)!;
  block.moveTo(window);
  while (host.heap.allocate(4096, true) !== 0);

  assertEquals(block.takeBack(), false);

  assertEquals(block.address, window);
  block.free();
  assertEquals(host.account.usedBytes, 0);
});

Deno.test("MovableBlock.shorten keeps a move from writing behind the blob", async () => {
  const host = await makeRendererHost();
  const window = host.heap.allocate(4096);
  host.guest.bytes.fill(9, window, window + 4096);
  const block = MovableBlock.allocate(host, 4096)!;

  block.shorten(100);
  block.moveTo(window);

  assertEquals(host.guest.bytes.subarray(window, window + 101), new Uint8Array(101).fill(9, 100));
  assertEquals(host.account.usedBytes, 4096);
  block.free();
  assertEquals(host.account.usedBytes, 0);
});
