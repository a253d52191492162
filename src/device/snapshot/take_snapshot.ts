import type { GuestMemory } from "../../memory/guest_memory.ts";
import { BYTES_PER_PIXEL } from "../../protocol/formats.ts";
import type { Context } from "../context_table.ts";
import type { Cursor } from "../cursor.ts";
import type { GpuConfig } from "../gpu_config.ts";
import type { GpuState } from "../gpu_state.ts";
import type { Output } from "../output.ts";
import type { Resource } from "../resource.ts";
import type { Scanout } from "../scanout.ts";
import type {
  ConfigSnapshot,
  ContextSnapshot,
  CursorSnapshot,
  GpuSnapshot,
  OutputSnapshot,
  ResourceSnapshot,
  ScanoutSnapshot,
} from "./gpu_snapshot.ts";
import { refuseRendererState } from "./refuse_snapshot.ts";

/**
 * Copies all state of a device between two commands; the result is the caller's. Throws `Error` that says what of it is the
 * renderer's, and so cannot be copied.
 */
export function takeSnapshot(gpu: GpuState, config: GpuConfig): GpuSnapshot {
  refuseRendererState(gpu);
  return {
    config: snapshotOfConfig(gpu, config),
    outputs: gpu.outputs.map(snapshotOfOutput),
    resources: Array.from(gpu.resources.all, (resource) => snapshotOfResource(gpu.guest, resource)),
    contexts: Array.from(gpu.contexts.all, (context) => snapshotOfContext(gpu, context)),
    scanouts: gpu.scanouts.map(snapshotOfScanout),
    cursors: gpu.cursors.map((cursor) => snapshotOfCursor(gpu.guest, cursor)),
  };
}

function snapshotOfConfig({ renderer, window }: GpuState, config: GpuConfig): ConfigSnapshot {
  const { events, generation, blobAlignment } = config;
  const capsets = renderer?.capsets ?? [];
  return {
    eventsRead: events,
    generation: generation >>> 0,
    blobAlignment,
    capsets: capsets.map(({ id, maxVersion, sizeBytes }) => ({ id, maxVersion, sizeBytes })),
    hostVisibleBytes: window?.memory.lengthBytes ?? 0,
  };
}

function snapshotOfOutput({ widthPixels, heightPixels, x, y, isEnabled }: Output): OutputSnapshot {
  return { widthPixels, heightPixels, x: x ?? null, y: y ?? null, isEnabled };
}

function snapshotOfResource(guest: GuestMemory, resource: Resource): ResourceSnapshot {
  const { id } = resource;
  const backing = resource.backing?.copyEntries() ?? null;
  const uuid = resource.uuid ?? null;
  if (resource.kind === "guestBlob") {
    const { kind, sizeBytes, flags } = resource;
    return { kind, id, sizeBytes, flags, backing, uuid };
  }
  if (resource.kind !== "2d") throw new Error(`Cannot take a snapshot: resource ${id} is the renderer's`); // refused before
  const { kind, format, widthPixels, heightPixels, address, hostBytes } = resource;
  const pixels = copyBytes(guest, address, hostBytes);
  return { kind, id, format, widthPixels, heightPixels, pixels, backing, uuid };
}

function snapshotOfContext({ contexts }: GpuState, context: Context): ContextSnapshot {
  const { id, capsetId, debugName } = context;
  return { id, capsetId, debugName, attached: contexts.resourcesOf(context) };
}

function snapshotOfScanout({ picture }: Scanout): ScanoutSnapshot | null {
  if (picture === undefined) return null;
  const { resource, rect, format, strideBytes, offsetBytes, isStale } = picture;
  const framebuffer = resource.kind === "2d" ? null : { format, strideBytes, offsetBytes };
  return { resourceId: resource.id, rect, framebuffer, isStale };
}

function snapshotOfCursor(guest: GuestMemory, { x, y, image }: Cursor): CursorSnapshot {
  if (image === undefined) return { x, y, image: null };
  const { widthPixels, heightPixels, hotspotX, hotspotY, address } = image;
  const rgba = copyBytes(guest, address, widthPixels * heightPixels * BYTES_PER_PIXEL);
  return { x, y, image: { widthPixels, heightPixels, hotspotX, hotspotY, rgba } };
}

function copyBytes(guest: GuestMemory, address: number, length: number): Uint8Array {
  return new Uint8Array(guest.bytes.subarray(address, address + length));
}
