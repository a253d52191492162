import type { GuestMemory } from "../memory/guest_memory.ts";
import { PageListScratch } from "../memory/page_list.ts";
import { CommandType, ConfigEvent, DEVICE_ID, GpuFeature, MAX_SCANOUTS, MEM_ENTRY_SIZE } from "../protocol/wire.gen.ts";
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
import { Cursor } from "./cursor.ts";
import { GpuConfig } from "./gpu_config.ts";
import type { GpuState } from "./gpu_state.ts";
import { offeredFeatures, type VirtioGpuOptions } from "./gpu_options.ts";
import { GuestErrors } from "./guest_errors.ts";
import { HostAccount } from "./host_account.ts";
import { COMMAND_COST_BYTES, defaultLimits } from "./limits.ts";
import { noDisplay } from "./no_display.ts";
import { changeOutput, makeOutputs, type OutputOptions } from "./output.ts";
import { Reply } from "./reply.ts";
import { ResourceTable } from "./resource_table.ts";
import { Scanout } from "./scanout.ts";
import { type SharedResource, shareResource } from "./shared_resource.ts";
import type { GpuSnapshot } from "./snapshot/gpu_snapshot.ts";
import { prepareRestore } from "./snapshot/prepare_restore.ts";
import { takeSnapshot } from "./snapshot/take_snapshot.ts";

const QUEUE_SIZES = [256, 16]; // QEMU's: control, cursor
const DEFAULT_OUTPUTS = [{ widthPixels: 1024, heightPixels: 768 }];

/**
 * A virtio-gpu device. Virtio 1.4, 5.7. Put it behind a transport, which calls everything that `VirtioDevice` names; the
 * embedder makes it and reads its counters.
 */
export class VirtioGpu implements VirtioDevice {
  readonly deviceId: number = DEVICE_ID;
  readonly queueSizes: readonly number[] = QUEUE_SIZES;
  readonly sharedMemory: readonly SharedMemoryRegion[] = [];
  readonly offeredFeatures: FeatureSet;
  /** Counts what the device does; a copy is the reader's business. */
  readonly counters: Readonly<Counters>;
  readonly #state: GpuState;
  readonly #config: GpuConfig;
  readonly #answerer: CommandAnswerer;
  #queues: readonly (SplitQueue | undefined)[] = [];
  #events: VirtioEvents | undefined;
  #isWorking = false;
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
    this.#config = new GpuConfig(outputs.length, options.blobAlignment);
    this.#state = {
      guest,
      limits,
      display,
      outputs,
      scanouts: outputs.map((_, id) => new Scanout(id, guest, display)),
      resources: new ResourceTable(guest, account, limits.resources),
      account,
      pageListScratch: new PageListScratch(guest, limits.pageSegments),
      entriesAddress: allocate(guest, limits.pageEntries * MEM_ENTRY_SIZE),
      cursors: outputs.map((_, id) => new Cursor(id, guest, display, limits)),
      reply: new Reply(guest),
      errors: new GuestErrors(options.onGuestError, limits.guestErrorsPerSecond),
      isStrict: options.isStrict ?? false,
      blobAlignment: 1,
      workBytes: 0,
    };
    this.#answerer = new CommandAnswerer(this.#state);
    this.counters = this.#answerer.counters;
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
    const { guest, resources } = this.#state;
    const resource = resources.findShared(uuid);
    return resource && shareResource(guest, resource, () => resources.findShared(uuid) === resource);
  }

  activate(features: FeatureSet, queues: readonly (SplitQueue | undefined)[], events: VirtioEvents): void {
    this.#answerer.features = features;
    this.#state.blobAlignment = hasFeature(features, GpuFeature.BlobAlignment) ? this.#config.blobAlignment : 1;
    this.#queues = queues;
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
      this.#isWorking = false; // a display that throws ends its command, not the device
    }
  }

  reset(): void {
    const { scanouts, cursors, resources } = this.#state;
    for (const scanout of scanouts) scanout.disable();
    for (const cursor of cursors) cursor.reset();
    resources.clear();
    this.#config.reset();
    this.#deactivate();
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
        this.#deactivate();
        apply();
      },
      discard,
    };
  }

  #deactivate(): void {
    this.#answerer.features = featureSet();
    this.#queues = [];
    this.#events = undefined;
  }

  /** A display or a listener that hears of a command must not look at what is half done. */
  #refuseWithinCommand(action: string): void {
    if (this.#isWorking) throw new Error(`Cannot ${action}: a command is being carried out`);
  }

  #work(ring: SplitQueue, queue: number): void {
    const state = this.#state;
    state.workBytes = 0;
    let popped = ring.pop();
    while (popped === PopResult.Chain) {
      if (this.#mustWait(ring)) {
        ring.putBack();
        break;
      }
      this.#answerer.answer(ring, queue);
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

function allocate(guest: GuestMemory, bytes: number): number {
  const address = guest.heap.allocate(bytes);
  if (address === 0) throw new RangeError("Cannot make a VirtioGpu: the heap has no room");
  return address;
}
