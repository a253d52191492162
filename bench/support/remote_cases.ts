import { VirtioGpu } from "../../src/device/virtio_gpu.ts";
import { GpuDriver } from "../../src/guest/gpu_driver.ts";
import { GuestRam } from "../../src/guest/guest_ram.ts";
import { PciDriverTransport } from "../../src/guest/pci_driver_transport.ts";
import { GuestMemory } from "../../src/memory/guest_memory.ts";
import { growingArena } from "../../src/memory/host_heap.ts";
import { CtrlFlag, GpuQueue, writeCtxCreate, writeSubmit3d } from "../../src/protocol/wire.gen.ts";
import { RemoteRenderer } from "../../src/renderer/remote/remote_renderer.ts";
import { RendererServer } from "../../src/renderer/remote/renderer_server.ts";
import type { Renderer } from "../../src/renderer/renderer.ts";
import { VirtioPci } from "../../src/transport/pci.ts";
import { VIRTQ_AVAIL_IDX, VIRTQ_USED_IDX } from "../../src/virtio/virtio.gen.ts";
import { BenchGuest } from "./bench_guest.ts";
import { IdleRenderer } from "./idle_renderer.ts";

/** What a guest sends with one kick, and waits for, wherever the renderer is. */
export interface RemoteCase {
  name: string;
  operations: number;
  /** The renderer is called by the device. */
  direct: () => void;
  /** Both sides of a remote renderer work in turns on one thread: what the channel costs. */
  stepped: () => void;
  /** The renderer is in a Worker, and the device's thread blocks until the fences are done. */
  threaded: () => void;
}

const PAGE_BYTES = 65536;
const RAM_BYTES = 64 * 1024 * 1024;
const HOST_BYTES = 64 * 1024 * 1024;
const CONTEXT = 1;
const STREAM_BYTES = 4096;

/** Makes a device for each place that a renderer can be in, and the cases over them. `end` ends the Worker. */
export async function remoteCases(): Promise<{ cases: RemoteCase[]; end: () => void }> {
  const { worker, memory, remote } = await startWorker();
  const guests = {
    direct: await makeDirectGuest(),
    stepped: await makeSteppedGuest(),
    threaded: await makeGuest(memory, remote, (isAnswered) => {
      while (!isAnswered()) {
        remote.wait(1000);
        remote.poll();
      }
    }),
  };
  const makeCase = (name: string, count: number, streamBytes: number): RemoteCase => ({
    name,
    operations: count,
    direct: sender(guests.direct, count, streamBytes),
    stepped: sender(guests.stepped, count, streamBytes),
    threaded: sender(guests.threaded, count, streamBytes),
  });
  const cases = [
    makeCase("submit of 4 KiB and fence/1 in flight", 1, STREAM_BYTES),
    makeCase("submit of 4 KiB and fence/16 in flight", 16, STREAM_BYTES),
    makeCase("fence turnaround/1 in flight", 1, 0),
    makeCase("fence turnaround/64 in flight", 64, 0),
  ];
  return { cases, end: () => worker.terminate() };
}

function makeMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1 + RAM_BYTES / PAGE_BYTES, maximum: 65536, shared: true });
}

async function startWorker(): Promise<{ worker: Worker; memory: WebAssembly.Memory; remote: RemoteRenderer }> {
  const memory = makeMemory();
  const worker = new Worker(new URL("./idle_renderer_worker.ts", import.meta.url), { type: "module" });
  const connected = Promise.withResolvers<RemoteRenderer>();
  worker.onmessage = ({ data }) => connected.resolve(new RemoteRenderer(data));
  worker.postMessage(memory);
  return { worker, memory, remote: await connected.promise };
}

/** Its fences are done after the kick, as those of a remote renderer are: what it costs to park a chain is not the channel's. */
function makeDirectGuest(): Promise<BenchGuest> {
  const renderer = new IdleRenderer();
  return makeGuest(makeMemory(), renderer, () => renderer.finish());
}

async function makeSteppedGuest(): Promise<BenchGuest> {
  const memory = makeMemory();
  const server = await RendererServer.create(memory, new IdleRenderer(true));
  const remote = new RemoteRenderer(server.connection);
  return makeGuest(memory, remote, (isAnswered) => {
    while (!isAnswered()) {
      server.serve();
      remote.poll();
    }
  });
}

/** A guest with a context; after each kick `finish` works until all that was sent is answered. */
async function makeGuest(
  memory: WebAssembly.Memory,
  renderer: Renderer,
  finish: (isAnswered: () => boolean) => void,
): Promise<BenchGuest> {
  const regions = [{ guestAddress: 0, sizeBytes: RAM_BYTES, offset: PAGE_BYTES }];
  const guest = await GuestMemory.create(memory, growingArena(memory, HOST_BYTES), regions);
  const gpu = new VirtioGpu(guest, { renderer });
  const work: (() => void)[] = [];
  const pci = new VirtioPci(gpu, guest, { setInterrupt() {}, defer: (more) => work.push(more) });
  const ram = new GuestRam(() => guest.bytes.subarray(PAGE_BYTES, PAGE_BYTES + RAM_BYTES), RAM_BYTES);
  const transport = new PciDriverTransport(pci);
  const driver = new GpuDriver(transport, ram);
  driver.start();
  const control = driver.queue(GpuQueue.Control);
  const indices = new Uint16Array(memory.buffer, PAGE_BYTES, RAM_BYTES / 2);
  const availableIndex = (control.available + VIRTQ_AVAIL_IDX) / 2;
  const usedIndex = (control.used + VIRTQ_USED_IDX) / 2;
  const isAnswered = () => {
    while (work.length > 0) work.pop()!();
    return indices[usedIndex] === indices[availableIndex];
  };
  const kick = (queue: GpuQueue) => {
    transport.kick(queue);
    finish(isAnswered);
    transport.takeInterrupt();
  };
  const bench = new BenchGuest({ ram, queues: [control], kick });
  bench.sendChecked([bench.prepare(writeCtxCreate, { ctxId: CONTEXT, nlen: 0, contextInit: 0 })]);
  return bench;
}

function sender(guest: BenchGuest, count: number, streamBytes: number): () => void {
  const trailing = new Uint32Array(streamBytes / 4).fill(0x12345678);
  const heads = Array.from({ length: count }, (_, index) => {
    const fence = { flags: CtrlFlag.Fence | CtrlFlag.InfoRingIdx, fenceIdLow: index, fenceIdHigh: 0, ringIdx: 0 };
    return guest.prepare(writeSubmit3d, { ctxId: CONTEXT, size: streamBytes, ...fence }, { trailing });
  });
  guest.sendChecked(heads);
  return () => guest.send(heads);
}
