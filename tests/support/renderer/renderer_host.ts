import { HostAccount } from "../../../src/device/host_account.ts";
import { GuestMemory } from "../../../src/memory/guest_memory.ts";
import { type Arena, growingArena } from "../../../src/memory/host_heap.ts";
import type { SegmentList } from "../../../src/memory/segment_list.ts";
import type { SharedResource } from "../../../src/memory/shared_resource.ts";
import type { RendererHost } from "../../../src/renderer/renderer.ts";
import { SEGMENT_BYTES, SEGMENT_OFFSET, SEGMENT_START } from "../../../src/wasm/layout.gen.ts";

/** What a renderer of a test has instead of a device: it keeps what the renderer says. */
export interface TestRendererHost extends RendererHost {
  readonly memory: WebAssembly.Memory;
  readonly heap: Arena;
  readonly account: HostAccount;
  /** The slots of the fences that are done, in order. */
  readonly fences: number[];
  /** The slots of the fences that were refused, in order. */
  readonly refused: number[];
  /** The contexts that were lost, in order. */
  readonly lost: number[];
  /** How often the renderer has said that it can go on. */
  resumes: number;
  /** What `resource` finds. */
  readonly foreign: Map<number, SharedResource>;
  /** What `locate` finds. */
  readonly places: Map<number, number | SegmentList>;
}

/** Makes a host over a memory of its own, shared between threads or not, whose guest may keep `limitBytes` bytes. */
export async function makeRendererHost(limitBytes = 64 * 1024 * 1024, isShared = false): Promise<TestRendererHost> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: isShared });
  const heap = growingArena(memory, 2 * limitBytes + 1024 * 1024);
  const guest = await GuestMemory.create(memory, heap, []);
  const foreign = new Map<number, SharedResource>();
  const places = new Map<number, number | SegmentList>();
  const host: TestRendererHost = {
    memory,
    guest,
    heap,
    account: new HostAccount(limitBytes),
    fences: [],
    refused: [],
    lost: [],
    resumes: 0,
    foreign,
    places,
    fenceDone: (slot) => host.fences.push(slot),
    fenceRefused: (slot) => host.refused.push(slot),
    resume: () => host.resumes++,
    contextLost: (contextId) => host.lost.push(contextId),
    resource: (resourceId) => foreign.get(resourceId),
    locate: (resourceId) => places.get(resourceId),
  };
  return host;
}

/** Guest pages of a test: pieces of the memory, given by address and length. They lie where they are told to. */
export function segmentList(
  { guest }: RendererHost,
  pieces: readonly { address: number; sizeBytes: number }[],
): SegmentList {
  const segments = guest.heap.allocate((pieces.length + 1) * SEGMENT_BYTES);
  const { words } = guest;
  let start = 0;
  pieces.forEach(({ address, sizeBytes }, index) => {
    words[(segments + index * SEGMENT_BYTES + SEGMENT_START) / 4] = start;
    words[(segments + index * SEGMENT_BYTES + SEGMENT_OFFSET) / 4] = address;
    start += sizeBytes;
  });
  words[(segments + pieces.length * SEGMENT_BYTES + SEGMENT_START) / 4] = start;
  return { totalBytes: start, segments, segmentCount: pieces.length, resolve: () => true };
}
