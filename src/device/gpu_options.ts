import type { Display } from "../display/display.ts";
import type { HostVisibleMemory } from "../memory/host_visible_memory.ts";
import type { Renderer } from "../renderer/renderer.ts";
import { GpuFeature, ShmId } from "../protocol/wire.gen.ts";
import { VirtioFeature } from "../virtio/virtio.gen.ts";
import { type FeatureSet, featureSet, type SharedMemoryRegion } from "../virtio/virtio_device.ts";
import type { GuestError } from "./guest_errors.ts";
import type { Limits } from "./limits.ts";
import type { OutputOptions } from "./output.ts";

/** What an embedder may say of a device; everything has a default. */
export interface VirtioGpuOptions {
  /** Where scanouts are shown; nowhere when absent. */
  readonly display?: Display;
  /** The monitors that the guest finds, 1 to 16; one of 1024x768 when absent. */
  readonly outputs?: readonly OutputOptions[];
  /** Whether RESOURCE_BLOB is offered: Linux then shares its frame buffers instead of copying them; true when absent. */
  readonly resourceBlob?: boolean;
  /** Whether RESOURCE_UUID is offered, for hosts whose other devices look resources up; false when absent. */
  readonly resourceUuid?: boolean;
  /** Offers BLOB_ALIGNMENT: sizes of blobs are multiples of this power of two. Not offered when absent. */
  readonly blobAlignment?: number;
  /**
   * What draws for the guest: VIRGL and CONTEXT_INIT are offered then. It is the device's own, and made for it alone. None
   * when absent: the guest draws by itself.
   */
  readonly renderer?: Renderer;
  /** Where the guest can see host blobs: RESOURCE_MAP_BLOB works then. With a renderer only; nowhere when absent. */
  readonly hostVisibleMemory?: HostVisibleMemory;
  /** What the guest may make the device spend; see `defaultLimits`. */
  readonly limits?: Partial<Limits>;
  /** Whether what a blob's flags do not declare is refused, rather than reported and allowed; false when absent. */
  readonly isStrict?: boolean;
  /**
   * Asked before a guest is told of its monitors (GET_DISPLAY_INFO, GET_EDID): false when somebody else is still to say what
   * they are. The command stays in its queue then, and those behind it, until the host calls `notify(0)`.
   */
  readonly areOutputsKnown?: () => boolean;
  /** Told of each command that is wrong, at most `limits.guestErrorsPerSecond` times a second. Must not throw. */
  readonly onGuestError?: (error: GuestError) => void;
}

/** The features that a device with these options offers, ring features included. */
export function offeredFeatures(
  { resourceBlob = true, resourceUuid, blobAlignment, renderer }: VirtioGpuOptions,
): FeatureSet {
  const bits: number[] = [
    GpuFeature.Edid,
    VirtioFeature.IndirectDesc,
    VirtioFeature.EventIdx,
    VirtioFeature.Version1,
  ];
  if (resourceBlob) bits.push(GpuFeature.ResourceBlob);
  if (resourceUuid) bits.push(GpuFeature.ResourceUuid);
  if (renderer !== undefined) bits.push(GpuFeature.Virgl, GpuFeature.ContextInit);
  if (blobAlignment !== undefined) bits.push(GpuFeature.BlobAlignment);
  return featureSet(...bits);
}

/** The shared memory regions that the device has. Virtio 1.4, 5.7.5 (VIRTIO_GPU_SHM_ID_HOST_VISIBLE). */
export function sharedMemoryOf({ hostVisibleMemory }: VirtioGpuOptions): readonly SharedMemoryRegion[] {
  if (hostVisibleMemory === undefined) return [];
  return [{ id: ShmId.HostVisible, lengthBytes: hostVisibleMemory.lengthBytes }];
}
