/** Front ends that do anything: no exception, and nothing is left of them when they have gone. */

import { assertEquals } from "@std/assert";
import { VirtioGpu } from "../../../src/device/virtio_gpu.ts";
import type { GuestMemory } from "../../../src/memory/guest_memory.ts";
import { MemoryWindow } from "../../../src/memory/memory_window.ts";
import { VhostUserConnection } from "../../../src/transport/vhost_user/connection.ts";
import { Random } from "../../support/fuzz/random.ts";
import { ReferenceRenderer } from "../../support/renderer/reference_renderer.ts";
import { FrontEnd } from "./front_end.ts";
import { HostileFrontEnd } from "./hostile_front_end.ts";
import { makeVhostMachine, ramOf } from "./vhost_machine.ts";

const connections = Number(Deno.env.get("SCANOUT_FUZZ_CONNECTIONS") ?? 300);
const seed = Number(Deno.env.get("SCANOUT_FUZZ_SEED") ?? 20_260_921);
const STEPS = 60;
const RINGS_BYTES = 65536; // where the rings of a front end lie
const WINDOW_BYTES = 65536;

/** A GPU with all that there is, a shared memory region too. */
function makeDevice(guest: GuestMemory): VirtioGpu {
  const address = Math.ceil(guest.heap.allocate(WINDOW_BYTES + 4096) / 4096) * 4096;
  const hostVisibleMemory = new MemoryWindow(guest, address, WINDOW_BYTES);
  return new VirtioGpu(guest, { resourceBlob: true, renderer: new ReferenceRenderer(), hostVisibleMemory });
}

for (const isShared of [false, true]) {
  const memory = isShared ? "shared" : "unshared";
  Deno.test(`${connections} hostile front ends leave no file descriptor, mapping, ring or block behind, in ${memory} memory (SCANOUT_FUZZ_SEED=${seed})`, async () => {
    const machine = await makeVhostMachine(isShared ? makeDevice : (guest) => new VirtioGpu(guest), isShared);
    const { device, guest, heap, host } = machine;
    const random = new Random(seed);
    const { usedBytes } = heap;
    const steps: number[] = [];
    const left: unknown[] = [];

    for (let count = 0; count < connections; count++) {
      const connection = new VhostUserConnection(device, guest, host);
      const frontEnd = new FrontEnd(connection, host);
      machine.file.bytes.fill(0, 0, RINGS_BYTES);
      const here = { ...machine, connection, frontEnd, ram: ramOf(guest) };
      steps.push(new HostileFrontEnd(random, here).play(STEPS));
      connection.close();
      host.failsAt = () => false;
      const kicks = host.kicks.filter((fd) => fd !== undefined);
      left.push([host.open.size, host.mappings.size, guest.regions.length, kicks.length, heap.usedBytes - usedBytes]);
    }

    assertEquals(left, Array.from({ length: connections }, () => [0, 0, 0, 0, 0]));
    const whole = steps.filter((step) => step === STEPS).length;
    console.log(
      `${
        steps.reduce((sum, step) => sum + step)
      } steps, ${whole} front ends to the end, ${device.counters.commands} commands`,
    );
  });
}
