import type { GpuState } from "../gpu_state.ts";
import type { Resource } from "../resource.ts";

/**
 * Refuses a snapshot of what only the renderer knows: throws `Error` that counts it. A guest whose driver makes no context
 * has nothing of the kind; Linux's makes one as soon as its console is drawn.
 */
export function refuseRendererState({ contexts, resources, fences }: GpuState): void {
  const held = [
    counted(contexts.count, "context", "contexts"),
    counted(countOf(resources.all, "3d"), "3D resource", "3D resources"),
    counted(countOf(resources.all, "hostBlob"), "host blob", "host blobs"),
    counted(fences.inFlight, "command in flight", "commands in flight"),
  ].filter((text) => text !== undefined);
  if (held.length === 0) return;
  throw new Error(`Cannot take a snapshot: no snapshot holds what the renderer has for the guest: ${held.join(", ")}`);
}

function countOf(resources: Iterable<Resource>, kind: Resource["kind"]): number {
  let count = 0;
  for (const resource of resources) {
    if (resource.kind === kind) count++;
  }
  return count;
}

function counted(count: number, one: string, many: string): string | undefined {
  if (count === 0) return undefined;
  return `${count} ${count === 1 ? one : many}`;
}
