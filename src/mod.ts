/**
 * Scanout: a virtio-gpu device for JavaScript hosts. Put a `VirtioGpu` over the guest's memory behind a transport, and a
 * `Display` behind it; a guest's own driver does the rest.
 *
 * @module
 */
export { GuestMemory, type Region } from "./memory/guest_memory.ts";
export { Arena, type Extent, growingArena, type HostHeap } from "./memory/host_heap.ts";
export { PageList } from "./memory/page_list.ts";
export { type SegmentList } from "./memory/segment_list.ts";
export { type MemoryAccount } from "./memory/memory_account.ts";
export { type HostVisibleMemory } from "./memory/host_visible_memory.ts";
export { MemoryWindow } from "./memory/memory_window.ts";
export { type SharedResource } from "./memory/shared_resource.ts";
export { type PixelSource, type PixelTarget, readPixels } from "./memory/pixel_source.ts";
export { type Rect } from "./memory/rect.ts";
export { type Conversion, type PixelLayout } from "./protocol/formats.ts";
export {
  type Box,
  type CommandType,
  type CtrlHdr,
  Format,
  MapInfo,
  type ResourceCreate3d,
  ResponseType,
  type TransferFromHost3d,
  type TransferToHost3d,
} from "./protocol/wire.gen.ts";
export { type Reason } from "./protocol/reasons.ts";
export { LATER, type Later, type Outcome } from "./protocol/outcome.ts";
export {
  type Capset,
  NO_FENCE,
  NO_RING,
  type Renderer,
  type RendererHost,
  type ResourcePicture,
} from "./renderer/renderer.ts";
export { VirtioGpu } from "./device/virtio_gpu.ts";
export type { VirtioGpuOptions } from "./device/gpu_options.ts";
export type { Counters } from "./device/command_answerer.ts";
export { defaultLimits, type Limits } from "./device/limits.ts";
export { type OutputOptions } from "./device/output.ts";
export { type GuestError } from "./device/guest_errors.ts";
export { DamageList } from "./display/damage_list.ts";
export { type CursorImage, type Display } from "./display/display.ts";
export { Displays } from "./display/displays.ts";
export { type CursorPicture, MemoryDisplay, type Picture } from "./display/memory_display.ts";
export { type TransportHost } from "./transport/driver_session.ts";
export { type QueueRegisters } from "./transport/queue_registers.ts";
export { type MmioOptions, VirtioMmio } from "./transport/mmio.ts";
export { VirtioPci } from "./transport/pci.ts";
export { type PciOptions } from "./transport/pci_config.ts";
export { type QueueSnapshot, type SessionSnapshot, type Snapshot } from "./transport/session_snapshot.ts";
export {
  type AnyResourceSnapshot,
  type CapsetSnapshot,
  type ConfigSnapshot,
  type ContextSnapshot,
  type CursorImageSnapshot,
  type CursorSnapshot,
  type FramebufferSnapshot,
  type GpuSnapshot,
  type GuestBlobSnapshot,
  type OutputSnapshot,
  type Resource2dSnapshot,
  type ResourceSnapshot,
  type ScanoutSnapshot,
} from "./device/snapshot/gpu_snapshot.ts";
export { decodeSnapshot, encodeSnapshot } from "./snapshot/snapshot_file.ts";
export {
  type FeatureSet,
  type Restoration,
  type SharedMemoryRegion,
  type VirtioDevice,
  type VirtioEvents,
} from "./virtio/virtio_device.ts";
export { type RingSnapshot } from "./virtio/ring_snapshot.ts";
export { PopResult, SplitQueue, type SplitQueueSetup } from "./virtio/split_queue.ts";
export { Chain } from "./virtio/chain.ts";
export { instantiateKernels, type Kernels } from "./wasm/kernels.ts";
