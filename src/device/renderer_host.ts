import type { RendererHost } from "../renderer/renderer.ts";
import { ForeignResources } from "./foreign_resources.ts";
import type { GpuState } from "./gpu_state.ts";

/**
 * What a device with this state does for its renderer: `resume` takes up what has waited for the renderer, `settle` delivers
 * the fences whose turn has come.
 */
export function rendererHost(state: GpuState, resume: () => void, settle: () => void): RendererHost {
  const { guest, account, contexts, fences, resources } = state;
  const foreign = new ForeignResources(state, resources);
  return {
    guest,
    account,
    resume,
    fenceDone(slot) {
      fences.done(slot);
      settle();
    },
    fenceRefused(slot) {
      fences.standAlone(slot);
      fences.done(slot);
      settle();
    },
    contextLost(contextId) {
      const context = contexts.get(contextId);
      if (context === undefined || context.isLost) return;
      context.isLost = true;
      fences.endContext(contextId);
      settle();
    },
    resource: (resourceId) => foreign.find(resourceId),
    locate: (resourceId) => foreign.locate(resourceId),
  };
}
