/** That neither side of a remote renderer allocates for a stream and its fence in the steady state. */

import { getHeapStatistics } from "node:v8";
import { assertEquals, assertLess } from "@std/assert";
import { RemoteRenderer } from "../../src/renderer/remote/remote_renderer.ts";
import { RendererServer } from "../../src/renderer/remote/renderer_server.ts";
import { IdleRenderer } from "../../bench/support/idle_renderer.ts";
import { makeRendererHost } from "../support/renderer/renderer_host.ts";
import { allocationTest } from "../support/allocation_test.ts";

const ROUNDS = 100_000;
const MAX_ATTEMPTS = 10; // during the first ones the engine is still optimising

function allocatedBytes(): number {
  return (getHeapStatistics() as unknown as { total_allocated_bytes: number }).total_allocated_bytes;
}

allocationTest(
  import.meta.url,
  "submit with a fence allocates nothing on either side of a remote renderer",
  async () => {
    const host = await makeRendererHost(undefined, true);
    let fences = 0;
    host.fenceDone = () => fences++;
    const server = await RendererServer.create(host.memory, new IdleRenderer(true));
    const remote = new RemoteRenderer(server.connection);
    remote.start(host);
    const stream = host.heap.allocate(4096);
    const step = () => {
      server.serve();
      remote.poll();
    };
    remote.createContext(0xfffffff1, 60, "");
    step();
    remote.createContext(0xfffffff1, 60, "");

    let bytes = Infinity;
    for (let attempt = 0; attempt < MAX_ATTEMPTS && bytes >= 1; attempt++) {
      const before = allocatedBytes();
      for (let round = 1; round <= ROUNDS; round++) {
        remote.submit(0xfffffff1, stream, 4096, 63, round);
        remote.fence(ROUNDS + round);
        step();
      }
      bytes = (allocatedBytes() - before) / ROUNDS;
    }

    assertEquals([fences % (2 * ROUNDS), remote.fenceCount], [0, 0]);
    assertLess(bytes, 4); // the engine counts in steps of up to 350 KB
  },
);
