// MemoryWindow: a range of the device's own memory as host visible memory. Virtio 1.4, 5.7.6.9 (RESOURCE_MAP_BLOB).

import { assertEquals, assertThrows } from "@std/assert";
import { GuestMemory } from "../../src/memory/guest_memory.ts";
import { growingArena } from "../../src/memory/host_heap.ts";
import { MemoryWindow } from "../../src/memory/memory_window.ts";

const MIB = 1024 * 1024;

async function makeGuest(): Promise<GuestMemory> {
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 1024 });
  return await GuestMemory.create(memory, growingArena(memory, 16 * MIB), []);
}

Deno.test("addressOf is where the range lies in the device's memory, after the memory has grown too", async () => {
  const guest = await makeGuest();
  const window = new MemoryWindow(guest, 65536, MIB);
  guest.heap.allocate(8 * MIB);
  assertEquals([window.map(), window.addressOf(4096), window.unmap()], [undefined, 65536 + 4096, undefined]);
});

const wrong: [name: string, address: number, lengthBytes: number][] = [
  ["no bytes", 65536, 0],
  ["half a page", 65536, 2048],
  ["address 0", 0, 4096],
  ["a range past the memory's end", 65536, 64 * MIB],
  ["a length that is no number", 65536, NaN],
  ["half an address", 65536.5, 4096],
];
for (const [name, address, lengthBytes] of wrong) {
  Deno.test(`A memory window of ${name} throws a RangeError`, async () => {
    const guest = await makeGuest();
    assertThrows(() => new MemoryWindow(guest, address, lengthBytes), RangeError, "memory window");
  });
}
