import type { SplitQueue } from "../../src/virtio/split_queue.ts";
import {
  type FeatureSet,
  featureSet,
  type Restoration,
  type SharedMemoryRegion,
  type VirtioDevice,
  type VirtioEvents,
} from "../../src/virtio/virtio_device.ts";
import { VirtioFeature } from "../../src/virtio/virtio.gen.ts";

/** What a test wants of a `MockDevice`; everything has a default. */
export interface MockOptions {
  offeredFeatures?: FeatureSet;
  queueSizes?: number[];
  sharedMemory?: SharedMemoryRegion[];
  config?: Uint8Array;
}

/** A virtio device that does nothing but note what its transport asks of it. */
export class MockDevice implements VirtioDevice {
  readonly deviceId = 16;
  readonly offeredFeatures: FeatureSet;
  readonly queueSizes: readonly number[];
  readonly sharedMemory: readonly SharedMemoryRegion[];
  readonly config: Uint8Array;
  configGeneration = 0;
  /** Calls so far, a line each. */
  readonly calls: string[] = [];
  /** What the last `activate` was given. */
  features: FeatureSet | undefined;
  queues: readonly (SplitQueue | undefined)[] = [];
  events: VirtioEvents | undefined;

  constructor(options: MockOptions = {}) {
    this.offeredFeatures = options.offeredFeatures ??
      featureSet(0, 5, VirtioFeature.IndirectDesc, VirtioFeature.EventIdx, VirtioFeature.Version1);
    this.queueSizes = options.queueSizes ?? [256, 16];
    this.sharedMemory = options.sharedMemory ?? [];
    this.config = options.config ?? new Uint8Array(16).map((_, index) => 0xc0 + index);
  }

  writeConfig(offset: number, bytes: number, value: number): void {
    this.calls.push(`config ${offset} ${bytes} 0x${value.toString(16)}`);
  }

  activate(features: FeatureSet, queues: readonly (SplitQueue | undefined)[], events: VirtioEvents): void {
    this.calls.push("activate");
    this.features = features;
    this.queues = queues;
    this.events = events;
  }

  notify(queue: number): void {
    this.calls.push(`notify ${queue}`);
  }

  queueStopped(queue: number): void {
    this.calls.push(`queueStopped ${queue}`);
  }

  reset(): void {
    this.calls.push("reset");
  }

  snapshot(): unknown {
    return null;
  }

  prepareRestore(_snapshot: unknown): Restoration {
    return { apply() {}, discard() {} };
  }

  /** Takes the calls so far. */
  take(): string[] {
    return this.calls.splice(0);
  }
}
