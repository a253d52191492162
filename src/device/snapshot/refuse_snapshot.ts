import type { GpuState } from "../gpu_state.ts";

/**
 * Refuses a snapshot of what only the renderer knows: throws `Error` that counts it. A context that no command stream was
 * submitted to is nothing of the kind: Linux makes one as soon as its console is drawn. One that is lost is refused, too.
 */
export function refuseRendererState({ contexts, resources, fences }: GpuState): void {
  const held = [
    counted(contexts.all, ({ isUsed, isLost }) => isUsed || isLost, "context in use", "contexts in use"),
    counted(resources.all, ({ kind }) => kind === "3d", "3D resource", "3D resources"),
    counted(resources.all, ({ kind }) => kind === "hostBlob", "host blob", "host blobs"),
    counted(fences.parked, () => true, "command in flight", "commands in flight"),
  ].filter((text) => text !== undefined);
  if (held.length === 0) return;
  throw new Error(`Cannot take a snapshot: no snapshot holds what the renderer has for the guest: ${held.join(", ")}`);
}

function counted<T>(items: Iterable<T>, isHeld: (item: T) => boolean, one: string, many: string): string | undefined {
  const count = [...items].filter(isHeld).length;
  if (count === 0) return undefined;
  return `${count} ${count === 1 ? one : many}`;
}
