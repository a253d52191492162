import { Reasons } from "../../protocol/reasons.ts";
import type { PlainValue } from "../../snapshot/plain_value.ts";
import type { GpuState } from "../gpu_state.ts";
import type { ResourceTable } from "../resource_table.ts";
import type { ContextSnapshot } from "./gpu_snapshot.ts";

const MAX_U32 = 0xffffffff;
/** As many UTF-16 units as CTX_CREATE has bytes for a name. */
const NAME = /^[^]{0,64}$/;

/**
 * Checks the contexts of a snapshot, of the resources that were made for it. Throws `TypeError` or `RangeError` that names
 * what is wrong.
 */
export function checkContexts(gpu: GpuState, list: PlainValue, resources: ResourceTable): ContextSnapshot[] {
  if (list.unchecked === undefined) return []; // version 1 had none
  const contexts = new Map<number, ContextSnapshot>();
  for (const item of list.items(0, gpu.renderer === undefined ? 0 : gpu.limits.contexts)) {
    const id = item.field("id").integer(1, MAX_U32);
    if (contexts.has(id)) throw item.field("id").refusal(Reasons.contextIdInUse.text);
    contexts.set(id, checkContext(gpu, item, id, resources));
  }
  return [...contexts.values()];
}

function checkContext(gpu: GpuState, item: PlainValue, id: number, resources: ResourceTable): ContextSnapshot {
  const capset = item.field("capsetId");
  const capsetId = capset.integer(1, MAX_U32);
  if (!gpu.renderer!.capsets.some(({ id }) => id === capsetId)) throw capset.refusal(Reasons.capsetUnknown.text);
  return {
    id,
    capsetId,
    debugName: item.field("debugName").text(NAME, "a text of at most 64 characters"),
    attached: item.field("attached").items(0, gpu.limits.resources).map((id) => checkAttached(id, resources)),
  };
}

function checkAttached(id: PlainValue, resources: ResourceTable): number {
  const resourceId = id.integer(1, MAX_U32);
  if (resources.get(resourceId) === undefined) throw id.refusal(Reasons.resourceUnknown.text);
  return resourceId;
}
