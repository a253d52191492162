import type { GuestMemory } from "../memory/guest_memory.ts";
import { PageListScratch } from "../memory/page_list.ts";
import type { SharedResource } from "../memory/shared_resource.ts";
import {
  CommandType,
  ConfigEvent,
  CTX_CREATE_DEBUG_NAME_BYTES,
  DEVICE_ID,
  GpuFeature,
  MAX_SCANOUTS,
  MEM_ENTRY_SIZE,
} from "../protocol/wire.gen.ts";
import { PopResult, type SplitQueue } from "../virtio/split_queue.ts";
import {
  type FeatureSet,
  featureSet,
  hasFeature,
  type Restoration,
  type SharedMemoryRegion,
  type VirtioDevice,
  type VirtioEvents,
} from "../virtio/virtio_device.ts";
import { CommandAnswerer, type Counters } from "./command_answerer.ts";
import { checkCapsets, largestCapsetBytes } from "./capsets.ts";
import { ContextTable } from "./context_table.ts";
import { Cursor } from "./cursor.ts";
import { endAll } from "./end_all.ts";
import { GpuConfig } from "./gpu_config.ts";
import { FenceDelivery } from "./fence_delivery.ts";
import { FenceTable } from "./fence_table.ts";
import type { GpuState } from "./gpu_state.ts";
import { offeredFeatures, sharedMemoryOf, type VirtioGpuOptions } from "./gpu_options.ts";
import { GuestErrors } from "./guest_errors.ts";
import { HostAccount } from "./host_account.ts";
import { COMMAND_COST_BYTES, defaultLimits, type Limits } from "./limits.ts";
import { noDisplay } from "./no_display.ts";
import { changeOutput, makeOutputs, type OutputOptions } from "./output.ts";
import { rendererHost } from "./renderer_host.ts";
import { Reply } from "./reply.ts";
import { ResourceTable } from "./resource_table.ts";
import { Scanout } from "./scanout.ts";
import { shareResource } from "./shared_resource.ts";
import type { GpuSnapshot } from "./snapshot/gpu_snapshot.ts";
import { prepareRestore } from "./snapshot/prepare_restore.ts";
import { takeSnapshot } from "./snapshot/take_snapshot.ts";
import { makeWindow } from "./window_map.ts";

const QUEUE_SIZES = [256, 16]; // QEMU's: control, cursor
const DEFAULT_OUTPUTS = [{ widthPixels: 1024, heightPixels: 768 }];

/**
 * A virtio-gpu device. Virtio 1.4, 5.7. Put it behind a transport, which calls everything that `VirtioDevice` names; the
 * embedder makes it and reads its counters.
 */
export class VirtioGpu implements VirtioDevice {
  readonly deviceId: number = DEVICE_ID;
  readonly queueSizes: readonly number[] = QUEUE_SIZES;
  readonly sharedMemory: readonly SharedMemoryRegion[];
  readonly offeredFeatures: FeatureSet;
  /** Counts what the device does; a copy is the reader's business. */
  readonly counters: Readonly<Counters>;
  readonly #state: GpuState;
  readonly #config: GpuConfig;
  readonly #answerer: CommandAnswerer;
  readonly #delivery: FenceDelivery;
  readonly #tellWorkLeft = (queue: number) => this.#events?.workLeft(queue);
  #queues: readonly (SplitQueue | undefined)[] = [];
  #events: VirtioEvents | undefined;
  #isWorking = false;
  #isResumeDue = false;
  readonly #areOutputsKnown: (() => boolean) | undefined;

  /**
   * Makes a device whose guest's RAM and whose own resources lie in `guest`. Throws `RangeError` for options out of range
   * and when the heap has no room for the device's fixed blocks (about 0.6 MB).
   */
  constructor(guest: GuestMemory, options: VirtioGpuOptions = {}) {
    const outputs = makeOutputs(options.outputs ?? DEFAULT_OUTPUTS);
    if (outputs.length < 1 || outputs.length > MAX_SCANOUTS) {
      throw new RangeError(`Cannot make a VirtioGpu: outputs must be 1 to ${MAX_SCANOUTS}, got ${outputs.length}`);
    }
    const limits = { ...defaultLimits, ...options.limits };
    const display = options.display ?? noDisplay;
    const account = new HostAccount(limits.hostMemoryBytes);
    this.#areOutputsKnown = options.areOutputsKnown;
    this.offeredFeatures = offeredFeatures(options);
    this.sharedMemory = sharedMemoryOf(options);
    const { renderer, hostVisibleMemory } = options;
    const capsets = renderer?.capsets ?? [];
    if (renderer !== undefined) checkCapsets(capsets);
    this.#config = new GpuConfig(outputs.length, capsets.length, options.blobAlignment);
    this.#state = {
      guest,
      limits,
      display,
      outputs,
      scanouts: outputs.map((_, id) => new Scanout(id, guest, display, renderer)),
      features: featureSet(),
      renderer,
      contexts: new ContextTable(limits.contexts),
      readout: { rect: { x: 0, y: 0, width: 0, height: 0 }, address: 0, strideBytes: 0, texture: undefined },
      streamAddress: renderer === undefined ? 0 : allocate(guest, streamBytes(limits)),
      resources: new ResourceTable(guest, account, limits.resources, renderer),
      account,
      window: makeWindow(hostVisibleMemory, renderer),
      fences: new FenceTable(guest, renderer && limits.fencesInFlight, QUEUE_SIZES.length),
      pageListScratch: new PageListScratch(guest, limits.pageSegments),
      entriesAddress: allocate(guest, limits.pageEntries * MEM_ENTRY_SIZE),
      cursors: outputs.map((_, id) => new Cursor(id, guest, display, limits)),
      reply: new Reply(guest, largestCapsetBytes(capsets)),
      errors: new GuestErrors(options.onGuestError, limits.guestErrorsPerSecond),
      isStrict: options.isStrict ?? false,
      blobAlignment: 1,
      workBytes: 0,
    };
    this.#delivery = new FenceDelivery(this.#state.fences);
    this.#answerer = new CommandAnswerer(this.#state, this.#delivery, QUEUE_SIZES.length);
    this.counters = this.#answerer.counters;
    if (this.#state.window !== undefined) this.#state.window.memory.onReady = () => this.#resume();
    renderer?.start(rendererHost(this.#state, () => this.#resume(), () => this.#settle()));
  }

  get config(): Uint8Array {
    return this.#config.bytes;
  }

  get configGeneration(): number {
    return this.#config.generation;
  }

  writeConfig(offset: number, bytes: number, value: number): void {
    this.#config.write(offset, bytes, value);
  }

  /**
   * Changes a monitor while the guest runs: resizes, plugs or unplugs it. The guest's driver is told, and asks for the new
   * EDID and display info. Virtio 1.4, 5.7.4.2 (EVENT_DISPLAY). Throws `RangeError` for a number or a size out of range.
   */
  setOutput(index: number, change: Partial<OutputOptions>): void {
    changeOutput(this.#state.outputs, index, change);
    this.#config.raise(ConfigEvent.Display);
    this.#events?.configChanged();
  }

  /** The number of the resource that scanout `scanoutId` shows; undefined while it shows none. */
  shownResource(scanoutId: number): number | undefined {
    return this.#state.scanouts[scanoutId]?.resource?.id;
  }

  /**
   * Finds the resource that the driver shares under `uuid`, 32 hexadecimal digits in small letters: how other virtio devices
   * of this host get at it. Virtio 1.4, 5.7.6.8 (RESOURCE_ASSIGN_UUID). Undefined when there is none (any more).
   */
  findShared(uuid: string): SharedResource | undefined {
    const { resources } = this.#state;
    const resource = resources.findShared(uuid);
    return resource && shareResource(this.#state, resource, () => resources.findShared(uuid) === resource);
  }

  activate(features: FeatureSet, queues: readonly (SplitQueue | undefined)[], events: VirtioEvents): void {
    this.#state.features = features;
    this.#state.blobAlignment = hasFeature(features, GpuFeature.BlobAlignment) ? this.#config.blobAlignment : 1;
    this.#queues = queues;
    this.#delivery.queues = queues;
    this.#events = events;
  }

  notify(queue: number): void {
    const ring = this.#queues[queue];
    if (ring === undefined) return;
    if (this.#isWorking) return this.#events?.workLeft(queue); // a display or a listener kicked: take it up later
    this.#isWorking = true;
    try {
      this.#work(ring, queue);
    } finally {
      this.#isWorking = false; // a display or a renderer that throws ends its command, not the device
      if (this.#state.renderer !== undefined) this.#endWork();
    }
  }

  queueStopped(queue: number): void {
    this.#state.fences.dropQueue(queue);
    if (!this.#answerer.stopQueue(queue)) this.#events?.needsReset();
    this.#settle();
  }

  reset(): void {
    const { scanouts, cursors, resources, contexts, window, renderer } = this.#state;
    this.#forgetCommands();
    this.#config.reset();
    this.#deactivate();
    const endings = [
      () => endAll(scanouts, (scanout) => scanout.disable()),
      () => endAll(cursors, (cursor) => cursor.reset()),
      () => resources.clear(),
      () => contexts.clear(),
      () => renderer?.reset(),
      () => window?.reset(),
    ];
    endAll(endings, (end) => end());
  }

  snapshot(): GpuSnapshot {
    this.#refuseWithinCommand("take a snapshot");
    return takeSnapshot(this.#state, this.#config);
  }

  prepareRestore(snapshot: unknown): Restoration {
    this.#refuseWithinCommand("restore");
    const { apply, discard } = prepareRestore(this.#state, this.#config, snapshot);
    return {
      apply: () => {
        this.#refuseWithinCommand("restore");
        this.#forgetCommands();
        this.#deactivate();
        apply();
      },
      discard,
    };
  }

  #deactivate(): void {
    this.#state.features = featureSet();
    this.#queues = [];
    this.#delivery.queues = [];
    this.#events = undefined;
  }

  /** Nothing of what is in progress is answered any more. */
  #forgetCommands(): void {
    this.#state.fences.clear();
    this.#answerer.reset();
  }

  /** What was not known to the renderer or the host visible memory is known now. */
  #resume(): void {
    this.#isResumeDue = true;
    this.#settle();
  }

  /** After a command or several, however they ended. */
  #endWork(): void {
    this.#answerer.abandon();
    const { fences } = this.#state;
    if (fences.hasReady || fences.hasEnded || this.#isResumeDue) this.#settle();
  }

  /** Does what has come up for fences and waiting commands, unless a command is in progress: then it is done after it. */
  #settle(): void {
    if (this.#isWorking) return;
    this.#isWorking = true; // an interrupt may make the guest kick
    try {
      this.#delivery.deliver();
      this.#delivery.signal();
    } finally {
      this.#isWorking = false;
    }
    if (this.#delivery.takeHasFailed()) this.#events?.needsReset();
    if (this.#state.fences.hasEnded) this.#answerer.fenceEnded(this.#tellWorkLeft);
    if (this.#isResumeDue) this.#answerer.resume(this.#tellWorkLeft);
    this.#state.fences.settled();
    this.#isResumeDue = false;
  }

  /** A display or a listener that hears of a command must not look at what is half done. */
  #refuseWithinCommand(action: string): void {
    if (this.#isWorking) throw new Error(`Cannot ${action}: a command is being carried out`);
  }

  #work(ring: SplitQueue, queue: number): void {
    const state = this.#state;
    state.workBytes = 0;
    let popped = state.renderer !== undefined && this.#answerer.isWaiting(queue) ? PopResult.Empty : ring.pop();
    while (popped === PopResult.Chain) {
      if (this.#mustWait(ring)) {
        ring.putBack();
        break;
      }
      if (!this.#answerer.answer(ring, queue)) break;
      state.workBytes += COMMAND_COST_BYTES;
      if (state.workBytes >= state.limits.workBytesPerNotify) {
        this.#events?.workLeft(queue);
        break;
      }
      popped = ring.pop();
    }
    this.#answerer.counters.bytes += state.workBytes;
    ring.signal();
    if (popped === PopResult.Malformed) this.#events?.needsReset();
  }

  /** Whether the command in the ring's chain asks for what is not known yet. */
  #mustWait({ chain }: SplitQueue): boolean {
    if (this.#areOutputsKnown === undefined) return false;
    const type = this.#state.guest.words[chain.command >>> 2]!;
    const isQuestion = type === CommandType.GetDisplayInfo || type === CommandType.GetEdid;
    return isQuestion && !this.#areOutputsKnown();
  }
}

/** Room for a command stream, and for a context's name. */
function streamBytes({ submitBytes }: Limits): number {
  return Math.max(submitBytes, CTX_CREATE_DEBUG_NAME_BYTES);
}

function allocate(guest: GuestMemory, bytes: number): number {
  const address = guest.heap.allocate(bytes);
  if (address === 0) throw new RangeError("Cannot make a VirtioGpu: the heap has no room");
  return address;
}
